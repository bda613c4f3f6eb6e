// SPDX-License-Identifier: GPL-2.0-or-later
/* What lies at an address of a heap that is made by hand, and where its spans stand. */
#include "go/life.h"
#include "go/locate.h"
#include "tap.h"

#define MADE "the construction"
#define HEAP 0xc000000000ULL
#define PAGE 8192ULL
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SWEEPGEN 10

/* 170 slots of 48 B, unswept: 0 to 9 allocated, of which 0 and 2 are marked; a stack span of
 * 4 KiB stacks; a gap of free pages; a work buffer.
 */
enum { SMALL, STACKS, BUFFER };

static struct gm_go_span spans[] = {
	[SMALL] = { .start = HEAP,
		    .pages = 1,
		    .elem_bytes = 48,
		    .elems = 170,
		    .allocated = 10,
		    .free_index = 10,
		    .size_class = 5,
		    .sweepgen = SWEEPGEN - 2,
		    .unswept = true },
	[STACKS] = { .start = HEAP + PAGE,
		     .pages = 4,
		     .elem_bytes = 4096,
		     .manual = true,
		     .stack = true },
	[BUFFER] = { .start = HEAP + 9 * PAGE, .pages = 1, .manual = true },
};

static struct gm_go_region regions[] = {
	{ HEAP, HEAP + 96, GM_GO_LIVE, SMALL },
	{ HEAP + 96, HEAP + 480, GM_GO_DEAD, SMALL },
	{ HEAP + 480, HEAP + 8160, GM_GO_FREE_SLOT, SMALL },
	{ HEAP + 8160, HEAP + 8192, GM_GO_TAIL, SMALL },
	{ HEAP + PAGE, HEAP + 2 * PAGE, GM_GO_STACK, STACKS },
	{ HEAP + 2 * PAGE, HEAP + 5 * PAGE, GM_GO_STACK_FREE, STACKS },
	{ HEAP + 5 * PAGE, HEAP + 9 * PAGE, GM_GO_RELEASED, GM_GO_NO_SPAN },
	{ HEAP + 9 * PAGE, HEAP + 10 * PAGE, GM_GO_OTHER_SYS, BUFFER },
};

static struct gm_go_arena arenas[] = { { HEAP, 0x7f0000000000 } };
static uint32_t no_alloc[] = { GM_GO_NO_BITS, GM_GO_NO_BITS, GM_GO_NO_BITS };
static uint32_t marks[] = { 0, GM_GO_NO_BITS, GM_GO_NO_BITS };
static uint8_t bits[32 + 8] = { 0x05 };

static struct gm_go_heap heap = {
	.arenas = { .items = arenas, .count = 1 },
	.spans = { .items = spans, .count = COUNT(spans) },
	.regions = { .items = regions, .count = COUNT(regions) },
	.objects = { .alloc = no_alloc, .marks = marks, .bytes = bits, .size = 32 },
	.sweepgen = SWEEPGEN,
};

static struct gm_go_location at(uint64_t address)
{
	struct gm_go_location location;

	gm_go_locate(&heap, address, &location);
	return location;
}

static void test_objects(void)
{
	struct gm_go_location location = at(HEAP + 2 * 48 + 7);

	tap_u64(location.class_, GM_GO_LIVE, "a marked object, whatever its page's region says",
		MADE);
	tap_u64(location.object, 2, "its number", MADE);
	tap_u64(location.base, HEAP + 96, "its base", MADE);
	tap_ok(location.span == &spans[SMALL] && location.index == SMALL, "its span");
	tap_ok(location.arena == &arenas[0], "its arena");
	tap_ok(!location.span_below && location.span_above == &spans[STACKS], "its neighbours");
	tap_u64(at(HEAP + 48).class_, GM_GO_DEAD, "an object that is not marked", MADE);
	tap_u64(at(HEAP + 479).class_, GM_GO_DEAD, "the last byte of the last object", MADE);
	tap_u64(at(HEAP + 480).class_, GM_GO_FREE_SLOT, "the slot above", MADE);
	tap_u64(at(HEAP + 8159).object, 169, "the last slot", MADE);
	location = at(HEAP + 8160);
	tap_u64(location.class_, GM_GO_TAIL, "the tail", MADE);
	tap_u64(location.object, GM_GO_NO_OBJECT, "a tail is no slot", MADE);
}

static void test_others(void)
{
	struct gm_go_location location = at(HEAP + 3 * PAGE + 4097);

	tap_u64(location.class_, GM_GO_STACK_FREE, "a stack that waits", MADE);
	tap_u64(location.object, 5, "which stack", MADE);
	tap_u64(location.base, HEAP + 3 * PAGE + 4096, "where it starts", MADE);
	location = at(HEAP + 7 * PAGE);
	tap_u64(location.class_, GM_GO_RELEASED, "free pages", MADE);
	tap_ok(!location.span && location.region == &regions[6], "free pages have no span");
	tap_ok(location.span_below == &spans[STACKS] && location.span_above == &spans[BUFFER],
	       "free pages lie between spans");
	location = at(HEAP + 9 * PAGE + 5);
	tap_u64(location.class_, GM_GO_OTHER_SYS, "a work buffer", MADE);
	tap_u64(location.object, GM_GO_NO_OBJECT, "a work buffer has no slots", MADE);
}

static void test_nowhere(void)
{
	struct gm_go_location location = at(HEAP - 1);

	tap_u64(location.class_, GM_GO_CLASSES, "an address below all", MADE);
	tap_ok(!location.below && location.above == &regions[0], "what is nearest above it");
	location = at(HEAP + 20 * PAGE);
	tap_ok(location.below == &regions[7] && !location.above, "what is nearest below");
	tap_ok(location.arena && !location.region, "an arena has room that nothing is in");
	location = at(UINT64_MAX);
	tap_ok(!location.arena && !location.span, "the last address of all");
}

static void test_census(void)
{
	struct gm_go_census census = gm_go_objects_census(&heap, SMALL);

	tap_u64(census.live, 2, "live objects of a span", MADE);
	tap_u64(census.dead, 8, "dead objects of a span", MADE);
	tap_u64(gm_go_objects_census(&heap, STACKS).live, 0, "stacks are no objects", MADE);
}

static const char *life(uint32_t sweepgen, uint32_t allocated)
{
	struct gm_go_span span = { .elems = 10, .allocated = allocated, .sweepgen = sweepgen };

	return gm_go_life_name(gm_go_span_life(&span, SWEEPGEN));
}

static const char *sweep(uint32_t sweepgen, bool unswept)
{
	struct gm_go_span span = { .elems = 10, .sweepgen = sweepgen, .unswept = unswept };

	return gm_go_sweep_name(gm_go_span_sweep(&span, SWEEPGEN));
}

/* Go src/runtime/mheap.go says what mspan.sweepgen means. */
static void test_life(void)
{
	tap_str(life(SWEEPGEN, 3), "in-use", "a span with free slots", MADE);
	tap_str(life(SWEEPGEN, 10), "full", "a span without", MADE);
	tap_str(life(SWEEPGEN + 3, 10), "cached", "a P's, swept", MADE);
	tap_str(life(SWEEPGEN + 1, 3), "cached", "a P's, unswept", MADE);
	tap_str(gm_go_life_name(gm_go_span_life(&spans[STACKS], SWEEPGEN)), "stacks", "stacks",
		MADE);
	tap_str(gm_go_life_name(gm_go_span_life(&spans[BUFFER], SWEEPGEN)), "work-buf",
		"a work buffer", MADE);
	tap_str(sweep(SWEEPGEN, false), "swept", "swept", MADE);
	tap_str(sweep(SWEEPGEN - 2, true), "unswept", "unswept", MADE);
	tap_str(sweep(SWEEPGEN - 1, false), "sweeping", "being swept", MADE);
	tap_str(gm_go_sweep_name(gm_go_span_sweep(&spans[STACKS], SWEEPGEN)), "-",
		"nobody sweeps stacks", MADE);
}

int main(void)
{
	test_objects();
	test_others();
	test_nowhere();
	test_census();
	test_life();
	return tap_done();
}
