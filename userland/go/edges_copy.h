/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans are copied, some at a time, and looked at: one thread's part of edges.c. */
#ifndef GM_GO_EDGES_COPY_H
#define GM_GO_EDGES_COPY_H

#include "go/edges_scan.h"

/**
 * struct gm_go_edges_copy - the spans from @begin to @end
 * @scan: its pointers are made here
 * @progress: of the one whose thread is the caller's, else NULL
 * @large_types: by span, 0 where not known
 */
struct gm_go_edges_copy {
	struct gm_go_scan scan;
	const struct gm_go_progress *progress;
	const uint64_t *large_types;
	uint32_t begin;
	uint32_t end;
};

/* What is copied of a span: all of it, or nothing where it has no pointers, or no object that
 * lives.
 */
uint64_t gm_go_edges_span_bytes(const struct gm_go_span *span);

/* Of all the heap 1 MiB is copied at a time. */
struct gm_error *gm_go_edges_copy(struct gm_go_edges_copy *copy) GM_MUST_CHECK;

#endif
