/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each object to the holder that it is nearest to. */
#ifndef GM_GO_SHARES_H
#define GM_GO_SHARES_H

#include "go/ids.h"
#include "graph/graph.h"

/**
 * struct gm_go_share - what one holder has of one kind
 * @root: the holder, by its place among the roots of the graph
 */
struct gm_go_share {
	uint32_t root;
	uint32_t kind;
	uint64_t objects;
	uint64_t bytes;
};

struct gm_go_shares {
	GM_VEC(struct gm_go_share);
};

/* @kinds: by object. In no order; together they have each object that is reached once. Needs
 * eight bytes a node. The owner frees .items, also after an error.
 */
struct gm_error *gm_go_shares_find(const struct gm_go_ids *ids, const struct gm_graph *graph,
				   const uint32_t *kinds,
				   struct gm_go_shares *shares) GM_MUST_CHECK;

#endif
