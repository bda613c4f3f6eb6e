/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans, their objects and the page allocator's bits -> the regions of the Go heap. */
#ifndef GM_GO_CARVE_H
#define GM_GO_CARVE_H

#include "go/chunks.h"
#include "go/objects.h"
#include "go/regions.h"
#include "go/spans.h"

/**
 * struct gm_go_plan - what the address space is carved by; all sorted
 * @stacks: every byte of the stack spans among @spans
 * @meta: the runtime's own, which gives way to all else
 */
struct gm_go_plan {
	const struct gm_go_arenas *arenas;
	const struct gm_go_spans *spans;
	const struct gm_go_objects *objects;
	const struct gm_go_chunks *chunks;
	const struct gm_go_regions *stacks;
	const struct gm_go_regions *meta;
};

/* Lists in @regions, which is empty, by address, a region for every byte of the arenas, spans and
 * chunks, and of @meta beside them. What of an arena is in no chunk and no span is
 * GM_GO_RESERVED.
 * At most four regions a 4 KiB page: the objects of such a page are gathered by class
 * (live, dead, free-slot, tail), so a page's bytes of each class are exact, and where in
 * the page they lie is not.
 */
struct gm_error *gm_go_carve(const struct gm_go_plan *plan,
			     struct gm_go_regions *regions) GM_MUST_CHECK;

#endif
