/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Go heap's address space in a line: what each part of it holds. */
#ifndef GM_JOIN_STRIP_H
#define GM_JOIN_STRIP_H

#include "go/heap.h"
#include "os/maps.h"
#include "os/pages.h"

#define GM_STRIP_CELLS 64

/**
 * struct gm_strip_cell - one part
 * @resident: bytes by Go class, those of the heap only
 * @huge: resident bytes that huge pages (PMD) hold
 * @absent: bytes not resident
 */
struct gm_strip_cell {
	uint64_t resident[GM_GO_STACK_FREE + 1];
	uint64_t huge;
	uint64_t absent;
};

/**
 * struct gm_strip - the heap, by address, its holes and reservations left out
 * @cell_bytes: what a cell stands for, a multiple of 4 KiB; the last may hold less
 * @count: cells used, at most GM_STRIP_CELLS, 0 for an empty heap
 */
struct gm_strip {
	uint64_t cell_bytes;
	size_t count;
	struct gm_strip_cell cells[GM_STRIP_CELLS];
};

/* Of what gm_bill_compute() took, which has checked it. */
void gm_strip_compute(const struct gm_maps *maps, const struct gm_pages *pages,
		      const struct gm_go_heap *heap, struct gm_strip *strip);

#endif
