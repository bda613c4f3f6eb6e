// SPDX-License-Identifier: GPL-2.0-or-later
/* Lives of spans, and what became of them, on two heaps made by hand. */
#include "join/lives.h"
#include "tap.h"

#define MADE "the construction"
#define HEAP 0xc000000000ULL
#define PAGE 8192ULL
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Before: a span of 48 B objects, one of 64 B, four idle pages. */
static struct gm_go_span old_spans[] = {
	{ .start = HEAP,
	  .pages = 1,
	  .elem_bytes = 48,
	  .elems = 170,
	  .allocated = 2,
	  .size_class = 5 },
	{ .start = HEAP + PAGE,
	  .pages = 1,
	  .elem_bytes = 64,
	  .elems = 128,
	  .allocated = 128,
	  .size_class = 6 },
};

static struct gm_go_region old_regions[] = {
	{ HEAP, HEAP + PAGE, GM_GO_LIVE, 0 },
	{ HEAP + PAGE, HEAP + 2 * PAGE, GM_GO_LIVE, 1 },
	{ HEAP + 2 * PAGE, HEAP + 6 * PAGE, GM_GO_IDLE, GM_GO_NO_SPAN },
};

/* After: the first is full, the second has gone and another class is there, a page of the four is
 * a stack, one still idle, two are released, and one is new.
 */
static struct gm_go_span new_spans[] = {
	{ .start = HEAP,
	  .pages = 1,
	  .elem_bytes = 48,
	  .elems = 170,
	  .allocated = 170,
	  .size_class = 5 },
	{ .start = HEAP + PAGE,
	  .pages = 1,
	  .elem_bytes = 80,
	  .elems = 102,
	  .allocated = 102,
	  .size_class = 7 },
	{ .start = HEAP + 2 * PAGE, .pages = 1, .elem_bytes = 8192, .manual = true, .stack = true },
};

static struct gm_go_region new_regions[] = {
	{ HEAP, HEAP + PAGE, GM_GO_LIVE, 0 },
	{ HEAP + PAGE, HEAP + 2 * PAGE, GM_GO_LIVE, 1 },
	{ HEAP + 2 * PAGE, HEAP + 3 * PAGE, GM_GO_STACK, 2 },
	{ HEAP + 3 * PAGE, HEAP + 4 * PAGE, GM_GO_IDLE, GM_GO_NO_SPAN },
	{ HEAP + 4 * PAGE, HEAP + 7 * PAGE, GM_GO_RELEASED, GM_GO_NO_SPAN },
};

static uint32_t no_bits[] = { GM_GO_NO_BITS, GM_GO_NO_BITS, GM_GO_NO_BITS };

static struct gm_go_heap before = {
	.spans = { .items = old_spans, .count = COUNT(old_spans) },
	.regions = { .items = old_regions, .count = COUNT(old_regions) },
	.objects = { .alloc = no_bits, .marks = no_bits },
};

static struct gm_go_heap after = {
	.spans = { .items = new_spans, .count = COUNT(new_spans) },
	.regions = { .items = new_regions, .count = COUNT(new_regions) },
	.objects = { .alloc = no_bits, .marks = no_bits },
};

/* Half of the first span, and all but the first page of the rest. */
static struct gomem_page_run runs[] = {
	{ HEAP, 1, GOMEM_PAGE_ANON, 0, 0, 0 },
	{ HEAP + PAGE + 4096, 9, GOMEM_PAGE_ANON, 0, 0, 0 },
	{ HEAP + 6 * PAGE, 2, GOMEM_PAGE_SWAP, 0, 0, 0 },
};

static struct gm_pages pages = { .items = runs, .count = COUNT(runs) };

static void test_list(const struct gm_lives *lives)
{
	const struct gm_stretch *items = lives->items;

	if (!tap_u64(lives->count, 3, "stretches", MADE))
		return;
	tap_u64(items[0].life, GM_GO_LIFE_IN_USE, "a span with free slots", MADE);
	tap_u64(items[0].census.live, 2, "its objects", MADE);
	tap_u64(items[0].resident, 4096, "half of it resident", MADE);
	tap_u64(items[1].life, GM_GO_LIFE_FULL, "a full span", MADE);
	tap_u64(items[1].resident, 4096, "one run is shared by two", MADE);
	tap_u64(items[2].life, GM_GO_LIFE_IDLE, "idle pages", MADE);
	tap_u64(items[2].resident, 4 * PAGE, "idle pages are resident", MADE);
}

static void expect(const struct gm_move *move, uint64_t pages_before, uint32_t from, uint32_t to,
		   bool replaced, const char *what)
{
	bool as_expected = move->start == HEAP + pages_before * PAGE && move->from == from &&
			   move->to == to && move->replaced == replaced;

	tap_ok(as_expected, what);
}

static void test_moves(const struct gm_moves *moves)
{
	const struct gm_move *items = moves->items;

	if (!tap_u64(moves->count, 6, "moves", MADE))
		return;
	expect(&items[0], 0, GM_GO_LIFE_IN_USE, GM_GO_LIFE_FULL, false, "a span filled up");
	expect(&items[1], 1, GM_GO_LIFE_FULL, GM_GO_LIFE_FULL, true, "another class is there");
	expect(&items[2], 2, GM_GO_LIFE_IDLE, GM_GO_LIFE_STACKS, false, "idle became stacks");
	expect(&items[3], 3, GM_GO_LIFE_IDLE, GM_GO_LIFE_IDLE, false, "idle stayed idle");
	expect(&items[4], 4, GM_GO_LIFE_IDLE, GM_GO_LIFE_RELEASED, false, "idle was released");
	expect(&items[5], 6, GM_LIFE_NONE, GM_GO_LIFE_RELEASED, false, "the heap grew");
	tap_u64(items[4].end - items[4].start, 2 * PAGE, "by how much", MADE);
}

int main(void)
{
	struct gm_lives old = {}, new = {};
	struct gm_moves moves = {};
	struct gm_error *error = gm_lives_list(&before, &pages, &old);

	if (!error)
		error = gm_lives_list(&after, &pages, &new);
	if (!error)
		error = gm_lives_compare(&old, &new, &moves);
	if (tap_ok(!error, "two heaps")) {
		test_list(&old);
		test_moves(&moves);
	}
	gm_error_destroy(error);
	free(old.items);
	free(new.items);
	free(moves.items);
	return tap_done();
}
