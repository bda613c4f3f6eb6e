// SPDX-License-Identifier: GPL-2.0-or-later
/* Dominators against what the word means, on small random graphs; and graphs so deep and so
 * awkward that recursion or a walk up the tree would not end.
 */
#include <stdlib.h>

#include "graph/graph.h"
#include "random.h"
#include "tap.h"

#define SMALL 12
#define ROOTS 3
#define ROUNDS 4000
#define MANY 1000000U

/* The same small graph as a matrix. */
struct small {
	bool edge[SMALL][SMALL];
	uint64_t bytes[SMALL];
};

static void reach(const struct small *small, int from, int without, bool *seen)
{
	if (from == without || seen[from])
		return;
	seen[from] = true;
	for (int to = 0; to < SMALL; to++)
		if (small->edge[from][to])
			reach(small, to, without, seen);
}

static void reach_all(const struct small *small, int without, bool *seen)
{
	memset(seen, 0, SMALL * sizeof(*seen));
	for (int root = SMALL - ROOTS; root < SMALL; root++)
		reach(small, root, without, seen);
}

/* What is not reached any more without @node is what it dominates. */
static bool as_defined(const struct small *small, const struct gm_dominators *found)
{
	bool all[SMALL], rest[SMALL];

	reach_all(small, -1, all);
	for (int node = 0; node < SMALL; node++) {
		uint64_t bytes = 0, members = 0;
		uint32_t number = found->number[node];

		if (all[node] != !!number)
			return false;
		if (!number)
			continue;
		reach_all(small, node, rest);
		for (int i = 0; i < SMALL; i++) {
			bytes += all[i] && !rest[i] ? small->bytes[i] : 0;
			members += all[i] && !rest[i] && i < SMALL - ROOTS;
		}
		if (found->bytes[number] != bytes || found->members[number] != members)
			return false;
	}
	return true;
}

static void begin(struct gm_graph *graph, struct gm_graph_part *part, uint32_t nodes,
		  uint32_t roots)
{
	*part = (struct gm_graph_part){ .nodes = nodes };
	if (gm_graph_init(graph, nodes, roots))
		exit(1);
}

static void add(struct gm_graph_part *part, uint32_t to)
{
	if (!gm_vec_reserve(&part->edges, 1))
		exit(1);
	part->edges.items[part->edges.count++] = to;
}

/* A breadth-first search from one root after the other, by the matrix. */
static uint32_t distance(const struct small *small, int root, int node)
{
	uint32_t steps[SMALL];

	for (int i = 0; i < SMALL; i++)
		steps[i] = i == root ? 0 : SMALL;
	for (int round = 0; round < SMALL; round++)
		for (int from = 0; from < SMALL; from++)
			for (int to = 0; to < SMALL; to++)
				if (small->edge[from][to] && steps[from] + 1 < steps[to])
					steps[to] = steps[from] + 1;
	return steps[node];
}

/* The last @weak roots only get what the others do not reach. */
static bool nearest_as_defined(const struct small *small, const struct gm_graph *graph)
{
	uint32_t nearest[SMALL];

	if (gm_graph_nearest(graph, nearest))
		return false;
	for (int node = 0; node < SMALL - ROOTS; node++) {
		uint32_t least = SMALL, best = 0;

		for (uint32_t root = 0; root < ROOTS; root++) {
			uint32_t steps = distance(small, SMALL - ROOTS + root, node);

			if (best && root >= ROOTS - graph->weak && best <= ROOTS - graph->weak)
				break;
			if (steps < least) {
				least = steps;
				best = root + 1;
			}
		}
		if (nearest[node] != best)
			return false;
	}
	return true;
}

/* What a weak root and another reach is no less the other's. */
static bool weak_round(struct small *small, struct gm_graph *graph)
{
	bool strong[SMALL] = {};

	graph->weak = random_below(ROOTS);
	if (!nearest_as_defined(small, graph))
		return false;
	for (uint32_t root = SMALL - ROOTS; root < SMALL - graph->weak; root++)
		reach(small, root, -1, strong);
	for (uint32_t root = SMALL - graph->weak; root < SMALL; root++)
		for (int to = 0; to < SMALL; to++)
			small->edge[root][to] &= !strong[to];
	return true;
}

static bool small_round(void)
{
	unsigned int density = 1 + random_below(6);
	struct gm_graph_part parts[2];
	struct gm_dominators found;
	struct small small = {};
	struct gm_graph graph;
	uint32_t middle = random_below(SMALL + 1);
	bool good;

	begin(&graph, &parts[0], SMALL, ROOTS);
	parts[0].nodes = middle;
	parts[1] = (struct gm_graph_part){ .first_node = middle, .nodes = SMALL - middle };
	for (uint32_t from = 0; from < SMALL; from++) {
		struct gm_graph_part *part = &parts[from >= middle];

		small.bytes[from] = random_below(100);
		graph.first[from] = part->edges.count;
		for (uint32_t to = 0; to < SMALL - ROOTS; to++) {
			if (random_below(SMALL) >= density)
				continue;
			small.edge[from][to] = true;
			add(part, to);
		}
	}
	if (gm_graph_join(&graph, parts, 2) || !weak_round(&small, &graph) ||
	    gm_dominators_find(&graph, &found))
		return false;
	for (uint32_t node = 0; node < SMALL; node++)
		found.bytes[found.number[node]] = small.bytes[node];
	found.bytes[0] = 0;
	gm_dominators_sum(&found);
	good = as_defined(&small, &found);
	gm_dominators_deinit(&found);
	return good;
}

static void test_small(void)
{
	int wrong = 0;

	for (int i = 0; i < ROUNDS; i++)
		wrong += !small_round();
	tap_u64(wrong, 0, "dominators and nearest roots of random graphs",
		"taking each node away and seeing what is reached");
}

static struct gm_dominators finish(struct gm_graph *graph, struct gm_graph_part *part)
{
	struct gm_dominators found;

	if (gm_graph_join(graph, part, 1) || gm_dominators_find(graph, &found))
		exit(1);
	for (uint32_t i = 1; i < found.count; i++)
		found.bytes[i] = 1;
	gm_dominators_sum(&found);
	return found;
}

/* root -> 0 -> 1 -> ... , and each one back to the one before. */
static void test_list(void)
{
	struct gm_dominators found;
	struct gm_graph_part part;
	struct gm_graph graph;

	begin(&graph, &part, MANY + 1, 1);
	for (uint32_t i = 0; i < MANY; i++) {
		graph.first[i] = part.edges.count;
		if (i + 1 < MANY)
			add(&part, i + 1);
		if (i)
			add(&part, i - 1);
	}
	graph.first[MANY] = part.edges.count;
	add(&part, 0);
	found = finish(&graph, &part);
	tap_u64(found.count, MANY + 2, "a long list: all is reached", "by construction");
	tap_u64(found.bytes[found.number[MANY / 2]], MANY / 2,
		"a long list: its middle holds one half", "by construction");
	tap_u64(found.members[found.number[MANY]], MANY, "a long list: the root holds all",
		"by construction");
	gm_dominators_deinit(&found);
}

/* A list whose end leads to many, each of which another root holds too: whoever looks for
 * dominators by walking up the list takes MANY * MANY / 4 steps.
 */
static void test_fan(void)
{
	uint32_t half = MANY / 2;
	struct gm_dominators found;
	struct gm_graph_part part;
	struct gm_graph graph;

	begin(&graph, &part, MANY + 2, 2);
	for (uint32_t i = 0; i < half; i++) {
		graph.first[i] = part.edges.count;
		add(&part, i + 1);
	}
	graph.first[half] = part.edges.count;
	for (uint32_t i = half + 1; i < MANY; i++)
		add(&part, i);
	for (uint32_t i = half + 1; i < MANY; i++)
		graph.first[i] = part.edges.count;
	graph.first[MANY] = part.edges.count;
	add(&part, 0);
	graph.first[MANY + 1] = part.edges.count;
	for (uint32_t i = half + 1; i < MANY; i++)
		add(&part, i);
	found = finish(&graph, &part);
	tap_u64(found.bytes[found.number[MANY]], half + 2, "a fan: its list has one holder",
		"by construction");
	tap_u64(found.bytes[found.number[MANY + 1]], 1, "a fan: what two hold, neither holds alone",
		"by construction");
	tap_u64(found.above[found.number[MANY - 1]], 0, "a fan: what two hold is above the roots",
		"by construction");
	gm_dominators_deinit(&found);
}

static void test_bad(void)
{
	struct gm_graph_part part;
	struct gm_graph graph;
	struct gm_error *error;

	begin(&graph, &part, 2, 1);
	add(&part, 2);
	error = gm_graph_join(&graph, &part, 1);
	tap_ok(error, "an edge to no node is refused");
	gm_error_destroy(error);
	gm_graph_deinit(&graph);
	error = gm_graph_init(&graph, 1ULL << 32, 0);
	tap_ok(error, "more nodes than there are numbers are refused");
	gm_error_destroy(error);
	gm_graph_deinit(&graph);
}

int main(void)
{
	test_small();
	test_list();
	test_fan();
	test_bad();
	return tap_done();
}
