// SPDX-License-Identifier: GPL-2.0-or-later
/* The three forms of gomemctl huge; JSON is schema gomem.huge/1. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/plural.h"
#include "cmd_huge.h"
#include "out/bytes.h"
#include "out/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define COLUMN(field, name, title, type)                               \
	{                                                              \
		name, title, type, offsetof(struct gm_huge_row, field) \
	}
#define BYTES(field) COLUMN(field, #field "_bytes", NULL, GM_OUT_BYTES)
#define NUMBER(field) COLUMN(field, #field, NULL, GM_OUT_COUNT)

/* The first column is for small pages among the huge ones. */
static const struct gm_out_column text_columns[] = {
	COLUMN(state, "state", "PAGES", GM_OUT_STRING),
	COLUMN(start, "start", "ADDRESS", GM_OUT_HEX),
	COLUMN(live, "live_bytes", "LIVE", GM_OUT_BYTES),
	COLUMN(waste, "waste_bytes", "COULD GO", GM_OUT_BYTES),
	COLUMN(longest_free, "longest_free", "RUN", GM_OUT_COUNT),
	COLUMN(held_by, "held_by", "HELD BY", GM_OUT_STRING),
};

static const struct gm_out_column history_columns[] = {
	COLUMN(state, "state", "PAGES", GM_OUT_STRING),
	COLUMN(start, "start", "ADDRESS", GM_OUT_HEX),
	COLUMN(live, "live_bytes", "LIVE", GM_OUT_BYTES),
	COLUMN(waste, "waste_bytes", "COULD GO", GM_OUT_BYTES),
	COLUMN(by, "by", "HUGE BY", GM_OUT_STRING),
	COLUMN(refills, "refills", "REFILLS", GM_OUT_COUNT),
	COLUMN(churn, "churn_bytes", "CHURN", GM_OUT_BYTES),
	COLUMN(held_by, "held_by", "HELD BY", GM_OUT_STRING),
};

static const struct gm_out_column data_columns[] = {
	NUMBER(pid),
	COLUMN(start, "start", NULL, GM_OUT_HEX),
	COLUMN(state, "state", NULL, GM_OUT_STRING),
	BYTES(resident),
	BYTES(live),
	BYTES(waste),
	BYTES(idle),
	BYTES(released),
	BYTES(free_slot),
	BYTES(tail),
	BYTES(dead),
	BYTES(stack),
	BYTES(stack_free),
	BYTES(others),
	NUMBER(spans),
	NUMBER(holders),
	NUMBER(free_pages),
	NUMBER(longest_free),
	NUMBER(collapses),
	NUMBER(refills),
	BYTES(churn),
	COLUMN(by, "by", NULL, GM_OUT_STRING),
	NUMBER(since_ms),
	COLUMN(held_by, "held_by", NULL, GM_OUT_STRING),
};

#define TABLE(columns)                                                      \
	{                                                                   \
		"huge", columns, COUNT(columns), sizeof(struct gm_huge_row) \
	}
static const struct gm_out_table text_table = TABLE(text_columns);
static const struct gm_out_table history_table = TABLE(history_columns);
static const struct gm_out_table data_table = TABLE(data_columns);

/* One bucket of each spread, for eyes. */
struct spread_row {
	char pages[16];
	char spans[16];
	const char *pages_at;
	const char *spans_at;
	uint64_t free_pages;
	uint64_t longest_free;
	uint64_t by_spans;
};

#define SPREAD(field, title, type)                                      \
	{                                                               \
#field, title, type, offsetof(struct spread_row, field) \
	}
static const struct gm_out_column spread_columns[] = {
	SPREAD(pages_at, "8 KiB PAGES", GM_OUT_STRING),
	SPREAD(free_pages, "FREE", GM_OUT_COUNT),
	SPREAD(longest_free, "FREE IN A ROW", GM_OUT_COUNT),
	SPREAD(spans_at, "   SPANS", GM_OUT_STRING),
	SPREAD(by_spans, "HAVE THEM", GM_OUT_COUNT),
};

static const struct gm_out_table spread_table = { "spread", spread_columns, COUNT(spread_columns),
						  sizeof(struct spread_row) };

static size_t shown(const struct gm_huge_look *look, size_t max)
{
	return look->rows.count < max ? look->rows.count : max;
}

static void name_bucket(char text[16], const uint32_t *buckets, size_t i)
{
	if (i + 1 == GM_HUGE_BUCKETS || buckets[i + 1] == buckets[i] + 1)
		snprintf(text, 16, "%" PRIu32, buckets[i]);
	else
		snprintf(text, 16, "%" PRIu32 "-%" PRIu32, buckets[i], buckets[i + 1] - 1);
}

static struct gm_error *print_spread(const struct gm_huge_spread *spread)
{
	struct spread_row rows[GM_HUGE_BUCKETS];

	for (size_t i = 0; i < GM_HUGE_BUCKETS; i++) {
		struct spread_row *row = &rows[i];

		name_bucket(row->pages, gm_huge_page_buckets, i);
		memcpy(row->spans, "   ", 3);
		name_bucket(row->spans, gm_huge_span_buckets, i);
		row->pages_at = row->pages;
		row->spans_at = row->spans;
		row->free_pages = spread->free_pages[i].blocks;
		row->longest_free = spread->longest_free[i].blocks;
		row->by_spans = spread->spans[i].blocks;
	}
	return gm_out_table_print(stdout, GM_OUT_TEXT, &spread_table, rows, GM_HUGE_BUCKETS);
}

static void print_part(const char *what, uint64_t bytes)
{
	char text[GM_OUT_BYTES_MAX];

	if (bytes)
		printf(" %s %s;", gm_out_bytes(bytes, text), what);
}

static void print_sum(const struct gm_huge_sum *sum, bool all)
{
	char text[GM_OUT_BYTES_MAX];

	if (all)
		printf("%" PRIu64 " time%s 2 MiB, %" PRIu64 " of them huge", sum->blocks,
		       gm_plural(sum->blocks), sum->huge);
	else
		printf("%" PRIu64 " huge page%s", sum->huge, gm_plural(sum->huge));
	printf(", %s resident", gm_out_bytes(sum->resident, text));
	printf(": %s live\n", gm_out_bytes(sum->live, text));
	printf("%s could go", gm_out_bytes(sum->waste, text));
	fputs(sum->waste ? ":" : "", stdout);
	print_part("in free pages", sum->free);
	print_part("in free slots and tails", sum->slots);
	print_part("dead", sum->dead);
	print_part("in stacks that wait", sum->stacks);
	puts("\n\nHow many of them have so many pages free, free in a row, and so many spans:");
}

struct gm_error *gm_huge_print_text(const struct gm_huge_look *look, size_t max)
{
	const struct gm_subject *subject = &look->subject;
	struct gm_out_table table = subject->blocks.count ? history_table : text_table;
	struct gm_error *error;

	printf("pid %d  %s  pages from %s\n", (int)subject->pid, subject->heap->version,
	       gm_pages_source_name(subject->pages->source));
	if (!gm_huge_known(look) && subject->core)
		puts("whether it had huge pages is not known: a core does not tell");
	else if (!gm_huge_known(look))
		puts("whether it has huge pages is not known: the page source hides them; run as "
		     "root,\nor with gomem.ko, or on Linux 6.7");
	if (!look->sum.blocks) {
		puts("no huge page holds any of this heap; --all shows each 2 MiB of it");
		return NULL;
	}
	print_sum(&look->sum, look->all);
	error = print_spread(&look->sum.spread);
	if (error)
		return error;
	putchar('\n');
	if (!look->all) {
		table.columns++;
		table.column_count--;
	}
	error = gm_out_table_print(stdout, GM_OUT_TEXT, &table, look->rows.items, shown(look, max));
	if (!error && shown(look, max) < look->rows.count)
		printf("and %zu more; -n 0 shows all\n", look->rows.count - max);
	return error;
}

struct gm_error *gm_huge_print_raw(const struct gm_huge_look *looks, size_t count, size_t max)
{
	struct gm_huge_rows all = {};
	struct gm_error *error = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t rows = shown(&looks[i], max);

		if (!gm_vec_reserve(&all, rows + 1)) {
			error = gm_error_errno(ENOMEM, "cannot print %zu rows", rows);
			break;
		}
		for (size_t row = 0; row < rows; row++)
			all.items[all.count++] = looks[i].rows.items[row];
	}
	if (!error)
		error = gm_out_table_print(stdout, GM_OUT_RAW, &data_table, all.items, all.count);
	free(all.items);
	return error;
}

static void add_count(json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static json_object *spread_json(const struct gm_huge_bucket *counts, const uint32_t *buckets)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < GM_HUGE_BUCKETS; i++) {
		json_object *bucket = json_object_new_object();

		add_count(bucket, "from", buckets[i]);
		add_count(bucket, "huge_pages", counts[i].huge);
		add_count(bucket, "blocks", counts[i].blocks);
		json_object_array_add(array, bucket);
	}
	return array;
}

static json_object *sum_json(const struct gm_huge_sum *sum)
{
	json_object *object = json_object_new_object();

	add_count(object, "blocks", sum->blocks);
	add_count(object, "huge_pages", sum->huge);
	add_count(object, "resident_bytes", sum->resident);
	add_count(object, "live_bytes", sum->live);
	add_count(object, "waste_bytes", sum->waste);
	add_count(object, "free_page_bytes", sum->free);
	add_count(object, "free_slot_bytes", sum->slots);
	add_count(object, "dead_bytes", sum->dead);
	add_count(object, "stack_free_bytes", sum->stacks);
	json_object_object_add(object, "by_free_pages",
			       spread_json(sum->spread.free_pages, gm_huge_page_buckets));
	json_object_object_add(object, "by_longest_free",
			       spread_json(sum->spread.longest_free, gm_huge_page_buckets));
	json_object_object_add(object, "by_spans",
			       spread_json(sum->spread.spans, gm_huge_span_buckets));
	return object;
}

static json_object *look_json(const struct gm_huge_look *look, size_t max)
{
	const struct gm_subject *subject = &look->subject;
	json_object *object = json_object_new_object();

	json_object_object_add(object, "pid", json_object_new_int(subject->pid));
	json_object_object_add(object, "version", gm_out_json_string(subject->heap->version));
	json_object_object_add(object, "pages_source",
			       gm_out_json_string(gm_pages_source_name(subject->pages->source)));
	json_object_object_add(object, "huge_known", json_object_new_boolean(gm_huge_known(look)));
	json_object_object_add(object, "total", sum_json(&look->sum));
	json_object_object_add(object, "huge",
			       gm_out_json_rows(&data_table, look->rows.items, shown(look, max)));
	return object;
}

struct gm_error *gm_huge_print_json(const struct gm_huge_look *looks, size_t count, size_t max)
{
	json_object *root = json_object_new_object();
	json_object *processes = json_object_new_array();
	const char *text;

	json_object_object_add(root, "schema", gm_out_json_string("gomem.huge/1"));
	for (size_t i = 0; i < count; i++)
		json_object_array_add(processes, look_json(&looks[i], max));
	json_object_object_add(root, "processes", processes);
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	if (text)
		puts(text);
	json_object_put(root);
	return text ? NULL : gm_error_errno(ENOMEM, "cannot print %zu processes", count);
}
