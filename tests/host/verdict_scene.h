/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs of a verdict in which every check holds, and the ways to spoil one that more than one
 * test has.
 */
#ifndef GM_VERDICT_SCENE_H
#define GM_VERDICT_SCENE_H

#include "verdict/verdict.h"

#define MIB (1ULL << 20)

/* A whole input by value, for a test to spoil. */
struct scene {
	struct gm_bill bill;
	struct gm_bill again;
	struct gm_go_heap heap;
	char version[32];
	struct gm_host host;
	struct gm_process process;
	struct gm_verdict_events events;
	bool no_again, no_events, no_heap, huge_unknown;
};

/* Huge pages that nothing is said of: the tests of pinned ones are in test_verdict_pinned.c. */
static struct gm_huge plain[1000];

static inline struct gm_verdict judge(struct scene *scene)
{
	struct gm_verdict verdict;
	struct gm_verdict_input input = {
		.bill = &scene->bill,
		.again = scene->no_again ? NULL : &scene->again,
		.heap = scene->no_heap ? NULL : &scene->heap,
		.heap_problem = scene->no_heap ? "no reason" : NULL,
		.host = &scene->host,
		.process = &scene->process,
		.events = scene->no_events ? NULL : &scene->events,
		.huge_known = !scene->huge_unknown,
	};

	scene->heap.version = scene->version;
	scene->bill.huge.items = plain;
	scene->again.huge.items = plain;
	gm_verdict_judge(&input, &verdict);
	return verdict;
}

static inline void put(struct scene *scene, enum gm_go_class class_, enum gomem_page_state state,
		       uint64_t bytes)
{
	scene->bill.bytes[class_][state] += bytes;
	scene->bill.resident[class_] += bytes;
	scene->bill.rss += bytes;
	scene->bill.pages_rss += bytes;
	scene->again = scene->bill;
}

/* 100 MiB live beside 400 MiB that 200 collapses brought back. */
static inline struct scene refilled(void)
{
	struct scene scene = { .version = "go1.24.4",
			       .host = { .thp_enabled = "always", .max_ptes_none = 511 },
			       .events = { .collapses = 200 } };

	put(&scene, GM_GO_LIVE, GOMEM_PAGE_ANON, 100 * MIB);
	put(&scene, GM_GO_RELEASED, GOMEM_PAGE_THP, 400 * MIB);
	scene.bill.released_huge = 200;
	scene.bill.huge.count = 200;
	scene.again = scene.bill;
	scene.heap.totals.heap_inuse = 100 * MIB;
	scene.heap.totals.heap_alloc = 100 * MIB;
	return scene;
}

static inline void usual_pacing(struct scene *scene)
{
	scene->heap.gc_percent = 100;
	scene->heap.memory_limit = INT64_MAX;
}

/* 20 MiB of objects in 200 MiB of spans of one class. */
static inline struct scene fragmented(void)
{
	struct scene scene = { .version = "go1.24.4",
			       .host = { .thp_enabled = "never", .max_ptes_none = 511 } };

	scene.bill.classes[5] = (struct gm_class_use){ .size_class = 5,
						       .elem_bytes = 48,
						       .spans = 25600,
						       .slots = 1000,
						       .objects = 100,
						       .free_bytes = 180 * MIB };
	put(&scene, GM_GO_LIVE, GOMEM_PAGE_ANON, 20 * MIB);
	put(&scene, GM_GO_FREE_SLOT, GOMEM_PAGE_ANON, 180 * MIB);
	scene.heap.totals.heap_inuse = 200 * MIB;
	scene.heap.totals.heap_alloc = 20 * MIB;
	scene.heap.totals.heap_sys = 200 * MIB;
	usual_pacing(&scene);
	return scene;
}

/* 100 MiB idle beside 20 MiB in use. */
static inline struct scene idling(void)
{
	struct scene scene = { .version = "go1.24.4",
			       .host = { .thp_enabled = "never", .max_ptes_none = 511 } };

	put(&scene, GM_GO_LIVE, GOMEM_PAGE_ANON, 20 * MIB);
	usual_pacing(&scene);
	put(&scene, GM_GO_IDLE, GOMEM_PAGE_ANON, 100 * MIB);
	scene.heap.totals.heap_inuse = 20 * MIB;
	scene.heap.totals.heap_alloc = 20 * MIB;
	return scene;
}

static inline struct scene healthy(void)
{
	struct scene scene = { .version = "go1.24.4",
			       .host = { .thp_enabled = "always", .max_ptes_none = 511 } };

	put(&scene, GM_GO_LIVE, GOMEM_PAGE_ANON, 100 * MIB);
	put(&scene, GM_GO_FREE_SLOT, GOMEM_PAGE_ANON, 10 * MIB);
	scene.bill.virtual_bytes = 1000 * MIB;
	scene.heap.totals.heap_inuse = 110 * MIB;
	scene.heap.totals.heap_alloc = 100 * MIB;
	return scene;
}

static inline void no_holes_filled(struct scene *scene)
{
	scene->host.max_ptes_none = 0;
}

static inline void holes_unknown(struct scene *scene)
{
	scene->host.max_ptes_none = GM_UNKNOWN;
}

/* 300 of the 400 MiB are small pages. */
static inline void mostly_small(struct scene *scene)
{
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_THP] = 100 * MIB;
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_ANON] = 300 * MIB;
}

static inline void released_again(struct scene *scene, uint64_t bytes)
{
	scene->again.resident[GM_GO_RELEASED] = bytes;
	scene->again.bytes[GM_GO_RELEASED][GOMEM_PAGE_THP] = bytes;
}

static inline void reused_meanwhile(struct scene *scene)
{
	released_again(scene, 300 * MIB);
}

#endif
