// SPDX-License-Identifier: GPL-2.0-or-later
/* Each verdict from a case in which every check holds, and then with one thing
 * changed at a time: the confidence must fall, or the verdict go away.
 */
#include "tap.h"
#include "verdict/verdict.h"

#define MIB (1ULL << 20)
#define GONE (-1)

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

static struct gm_verdict judge(struct scene *scene)
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

static void put(struct scene *scene, enum gm_go_class class_, enum gomem_page_state state,
		uint64_t bytes)
{
	scene->bill.bytes[class_][state] += bytes;
	scene->bill.resident[class_] += bytes;
	scene->bill.rss += bytes;
	scene->bill.pages_rss += bytes;
	scene->again = scene->bill;
}

/* 100 MiB live beside 400 MiB that 200 collapses brought back. */
static struct scene refilled(void)
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

static void usual_pacing(struct scene *scene)
{
	scene->heap.gc_percent = 100;
	scene->heap.memory_limit = INT64_MAX;
}

/* 20 MiB of objects in 200 MiB of spans of one class. */
static struct scene fragmented(void)
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
static struct scene idling(void)
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

static struct scene healthy(void)
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

static void no_holes_filled(struct scene *scene)
{
	scene->host.max_ptes_none = 0;
}

static void holes_unknown(struct scene *scene)
{
	scene->host.max_ptes_none = GM_UNKNOWN;
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

/* 300 of the 400 MiB are small pages. */
static void mostly_small(struct scene *scene)
{
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_THP] = 100 * MIB;
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_ANON] = 300 * MIB;
}

/* Given back with MADV_FREE: the kernel may take it at any time. */
static void all_lazyfree(struct scene *scene)
{
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_THP] = 0;
	scene->bill.bytes[GM_GO_RELEASED][GOMEM_PAGE_LAZYFREE] = 400 * MIB;
	scene->again = scene->bill;
}

static void released_again(struct scene *scene, uint64_t bytes)
{
	scene->again.resident[GM_GO_RELEASED] = bytes;
	scene->again.bytes[GM_GO_RELEASED][GOMEM_PAGE_THP] = bytes;
}

static void reused_meanwhile(struct scene *scene)
{
	released_again(scene, 300 * MIB);
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

static bool mentions(const struct gm_lines *lines, const char *words)
{
	for (size_t i = 0; i < lines->count; i++)
		if (strstr(lines->lines[i].text, words))
			return true;
	return false;
}

static void test_ranges(void)
{
	struct scene scene = refilled();
	struct gm_verdict verdict;

	reused_meanwhile(&scene);
	verdict = judge(&scene);
	tap_u64(verdict.causes[0].low, 300 * MIB, "low: what both looks saw", "the construction");
	tap_u64(verdict.causes[0].high, 400 * MIB, "high: what either saw", "the construction");
	scene = refilled();
	mostly_small(&scene);
	scene.again = scene.bill;
	verdict = judge(&scene);
	tap_u64(verdict.causes[0].low, 100 * MIB, "low: what huge pages are proved to hold",
		"the construction");
}

static void test_no_heap(void)
{
	struct scene scene = refilled();
	struct gm_verdict verdict;

	scene.no_heap = true;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "cannot-tell", "no Go heap: nothing is claimed", "DESIGN");
	tap_u64(verdict.causes[0].confidence, LOW, "and not with confidence", "DESIGN");
	tap_u64(verdict.ruled_out.count, 0, "nor is anything ruled out", "DESIGN");
	tap_ok(mentions(&verdict.unchecked, "no reason"), "the reason is told");
}

static void test_virtual(void)
{
	struct scene scene = healthy();
	struct gm_verdict verdict;

	scene.bill.virtual_bytes = 1200 * MIB;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "virtual-only", "ten times RSS, over 1 GiB", "DESIGN");
	tap_ok(!verdict.causes[0].fault, "is no fault");
	scene.bill.virtual_bytes = 1024 * MIB;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "no-fault", "1 GiB of address space is nothing", "DESIGN");
	scene = refilled();
	scene.bill.virtual_bytes = 50000 * MIB;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "thp-refill", "a fault comes before address space", "DESIGN");
	tap_ok(mentions(&verdict.ruled_out, "virtual size"), "which is then ruled out");
}

static void test_limit(void)
{
	struct scene scene = healthy();
	struct gm_verdict verdict;

	scene.process.cgroup_current_bytes = scene.bill.rss;
	scene.process.cgroup_max_bytes = scene.bill.rss / 9 * 10;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "limit-near", "nine tenths of the limit", "the construction");
	tap_ok(!verdict.causes[0].fault, "is no fault of the program");
	tap_ok(strstr(verdict.causes[0].detail.text, "no waste"), "and says what the memory is");
	scene.process.cgroup_max_bytes = scene.bill.rss / 8 * 10;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "no-fault", "eight tenths is room", "the construction");
	scene.process.cgroup_max_bytes = GM_UNKNOWN;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "no-fault", "no limit is never near", "the construction");
	scene.process.cgroup_current_bytes = 3 * scene.bill.rss;
	scene.process.cgroup_max_bytes = 3 * scene.bill.rss;
	verdict = judge(&scene);
	tap_ok(strstr(verdict.causes[0].detail.text, "not this process's RSS"),
	       "a cgroup that others fill is told apart");
	scene = refilled();
	scene.process.cgroup_current_bytes = scene.bill.rss;
	scene.process.cgroup_max_bytes = scene.bill.rss;
	verdict = judge(&scene);
	tap_str(verdict.causes[0].id, "thp-refill", "a fault comes before the limit", "DESIGN");
}

static void test_order(void)
{
	struct scene scene = refilled();
	struct gm_verdict verdict;

	put(&scene, GM_GO_IDLE, GOMEM_PAGE_ANON, 500 * MIB);
	verdict = judge(&scene);
	tap_u64(verdict.cause_count, 2, "two faults at once", "the construction");
	tap_str(verdict.causes[0].id, "idle-not-released", "the larger first", "the construction");
	tap_ok(mentions(&verdict.ruled_out, "span fragmentation"), "the third is ruled out");
	tap_ok(!mentions(&verdict.ruled_out, "idle"), "what is found is not ruled out");
}

static void test_fixes(void)
{
	struct scene scene = refilled();
	struct gm_verdict verdict;

	strcpy(scene.version, "go1.21.5");
	verdict = judge(&scene);
	tap_ok(strstr(verdict.causes[0].fixes[1].run.text, "prctl"),
	       "go1.21.5 has no disablethp to advise");
	strcpy(scene.version, "go1.21.6");
	verdict = judge(&scene);
	tap_ok(strstr(verdict.causes[0].fixes[1].run.text, "disablethp=1"), "go1.21.6 has");
	no_holes_filled(&scene);
	verdict = judge(&scene);
	tap_ok(!strstr(verdict.causes[0].fixes[0].run.text, "max_ptes_none"),
	       "what is set already is not advised");
	tap_ok(strstr(verdict.causes[0].headline.text, "huge pages hold"),
	       "nor is khugepaged accused of what it is set not to do");
	holes_unknown(&scene);
	verdict = judge(&scene);
	tap_ok(strstr(verdict.causes[0].fixes[0].run.text, "disablethp=1"),
	       "nothing is advised about a setting that is not known");
}

int main(void)
{
	test_cases();
	test_ranges();
	test_no_heap();
	test_virtual();
	test_limit();
	test_order();
	test_fixes();
	return tap_done();
}
