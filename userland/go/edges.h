/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who points to whom in the heap: read in bulk, in the order of addresses, while it runs. */
#ifndef GM_GO_EDGES_H
#define GM_GO_EDGES_H

#include "go/ids.h"
#include "go/target.h"
#include "go/types.h"
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

/**
 * struct gm_go_progress - whom to tell how far a long work is
 * @report: @percent of @what, from the thread that asked for the work; NULL: nobody
 */
struct gm_go_progress {
	void (*report)(void *context, const char *what, unsigned int percent);
	void *context;
};

static inline void gm_go_progress(const struct gm_go_progress *progress, const char *what,
				  unsigned int percent)
{
	if (progress->report)
		progress->report(progress->context, what, percent);
}

/* Of an edge: how many words it is from the one before of the same object, from one before the
 * object's start (its header does not count); that these are too many, and in a list of their
 * own; and whether it leads inside.
 */
#define GM_GO_STEP_MASK 0x7f
#define GM_GO_STEP_FAR 0x7f
#define GM_GO_STEP_INSIDE 0x80

struct gm_go_far {
	uint32_t edge;
	uint32_t word;
};

struct gm_go_steps {
	GM_VEC(uint8_t);
	struct {
		GM_VEC(struct gm_go_far);
	} far;
};

/**
 * struct gm_go_typing - what is learnt of types on the way
 * @types: not owned
 * @codes: by object, of what the allocator or an interface says it is; 0: neither
 * @steps: by edge, in the order of the graph; the owner frees .items and .far.items
 */
struct gm_go_typing {
	struct gm_go_types *types;
	gm_go_code *codes;
	struct gm_go_steps steps;
};

/* The edges of the objects of @ids, nodes 0 to count - 1 of @graph, as the first @count of
 * @parts, which has room for GM_GO_EDGES_WORKERS_MAX. Threads work at it, and 1 MiB each is
 * all of the heap that is ever copied at a time. The caller frees the parts' edges, also
 * after an error. @typing has its types and codes; steps are added.
 */
struct gm_error *gm_go_edges_read(const struct gm_go_target *target, const struct gm_go_ids *ids,
				  struct gm_graph *graph, struct gm_graph_part *parts,
				  size_t *part_count, struct gm_go_typing *typing,
				  const struct gm_go_progress *progress,
				  struct gm_go_edges_count *count) GM_MUST_CHECK;

#endif
