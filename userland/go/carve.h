/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans, their objects and the page allocator's bits -> the regions of the Go heap. */
#ifndef GM_GO_CARVE_H
#define GM_GO_CARVE_H

#include "go/chunks.h"
#include "go/objects.h"
#include "go/regions.h"
#include "go/spans.h"

/* Appends, by address, a region for every byte of @chunks and @spans, all sorted.
 * At most four regions a 4 KiB page: the objects of such a page are gathered by class
 * (live, dead, free-slot, tail), so a page's bytes of each class are exact, and where in
 * the page they lie is not.
 */
struct gm_error *gm_go_carve(const struct gm_go_spans *spans, const struct gm_go_objects *objects,
			     const struct gm_go_chunks *chunks,
			     struct gm_go_regions *regions) GM_MUST_CHECK;

#endif
