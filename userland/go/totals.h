/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runtime.MemStats would print, from spans, bits and the runtime's own counters. */
#ifndef GM_GO_TOTALS_H
#define GM_GO_TOTALS_H

#include "go/chunks.h"
#include "go/spans.h"

/* HeapInuse, HeapAlloc, HeapObjects and StackInuse are summed up from @mspans, HeapIdle
 * and HeapReleased counted in @chunks; the rest the runtime keeps as it prints it.
 */
struct gm_error *gm_go_totals_read(const struct gm_go_target *target,
				   const struct gm_go_mspans *mspans,
				   const struct gm_go_chunks *chunks,
				   struct gm_go_totals *totals) GM_MUST_CHECK;

#endif
