// SPDX-License-Identifier: GPL-2.0-or-later
/* How full size classes are, on spans whose answer is known by construction. */
#include <errno.h>

#include "join/occupancy.h"
#include "tap.h"

#define MADE "the construction"
#define HEAP 0xc000000000ULL
#define PAGE 8192ULL
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Objects of 1 KiB: spans with pointers of 1, 7 and 8 of 8, one without pointers of 4 of 8, of
 * which 3 are dead; a large object of 9,000 B; a stack.
 */
static struct gm_go_span spans[] = {
	{ .start = HEAP,
	  .pages = 1,
	  .elem_bytes = 1024,
	  .elems = 8,
	  .allocated = 1,
	  .size_class = 32 },
	{ .start = HEAP + PAGE,
	  .pages = 1,
	  .elem_bytes = 1024,
	  .elems = 8,
	  .allocated = 7,
	  .size_class = 32 },
	{ .start = HEAP + 2 * PAGE,
	  .pages = 1,
	  .elem_bytes = 1024,
	  .elems = 8,
	  .allocated = 8,
	  .size_class = 32 },
	{ .start = HEAP + 3 * PAGE,
	  .pages = 1,
	  .elem_bytes = 1024,
	  .elems = 8,
	  .allocated = 4,
	  .size_class = 32,
	  .noscan = true,
	  .unswept = true },
	{ .start = HEAP + 4 * PAGE, .pages = 2, .elem_bytes = 9000, .elems = 1, .allocated = 1 },
	{ .start = HEAP + 6 * PAGE, .pages = 1, .elem_bytes = 8192, .manual = true, .stack = true },
};

static struct gm_go_region regions[] = {
	{ HEAP, HEAP + 1024, GM_GO_LIVE, 0 },
	{ HEAP + 1024, HEAP + PAGE, GM_GO_FREE_SLOT, 0 },
	{ HEAP + PAGE, HEAP + 2 * PAGE - 1024, GM_GO_LIVE, 1 },
	{ HEAP + 2 * PAGE - 1024, HEAP + 2 * PAGE, GM_GO_FREE_SLOT, 1 },
	{ HEAP + 2 * PAGE, HEAP + 3 * PAGE, GM_GO_LIVE, 2 },
	{ HEAP + 3 * PAGE, HEAP + 3 * PAGE + 1024, GM_GO_LIVE, 3 },
	{ HEAP + 3 * PAGE + 1024, HEAP + 3 * PAGE + 4096, GM_GO_DEAD, 3 },
	{ HEAP + 3 * PAGE + 4096, HEAP + 4 * PAGE, GM_GO_FREE_SLOT, 3 },
	{ HEAP + 4 * PAGE, HEAP + 4 * PAGE + 9000, GM_GO_LIVE, 4 },
	{ HEAP + 4 * PAGE + 9000, HEAP + 6 * PAGE, GM_GO_TAIL, 4 },
	{ HEAP + 6 * PAGE, HEAP + 7 * PAGE, GM_GO_STACK, 5 },
};

static struct gm_vma vmas[] = { { HEAP, HEAP + (4 << 20), "rw-p", GM_VMA_ANON, 0, 0, "" } };

/* The first three spans, half of the fourth, and the large object's first page. */
static struct gomem_page_run runs[] = {
	{ HEAP, 7, GOMEM_PAGE_ANON, 0, 0, 0 },
	{ HEAP + 4 * PAGE, 1, GOMEM_PAGE_ANON, 0, 0, 0 },
	{ HEAP + 6 * PAGE, 2, GOMEM_PAGE_ANON, 0, 0, 0 },
};

static uint32_t alloc[] = { GM_GO_NO_BITS, GM_GO_NO_BITS, GM_GO_NO_BITS,
			    GM_GO_NO_BITS, GM_GO_NO_BITS, GM_GO_NO_BITS };
static uint32_t marks[] = { GM_GO_NO_BITS, GM_GO_NO_BITS, GM_GO_NO_BITS, 0,
			    GM_GO_NO_BITS, GM_GO_NO_BITS };
static uint8_t bits[1 + 8] = { 0x01 };

static struct gm_maps maps = { .items = vmas, .count = COUNT(vmas) };
static struct gm_pages pages = { .items = runs, .count = COUNT(runs) };
static struct gm_go_heap heap = {
	.spans = { .items = spans, .count = COUNT(spans) },
	.regions = { .items = regions, .count = COUNT(regions) },
	.objects = { .alloc = alloc, .marks = marks, .bytes = bits, .size = 1 },
};

static void test_small(const struct gm_occupancy *class_)
{
	tap_u64(class_->spans, 4, "spans", MADE);
	tap_u64(class_->objects, 20, "objects", MADE);
	tap_u64(class_->dead, 3, "of them dead", MADE);
	tap_u64(class_->free, 12 * 1024, "free slots", MADE);
	tap_u64(class_->tail, 0, "no tails", MADE);
	tap_u64(class_->fill[1], 1, "an eighth full", MADE);
	tap_u64(class_->fill[5], 1, "half full", MADE);
	tap_u64(class_->fill[8], 1, "seven eighths full", MADE);
	tap_u64(class_->fill[10], 1, "full", MADE);
	tap_u64(class_->packed, 3, "16 with pointers in two spans, one without in another", MADE);
	tap_u64(class_->saved, PAGE, "which saves one", MADE);
	tap_u64(class_->resident, 3 * PAGE + 4096, "resident", MADE);
	tap_u64(class_->resident_live, 17 * 1024, "resident and live", MADE);
	tap_u64(class_->resident_dead, 3 * 1024, "resident and dead", MADE);
	tap_u64(class_->resident_free, 8 * 1024, "resident free slots", MADE);
}

static void test_large(const struct gm_occupancy *class_)
{
	tap_u64(class_->spans, 1, "a large object", MADE);
	tap_u64(class_->elem, 0, "large objects have no size", MADE);
	tap_u64(class_->tail, 2 * PAGE - 9000, "its tail", MADE);
	tap_u64(class_->saved, 0, "it cannot be packed", MADE);
	tap_u64(class_->resident, 4096, "its first page is resident", MADE);
	tap_u64(class_->resident_tail, 0, "its tail is not", MADE);
}

int main(void)
{
	static struct gm_occupancy classes[GM_GO_SIZE_CLASSES];
	struct gm_error *error = gm_occupancy_compute(&maps, &pages, &heap, classes);

	if (tap_ok(!error, "occupancy")) {
		test_small(&classes[32]);
		test_large(&classes[0]);
		tap_u64(classes[5].spans + classes[5].span_bytes, 0, "a class without spans", MADE);
	}
	gm_error_destroy(error);
	spans[0].elems = 0;
	error = gm_occupancy_compute(&maps, &pages, &heap, classes);
	tap_ok(error && error->code == EINVAL, "a span without slots is refused");
	gm_error_destroy(error);
	return tap_done();
}
