/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the Go runtime has at an address. Pure. */
#ifndef GM_GO_LOCATE_H
#define GM_GO_LOCATE_H

#include "go/heap.h"

#define GM_GO_NO_OBJECT UINT32_MAX

/**
 * struct gm_go_location - an address of a heap
 * @class_: of this very byte, enum gm_go_class; GM_GO_CLASSES where it is none of Go's
 * @arena, @region, @span: what it lies in, NULL where in none
 * @below, @above: the nearest regions where it lies in none, NULL at the ends
 * @span_below, @span_above: the spans beside @span, or beside the address
 * @index: of @span in the heap's spans
 * @object: which slot of @span, or which stack; GM_GO_NO_OBJECT in a tail, a work buffer
 *	and outside of spans
 * @base: the slot's first byte, [base, base + elem_bytes)
 */
struct gm_go_location {
	uint64_t address;
	uint32_t class_;
	const struct gm_go_arena *arena;
	const struct gm_go_region *region;
	const struct gm_go_region *below;
	const struct gm_go_region *above;
	const struct gm_go_span *span;
	const struct gm_go_span *span_below;
	const struct gm_go_span *span_above;
	size_t index;
	uint32_t object;
	uint64_t base;
};

/* Never fails; it lies in @heap as long as that lives. */
void gm_go_locate(const struct gm_go_heap *heap, uint64_t address, struct gm_go_location *location);

/* The span that holds @address, NULL where none does. */
const struct gm_go_span *gm_go_spans_find(const struct gm_go_spans *spans, uint64_t address);

/* How many objects of a span are live, and how many dead. */
struct gm_go_census {
	uint32_t live;
	uint32_t dead;
};

struct gm_go_census gm_go_objects_census(const struct gm_go_heap *heap, size_t index);

#endif
