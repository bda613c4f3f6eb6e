// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/locate.h"

#include <stddef.h>
#include <string.h>

/* How many of the items, by address, start at or below @address; spans and regions both open
 * with their start.
 */
static size_t up_to(const void *items, size_t count, size_t item_bytes, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t start;

		memcpy(&start, (const char *)items + middle * item_bytes, sizeof(start));
		if (start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t spans_up_to(const struct gm_go_spans *spans, uint64_t address)
{
	_Static_assert(offsetof(struct gm_go_span, start) == 0, "up_to() reads it there");
	return up_to(spans->items, spans->count, sizeof(*spans->items), address);
}

static size_t regions_up_to(const struct gm_go_regions *regions, uint64_t address)
{
	_Static_assert(offsetof(struct gm_go_region, start) == 0, "up_to() reads it there");
	return up_to(regions->items, regions->count, sizeof(*regions->items), address);
}

const struct gm_go_span *gm_go_spans_find(const struct gm_go_spans *spans, uint64_t address)
{
	size_t after = spans_up_to(spans, address);
	const struct gm_go_span *span = after ? &spans->items[after - 1] : NULL;

	return span && address < gm_go_span_end(span) ? span : NULL;
}

static void find_span(const struct gm_go_heap *heap, struct gm_go_location *location)
{
	const struct gm_go_spans *spans = &heap->spans;
	size_t after = spans_up_to(spans, location->address), before = after;

	location->span = gm_go_spans_find(spans, location->address);
	if (location->span)
		location->index = --before;
	location->span_below = before ? &spans->items[before - 1] : NULL;
	location->span_above = after < spans->count ? &spans->items[after] : NULL;
}

static void find_region(const struct gm_go_heap *heap, struct gm_go_location *location)
{
	const struct gm_go_regions *regions = &heap->regions;
	size_t after = regions_up_to(regions, location->address);
	const struct gm_go_region *last = after ? &regions->items[after - 1] : NULL;

	if (last && location->address < last->end) {
		location->region = last;
		location->class_ = last->class_;
		return;
	}
	location->below = last;
	location->above = after < regions->count ? &regions->items[after] : NULL;
}

/* A page's region says how much of each class there is, its span where. */
static void find_object(const struct gm_go_heap *heap, struct gm_go_location *location)
{
	const struct gm_go_span *span = location->span;
	uint64_t slot, slots;

	if (!span->elem_bytes)
		return;
	slots = span->stack ? span->pages * GM_GO_PAGE_BYTES / span->elem_bytes : span->elems;
	slot = (location->address - span->start) / span->elem_bytes;
	if (slot >= slots) {
		location->class_ = span->manual ? location->class_ : GM_GO_TAIL;
		return;
	}
	location->object = slot;
	location->base = span->start + slot * span->elem_bytes;
	if (!span->manual)
		location->class_ =
			gm_go_objects_class(&heap->objects, &heap->spans, location->index, slot);
}

void gm_go_locate(const struct gm_go_heap *heap, uint64_t address, struct gm_go_location *location)
{
	*location = (struct gm_go_location){
		.address = address,
		.class_ = GM_GO_CLASSES,
		.arena = gm_go_arenas_find(&heap->arenas, address),
		.object = GM_GO_NO_OBJECT,
	};
	find_span(heap, location);
	find_region(heap, location);
	if (location->span)
		find_object(heap, location);
}

struct gm_go_census gm_go_objects_census(const struct gm_go_heap *heap, size_t index)
{
	const struct gm_go_span *span = &heap->spans.items[index];
	struct gm_go_census census = { 0 };
	uint32_t object = 0;

	while (object < span->elems) {
		enum gm_go_class class_;
		uint32_t from = object;

		object = gm_go_objects_run(&heap->objects, &heap->spans, index, object, &class_);
		if (class_ == GM_GO_LIVE)
			census.live += object - from;
		else if (class_ == GM_GO_DEAD)
			census.dead += object - from;
	}
	return census;
}
