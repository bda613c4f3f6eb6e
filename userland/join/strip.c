// SPDX-License-Identifier: GPL-2.0-or-later
#include "join/strip.h"

#include <string.h>

#include "join/cursor.h"

#define PAGE_BYTES 4096ULL

static bool shown(const struct gm_go_region *region)
{
	return gm_in_go_heap(region->class_) && region->class_ != GM_GO_RESERVED;
}

/**
 * struct ruler - turns addresses that go up into places on the strip
 * @region: the next region not passed
 * @passed: bytes of shown regions below it
 */
struct ruler {
	const struct gm_go_heap *heap;
	size_t region;
	uint64_t passed;
};

static uint64_t ruler_place(struct ruler *ruler, const struct gm_go_region *region, uint64_t at)
{
	const struct gm_go_region *regions = ruler->heap->regions.items;

	for (; &regions[ruler->region] < region; ruler->region++)
		if (shown(&regions[ruler->region]))
			ruler->passed += regions[ruler->region].end - regions[ruler->region].start;
	return ruler->passed + (at - region->start);
}

static void paint(struct gm_strip *strip, uint64_t place, uint64_t bytes, uint32_t class_,
		  bool huge)
{
	while (bytes) {
		struct gm_strip_cell *cell = &strip->cells[place / strip->cell_bytes];
		uint64_t left = strip->cell_bytes - place % strip->cell_bytes;
		uint64_t here = bytes < left ? bytes : left;

		cell->resident[class_] += here;
		cell->huge += huge ? here : 0;
		cell->absent -= here;
		place += here;
		bytes -= here;
	}
}

static void rule(struct gm_strip *strip, const struct gm_go_heap *heap)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < heap->regions.count; i++)
		if (shown(&heap->regions.items[i]))
			bytes += heap->regions.items[i].end - heap->regions.items[i].start;
	if (!bytes)
		return;
	strip->cell_bytes = ((bytes - 1) / (GM_STRIP_CELLS * PAGE_BYTES) + 1) * PAGE_BYTES;
	for (; bytes; strip->count++) {
		uint64_t here = bytes < strip->cell_bytes ? bytes : strip->cell_bytes;

		strip->cells[strip->count].absent = here;
		bytes -= here;
	}
}

void gm_strip_compute(const struct gm_maps *maps, const struct gm_pages *pages,
		      const struct gm_go_heap *heap, struct gm_strip *strip)
{
	struct ruler ruler = { .heap = heap };
	struct gm_cursor cursor;

	memset(strip, 0, sizeof(*strip));
	gm_cursor_init(&cursor, maps, heap);
	rule(strip, heap);
	for (size_t i = 0; i < pages->count; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		uint64_t end = gm_run_end(run);
		struct gm_piece piece;

		if (!gm_page_resident(run->state))
			continue;
		for (uint64_t at = run->start; at < end; at = piece.end) {
			piece = gm_cursor_next(&cursor, at, end);
			if (piece.region && shown(piece.region))
				paint(strip, ruler_place(&ruler, piece.region, at), piece.end - at,
				      piece.class_, run->state == GOMEM_PAGE_THP);
		}
	}
}
