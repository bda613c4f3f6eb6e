// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
/* What gomemctl huge says of blocks made up here, small pages among them. */
#include <json-c/json.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd_huge.h"
#include "tap.h"

#define CONSTRUCTION "construction"
#define OUTPUT_MAX 65536

static struct gm_block blocks[] = {
	{ .start = 0xc000000000, .resident[GM_GO_LIVE] = 1 << 20, .spans = 3, .free_pages = 40 },
	{ .start = 0xc000200000, .resident[GM_GO_LIVE] = 2 << 20, .spans = 3, .huge = true },
	{ .start = 0xc000400000, .resident[GM_GO_LIVE] = 4096, .spans = 1, .free_pages = 255 },
};

/* The look that finds the first @count blocks. */
static void make(struct gm_huge_look *look, enum gm_pages_source source, bool all, size_t count)
{
	static struct gm_huge_row rows[3];
	static struct gm_go_heap heap = { .version = (char *)"go1.24.4" };
	static struct gm_pages pages;

	pages.source = source;
	*look = (struct gm_huge_look){ .all = all };
	look->subject.heap = &heap;
	look->subject.pages = &pages;
	look->rows.items = rows;
	for (size_t i = 0; i < count; i++) {
		if (!all && !blocks[i].huge)
			continue;
		gm_huge_add(&look->sum, &blocks[i]);
		rows[look->rows.count++] = (struct gm_huge_row){
			.block = &blocks[i],
			.start = blocks[i].start,
			.state = blocks[i].huge ? "thp" : "small",
			.held_by = (char *)"it",
		};
	}
}

/* What @print writes to stdout; the caller frees it. */
static char *capture(const struct gm_huge_look *look, bool json)
{
	int fd = memfd_create("stdout", MFD_CLOEXEC), before = dup(STDOUT_FILENO);
	char *text = calloc(1, OUTPUT_MAX);
	struct gm_error *error;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	error = json ? gm_huge_print_json(look, 1, SIZE_MAX) : gm_huge_print_text(look, SIZE_MAX);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	if (error || !text || pread(fd, text, OUTPUT_MAX - 1, 0) < 0)
		abort();
	close(fd);
	return text;
}

static void test_text(void)
{
	gm_autofree char *all = NULL, *few = NULL;
	struct gm_huge_look look;

	make(&look, GM_PAGES_SCAN, true, 3);
	all = capture(&look, false);
	tap_ok(strstr(all, "3 times 2 MiB, 1 of them huge, 3.00 MiB resident"),
	       "small pages are no huge ones");
	tap_ok(strstr(all, "small c000000000") && strstr(all, "thp   c000200000"),
	       "each says what it is");
	make(&look, GM_PAGES_SCAN, false, 3);
	few = capture(&look, false);
	tap_ok(strstr(few, "1 huge page, 2.00 MiB resident"), "without them, huge ones only");
	tap_ok(!strstr(few, "thp") && strstr(few, "c000200000"), "which need not say so");
}

static uint64_t number(json_object *object, const char *key)
{
	return json_object_get_uint64(json_object_object_get(object, key));
}

static void test_json(void)
{
	gm_autofree char *text = NULL;
	json_object *root, *look_json, *total, *bucket;
	struct gm_huge_look look;

	make(&look, GM_PAGES_SCAN, true, 3);
	text = capture(&look, true);
	root = json_tokener_parse(text);
	look_json = json_object_array_get_idx(json_object_object_get(root, "processes"), 0);
	total = json_object_object_get(look_json, "total");
	tap_u64(number(total, "blocks"), 3, "JSON: blocks", CONSTRUCTION);
	tap_u64(number(total, "huge_pages"), 1, "JSON: huge pages", CONSTRUCTION);
	/* 0, 1, 2 to 3 */
	bucket = json_object_array_get_idx(json_object_object_get(total, "by_spans"), 2);
	tap_u64(number(bucket, "from"), 2, "JSON: a bucket", CONSTRUCTION);
	tap_u64(number(bucket, "blocks"), 2, "JSON: its blocks", CONSTRUCTION);
	tap_u64(number(bucket, "huge_pages"), 1, "JSON: its huge pages", CONSTRUCTION);
	json_object_put(root);
}

/* To one who may not see page frames pagemap shows no huge page, whatever there is. */
static void test_known(void)
{
	struct gm_huge_look look;

	make(&look, GM_PAGES_PAGEMAP, true, 1);
	tap_ok(!gm_huge_known(&look), "small pages do not prove that huge ones would be seen");
	make(&look, GM_PAGES_PAGEMAP, true, 2);
	tap_ok(gm_huge_known(&look), "a huge one does");
	make(&look, GM_PAGES_SCAN, true, 1);
	tap_ok(gm_huge_known(&look), "PAGEMAP_SCAN tells");
}

int main(void)
{
	test_text();
	test_json();
	test_known();
	return tap_done();
}
