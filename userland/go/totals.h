/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runtime.MemStats would print, from spans, bits and the runtime's own counters. */
#ifndef GM_GO_TOTALS_H
#define GM_GO_TOTALS_H

#include "go/chunks.h"
#include "go/spans.h"

/* What runtime.MemStats would print at this moment, bytes (GO.md s.4 has the formulas). */
struct gm_go_totals {
	uint64_t heap_alloc;
	uint64_t heap_sys;
	uint64_t heap_idle;
	uint64_t heap_inuse;
	uint64_t heap_released;
	uint64_t heap_objects; /* count */
	uint64_t stack_inuse;
	uint64_t stack_sys;
	uint64_t mspan_inuse;
	uint64_t mspan_sys;
	uint64_t mcache_inuse;
	uint64_t mcache_sys;
	uint64_t buckhash_sys;
	uint64_t gc_sys;
	uint64_t other_sys;
	uint64_t num_gc;
};

/* HeapInuse, HeapAlloc, HeapObjects and StackInuse are summed up from @spans, HeapIdle
 * and HeapReleased counted in @chunks; the rest the runtime keeps as it prints it.
 */
struct gm_error *gm_go_totals_read(const struct gm_go_target *target,
				   const struct gm_go_spans *spans,
				   const struct gm_go_chunks *chunks,
				   struct gm_go_totals *totals) GM_MUST_CHECK;

#endif
