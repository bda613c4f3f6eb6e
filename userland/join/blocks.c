// SPDX-License-Identifier: GPL-2.0-or-later
#include "join/blocks.h"

#include <errno.h>

#include "join/cursor.h"

/* 8 TiB of heap: what bounds the list when the regions are made up. */
#define BLOCKS_MAX (4UL << 20)

/**
 * struct laying - regions that are laid into blocks, by address
 * @free_run: 8 KiB pages free in a row, up to @free_end
 * @last_span, @last_holder: of the block at hand, to count each once
 */
struct laying {
	const struct gm_go_heap *heap;
	struct gm_blocks *blocks;
	uint64_t free_end;
	uint32_t free_run;
	uint32_t last_span;
	uint32_t last_holder;
};

static bool in_blocks(uint32_t class_)
{
	return gm_in_go_heap(class_) && class_ != GM_GO_RESERVED;
}

/* Work buffers are spans like any, but the runtime's own. */
static bool is_heap(const struct gm_go_region *region)
{
	return in_blocks(region->class_) || region->span != GM_GO_NO_SPAN;
}

static bool holds(const struct gm_go_region *region)
{
	return region->span != GM_GO_NO_SPAN &&
	       (region->class_ == GM_GO_LIVE || region->class_ == GM_GO_STACK ||
		!in_blocks(region->class_));
}

static uint64_t block_of(uint64_t address)
{
	return address & ~(GM_HUGE_BYTES - 1);
}

static struct gm_error *block_at(struct laying *laying, uint64_t start, size_t region,
				 struct gm_block **block)
{
	struct gm_blocks *blocks = laying->blocks;
	size_t count = blocks->count;

	if (count && blocks->items[count - 1].start == start) {
		*block = &blocks->items[count - 1];
		return NULL;
	}
	if (count == BLOCKS_MAX)
		return gm_error_create(E2BIG, "cannot join: the heap has over %lu blocks of 2 MiB",
				       BLOCKS_MAX);
	*block = gm_vec_push(blocks);
	if (!*block)
		return gm_error_create(ENOMEM, "cannot list %zu blocks: out of memory", count);
	(*block)->start = start;
	(*block)->first_region = region;
	laying->free_run = 0;
	laying->last_span = GM_GO_NO_SPAN;
	laying->last_holder = GM_GO_NO_SPAN;
	return NULL;
}

static void count_span(struct laying *laying, struct gm_block *block,
		       const struct gm_go_region *region)
{
	if (region->span == GM_GO_NO_SPAN)
		return;
	block->spans += region->span != laying->last_span;
	laying->last_span = region->span;
	if (!holds(region))
		return;
	block->holders += region->span != laying->last_holder;
	laying->last_holder = region->span;
}

static void count_free(struct laying *laying, struct gm_block *block,
		       const struct gm_go_region *region, uint64_t start, uint64_t end)
{
	uint32_t pages = (end - start) / GM_GO_PAGE_BYTES;

	if (region->class_ != GM_GO_IDLE && region->class_ != GM_GO_RELEASED)
		return;
	laying->free_run = start == laying->free_end ? laying->free_run + pages : pages;
	laying->free_end = end;
	block->free_pages += pages;
	if (laying->free_run > block->longest_free)
		block->longest_free = laying->free_run;
}

static struct gm_error *lay_region(struct laying *laying, size_t index)
{
	const struct gm_go_region *region = &laying->heap->regions.items[index];
	struct gm_error *error;
	uint64_t at, next;

	for (at = region->start; at < region->end; at = next) {
		uint64_t start = block_of(at);
		struct gm_block *block;

		error = block_at(laying, start, index, &block);
		if (error)
			return error;
		next = region->end - start > GM_HUGE_BYTES ? start + GM_HUGE_BYTES : region->end;
		block->regions = index + 1 - block->first_region;
		count_span(laying, block, region);
		count_free(laying, block, region, at, next);
	}
	return NULL;
}

static struct gm_error *lay_regions(const struct gm_go_heap *heap, struct gm_blocks *blocks)
{
	struct laying laying = { .heap = heap, .blocks = blocks };
	struct gm_error *error = NULL;

	for (size_t i = 0; i < heap->regions.count && !error; i++)
		if (is_heap(&heap->regions.items[i]))
			error = lay_region(&laying, i);
	return error;
}

/* The piece's bytes to the blocks from *@at on. */
static void add_piece(struct gm_blocks *blocks, size_t *at, const struct gm_piece *piece, bool huge)
{
	uint64_t start, next;

	for (start = piece->start; start < piece->end; start = next) {
		uint64_t own = block_of(start);
		struct gm_block *block;

		next = piece->end - own > GM_HUGE_BYTES ? own + GM_HUGE_BYTES : piece->end;
		while (*at < blocks->count && blocks->items[*at].start < own)
			++*at;
		if (*at == blocks->count)
			return;
		block = &blocks->items[*at];
		if (block->start != own)
			continue;
		block->huge |= huge;
		if (in_blocks(piece->class_))
			block->resident[piece->class_] += next - start;
		else
			block->others += next - start;
	}
}

static void add_pages(const struct gm_maps *maps, const struct gm_pages *pages,
		      const struct gm_go_heap *heap, struct gm_blocks *blocks)
{
	struct gm_cursor cursor;
	size_t block = 0;

	gm_cursor_init(&cursor, maps, heap);
	for (size_t i = 0; i < pages->count; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		uint64_t end = gm_run_end(run), at;
		struct gm_piece piece;

		if (!gm_page_resident(run->state))
			continue;
		for (at = run->start; at < end; at = piece.end) {
			piece = gm_cursor_next(&cursor, at, end);
			add_piece(blocks, &block, &piece, run->state == GOMEM_PAGE_THP);
		}
	}
}

struct gm_error *gm_blocks_compute(const struct gm_maps *maps, const struct gm_pages *pages,
				   const struct gm_go_heap *heap, struct gm_blocks *blocks)
{
	struct gm_error *error = gm_cursor_check(maps, pages, heap);

	*blocks = (struct gm_blocks){};
	if (!error)
		error = lay_regions(heap, blocks);
	if (!error)
		add_pages(maps, pages, heap, blocks);
	return error;
}

const struct gm_block *gm_blocks_find(const struct gm_blocks *blocks, uint64_t address)
{
	uint64_t start = block_of(address);
	size_t low = 0, high = blocks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (blocks->items[middle].start == start)
			return &blocks->items[middle];
		if (blocks->items[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

uint64_t gm_block_resident(const struct gm_block *block)
{
	uint64_t bytes = block->others;

	for (size_t i = 0; i < GM_BLOCK_CLASSES; i++)
		bytes += block->resident[i];
	return bytes;
}

uint64_t gm_block_waste(const struct gm_block *block)
{
	return gm_block_resident(block) - block->others - block->resident[GM_GO_LIVE] -
	       block->resident[GM_GO_STACK];
}

/* What of @region lies in @block, bytes. */
static uint32_t overlap(const struct gm_block *block, const struct gm_go_region *region)
{
	uint64_t end = block->start + GM_HUGE_BYTES;
	uint64_t low = region->start > block->start ? region->start : block->start;
	uint64_t high = region->end < end ? region->end : end;

	return high > low ? high - low : 0;
}

size_t gm_block_holders(const struct gm_block *block, const struct gm_go_heap *heap,
			struct gm_holder *holders, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < block->regions; i++) {
		const struct gm_go_region *region = &heap->regions.items[block->first_region + i];

		if (!holds(region))
			continue;
		if (!count || holders[count - 1].span != region->span) {
			if (count == max)
				break;
			holders[count++] = (struct gm_holder){ .span = region->span };
		}
		holders[count - 1].bytes += overlap(block, region);
	}
	return count;
}
