/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of regions: appended to in order, laid over each other. */
#ifndef GM_GO_REGIONS_H
#define GM_GO_REGIONS_H

#include "go/heap.h"

#define GM_GO_NO_SPAN UINT32_MAX

/* Appends [start, end), joined to the last region where that is the same. An empty
 * one is left out. ENOMEM only.
 */
struct gm_error *gm_go_regions_add(struct gm_go_regions *regions, uint64_t start, uint64_t end,
				   enum gm_go_class class_, uint32_t span) GM_MUST_CHECK;

/* By address; of two that overlap the first keeps what both claim. */
void gm_go_regions_sort(struct gm_go_regions *regions);

/* Appends to @out all of @over, and of @under what @over leaves free. Both sorted. */
struct gm_error *gm_go_regions_overlay(const struct gm_go_regions *under,
				       const struct gm_go_regions *over,
				       struct gm_go_regions *out) GM_MUST_CHECK;

#endif
