/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds the heap: from the roots to every object that is reached, each counted once. */
#ifndef GM_GO_REFS_H
#define GM_GO_REFS_H

#include "go/edges.h"
#include "go/roots.h"
#include "go/types.h"

/* What a holder has, of one type or of all. */
struct gm_go_holding {
	uint32_t holder;
	gm_go_code code;
	uint64_t objects;
	uint64_t bytes;
};

/* All objects of a type. */
struct gm_go_type_sum {
	gm_go_code code;
	struct gm_graph_sum sum;
};

/**
 * struct gm_go_refs - what was reached of a heap
 * @tree: of dominators; the nodes are the objects of @ids, then the holders in the order of
 *	@holder_node; bytes are those of objects' slots
 * @holder_node: by holder; @held: by holder, what it is nearest to, of all types
 * @holdings: the same by holder and type, in no order: each object that is reached is in one
 * @types: what the codes of @sums mean
 * @live_objects, @live_bytes: in the heap, as far as the last GC and the allocator know
 * @reached_objects, @reached_bytes: from the roots
 * @edges: references between objects, and from holders to them
 * @roots_ns, @edges_ns, @types_ns, @tree_ns: how long each part took
 */
struct gm_go_refs {
	struct gm_go_ids ids;
	struct gm_go_roots roots;
	struct gm_go_edges_count count;
	struct gm_dominators tree;
	uint32_t *holder_node;
	struct gm_go_holding *held;
	struct {
		GM_VEC(struct gm_go_holding);
	} holdings;
	struct gm_go_types *types;
	struct {
		GM_VEC(struct gm_go_type_sum);
	} sums;
	uint64_t live_objects;
	uint64_t live_bytes;
	uint64_t reached_objects;
	uint64_t reached_bytes;
	uint64_t edges;
	uint64_t roots_ns;
	uint64_t edges_ns;
	uint64_t types_ns;
	uint64_t tree_ns;
};

/* DWARF, and then the roots, to be read before the heap; see gm_go_roots_read(). Caller deinits,
 * also after an error.
 */
struct gm_error *gm_go_refs_begin(const struct gm_go_rooting *rooting,
				  struct gm_go_refs *refs) GM_MUST_CHECK;

/* All the rest, of @heap, which must stay, as must all of @rooting. Memory: at most 44 bytes an
 * object and 9 a reference.
 */
struct gm_error *gm_go_refs_read(const struct gm_go_rooting *rooting, const struct gm_go_heap *heap,
				 struct gm_go_refs *refs) GM_MUST_CHECK;
void gm_go_refs_deinit(struct gm_go_refs *refs);

#endif
