/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How full the spans of each size class are, and what that costs. */
#ifndef GM_JOIN_OCCUPANCY_H
#define GM_JOIN_OCCUPANCY_H

#include "base/error.h"
#include "go/heap.h"
#include "os/maps.h"
#include "os/pages.h"

/* Spans under a tenth full, under two tenths, and so on; the last are full. */
#define GM_FILLS 11

/**
 * struct gm_occupancy - one size class; bytes where no unit is said
 * @size_class: 0 to 67; 0 is the large objects, one a span; @elem is then 0
 * @spans, @fill: how many, and of these by how full they are
 * @objects: allocated, @dead of them not marked by the last GC and not swept yet
 * @slots: objects and room for objects
 * @span_bytes: of all spans: @object, @free slots and @tail
 * @packed: how many spans would do if the live objects were packed into as few as can be,
 *	those with pointers apart from those without, as the runtime has it
 * @saved: what that would save
 * @resident: of @span_bytes; @resident_live, @resident_dead, @resident_free, @resident_tail:
 *	of that
 */
struct gm_occupancy {
	uint8_t size_class;
	uint64_t elem;
	uint64_t spans;
	uint64_t fill[GM_FILLS];
	uint64_t objects;
	uint64_t dead;
	uint64_t slots;
	uint64_t span_bytes;
	uint64_t object;
	uint64_t free;
	uint64_t tail;
	uint64_t packed;
	uint64_t saved;
	uint64_t resident;
	uint64_t resident_live;
	uint64_t resident_dead;
	uint64_t resident_free;
	uint64_t resident_tail;
};

/* All classes, those without spans zeroed but for their number. EINVAL as gm_bill_compute(). */
struct gm_error *
gm_occupancy_compute(const struct gm_maps *maps, const struct gm_pages *pages,
		     const struct gm_go_heap *heap,
		     struct gm_occupancy classes[GM_GO_SIZE_CLASSES]) GM_MUST_CHECK;

#endif
