/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which class each address has: the Go regions first, the VMAs between them. */
#ifndef GM_JOIN_CURSOR_H
#define GM_JOIN_CURSOR_H

#include "go/heap.h"
#include "os/maps.h"
#include "os/pages.h"

#define GM_NO_CLASS GM_GO_CLASSES

/**
 * struct gm_cursor - a place in the address space that only moves up
 * @go: the program is Go
 * @binary: the executable's first VMA, NULL where none is seen
 * @region: the first that may lie there; @regions_end: behind the last one
 */
struct gm_cursor {
	const struct gm_maps *maps;
	bool go;
	const struct gm_vma *binary;
	size_t vma;
	const struct gm_go_region *region;
	const struct gm_go_region *regions_end;
};

/**
 * struct gm_piece - a stretch of one class, [start, end)
 * @class_: enum gm_go_class, or GM_NO_CLASS
 * @region: the Go region it lies in, NULL outside
 */
struct gm_piece {
	uint64_t start;
	uint64_t end;
	uint32_t class_;
	const struct gm_go_region *region;
};

/* EINVAL where an array is out of order, overlaps or passes the end of the
 * address space; what the cursor may then rely on.
 */
struct gm_error *gm_cursor_check(const struct gm_maps *maps, const struct gm_pages *pages,
				 const struct gm_go_heap *heap) GM_MUST_CHECK;

/* At the bottom of the address space. @heap: NULL for a program that is not Go. The arrays are as
 * gm_cursor_check() wants them.
 */
void gm_cursor_init(struct gm_cursor *cursor, const struct gm_maps *maps,
		    const struct gm_go_heap *heap);

/* The first piece of [@start, @end), where no Go region is. */
struct gm_piece gm_cursor_vma(struct gm_cursor *cursor, uint64_t start, uint64_t end);

/* The first piece of [@start, @end); neither may lie below the last call's. */
static inline struct gm_piece gm_cursor_next(struct gm_cursor *cursor, uint64_t start, uint64_t end)
{
	const struct gm_go_region *region = cursor->region;

	while (region < cursor->regions_end && region->end <= start)
		region++;
	cursor->region = region;
	if (region == cursor->regions_end || region->start >= end)
		return gm_cursor_vma(cursor, start, end);
	if (region->start > start)
		return gm_cursor_vma(cursor, start, region->start);
	return (struct gm_piece){ start, end < region->end ? end : region->end, region->class_,
				  region };
}

/* Spans and what lies between them, goroutine stacks included; not the metadata. */
static inline bool gm_in_go_heap(uint32_t class_)
{
	return class_ <= GM_GO_STACK_FREE;
}

/* The end of a run, exclusive. */
static inline uint64_t gm_run_end(const struct gomem_page_run *run)
{
	return run->start + ((uint64_t)run->pages << 12);
}

#endif
