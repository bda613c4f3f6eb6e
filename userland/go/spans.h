/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime's spans, copied in bulk and checked against its arena index. */
#ifndef GM_GO_SPANS_H
#define GM_GO_SPANS_H

#include "go/class.h"
#include "go/regions.h"
#include "go/target.h"

#define GM_GO_ARENA_SPAN (64ULL << 20)
#define GM_GO_SPANS_MAX (16U << 20) /* 128 GiB of the smallest spans */
#define GM_GO_ARENAS_MAX (1U << 16) /* 4 TiB */

/**
 * struct gm_go_span - a copy of a runtime.mspan, in use or manual; 64 bytes, since there are many
 * @start: address of the memory; @pages: Go pages of 8 KiB, at least 1
 * @at: address of the mspan; @alloc_bits, @mark_bits: addresses, 0 in a manual span
 * @elem_bytes: object size; 0 for a manual span that is no stack (GC work buffer)
 * @elems: objects that fit; @free_index: those below are allocated; @allocated: how
 *	many are; all 0 in a manual span
 * @sweepgen: of the span (Go src/runtime/mheap.go, mspan.sweepgen)
 * @size_class: 0 (one large object) to 67; @noscan: holds no pointers
 * @stack: a goroutine stack span; then @elem_bytes is the stack size
 * @unswept: the last GC marked it and the sweeper has not been there
 */
struct gm_go_span {
	uint64_t start;
	uint64_t elem_bytes;
	uint64_t at;
	uint64_t alloc_bits;
	uint64_t mark_bits;
	uint32_t pages;
	uint32_t elems;
	uint32_t free_index;
	uint32_t allocated;
	uint32_t sweepgen;
	uint8_t size_class;
	bool noscan : 1;
	bool stack : 1;
	bool manual : 1;
	bool unswept : 1;
};

/* @unswept: how many are. */
struct gm_go_spans {
	GM_VEC(struct gm_go_span);
	size_t unswept;
};

/* A heap arena: 64 MiB of address space at @start, described by a heapArena at @at. */
struct gm_go_arena {
	uint64_t start;
	uint64_t at;
};

struct gm_go_arenas {
	GM_VEC(struct gm_go_arena);
};

static inline uint64_t gm_go_span_end(const struct gm_go_span *span)
{
	return span->start + span->pages * GM_GO_PAGE_BYTES;
}

/* The arenas, by address. @index_at: where the runtime keeps their pointers. */
struct gm_error *gm_go_arenas_read(const struct gm_go_target *target, struct gm_go_arenas *arenas,
				   uint64_t *index_at) GM_MUST_CHECK;

/* NULL where @address lies in no arena. */
const struct gm_go_arena *gm_go_arenas_find(const struct gm_go_arenas *arenas, uint64_t address);

/* The spans in use and manual, by address, never overlapping. @flux: those left out
 * because they changed while they were read. EIO: too much contradicts for the
 * layout to be the right one: the arena index, or the runtime's own count of pages.
 * @sweepgen: mheap_.sweepgen. @mspans: where all mspans lie, also those of no span, in any order.
 */
struct gm_error *gm_go_spans_read(const struct gm_go_target *target,
				  const struct gm_go_arenas *arenas, uint32_t sweepgen,
				  struct gm_go_spans *spans, struct gm_go_regions *mspans,
				  uint64_t *flux) GM_MUST_CHECK;

/* Whether @spans, read a moment ago, are as they were; of very many spans a part is looked at,
 * 65,536 at least: one change in a thousand does not escape that.
 */
struct gm_error *gm_go_spans_still(const struct gm_go_target *target,
				   const struct gm_go_spans *spans, bool *still) GM_MUST_CHECK;

#endif
