// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict on huge pages that few objects keep: a case in which every check holds, then
 * one thing changed at a time.
 */
#include "tap.h"
#include "verdict/verdict.h"

#define MIB (1ULL << 20)
#define PAGES 200
#define GONE (-1)
#define ID "pinned-huge-pages"
enum { LOW = GM_CONFIDENCE_LOW, MEDIUM = GM_CONFIDENCE_MEDIUM, HIGH = GM_CONFIDENCE_HIGH };

/**
 * struct scene - 200 huge pages of the heap, alike: 48 B live, 8 KiB of its slots free, the
 *	rest idle; beside them 60 MiB live in small pages
 */
struct scene {
	struct gm_huge huge[PAGES];
	struct gm_huge huge_again[PAGES];
	struct gm_bill bill;
	struct gm_bill again;
	struct gm_go_heap heap;
	struct gm_host host;
	bool no_again, huge_unknown;
};

static void make(struct scene *scene)
{
	*scene = (struct scene){ .host = { .thp_enabled = "always", .max_ptes_none = 511 } };
	for (size_t i = 0; i < PAGES; i++) {
		struct gm_huge *huge = &scene->huge[i];

		huge->start = (i + 1) * GM_HUGE_BYTES;
		huge->bytes[GM_GO_LIVE] = 48;
		huge->bytes[GM_GO_FREE_SLOT] = 8192 - 48;
		huge->bytes[GM_GO_IDLE] = GM_HUGE_BYTES - 8192;
		scene->huge_again[i] = *huge;
	}
	scene->bill.rss = 460 * MIB;
	scene->bill.huge.count = PAGES;
	scene->again = scene->bill;
	scene->heap.version = "go1.24.4";
	scene->heap.totals.heap_alloc = 60 * MIB;
	scene->heap.totals.heap_inuse = 70 * MIB;
	scene->heap.gc_percent = 100;
	scene->heap.memory_limit = INT64_MAX;
}

static struct gm_verdict judge(struct scene *scene)
{
	struct gm_verdict verdict;
	struct gm_verdict_input input = {
		.bill = &scene->bill,
		.again = scene->no_again ? NULL : &scene->again,
		.heap = &scene->heap,
		.host = &scene->host,
		.huge_known = !scene->huge_unknown,
	};

	scene->bill.huge.items = scene->huge;
	scene->again.huge.items = scene->huge_again;
	gm_verdict_judge(&input, &verdict);
	return verdict;
}

static void nothing(struct scene *scene)
{
	(void)scene;
}

static void move(struct scene *scene, enum gm_go_class from, enum gm_go_class to, uint32_t bytes)
{
	for (size_t i = 0; i < PAGES; i++) {
		scene->huge[i].bytes[from] -= bytes;
		scene->huge[i].bytes[to] += bytes;
		scene->huge_again[i] = scene->huge[i];
	}
}

/* A quarter of each page lives, less 8 KiB of free slots. */
static void quarter_live(struct scene *scene)
{
	move(scene, GM_GO_IDLE, GM_GO_LIVE, GM_HUGE_BYTES / 4 - 48);
}

static void more_live(struct scene *scene)
{
	move(scene, GM_GO_IDLE, GM_GO_LIVE, GM_HUGE_BYTES / 4 + 4096);
}

/* Nobody keeps what is idle as a whole. */
static void none_live(struct scene *scene)
{
	move(scene, GM_GO_LIVE, GM_GO_FREE_SLOT, 48);
}

/* That is the refill's. */
static void released(struct scene *scene)
{
	move(scene, GM_GO_IDLE, GM_GO_RELEASED, GM_HUGE_BYTES / 2);
}

static void stacks_live(struct scene *scene)
{
	move(scene, GM_GO_LIVE, GM_GO_STACK, 48);
}

static void few_pages(struct scene *scene)
{
	scene->bill.huge.count = 11;
	scene->again.huge.count = 11;
}

static void taken_meanwhile(struct scene *scene)
{
	scene->again.huge.count = 180;
}

static void all_taken_meanwhile(struct scene *scene)
{
	scene->again.huge.count = 0;
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

static void gogc_off(struct scene *scene)
{
	scene->heap.gc_percent = -1;
}

static void gogc_unknown(struct scene *scene)
{
	scene->heap.gc_percent = GM_GO_GC_UNKNOWN;
}

static void memory_limited(struct scene *scene)
{
	scene->heap.memory_limit = 300 * MIB;
}

/* A GC just freed as much as GOGC=100 lets a heap of 400 MiB grow. */
static void headroom(struct scene *scene)
{
	scene->heap.totals.heap_alloc = 400 * MIB;
}

static const struct {
	const char *what;
	void (*spoil)(struct scene *scene);
	int confidence;
} cases[] = {
	{ "everything holds", nothing, HIGH },
	{ "stacks keep them", stacks_live, HIGH },
	{ "a quarter of each lives", quarter_live, MEDIUM },
	{ "more than a quarter lives", more_live, GONE },
	{ "nothing lives in them", none_live, GONE },
	{ "half of each was released", released, GONE },
	{ "under 5 % of RSS", few_pages, GONE },
	{ "a tenth taken meanwhile", taken_meanwhile, MEDIUM },
	{ "all taken meanwhile", all_taken_meanwhile, LOW },
	{ "looked once", looked_once, MEDIUM },
	{ "huge pages not told", huge_untold, LOW },
	{ "a GC ran", gc_running, MEDIUM },
	{ "GOGC=off", gogc_off, MEDIUM },
	{ "GOGC unknown", gogc_unknown, MEDIUM },
	{ "GOMEMLIMIT", memory_limited, MEDIUM },
	{ "GC headroom explains it", headroom, MEDIUM },
};

static const struct gm_cause *find(const struct gm_verdict *verdict)
{
	for (size_t i = 0; i < verdict->cause_count; i++)
		if (!strcmp(verdict->causes[i].id, ID))
			return &verdict->causes[i];
	return NULL;
}

static bool ruled_out(const struct gm_verdict *verdict)
{
	for (size_t i = 0; i < verdict->ruled_out.count; i++)
		if (strstr(verdict->ruled_out.lines[i].text, "pinned huge pages"))
			return true;
	return false;
}

static void test_cases(void)
{
	static struct scene scene;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct gm_cause *cause;
		struct gm_verdict verdict;

		make(&scene);
		cases[i].spoil(&scene);
		verdict = judge(&scene);
		cause = find(&verdict);
		tap_u64(cause ? (int)cause->confidence : GONE, cases[i].confidence, cases[i].what,
			"DESIGN: high only when each check holds");
	}
}

static void test_range(void)
{
	static struct scene scene;
	const struct gm_cause *cause;
	struct gm_verdict verdict;

	make(&scene);
	taken_meanwhile(&scene);
	verdict = judge(&scene);
	cause = find(&verdict);
	if (!tap_ok(cause, "a cause"))
		return;
	tap_u64(cause->high, PAGES * (GM_HUGE_BYTES - 48), "all that is empty at most",
		"the construction");
	tap_u64(cause->low, 180 * (GM_HUGE_BYTES - 48), "what both looks saw at least",
		"the construction");
	tap_ok(strstr(cause->fixes[0].run.text, "disablethp"), "go1.24 has disablethp");
	scene.heap.version = "go1.21.5";
	verdict = judge(&scene);
	cause = find(&verdict);
	tap_ok(cause && !strstr(cause->fixes[0].run.text, "disablethp"), "go1.21.5 has not");
}

/* Its pages are idle, which is a cause of its own. */
static void test_overlap(void)
{
	static struct scene scene;
	struct gm_verdict verdict;

	make(&scene);
	verdict = judge(&scene);
	tap_ok(find(&verdict) && !verdict.overlap, "a cause alone overlaps with none");
	scene.bill.resident[GM_GO_IDLE] = PAGES * (GM_HUGE_BYTES - 8192);
	scene.again = scene.bill;
	verdict = judge(&scene);
	tap_u64(verdict.cause_count, 2, "pinned, and idle", "the construction");
	tap_ok(verdict.overlap, "which is said to overlap");
	few_pages(&scene);
	verdict = judge(&scene);
	tap_ok(verdict.cause_count == 1 && !verdict.overlap, "idle alone does not");
}

static void test_ruled_out(void)
{
	static struct scene scene;
	struct gm_verdict verdict;

	make(&scene);
	few_pages(&scene);
	verdict = judge(&scene);
	tap_ok(ruled_out(&verdict), "few pinned pages are ruled out");
	huge_untold(&scene);
	verdict = judge(&scene);
	tap_ok(!ruled_out(&verdict), "but not where nobody tells them");
}

int main(void)
{
	test_cases();
	test_range();
	test_overlap();
	test_ruled_out();
	return tap_done();
}
