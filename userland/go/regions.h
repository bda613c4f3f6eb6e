/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of regions: appended to in order, laid over each other. */
#ifndef GM_GO_REGIONS_H
#define GM_GO_REGIONS_H

#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"
#include "go/class.h"

#define GM_GO_NO_SPAN UINT32_MAX

/**
 * struct gm_go_region - one stretch of address space and its Go class, [start, end)
 * @span: index into the heap's spans, GM_GO_NO_SPAN where there is none
 */
struct gm_go_region {
	uint64_t start;
	uint64_t end;
	uint32_t class_;
	uint32_t span;
};

struct gm_go_regions {
	GM_VEC(struct gm_go_region);
};

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
