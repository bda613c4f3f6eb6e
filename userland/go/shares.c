// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/shares.h"

#include <errno.h>

#include "base/big.h"

#define SHARES_MAX (1U << 21)

/**
 * struct sharing - the shares so far
 * @slots: open hash table of their numbers and one, 0: none
 * @last: the one that was wanted last, as neighbours are often alike
 */
struct sharing {
	struct gm_go_shares *shares;
	uint32_t *slots;
	size_t last;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot tell what each holder has");
}

static bool is(const struct gm_go_share *share, uint32_t root, uint32_t kind)
{
	return share->root == root && share->kind == kind;
}

static struct gm_error *find(struct sharing *sharing, uint32_t root, uint32_t kind)
{
	struct gm_go_shares *shares = sharing->shares;
	uint32_t at = ((uint64_t)root << 32 | kind) * 0x9e3779b97f4a7c15ULL >> 32;
	uint32_t *slot = &sharing->slots[at % (2 * SHARES_MAX)];
	struct gm_go_share *share;

	while (*slot && !is(&shares->items[*slot - 1], root, kind))
		slot = &sharing->slots[++at % (2 * SHARES_MAX)];
	if (!*slot) {
		if (shares->count == SHARES_MAX)
			return gm_error_create(E2BIG, "too many holders have too many types");
		share = gm_vec_push(shares);
		if (!share)
			return no_memory();
		share->root = root;
		share->kind = kind;
		*slot = shares->count;
	}
	sharing->last = *slot - 1;
	return NULL;
}

static struct gm_error *add_span(struct sharing *sharing, const struct gm_go_ids *ids, size_t index,
				 const uint32_t *nearest, const uint32_t *kinds)
{
	const struct gm_go_span *span = &ids->heap->spans.items[index];
	uint32_t first = ids->spans[index].first;
	struct gm_error *error = NULL;

	for (uint32_t i = first; i < first + span->elems && !error; i++) {
		const struct gm_go_shares *shares = sharing->shares;

		if (!nearest[i])
			continue;
		if (sharing->last >= shares->count ||
		    !is(&shares->items[sharing->last], nearest[i] - 1, kinds[i]))
			error = find(sharing, nearest[i] - 1, kinds[i]);
		if (error)
			break;
		shares->items[sharing->last].objects++;
		shares->items[sharing->last].bytes += span->elem_bytes;
	}
	return error;
}

struct gm_error *gm_go_shares_find(const struct gm_go_ids *ids, const struct gm_graph *graph,
				   const uint32_t *kinds, struct gm_go_shares *shares)
{
	gm_big_autofree uint32_t *nearest =
		gm_big_alloc((size_t)graph->nodes + 1, sizeof(*nearest));
	gm_autofree uint32_t *slots = calloc(2UL * SHARES_MAX, sizeof(*slots));
	struct sharing sharing = { .shares = shares, .slots = slots };
	struct gm_error *error;

	if (!nearest || !slots)
		return no_memory();
	error = gm_graph_nearest(graph, nearest);
	for (size_t i = 0; i < ids->heap->spans.count && !error; i++)
		error = add_span(&sharing, ids, i, nearest, kinds);
	return error;
}
