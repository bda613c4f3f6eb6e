// SPDX-License-Identifier: GPL-2.0-or-later
/* Records of this process, asked for in any order, and in numbers that are read in turns. */
#include <stdlib.h>
#include <unistd.h>

#include "go/target.h"
#include "tap.h"

#define COUNT (2 * GM_GO_ASKED_MAX + 5)
#define SIZE 8

static uint64_t memory[COUNT];

/**
 * struct seen - what is asked for, and what came
 * @at: where each record lies, NULL for one that lies nowhere
 * @right: how many came as they are, or not at all where they should not
 */
struct seen {
	const char *at[COUNT];
	uint8_t times[COUNT];
	size_t count;
	size_t right;
};

static void got(void *context, uint32_t index, const void *record)
{
	struct seen *seen = context;
	const char *at = seen->at[index];

	seen->right += !seen->times[index]++ &&
		       (record && at ? !memcmp(record, at, SIZE) : !record == !at);
}

static struct gm_error *ask_all(struct gm_go_asker *asker, const struct seen *seen)
{
	struct gm_error *error = NULL;

	for (uint32_t i = 0; i < seen->count && !error; i++)
		error = gm_go_ask(asker, seen->at[i] ? (uintptr_t)seen->at[i] : GM_GO_ADDRESS_MAX,
				  SIZE, i);
	return error ?: gm_go_asker_flush(asker);
}

static void is_read(struct seen *seen, const char *what)
{
	struct gm_go_target target = { 0 };
	struct gm_go_asker asker = { 0 };
	struct gm_error *error = gm_mem_open_pid(getpid(), &target.mem);

	if (!error)
		error = gm_go_asker_init(&target, got, seen, &asker);
	if (!error)
		error = ask_all(&asker, seen);
	tap_ok(!error, what);
	tap_u64(seen->right, seen->count, "each came as it is, once", "construction");
	gm_error_destroy(error);
	gm_go_asker_deinit(&asker);
	gm_mem_destroy(target.mem);
	free(seen);
}

/* All of memory, each record @stride behind the last; it has no factor in common with COUNT. */
static void test_order(const char *order, size_t stride)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	for (size_t i = 0, at = 0; i < COUNT; i++, at = (at + stride) % COUNT)
		seen->at[i] = at == 7 ? NULL : (const char *)&memory[at];
	seen->count = COUNT;
	is_read(seen, order);
}

/* One fall in a list long enough that it is not sorted: to the middle of the record before, with
 * which a range began.
 */
static void test_overlap(void)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	for (size_t i = 0; i < 100; i++)
		seen->at[i] = (const char *)&memory[i];
	seen->at[100] = (const char *)&memory[COUNT / 2];
	seen->at[101] = seen->at[100] - SIZE / 2;
	seen->count = 102;
	is_read(seen, "one that begins below the last, and reaches into it");
}

int main(void)
{
	alarm(60);
	for (size_t i = 0; i < COUNT; i++)
		memory[i] = i * 0x9e3779b97f4a7c15;
	test_order("upwards", 1);
	test_order("downwards", COUNT - 1);
	test_order("upwards, with some falls", 328);
	test_order("in leaps", 40504);
	test_overlap();
	return tap_done();
}
