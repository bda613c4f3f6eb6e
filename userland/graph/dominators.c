// SPDX-License-Identifier: GPL-2.0-or-later
/* Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph", 1979: the
 * simple version, without recursion. Vertices are numbers in the order of a depth-first search.
 */
#include <errno.h>
#include <string.h>

#include "base/big.h"
#include "base/fetch.h"

#include "graph/graph.h"

#define FETCHED_MAX 8 /* edges of a node */
#define AHEAD 8 /* nodes */

/**
 * struct search - arrays by number, some of which serve twice
 * @parent: in the search's tree; of what is linked, an ancestor (paths are compressed)
 * @semi: the semidominator; during the search, the next edge to follow
 * @label: of what is linked, the vertex of least semidominator on the way up; else the first
 *	vertex of the bucket of those it semidominates, 0: none
 * @above: the dominator, once known; before, the next vertex of its bucket
 * @from, @first: the edges backwards: those that lead to vertex v come from
 *	from[first[v]] to from[first[v + 1] - 1]
 * @linked: vertices from here on are linked
 * @path: of a compression
 */
struct search {
	struct gm_dominators *found;
	uint32_t *parent;
	uint32_t *semi;
	uint32_t *label;
	uint32_t *above;
	uint32_t *first;
	uint32_t *from;
	uint32_t linked;
	struct {
		GM_VEC(uint32_t);
	} path;
};

static struct gm_error *no_memory(const struct gm_dominators *found)
{
	return gm_error_errno(ENOMEM, "cannot find the dominators of %u nodes", found->nodes);
}

/* There is room for every node to be reached; what is not touched costs nothing. */
static struct gm_error *init(struct search *search, const struct gm_graph *graph)
{
	struct gm_dominators *found = search->found;
	size_t size = (size_t)graph->nodes + 2;

	found->nodes = graph->nodes;
	found->roots = graph->roots;
	found->number = gm_big_alloc(size, sizeof(*found->number));
	found->node = gm_big_alloc(size, sizeof(*found->node));
	/* One piece: what it is used for last has twice the size. */
	found->bytes = gm_big_alloc(size, sizeof(*found->bytes));
	found->members = gm_big_alloc(size, sizeof(*found->members));
	if (!found->number || !found->node || !found->bytes || !found->members)
		return no_memory(found);
	memset(found->number, 0, size * sizeof(*found->number));
	search->parent = found->members;
	search->semi = (uint32_t *)found->bytes;
	search->label = search->semi + size;
	found->node[0] = 0;
	search->parent[0] = 0;
	search->semi[0] = 0;
	return NULL;
}

/* What edges lead to is wanted soon. */
static void fetch_nodes(const struct search *search, const struct gm_graph *graph, uint32_t node)
{
	uint32_t at = graph->first[node], end = graph->first[node + 1];

	end = end - at > FETCHED_MAX ? at + FETCHED_MAX : end;
	for (; at < end; at++) {
		gm_fetch(&search->found->number[graph->to[at]]);
		gm_fetch(&graph->first[graph->to[at]]);
	}
}

static uint32_t enter(struct search *search, const struct gm_graph *graph, uint32_t node,
		      uint32_t parent)
{
	struct gm_dominators *found = search->found;
	uint32_t number = ++found->count;

	found->number[node] = number;
	found->node[number] = node;
	search->parent[number] = parent;
	search->semi[number] = graph->first[node];
	fetch_nodes(search, graph, node);
	return number;
}

static void search_from(struct search *search, const struct gm_graph *graph, uint32_t root)
{
	const struct gm_dominators *found = search->found;
	uint32_t at = enter(search, graph, root, 0);

	while (at) {
		uint32_t edge = search->semi[at], to;

		if (edge == graph->first[found->node[at] + 1]) {
			at = search->parent[at];
			continue;
		}
		search->semi[at]++;
		to = graph->to[edge];
		if (!found->number[to])
			at = enter(search, graph, to, at);
	}
}

static void search_all(struct search *search, const struct gm_graph *graph)
{
	for (uint32_t node = graph->nodes - graph->roots; node < graph->nodes; node++)
		if (!search->found->number[node])
			search_from(search, graph, node);
}

/* Edges of @node to numbers below do not count: weak roots are searched from last. */
static uint32_t least_number(const struct search *search, const struct gm_graph *graph,
			     uint32_t node)
{
	if (node < graph->nodes - graph->weak)
		return 0;
	return search->found->number[graph->nodes - graph->weak];
}

/* Edges become those between numbers; counts, one further on, those that lead to each. */
static void number_edges(struct search *search, struct gm_graph *graph)
{
	const uint32_t *number = search->found->number;

	for (uint32_t node = 0; node < graph->nodes; node++) {
		uint32_t least = least_number(search, graph, node);

		if (!number[node])
			continue;
		for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
			uint32_t to = number[graph->to[i]];

			graph->to[i] = to < least ? 0 : to;
			search->first[graph->to[i] + 1]++;
		}
	}
}

static struct gm_error *turn_edges(struct search *search, struct gm_graph *graph)
{
	const uint32_t *number = search->found->number;
	uint32_t count = search->found->count;

	search->first = gm_big_alloc((size_t)count + 3, sizeof(*search->first));
	if (!search->first)
		return no_memory(search->found);
	memset(search->first, 0, ((size_t)count + 3) * sizeof(*search->first));
	number_edges(search, graph);
	for (uint32_t i = 1; i <= count + 1; i++)
		search->first[i] += search->first[i - 1];
	search->from = gm_big_alloc((size_t)search->first[count + 1] + 1, sizeof(*search->from));
	if (!search->from)
		return no_memory(search->found);
	for (uint32_t node = 0; node < graph->nodes; node++) {
		if (!number[node])
			continue;
		for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++)
			search->from[search->first[graph->to[i]]++] = number[node];
	}
	/* Each now stands where the next one starts. */
	memmove(search->first + 1, search->first, ((size_t)count + 1) * sizeof(*search->first));
	search->first[0] = 0;
	return NULL;
}

static bool compress(struct search *search, uint32_t vertex)
{
	uint32_t *parent = search->parent, *label = search->label;
	uint32_t last = vertex;

	search->path.count = 0;
	while (parent[last] >= search->linked) {
		if (!gm_vec_reserve(&search->path, 1))
			return false;
		search->path.items[search->path.count++] = last;
		last = parent[last];
	}
	while (search->path.count) {
		uint32_t at = search->path.items[--search->path.count];

		if (search->semi[label[last]] < search->semi[label[at]])
			label[at] = label[last];
		parent[at] = parent[last];
		last = at;
	}
	return true;
}

/* The vertex of least semidominator on the way up from @vertex, as far as is linked; 0, which
 * is never linked, where memory is out.
 */
static uint32_t least(struct search *search, uint32_t vertex)
{
	if (vertex < search->linked)
		return vertex;
	if (search->parent[vertex] >= search->linked && !compress(search, vertex))
		return 0;
	return search->label[vertex];
}

static bool find_semi(struct search *search, uint32_t vertex)
{
	uint32_t semi = search->parent[vertex];

	for (uint32_t i = search->first[vertex]; i < search->first[vertex + 1]; i++) {
		uint32_t from = least(search, search->from[i]);

		if (!from)
			return false;
		/* Of those not linked yet, which have lower numbers, it is the vertex itself. */
		if (from >= search->linked)
			from = search->semi[from];
		if (from < semi)
			semi = from;
	}
	search->semi[vertex] = semi;
	return true;
}

static bool empty_bucket(struct search *search, uint32_t parent)
{
	uint32_t vertex = search->label[parent];

	search->label[parent] = 0;
	while (vertex) {
		uint32_t next = search->above[vertex];
		uint32_t from = least(search, vertex);

		if (!from)
			return false;
		search->above[vertex] = search->semi[from] < search->semi[vertex] ? from : parent;
		vertex = next;
	}
	return true;
}

static bool find_vertex(struct search *search, uint32_t vertex)
{
	uint32_t parent = search->parent[vertex], semi;

	if (!find_semi(search, vertex))
		return false;
	semi = search->semi[vertex];
	search->label[vertex] = vertex;
	search->linked = vertex;
	if (semi == parent) {
		search->above[vertex] = parent;
	} else {
		search->above[vertex] = search->label[semi];
		search->label[semi] = vertex;
	}
	return empty_bucket(search, parent);
}

/* What find_semi() wants of a vertex that is soon due. */
static void fetch_vertex(const struct search *search, uint32_t vertex)
{
	uint32_t at = search->first[vertex], end = search->first[vertex + 1];

	end = end - at > FETCHED_MAX ? at + FETCHED_MAX : end;
	for (; at < end; at++) {
		uint32_t from = search->from[at];

		if (from <= vertex)
			continue;
		gm_fetch(&search->parent[from]);
		gm_fetch(&search->label[from]);
		gm_fetch(&search->semi[from]);
	}
}

/* When the graph is gone, and its memory there again. */
static struct gm_error *init_find(struct search *search)
{
	struct gm_dominators *found = search->found;

	found->above = gm_big_alloc((size_t)found->nodes + 2, sizeof(*found->above));
	if (!found->above)
		return no_memory(found);
	search->above = found->above;
	memset(search->above, 0, ((size_t)found->count + 1) * sizeof(*search->above));
	memset(search->label, 0, ((size_t)found->count + 1) * sizeof(*search->label));
	return NULL;
}

static struct gm_error *find(struct search *search)
{
	uint32_t count = search->found->count;

	search->linked = count + 1;
	for (uint32_t vertex = count; vertex; vertex--) {
		if (vertex > AHEAD)
			fetch_vertex(search, vertex - AHEAD);
		if (!find_vertex(search, vertex))
			return no_memory(search->found);
	}
	for (uint32_t vertex = 1; vertex <= count; vertex++)
		if (search->above[vertex] != search->semi[vertex])
			search->above[vertex] = search->above[search->above[vertex]];
	return NULL;
}

struct gm_error *gm_dominators_find(struct gm_graph *graph, struct gm_dominators *found)
{
	struct search search = { .found = found };
	struct gm_error *error;

	*found = (struct gm_dominators){};
	error = init(&search, graph);
	if (!error) {
		search_all(&search, graph);
		error = turn_edges(&search, graph);
	}
	gm_graph_deinit(graph);
	if (!error)
		error = init_find(&search);
	if (!error)
		error = find(&search);
	gm_big_free(search.first);
	gm_big_free(search.from);
	free(search.path.items);
	if (error)
		return error;
	found->count++;
	memset(found->bytes, 0, found->count * sizeof(*found->bytes));
	memset(found->members, 0, found->count * sizeof(*found->members));
	return NULL;
}

void gm_dominators_sum(struct gm_dominators *found)
{
	uint32_t objects = found->nodes - found->roots;

	for (uint32_t number = found->count - 1; number; number--) {
		uint32_t above = found->above[number];

		found->members[number] += found->node[number] < objects;
		found->members[above] += found->members[number];
		found->bytes[above] += found->bytes[number];
	}
}

void gm_dominators_deinit(struct gm_dominators *found)
{
	gm_big_free(found->number);
	gm_big_free(found->node);
	gm_big_free(found->above);
	gm_big_free(found->bytes);
	gm_big_free(found->members);
	*found = (struct gm_dominators){};
}
