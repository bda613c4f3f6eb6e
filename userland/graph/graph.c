// SPDX-License-Identifier: GPL-2.0-or-later
#include "graph/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/big.h"
#include "base/fetch.h"

struct gm_error *gm_graph_init(struct gm_graph *graph, uint64_t nodes, uint32_t roots)
{
	*graph = (struct gm_graph){};
	if (nodes > GM_GRAPH_NODES_MAX)
		return gm_error_create(E2BIG, "cannot make a graph of %" PRIu64 " nodes", nodes);
	graph->first = calloc(nodes + 1, sizeof(*graph->first));
	if (!graph->first)
		return gm_error_errno(ENOMEM, "cannot make a graph of %" PRIu64 " nodes", nodes);
	gm_big_advise(graph->first, (nodes + 1) * sizeof(*graph->first));
	graph->nodes = nodes;
	graph->roots = roots;
	return NULL;
}

void gm_graph_deinit(struct gm_graph *graph)
{
	gm_big_free(graph->first);
	free(graph->to);
	*graph = (struct gm_graph){};
}

static void append(struct gm_graph *graph, struct gm_graph_part *part, uint32_t at)
{
	for (uint32_t i = 0; i < part->nodes; i++)
		graph->first[part->first_node + i] += at;
	if (part->edges.count)
		memcpy(graph->to + at, part->edges.items,
		       part->edges.count * sizeof(*part->edges.items));
	free(part->edges.items);
	memset(&part->edges, 0, sizeof(part->edges));
}

static bool edges_lead_somewhere(const struct gm_graph *graph, uint32_t edges)
{
	for (uint32_t i = 0; i < edges; i++)
		if (graph->to[i] >= graph->nodes)
			return false;
	return true;
}

struct gm_error *gm_graph_join(struct gm_graph *graph, struct gm_graph_part *parts, size_t count)
{
	uint64_t edges = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		edges += parts[i].edges.count;
	if (edges >= UINT32_MAX)
		return gm_error_create(E2BIG, "cannot make a graph of %" PRIu64 " edges", edges);
	/* Grown where it lies, the first and largest part need not be copied. */
	at = count ? parts[0].edges.count : 0;
	graph->to = realloc(count ? parts[0].edges.items : NULL, (edges + 1) * sizeof(*graph->to));
	if (!graph->to)
		return gm_error_errno(ENOMEM, "cannot make a graph of %" PRIu64 " edges", edges);
	if (count)
		memset(&parts[0].edges, 0, sizeof(parts[0].edges));
	for (size_t i = 1; i < count; i++) {
		size_t part = parts[i].edges.count;

		append(graph, &parts[i], at);
		at += part;
	}
	graph->first[graph->nodes] = edges;
	if (!edges_lead_somewhere(graph, edges))
		return gm_error_create(EINVAL, "cannot make a graph: an edge leads to no node");
	return NULL;
}

/* What the nodes further on in the queue will want comes into the caches meanwhile: at each of
 * these distances what the one before has told where to find.
 */
#define AHEAD_FIRST 24
#define AHEAD_EDGES 12

/**
 * struct walk - nodes in the order of their distance
 * @seen: by node, a bit: it was reached. These are few bytes, where @nearest would be as far apart
 *	as the nodes are
 * @queue: those that were reached, @count of them; the edges of the first @done were followed
 * @root: beside @queue, to which one and one each is nearest
 */
struct walk {
	const struct gm_graph *graph;
	uint64_t *seen;
	uint32_t *queue;
	uint32_t *root;
	uint32_t count;
	uint32_t done;
};

static void reach(struct walk *walk, uint32_t node, uint32_t root)
{
	uint64_t bit = 1ULL << node % 64;

	if (walk->seen[node / 64] & bit)
		return;
	walk->seen[node / 64] |= bit;
	walk->queue[walk->count] = node;
	walk->root[walk->count++] = root;
}

static void look_ahead(const struct walk *walk)
{
	const struct gm_graph *graph = walk->graph;
	uint32_t left = walk->count - walk->done;
	const uint32_t *queue = walk->queue + walk->done;

	if (left > AHEAD_FIRST)
		gm_fetch(&graph->first[queue[AHEAD_FIRST]]);
	if (left > AHEAD_EDGES)
		gm_fetch(&graph->to[graph->first[queue[AHEAD_EDGES]]]);
}

static void reach_all(struct walk *walk)
{
	const struct gm_graph *graph = walk->graph;

	while (walk->done < walk->count) {
		uint32_t node = walk->queue[walk->done], root = walk->root[walk->done];

		look_ahead(walk);
		walk->done++;
		for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++)
			reach(walk, graph->to[i], root);
	}
}

static void reach_from_roots(struct walk *walk)
{
	const struct gm_graph *graph = walk->graph;
	uint32_t first_root = graph->nodes - graph->roots;

	for (uint32_t root = 0; root < graph->roots; root++) {
		if (root == graph->roots - graph->weak)
			reach_all(walk);
		reach(walk, first_root + root, root + 1);
	}
	reach_all(walk);
}

struct gm_error *gm_graph_nearest(const struct gm_graph *graph, uint32_t *nearest)
{
	gm_big_autofree uint32_t *queue = gm_big_alloc((size_t)graph->nodes + 1, sizeof(*queue));
	gm_big_autofree uint32_t *root = gm_big_alloc((size_t)graph->nodes + 1, sizeof(*root));
	gm_big_autofree uint64_t *seen = calloc(graph->nodes / 64 + 1, sizeof(*seen));
	struct walk walk = { .graph = graph, .seen = seen, .queue = queue, .root = root };

	if (!seen || !queue || !root)
		return gm_error_errno(ENOMEM, "cannot walk a graph of %u nodes", graph->nodes);
	reach_from_roots(&walk);
	memset(nearest, 0, graph->nodes * sizeof(*nearest));
	for (uint32_t i = 0; i < walk.count; i++)
		nearest[queue[i]] = root[i];
	return NULL;
}
