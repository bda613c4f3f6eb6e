/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who points to whom in the heap: read in bulk, in the order of addresses, while it runs. */
#ifndef GM_GO_EDGES_H
#define GM_GO_EDGES_H

#include "go/ids.h"
#include "go/target.h"
#include "graph/graph.h"

#define GM_GO_EDGES_WORKERS_MAX 4

/**
 * struct gm_go_edges_count - what was seen
 * @read_bytes: of the heap, copied; @unreadable_bytes: that could not be
 * @flux: pointers into the heap to where nothing lived any more, or not yet
 * @guessed_bytes: of objects that do not tell where their pointers are
 */
struct gm_go_edges_count {
	uint64_t read_bytes;
	uint64_t unreadable_bytes;
	uint64_t flux;
	uint64_t guessed_bytes;
};

/* The edges of the objects of @ids, nodes 0 to count - 1 of @graph, as the first @count of
 * @parts, which has room for GM_GO_EDGES_WORKERS_MAX. Threads work at it, and 1 MiB each is
 * all of the heap that is ever copied at a time. The caller frees the parts' edges, also
 * after an error.
 */
struct gm_error *gm_go_edges_read(const struct gm_go_target *target, const struct gm_go_ids *ids,
				  struct gm_graph *graph, struct gm_graph_part *parts,
				  size_t *part_count,
				  struct gm_go_edges_count *count) GM_MUST_CHECK;

#endif
