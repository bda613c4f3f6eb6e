// SPDX-License-Identifier: GPL-2.0-or-later
/* Each verdict from a case in which every check holds, and then with one thing
 * changed at a time: the confidence must fall, or the verdict go away.
 */
#include "tap.h"
#include "verdict_scene.h"

#define GONE (-1)

/* Ways to spoil a scene. */
static void nothing(struct scene *scene)
{
	(void)scene;
}

static void no_module(struct scene *scene)
{
	scene->no_events = true;
}

static void few_collapses(struct scene *scene)
{
	scene->events.collapses = 99;
}

static void half_the_collapses(struct scene *scene)
{
	scene->events.collapses = 100;
}

/* 800 more huge pages, which collapses may have built; faults may have built the 200. */
static void faults_may_explain(struct scene *scene)
{
	scene->bill.huge.count = 1000;
	scene->events.huge_faults = 101;
}

static void many_others(struct scene *scene)
{
	scene->bill.huge.count = 1000;
	scene->events.huge_faults = 100;
}

static void collapses_for_all(struct scene *scene)
{
	scene->bill.huge.count = 1000;
	scene->events.huge_faults = 1000;
	scene->events.collapses = 900;
}

static void collapses_for_fewer(struct scene *scene)
{
	collapses_for_all(scene);
	scene->events.collapses = 899;
}

static void thp_never(struct scene *scene)
{
	strcpy(scene->host.thp_enabled, "never");
}

static void thp_madvise(struct scene *scene)
{
	strcpy(scene->host.thp_enabled, "madvise");
}

static void thp_unknown(struct scene *scene)
{
	scene->host.thp_enabled[0] = '\0';
}

static void go_1_21_0(struct scene *scene)
{
	strcpy(scene->version, "go1.21.0");
}

static void go_1_21_1(struct scene *scene)
{
	strcpy(scene->version, "go1.21.1");
}

static void go_1_30(struct scene *scene)
{
	strcpy(scene->version, "go1.30");
}

static void go_tip(struct scene *scene)
{
	strcpy(scene->version, "devel +abc");
}

static void looked_once(struct scene *scene)
{
	scene->no_again = true;
}

static void huge_untold(struct scene *scene)
{
	scene->huge_unknown = true;
}

static void gc_running(struct scene *scene)
{
	scene->heap.gc_running = true;
}

/* Given back with MADV_FREE: the kernel may take it at any time. */
static void all_lazyfree(struct scene *scene)
{
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_THP] = 0;
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_LAZYFREE] = 400 * MIB;
	scene->again = scene->bill;
}

static void all_reused_meanwhile(struct scene *scene)
{
	released_again(scene, 0);
}

/* 16 MiB is the least that is worth a word; 5 % of RSS where that is more. */
static void little_released(struct scene *scene)
{
	scene->bill.resident[GM_GO_RELEASED] = 16 * MIB - 4096;
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_THP] = 16 * MIB - 4096;
	scene->again = scene->bill;
}

static void large_rss(struct scene *scene)
{
	scene->bill.rss = 8001 * MIB;
	scene->again = scene->bill;
}

static void half_full(struct scene *scene)
{
	scene->heap.totals.heap_alloc = 100 * MIB;
}

static void mostly_full(struct scene *scene)
{
	scene->heap.totals.heap_alloc = 121 * MIB;
}

static void classes_full(struct scene *scene)
{
	scene->bill.classes[5].objects = 500;
}

static void slots_taken_meanwhile(struct scene *scene)
{
	scene->again.resident[GM_GO_FREE_SLOT] = 170 * MIB;
}

static void free_not_resident(struct scene *scene)
{
	scene->bill.resident[GM_GO_FREE_SLOT] = 9 * MIB;
	scene->again = scene->bill;
}

static void more_in_use(struct scene *scene)
{
	scene->heap.totals.heap_inuse = 40 * MIB;
}

static void much_in_use(struct scene *scene)
{
	scene->heap.totals.heap_inuse = 1000 * MIB;
}

static void gogc_off(struct scene *scene)
{
	scene->heap.gc_percent = -1;
}

static void gogc_400(struct scene *scene)
{
	scene->heap.gc_percent = 400;
}

static void gogc_unknown(struct scene *scene)
{
	scene->heap.gc_percent = GM_GO_GC_UNKNOWN;
}

static void memory_limited(struct scene *scene)
{
	scene->heap.memory_limit = 300 * MIB;
}

static void idle_taken_meanwhile(struct scene *scene)
{
	scene->again.resident[GM_GO_IDLE] = 90 * MIB;
}

static void idle_swapped(struct scene *scene)
{
	scene->bill.resident[GM_GO_IDLE] = 0;
	scene->again = scene->bill;
}

static void unexplained(struct scene *scene)
{
	scene->bill.unexplained = MIB;
}

static void shrunk(struct scene *scene)
{
	scene->bill.unexplained = -(int64_t)MIB;
}

static void c_malloc(struct scene *scene)
{
	put(scene, GM_GO_CGO_HEAP, GOMEM_PAGE_ANON, 1000 * MIB);
}

static void some_c_malloc(struct scene *scene)
{
	put(scene, GM_GO_CGO_HEAP, GOMEM_PAGE_ANON, 100 * MIB);
}

static void swapped(struct scene *scene)
{
	scene->bill.swap = 1000 * MIB;
}

enum { LOW = GM_CONFIDENCE_LOW, MEDIUM = GM_CONFIDENCE_MEDIUM, HIGH = GM_CONFIDENCE_HIGH };

static const struct {
	struct scene (*scene)(void);
	const char *id;
	const char *what;
	void (*spoil)(struct scene *scene);
	int confidence;
} cases[] = {
	{ refilled, "thp-refill", "everything holds", nothing, HIGH },
	{ refilled, "thp-refill", "no module", no_module, MEDIUM },
	{ refilled, "thp-refill", "collapses for less than half", few_collapses, MEDIUM },
	{ refilled, "thp-refill", "collapses for half", half_the_collapses, HIGH },
	{ refilled, "thp-refill", "huge faults may explain it", faults_may_explain, MEDIUM },
	{ refilled, "thp-refill", "too few collapses for the rest", many_others, MEDIUM },
	{ refilled, "thp-refill", "collapses for the rest too", collapses_for_all, HIGH },
	{ refilled, "thp-refill", "one collapse fewer", collapses_for_fewer, MEDIUM },
	{ refilled, "thp-refill", "THP never", thp_never, MEDIUM },
	{ refilled, "thp-refill", "THP madvise", thp_madvise, MEDIUM },
	{ refilled, "thp-refill", "THP unknown", thp_unknown, MEDIUM },
	{ refilled, "thp-refill", "max_ptes_none 0", no_holes_filled, MEDIUM },
	{ refilled, "thp-refill", "max_ptes_none unknown", holes_unknown, MEDIUM },
	{ refilled, "thp-refill", "go1.21.0", go_1_21_0, MEDIUM },
	{ refilled, "thp-refill", "go1.21.1", go_1_21_1, HIGH },
	{ refilled, "thp-refill", "go1.30", go_1_30, HIGH },
	{ refilled, "thp-refill", "an unreadable Go version", go_tip, MEDIUM },
	{ refilled, "thp-refill", "looked once", looked_once, MEDIUM },
	{ refilled, "thp-refill", "huge pages not told", huge_untold, LOW },
	{ refilled, "thp-refill", "mostly small pages", mostly_small, LOW },
	{ refilled, "thp-refill", "a quarter reused meanwhile", reused_meanwhile, MEDIUM },
	{ refilled, "thp-refill", "all reused meanwhile", all_reused_meanwhile, LOW },
	{ refilled, "thp-refill", "all of it lazyfree", all_lazyfree, GONE },
	{ refilled, "thp-refill", "under 16 MiB", little_released, GONE },
	{ refilled, "thp-refill", "under 5 % of RSS", large_rss, GONE },
	{ fragmented, "span-fragmentation", "everything holds", nothing, HIGH },
	{ fragmented, "span-fragmentation", "half full: GOGC=100", half_full, MEDIUM },
	{ fragmented, "span-fragmentation", "60 % full", mostly_full, GONE },
	{ fragmented, "span-fragmentation", "no class is mostly empty", classes_full, MEDIUM },
	{ fragmented, "span-fragmentation", "a GC ran", gc_running, MEDIUM },
	{ fragmented, "span-fragmentation", "looked once", looked_once, MEDIUM },
	{ fragmented, "span-fragmentation", "slots taken meanwhile", slots_taken_meanwhile,
	  MEDIUM },
	{ fragmented, "span-fragmentation", "GOGC=off", gogc_off, MEDIUM },
	{ fragmented, "span-fragmentation", "GOGC=400", gogc_400, MEDIUM },
	{ fragmented, "span-fragmentation", "GOMEMLIMIT", memory_limited, MEDIUM },
	{ fragmented, "span-fragmentation", "not resident", free_not_resident, GONE },
	{ idling, "idle-not-released", "everything holds", nothing, HIGH },
	{ idling, "idle-not-released", "what GOGC=300 frees", more_in_use, MEDIUM },
	{ idling, "idle-not-released", "a tenth of what is in use", much_in_use, GONE },
	{ idling, "idle-not-released", "looked once", looked_once, MEDIUM },
	{ idling, "idle-not-released", "taken meanwhile", idle_taken_meanwhile, MEDIUM },
	{ idling, "idle-not-released", "GOGC=off", gogc_off, MEDIUM },
	{ idling, "idle-not-released", "GOGC unknown", gogc_unknown, MEDIUM },
	{ idling, "idle-not-released", "GOMEMLIMIT", memory_limited, MEDIUM },
	{ idling, "idle-not-released", "swapped out", idle_swapped, GONE },
	{ healthy, "no-fault", "everything holds", nothing, HIGH },
	{ healthy, "no-fault", "1 % not explained", unexplained, MEDIUM },
	{ healthy, "no-fault", "shrunk by 1 %", shrunk, MEDIUM },
	{ healthy, "no-fault", "a GC ran", gc_running, MEDIUM },
	{ healthy, "no-fault", "looked once", looked_once, MEDIUM },
	{ healthy, "no-fault", "90 % C malloc", c_malloc, MEDIUM },
	{ healthy, "no-fault", "47 % C malloc", some_c_malloc, HIGH },
	{ healthy, "no-fault", "most is swapped out", swapped, MEDIUM },
};

static const struct gm_cause *find(const struct gm_verdict *verdict, const char *id)
{
	for (size_t i = 0; i < verdict->cause_count; i++)
		if (!strcmp(verdict->causes[i].id, id))
			return &verdict->causes[i];
	return NULL;
}

static bool all_pass(const struct gm_cause *cause)
{
	bool pass = true;

	for (size_t i = 0; i < cause->check_count; i++)
		pass &= cause->checks[i].pass;
	return pass;
}

static void test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene = cases[i].scene();
		const struct gm_cause *cause;
		struct gm_verdict verdict;
		char what[128];

		cases[i].spoil(&scene);
		verdict = judge(&scene);
		cause = find(&verdict, cases[i].id);
		snprintf(what, sizeof(what), "%s: %s", cases[i].id, cases[i].what);
		tap_u64(cause ? (int)cause->confidence : GONE, cases[i].confidence, what,
			"DESIGN: high only when each check holds");
		if (cause)
			tap_u64(all_pass(cause), cases[i].confidence == HIGH,
				"all checks pass when it is high, and only then", "DESIGN");
	}
}

int main(void)
{
	test_cases();
	return tap_done();
}
