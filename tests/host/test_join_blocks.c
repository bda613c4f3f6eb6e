// SPDX-License-Identifier: GPL-2.0-or-later
/* The heap in blocks of 2 MiB, on inputs whose answer is known by construction. */
#include <errno.h>
#include <stdlib.h>

#include "join/blocks.h"
#include "tap.h"

#define MADE "the construction"
#define HEAP 0xc000000000ULL
#define PAGE 8192ULL
#define MIB (1ULL << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Three blocks: a huge page that one object of 48 B holds; small pages, half of them absent,
 * with a large object that reaches into the third, which a stack and work buffers share with
 * metadata.
 */
static struct gm_vma vmas[] = { { HEAP, HEAP + 64 * MIB, "rw-p", GM_VMA_ANON, 0, 0, "" } };

static struct gomem_page_run runs[] = {
	{ HEAP, 512, GOMEM_PAGE_THP, 9, 0, 0 },
	{ HEAP + 3 * MIB, 256, GOMEM_PAGE_ANON, 0, 0, 0 },
	{ HEAP + 4 * MIB, 512, GOMEM_PAGE_THP, 9, 0, 0 },
};

static struct gm_go_region regions[] = {
	{ HEAP, HEAP + 10 * PAGE, GM_GO_RELEASED, GM_GO_NO_SPAN },
	{ HEAP + 10 * PAGE, HEAP + 10 * PAGE + 48, GM_GO_LIVE, 0 },
	{ HEAP + 10 * PAGE + 48, HEAP + 11 * PAGE - 32, GM_GO_FREE_SLOT, 0 },
	{ HEAP + 11 * PAGE - 32, HEAP + 11 * PAGE, GM_GO_TAIL, 0 },
	{ HEAP + 11 * PAGE, HEAP + 12 * PAGE, GM_GO_DEAD, 1 },
	{ HEAP + 12 * PAGE, HEAP + 20 * PAGE, GM_GO_IDLE, GM_GO_NO_SPAN },
	{ HEAP + 20 * PAGE, HEAP + 3 * MIB, GM_GO_RELEASED, GM_GO_NO_SPAN },
	{ HEAP + 3 * MIB, HEAP + 5 * MIB, GM_GO_LIVE, 2 },
	{ HEAP + 5 * MIB, HEAP + 5 * MIB + PAGE, GM_GO_STACK, 3 },
	{ HEAP + 5 * MIB + PAGE, HEAP + 5 * MIB + 2 * PAGE, GM_GO_STACK_FREE, 3 },
	{ HEAP + 5 * MIB + 2 * PAGE, HEAP + 5 * MIB + 3 * PAGE, GM_GO_OTHER_SYS, 4 },
	{ HEAP + 5 * MIB + 3 * PAGE, HEAP + 6 * MIB, GM_GO_MSPAN, GM_GO_NO_SPAN },
	{ HEAP + 6 * MIB, HEAP + 64 * MIB, GM_GO_RESERVED, GM_GO_NO_SPAN },
};

static struct gm_maps maps = { .items = vmas, .count = COUNT(vmas) };
static struct gm_pages pages = { .items = runs, .count = COUNT(runs) };
static struct gm_go_heap heap = { .regions = { .items = regions, .count = COUNT(regions) } };

static void test_pinned(const struct gm_block *block)
{
	struct gm_holder holders[4];

	tap_u64(block->start, HEAP, "the first block", MADE);
	tap_ok(block->huge, "it is a huge page");
	tap_u64(gm_block_resident(block), 2 * MIB, "all of it is resident", MADE);
	tap_u64(block->resident[GM_GO_LIVE], 48, "one object lives in it", MADE);
	tap_u64(gm_block_waste(block), 2 * MIB - 48, "the rest could go", MADE);
	tap_u64(block->spans, 2, "it has two spans", MADE);
	tap_u64(block->holders, 1, "of which one holds it", MADE);
	tap_u64(block->free_pages, 254, "all other pages are free", MADE);
	tap_u64(block->longest_free, 244, "idle and released ones make one run", MADE);
	if (tap_u64(gm_block_holders(block, &heap, holders, COUNT(holders)), 1, "the holders",
		    MADE)) {
		tap_u64(holders[0].span, 0, "the holder's span", MADE);
		tap_u64(holders[0].bytes, 48, "the holder's bytes", MADE);
	}
}

static void test_shared(const struct gm_block *block)
{
	struct gm_holder holders[4];

	tap_ok(!block->huge, "small pages are no huge page");
	tap_u64(gm_block_resident(block), MIB, "half of the second block is resident", MADE);
	tap_u64(gm_block_waste(block), 0, "none of that could go", MADE);
	tap_u64(block->longest_free, 128, "a run ends where the block does", MADE);
	tap_u64(gm_block_holders(block, &heap, holders, COUNT(holders)), 1, "one large object",
		MADE);
	tap_u64(holders[0].bytes, MIB, "its bytes in this block only", MADE);
}

static void test_others(const struct gm_block *block)
{
	struct gm_holder holders[4];

	tap_u64(block->resident[GM_GO_STACK], PAGE, "a stack in the third block", MADE);
	tap_u64(block->others, MIB - 2 * PAGE, "what is not the heap's", MADE);
	tap_u64(gm_block_waste(block), PAGE, "a stack that waits could go", MADE);
	tap_u64(block->holders, 3, "objects, stacks and buffers hold", MADE);
	tap_u64(gm_block_holders(block, &heap, holders, 2), 2, "no more holders than asked for",
		MADE);
}

static void test_refused(void)
{
	struct gm_go_region bad[] = { { HEAP + PAGE, HEAP + 2 * PAGE, GM_GO_LIVE, 0 },
				      { HEAP, HEAP + PAGE, GM_GO_LIVE, 1 } };
	struct gm_go_heap broken = { .regions = { .items = bad, .count = COUNT(bad) } };
	struct gm_blocks blocks;
	struct gm_error *error = gm_blocks_compute(&maps, &pages, &broken, &blocks);

	tap_ok(error && error->code == EINVAL, "regions out of order are refused");
	gm_error_destroy(error);
	free(blocks.items);
	bad[1].start = HEAP + 2 * PAGE;
	bad[1].end = 1ULL << 63;
	error = gm_blocks_compute(&maps, &pages, &broken, &blocks);
	tap_ok(error && error->code == E2BIG, "a region without end is refused");
	gm_error_destroy(error);
	free(blocks.items);
}

int main(void)
{
	struct gm_blocks blocks;
	struct gm_error *error = gm_blocks_compute(&maps, &pages, &heap, &blocks);

	if (tap_ok(!error, "blocks") && tap_u64(blocks.count, 3, "no block is reserved", MADE)) {
		test_pinned(&blocks.items[0]);
		test_shared(&blocks.items[1]);
		test_others(&blocks.items[2]);
		tap_ok(gm_blocks_find(&blocks, HEAP + 3 * MIB) == &blocks.items[1], "found");
		tap_ok(!gm_blocks_find(&blocks, HEAP + 6 * MIB), "not found");
	}
	gm_error_destroy(error);
	free(blocks.items);
	test_refused();
	return tap_done();
}
