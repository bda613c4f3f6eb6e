/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap of a Go runtime, read from outside: spans, the page allocator's bits, totals. */
#ifndef GM_GO_HEAP_H
#define GM_GO_HEAP_H

#include "go/chunks.h"
#include "go/class.h"
#include "go/objects.h"
#include "go/regions.h"
#include "go/spans.h"
#include "go/totals.h"

#define GM_GO_GC_UNKNOWN INT32_MIN

/**
 * struct gm_go_heap - a copy of the runtime's heap state
 * @version: as the binary says, "go1.24.4"
 * @layout: how the layout was had: "DWARF" or "table for go1.24"
 * @spans: by address; @objects: their bits
 * @arenas: by address
 * @chunks: the page allocator's bits, by address
 * @sweepgen: mheap_.sweepgen
 * @regions: every byte the runtime owns, by address, never overlapping. Where a 4 KiB
 *	page holds objects of several classes, its bytes of each class are exact and
 *	gathered by class, so that the list stays affordable: at most four a page
 * @gc_percent: GOGC, -1 where it is off, GM_GO_GC_UNKNOWN where it could not be read
 * @memory_limit: GOMEMLIMIT, bytes; INT64_MAX where there is none
 * @gc_running: gcphase was not 0 before or after the read: live and dead are not told apart
 * @flux_spans: spans whose arena index disagreed even when read again
 * @took_ns: how long the copy took
 */
struct gm_go_heap {
	char *version;
	char *layout;
	struct gm_go_totals totals;
	struct gm_go_arenas arenas;
	struct gm_go_spans spans;
	struct gm_go_objects objects;
	struct gm_go_chunks chunks;
	struct gm_go_regions regions;
	uint32_t sweepgen;
	int32_t gc_percent;
	int64_t memory_limit;
	bool gc_running;
	uint64_t flux_spans;
	uint64_t took_ns;
};

/* Reads the heap of @target.
 * EIO: the layout's invariants do not hold. ESRCH: the process is gone.
 */
struct gm_error *gm_go_heap_read(const struct gm_go_target *target,
				 struct gm_go_heap **heap) GM_MUST_CHECK;

/* Whether @heap, read a moment ago, is as it was: no collection began or ended, the same pages
 * are free, and the same spans hold as many objects.
 */
struct gm_error *gm_go_heap_still(const struct gm_go_target *target, const struct gm_go_heap *heap,
				  bool *still) GM_MUST_CHECK;
void gm_go_heap_destroy(struct gm_go_heap *heap);
GM_DEFINE_AUTO(gm_go_heap)

#endif
