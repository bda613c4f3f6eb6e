/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directed graph of up to 4 billion nodes, four bytes a node and four bytes an edge; what is
 * reached from its roots; who dominates whom. Has heard neither of Go nor of memory.
 */
#ifndef GM_GRAPH_GRAPH_H
#define GM_GRAPH_GRAPH_H

#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"

#define GM_GRAPH_NODES_MAX (UINT32_MAX - 2)

/**
 * struct gm_graph - the nodes are 0 to @nodes - 1; the roots are the last @roots of them
 * @weak: of these, the last ones: their edges count only where no other root reaches
 * @first: where the edges of a node start in @to, those of the next one end them; @nodes + 1
 * @to: the nodes that edges lead to
 */
struct gm_graph {
	uint32_t nodes;
	uint32_t roots;
	uint32_t weak;
	uint32_t *first;
	uint32_t *to;
};

/**
 * struct gm_graph_part - the edges of the nodes from @first_node on, in their order
 * @edges: the owner frees .items
 *
 * While a part is made, first[node] of the graph counts from the part's first edge, so that
 * parts can be made at the same time.
 */
struct gm_graph_part {
	uint32_t first_node;
	uint32_t nodes;
	struct {
		GM_VEC(uint32_t);
	} edges;
};

/* Room for @nodes nodes, no weak ones among them yet. E2BIG: more than GM_GRAPH_NODES_MAX.
 * Deinit either way.
 */
struct gm_error *gm_graph_init(struct gm_graph *graph, uint64_t nodes,
			       uint32_t roots) GM_MUST_CHECK;
void gm_graph_deinit(struct gm_graph *graph);

/* Makes the graph of its parts, which follow each other and have every node; takes their
 * edges. E2BIG: more than 4 billion edges. EINVAL: an edge leads to no node.
 */
struct gm_error *gm_graph_join(struct gm_graph *graph, struct gm_graph_part *parts,
			       size_t count) GM_MUST_CHECK;

/* To which root each node is nearest, counted in edges: @nearest gets, by node, which of the
 * roots and one, 0: none reaches it. Of roots at the same distance the first in order; a weak
 * one only where no other reaches. Needs eight bytes a node and a bit.
 */
struct gm_error *gm_graph_nearest(const struct gm_graph *graph, uint32_t *nearest) GM_MUST_CHECK;

/**
 * struct gm_dominators - the tree of dominators: all ways from the roots to a node lead through
 *	its dominator, the nearest of them
 * @count: of nodes reached, and one: number 0 stands above the roots and is no node
 * @number: by node, 0: not reached; dominators have lower numbers than those they dominate
 * @node: by number; @above: by number, the number of the dominator
 * @bytes: by number, as the caller sets them; after gm_dominators_sum() those that are
 *	dominated too, and itself
 * @members: by number, after gm_dominators_sum(): of how many nodes those are the bytes,
 *	roots not counted
 */
struct gm_dominators {
	uint32_t nodes;
	uint32_t roots;
	uint32_t count;
	uint32_t *number;
	uint32_t *node;
	uint32_t *above;
	uint64_t *bytes;
	uint32_t *members;
};

/* In O(edges log nodes) and at most 28 bytes a node and 4 an edge beside the graph, which
 * is used up and emptied; then, without it, 36 a node where nodes make one long ring. Deinit
 * either way.
 */
struct gm_error *gm_dominators_find(struct gm_graph *graph,
				    struct gm_dominators *dominators) GM_MUST_CHECK;
void gm_dominators_sum(struct gm_dominators *dominators);

/**
 * struct gm_graph_sum - of all nodes of a kind
 * @members, @bytes: of them; @retained: of those they dominate too, each counted once
 */
struct gm_graph_sum {
	uint64_t members;
	uint64_t bytes;
	uint64_t retained;
};

/* Adds up the nodes by @kind, which has a number below @count for each node but the roots;
 * after gm_dominators_sum(). Needs eight bytes a node.
 */
struct gm_error *gm_dominators_by_kind(const struct gm_dominators *dominators, const uint32_t *kind,
				       uint32_t count, struct gm_graph_sum *sums) GM_MUST_CHECK;
void gm_dominators_deinit(struct gm_dominators *dominators);

#endif
