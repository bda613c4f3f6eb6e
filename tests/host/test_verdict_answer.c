// SPDX-License-Identifier: GPL-2.0-or-later
/* What a verdict says of the causes it has found: how much, in which order, what to do, what is
 * ruled out, and what is no fault.
 */
#include "tap.h"
#include "verdict_scene.h"

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
	tap_u64(verdict.causes[0].confidence, GM_CONFIDENCE_LOW, "and not with confidence",
		"DESIGN");
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

static void test_plural(void)
{
	struct scene scene = refilled();
	struct gm_verdict verdict;

	scene.heap.flux_spans = 1;
	verdict = judge(&scene);
	tap_ok(mentions(&verdict.unchecked, "1 span that"), "one span");
	scene.heap.flux_spans = 2;
	verdict = judge(&scene);
	tap_ok(mentions(&verdict.unchecked, "2 spans that"), "two spans");
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
	test_ranges();
	test_no_heap();
	test_virtual();
	test_limit();
	test_order();
	test_plural();
	test_fixes();
	return tap_done();
}
