// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/refs.h"

#include <errno.h>
#include <string.h>

#include "base/big.h"
#include "go/kinds.h"
#include "go/shares.h"
#include "go/typing.h"
#include "os/file.h"

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot follow the references of the heap");
}

/* Nodes for the holders: weak ones come last. */
static struct gm_error *number_holders(struct gm_go_refs *refs, uint32_t *weak)
{
	size_t count = refs->roots.holders.count;
	uint32_t node = refs->ids.count;

	refs->holder_node = calloc(count + 1, sizeof(*refs->holder_node));
	refs->held = calloc(count + 1, sizeof(*refs->held));
	if (!refs->holder_node || !refs->held)
		return no_memory();
	for (size_t i = 0; i < count; i++)
		if (refs->roots.holders.items[i].kind != GM_GO_HOLDER_WEAK)
			refs->holder_node[i] = node++;
	*weak = refs->ids.count + count - node;
	for (size_t i = 0; i < count; i++)
		if (refs->roots.holders.items[i].kind == GM_GO_HOLDER_WEAK)
			refs->holder_node[i] = node++;
	return NULL;
}

/* The edges of the holders: sorted by counting. */
static struct gm_error *add_holders(const struct gm_go_refs *refs, struct gm_graph *graph,
				    struct gm_graph_part *part)
{
	const struct gm_go_roots *roots = &refs->roots;
	uint32_t first_node = refs->ids.count, at = 0;
	uint32_t *first = graph->first + first_node;

	*part = (struct gm_graph_part){ .first_node = first_node, .nodes = roots->holders.count };
	if (!gm_vec_reserve(&part->edges, roots->count))
		return no_memory();
	part->edges.count = roots->count;
	for (size_t i = 0; i < roots->count; i++)
		first[refs->holder_node[roots->items[i].holder] - first_node]++;
	for (uint32_t i = 0; i < part->nodes; i++) {
		uint32_t count = first[i];

		first[i] = at;
		at += count;
	}
	for (size_t i = 0; i < roots->count; i++)
		part->edges.items[first[refs->holder_node[roots->items[i].holder] - first_node]++] =
			roots->items[i].object;
	/* Each now stands where the next one starts. */
	memmove(first + 1, first, part->nodes * sizeof(*first));
	first[0] = 0;
	return NULL;
}

static struct gm_error *make_graph(const struct gm_go_rooting *rooting, struct gm_go_refs *refs,
				   struct gm_go_typing *typing, struct gm_graph *graph)
{
	struct gm_graph_part parts[GM_GO_EDGES_WORKERS_MAX + 1] = {};
	struct gm_error *error;
	uint32_t weak = 0;
	size_t count = 0;

	error = number_holders(refs, &weak);
	if (!error)
		error = gm_graph_init(graph, (uint64_t)refs->ids.count + refs->roots.holders.count,
				      refs->roots.holders.count);
	graph->weak = weak;
	if (!error)
		error = gm_go_edges_read(rooting->target, &refs->ids, graph, parts, &count, typing,
					 &rooting->progress, &refs->count);
	if (!error)
		error = add_holders(refs, graph, &parts[count++]);
	for (size_t i = 0; i < count; i++)
		refs->edges += parts[i].edges.count;
	if (!error)
		error = gm_graph_join(graph, parts, count);
	for (size_t i = 0; i < count; i++)
		free(parts[i].edges.items);
	return error;
}

/* Roots of the graph become holders, kinds types. */
static struct gm_error *keep_shares(struct gm_go_refs *refs, const struct gm_go_shares *shares,
				    const struct gm_go_kinds *kinds)
{
	gm_autofree uint32_t *holders = NULL;
	size_t count = refs->roots.holders.count;

	holders = calloc(count + 1, sizeof(*holders));
	if (!holders || !gm_vec_reserve(&refs->holdings, shares->count))
		return no_memory();
	for (size_t i = 0; i < count; i++)
		holders[refs->holder_node[i] - refs->ids.count] = i;
	for (size_t i = 0; i < shares->count; i++) {
		const struct gm_go_share *share = &shares->items[i];
		uint32_t holder = holders[share->root];

		refs->held[holder].objects += share->objects;
		refs->held[holder].bytes += share->bytes;
		refs->holdings.items[refs->holdings.count++] =
			(struct gm_go_holding){ holder, kinds->items[share->kind], share->objects,
						share->bytes };
	}
	return NULL;
}

static struct gm_error *share_out(struct gm_go_refs *refs, const struct gm_graph *graph,
				  const uint32_t *kind_of, const struct gm_go_kinds *kinds)
{
	struct gm_go_shares shares = {};
	struct gm_error *error;

	error = gm_go_shares_find(&refs->ids, graph, kind_of, &shares);
	if (!error)
		error = keep_shares(refs, &shares, kinds);
	free(shares.items);
	return error;
}

static void weigh_span(struct gm_go_refs *refs, size_t index)
{
	const struct gm_go_heap *heap = refs->ids.heap;
	const struct gm_go_span *span = &heap->spans.items[index];
	uint32_t first = refs->ids.spans[index].first;

	for (uint32_t i = 0; i < span->elems; i++) {
		uint32_t number = refs->tree.number[first + i];

		if (gm_go_ids_live(&refs->ids, index, i)) {
			refs->live_objects++;
			refs->live_bytes += span->elem_bytes;
		}
		if (number)
			refs->tree.bytes[number] = span->elem_bytes;
	}
}

static void weigh(struct gm_go_refs *refs)
{
	for (size_t i = 0; i < refs->ids.heap->spans.count; i++)
		weigh_span(refs, i);
	gm_dominators_sum(&refs->tree);
	refs->reached_objects = refs->tree.members[0];
	refs->reached_bytes = refs->tree.bytes[0];
}

/* Codes become the numbers of their kinds. */
static struct gm_error *add_kinds(struct gm_go_refs *refs, struct gm_go_typing *typing,
				  struct gm_go_kinds *kinds)
{
	struct gm_error *error = gm_go_kinds_init(kinds);

	for (uint32_t i = 0; i < refs->ids.count && !error; i++)
		error = gm_go_kinds_find(kinds, typing->codes[i], &typing->codes[i]);
	return error;
}

/* What is reached, by type. */
static struct gm_error *sum_up(struct gm_go_refs *refs, const struct gm_go_typing *typing,
			       const struct gm_go_kinds *kinds)
{
	gm_autofree struct gm_graph_sum *sums = calloc(kinds->count + 1, sizeof(*sums));
	struct gm_error *error;

	if (!sums || !gm_vec_reserve(&refs->sums, kinds->count))
		return no_memory();
	error = gm_dominators_by_kind(&refs->tree, typing->codes, kinds->count, sums);
	for (size_t i = 0; i < kinds->count && !error; i++)
		if (sums[i].members)
			refs->sums.items[refs->sums.count++] =
				(struct gm_go_type_sum){ kinds->items[i], sums[i] };
	return error;
}

static struct gm_error *follow(const struct gm_go_rooting *rooting, struct gm_go_refs *refs,
			       struct gm_go_typing *typing, struct gm_graph *graph)
{
	struct gm_go_seeds seeds = {};
	uint64_t started = gm_clock_ns();
	struct gm_error *error;

	error = make_graph(rooting, refs, typing, graph);
	if (!error)
		error = gm_go_typing_seeds(&refs->roots, refs->types, &seeds);
	if (rooting->copied)
		rooting->copied(rooting->context);
	refs->edges_ns = gm_clock_ns() - started;
	started += refs->edges_ns;
	gm_go_progress(&rooting->progress, "telling types", 0);
	if (!error)
		error = gm_go_typing_spread(typing, graph, &refs->ids, &seeds);
	if (!error)
		error = gm_go_typing_closures(typing, rooting->target, &refs->ids);
	free(seeds.items);
	free(typing->steps.items);
	free(typing->steps.far.items);
	refs->types_ns += gm_clock_ns() - started;
	return error;
}

static struct gm_error *arrange(struct gm_go_refs *refs, struct gm_go_typing *typing,
				struct gm_graph *graph)
{
	struct gm_go_kinds kinds = {};
	struct gm_error *error;

	error = add_kinds(refs, typing, &kinds);
	if (!error)
		error = share_out(refs, graph, typing->codes, &kinds);
	if (!error)
		error = gm_dominators_find(graph, &refs->tree);
	if (!error) {
		weigh(refs);
		error = sum_up(refs, typing, &kinds);
	}
	gm_go_kinds_deinit(&kinds);
	return error;
}

static struct gm_error *read_graph(const struct gm_go_rooting *rooting, struct gm_go_refs *refs)
{
	struct gm_go_typing typing = { .types = refs->types };
	struct gm_graph graph = {};
	struct gm_error *error;
	uint64_t started;

	typing.codes = calloc((size_t)refs->ids.count + 1, sizeof(*typing.codes));
	gm_big_advise(typing.codes, (size_t)refs->ids.count * sizeof(*typing.codes));
	error = typing.codes ? follow(rooting, refs, &typing, &graph) : no_memory();
	started = gm_clock_ns();
	gm_go_progress(&rooting->progress, "finding dominators", 0);
	if (!error)
		error = arrange(refs, &typing, &graph);
	refs->tree_ns = gm_clock_ns() - started;
	free(typing.codes);
	gm_graph_deinit(&graph);
	return error;
}

struct gm_error *gm_go_refs_begin(const struct gm_go_rooting *rooting, struct gm_go_refs *refs)
{
	const struct gm_go_image *image = rooting->target->image;
	uint64_t started = gm_clock_ns();
	struct gm_error *error;

	*refs = (struct gm_go_refs){};
	error = gm_go_types_create(rooting->program, rooting->modules, image->version.minor,
				   &refs->types);
	if (!error)
		error = gm_go_types_describe(refs->types);
	refs->types_ns = gm_clock_ns() - started;
	started += refs->types_ns;
	gm_go_progress(&rooting->progress, "reading the stacks", 0);
	if (!error && rooting->copying)
		error = rooting->copying(rooting->context);
	if (!error)
		error = gm_go_roots_read(rooting, refs->types, &refs->roots);
	refs->roots_ns = gm_clock_ns() - started;
	return error;
}

struct gm_error *gm_go_refs_read(const struct gm_go_rooting *rooting, const struct gm_go_heap *heap,
				 struct gm_go_refs *refs)
{
	const struct gm_go_image *image = rooting->target->image;
	uint64_t started = gm_clock_ns();
	struct gm_error *error;

	error = gm_go_ids_init(heap, gm_go_layout_has(&image->layout, GM_GO_MSPAN_LARGE_TYPE),
			       &refs->ids);
	if (!error)
		error = gm_go_roots_settle(rooting, &refs->ids, &refs->roots);
	refs->roots_ns += gm_clock_ns() - started;
	return error ?: read_graph(rooting, refs);
}

void gm_go_refs_deinit(struct gm_go_refs *refs)
{
	gm_dominators_deinit(&refs->tree);
	gm_go_roots_deinit(&refs->roots);
	gm_go_ids_deinit(&refs->ids);
	free(refs->holder_node);
	free(refs->held);
	free(refs->holdings.items);
	free(refs->sums.items);
	gm_go_types_destroy(refs->types);
	*refs = (struct gm_go_refs){};
}
