/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime's spans, copied in bulk and checked against its arena index. */
#ifndef GM_GO_SPANS_H
#define GM_GO_SPANS_H

#include "go/heap.h"
#include "go/target.h"

#define GM_GO_ARENA_SPAN (64ULL << 20)
#define GM_GO_SPANS_MAX (16U << 20) /* 128 GiB of the smallest spans */
#define GM_GO_ARENAS_MAX (1U << 16) /* 4 TiB */

/* Of Go: mSpanInUse and mSpanManual; 0 is a span no longer in use. */
enum gm_go_mspan_state { GM_GO_MSPAN_DEAD, GM_GO_MSPAN_IN_USE, GM_GO_MSPAN_MANUAL };

/**
 * struct gm_go_mspan - a copy of a runtime.mspan, its fields as Go names them
 * @at: address of the mspan; @start: of the memory; @pages: of 8 KiB, at least 1
 * @alloc_bits, @mark_bits: addresses
 */
struct gm_go_mspan {
	uint64_t at;
	uint64_t start;
	uint64_t pages;
	uint64_t elem_bytes;
	uint64_t alloc_bits;
	uint64_t mark_bits;
	uint32_t elems;
	uint32_t free_index;
	uint32_t alloc_count;
	uint32_t sweepgen;
	uint8_t spanclass;
	uint8_t state;
};

struct gm_go_mspans {
	GM_VEC(struct gm_go_mspan);
};

/* A heap arena: 64 MiB of address space at @start, described by a heapArena at @at. */
struct gm_go_arena {
	uint64_t start;
	uint64_t at;
};

struct gm_go_arenas {
	GM_VEC(struct gm_go_arena);
};

static inline uint64_t gm_go_mspan_end(const struct gm_go_mspan *mspan)
{
	return mspan->start + mspan->pages * GM_GO_PAGE_BYTES;
}

/* The arenas, by address. @index_at: where the runtime keeps their pointers. */
struct gm_error *gm_go_arenas_read(const struct gm_go_target *target, struct gm_go_arenas *arenas,
				   uint64_t *index_at) GM_MUST_CHECK;

/* NULL where @address lies in no arena. */
const struct gm_go_arena *gm_go_arenas_find(const struct gm_go_arenas *arenas, uint64_t address);

/* The spans in use and manual, by address, never overlapping. @flux: those left out
 * because they changed while they were read. EIO: too much contradicts for the
 * layout to be the right one: the arena index, or the runtime's own count of pages.
 */
struct gm_error *gm_go_mspans_read(const struct gm_go_target *target,
				   const struct gm_go_arenas *arenas, struct gm_go_mspans *mspans,
				   uint64_t *flux) GM_MUST_CHECK;

#endif
