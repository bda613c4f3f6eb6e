// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/ids.h"

#include <errno.h>

#define ARENA_PAGES (GM_GO_ARENA_SPAN / GM_GO_PAGE_BYTES)

static struct gm_error *no_memory(const struct gm_go_ids *ids)
{
	return gm_error_errno(ENOMEM, "cannot number the objects of %zu spans",
			      ids->heap->spans.count);
}

static struct gm_error *place_arenas(struct gm_go_ids *ids)
{
	const struct gm_go_arenas *arenas = &ids->heap->arenas;
	uint32_t place = 0;

	ids->arenas = calloc(1UL << (GM_GO_HEAP_BITS - GM_GO_ARENA_BITS), sizeof(*ids->arenas));
	ids->pages = calloc((arenas->count + 1) * ARENA_PAGES, sizeof(*ids->pages));
	if (!ids->arenas || !ids->pages)
		return no_memory(ids);
	for (size_t i = 0; i < arenas->count; i++)
		if (!(arenas->items[i].start >> GM_GO_HEAP_BITS))
			ids->arenas[arenas->items[i].start >> GM_GO_ARENA_BITS] = ++place;
	return NULL;
}

static void place_pages(struct gm_go_ids *ids, uint32_t index)
{
	const struct gm_go_span *span = &ids->heap->spans.items[index];

	for (uint64_t i = 0; i < span->pages; i++) {
		uint64_t page = span->start / GM_GO_PAGE_BYTES + i;
		uint32_t arena;

		if (page >> (GM_GO_HEAP_BITS - GM_GO_PAGE_BITS))
			break;
		arena = ids->arenas[page / ARENA_PAGES];
		if (arena)
			ids->pages[arena * ARENA_PAGES + page % ARENA_PAGES] = index + 1;
	}
}

/* A large object is all of its span. */
static uint32_t magic_of(const struct gm_go_span *span)
{
	if (span->elems < 2 || span->elem_bytes > INT32_MAX)
		return 0;
	return UINT32_MAX / (uint32_t)span->elem_bytes + 1;
}

/* Most spans are full, or were never freed from: no bits to look at. */
static uint32_t plain_of(const struct gm_go_heap *heap, size_t index)
{
	if (gm_go_objects_mixed(&heap->objects, index))
		return 0;
	return heap->spans.items[index].allocated;
}

/* Go src/runtime/malloc.go: minSizeForMallocHeader, mallocHeaderSize. */
static uint32_t skip_of(const struct gm_go_span *span, bool headers)
{
	return headers && span->size_class && !span->noscan && span->elem_bytes > 512 ? 8 : 0;
}

struct gm_error *gm_go_ids_init(const struct gm_go_heap *heap, bool headers, struct gm_go_ids *ids)
{
	struct gm_error *error;
	uint64_t count = 0;

	*ids = (struct gm_go_ids){ .heap = heap };
	ids->spans = calloc(heap->spans.count + 1, sizeof(*ids->spans));
	error = ids->spans ? place_arenas(ids) : no_memory(ids);
	for (size_t i = 0; i < heap->spans.count && !error; i++) {
		const struct gm_go_span *span = &heap->spans.items[i];

		ids->spans[i] = (struct gm_go_id_span){
			.start = span->start,
			.first = count,
			.elems = span->elems,
			.magic = magic_of(span),
			.plain = plain_of(heap, i),
			.bytes = span->elem_bytes,
			.skip = skip_of(span, headers),
		};
		count += span->elems;
		if (count >= GM_GO_NO_ID)
			return gm_error_create(E2BIG, "the heap has more than 4 billion objects");
		place_pages(ids, i);
	}
	ids->count = count;
	return error;
}

void gm_go_ids_deinit(struct gm_go_ids *ids)
{
	free(ids->spans);
	free(ids->arenas);
	free(ids->pages);
	*ids = (struct gm_go_ids){};
}

struct gm_go_hit gm_go_ids_find(const struct gm_go_ids *ids, uint64_t address)
{
	uint32_t index = gm_go_ids_span(ids, address), object;
	struct gm_go_hit hit = { .id = GM_GO_NO_ID, .flux = !index };
	const struct gm_go_id_span *span;

	if (!index || index == UINT32_MAX)
		return hit;
	span = &ids->spans[--index];
	object = gm_go_id_span_object(span, address);
	if (object >= span->elems)
		return hit;
	hit.flux = !gm_go_ids_live(ids, index, object);
	if (hit.flux)
		return hit;
	hit.id = span->first + object;
	hit.inside = address - span->start - (uint64_t)object * span->bytes != span->skip;
	return hit;
}

uint32_t gm_go_ids_span_of(const struct gm_go_ids *ids, uint32_t id)
{
	size_t low = 0, high = ids->heap->spans.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids->spans[middle].first <= id)
			low = middle + 1;
		else
			high = middle;
	}
	/* Of manual spans, which have no objects, the one behind them has the number. */
	return low - 1;
}

uint64_t gm_go_ids_address(const struct gm_go_ids *ids, uint32_t id)
{
	uint32_t index = gm_go_ids_span_of(ids, id);
	const struct gm_go_span *span = &ids->heap->spans.items[index];

	return span->start + (id - ids->spans[index].first) * span->elem_bytes;
}

uint64_t gm_go_ids_bytes(const struct gm_go_ids *ids, uint32_t id)
{
	return ids->heap->spans.items[gm_go_ids_span_of(ids, id)].elem_bytes;
}
