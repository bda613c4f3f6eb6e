// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/big.h"
#include "graph/graph.h"

/**
 * struct tree - the dominators from above
 * @child, @next: by number, 0: none
 * @above: by kind, how many of it stand above the node at hand
 */
struct tree {
	const struct gm_dominators *found;
	const uint32_t *kind;
	struct gm_graph_sum *sums;
	uint32_t *child;
	uint32_t *next;
	uint32_t *above;
};

static bool is_root(const struct tree *tree, uint32_t number)
{
	return !number || tree->found->node[number] >= tree->found->nodes - tree->found->roots;
}

static void link_children(struct tree *tree)
{
	memset(tree->child, 0, ((size_t)tree->found->count + 1) * sizeof(*tree->child));
	tree->next[0] = 0;
	for (uint32_t number = tree->found->count - 1; number; number--) {
		uint32_t above = tree->found->above[number];

		tree->next[number] = tree->child[above];
		tree->child[above] = number;
	}
}

/* What those below retain is part of it. */
static uint64_t own_bytes(const struct tree *tree, uint32_t number)
{
	uint64_t bytes = tree->found->bytes[number];

	for (uint32_t child = tree->child[number]; child; child = tree->next[child])
		bytes -= tree->found->bytes[child];
	return bytes;
}

static void enter(struct tree *tree, uint32_t number)
{
	struct gm_graph_sum *sum;
	uint32_t kind;

	if (is_root(tree, number))
		return;
	kind = tree->kind[tree->found->node[number]];
	sum = &tree->sums[kind];
	sum->members++;
	sum->bytes += own_bytes(tree, number);
	if (!tree->above[kind]++)
		sum->retained += tree->found->bytes[number];
}

static void leave(struct tree *tree, uint32_t number)
{
	if (!is_root(tree, number))
		tree->above[tree->kind[tree->found->node[number]]]--;
}

static void walk(struct tree *tree)
{
	uint32_t at = 0;

	for (;;) {
		enter(tree, at);
		if (tree->child[at]) {
			at = tree->child[at];
			continue;
		}
		while (at && !tree->next[at]) {
			leave(tree, at);
			at = tree->found->above[at];
		}
		if (!at)
			return;
		leave(tree, at);
		at = tree->next[at];
	}
}

struct gm_error *gm_dominators_by_kind(const struct gm_dominators *found, const uint32_t *kind,
				       uint32_t count, struct gm_graph_sum *sums)
{
	struct tree tree = { .found = found, .kind = kind, .sums = sums };

	tree.child = gm_big_alloc((size_t)found->count + 1, sizeof(*tree.child));
	tree.next = gm_big_alloc((size_t)found->count + 1, sizeof(*tree.next));
	tree.above = calloc((size_t)count + 1, sizeof(*tree.above));
	if (tree.child && tree.next && tree.above) {
		link_children(&tree);
		walk(&tree);
	}
	count = tree.child && tree.next && tree.above;
	gm_big_free(tree.child);
	gm_big_free(tree.next);
	free(tree.above);
	return count ? NULL :
		       gm_error_errno(ENOMEM, "cannot add up %u nodes by kind", found->count);
}
