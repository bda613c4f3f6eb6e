// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "base/plural.h"
#include "verdict/cause.h"

#define SYSFS_THP "/sys/kernel/mm/transparent_hugepage/"

/* What the runtime released and the kernel keeps: lazyfree pages are already given
 * back, whatever RSS says.
 */
static uint64_t kept(const struct gm_bill *bill)
{
	return bill->resident[GM_GO_RELEASED] - bill->bytes[GM_GO_RELEASED][GOMEM_PAGE_LAZYFREE];
}

static uint64_t kept_huge(const struct gm_bill *bill)
{
	return bill->bytes[GM_GO_RELEASED][GOMEM_PAGE_THP];
}

/* A huge fault on a span in use brings back the released ones beside it just as well,
 * perhaps before anyone counted, and collapses may have built the huge pages that hold
 * nothing released. So: collapses enough for half of the huge pages in question, even
 * when the rest of the heap took its share first.
 */
static bool collapses_explain(const struct gm_verdict_input *input)
{
	uint64_t pages = input->bill->released_huge, half = (pages + 1) / 2;
	uint64_t others = input->bill->huge.count - pages;
	const struct gm_verdict_events *events = input->events;

	return events && pages && events->collapses >= others + half;
}

/* With "madvise" khugepaged leaves the heap alone: Go from 1.21.1 on asks for nothing. */
static bool khugepaged_fills(const struct gm_host *host)
{
	return !strcmp(host->thp_enabled, "always") && host->max_ptes_none != GM_UNKNOWN &&
	       host->max_ptes_none > 0;
}

static struct gm_line settings(const struct gm_host *host)
{
	struct gm_line line = { "" };

	if (host->max_ptes_none == GM_UNKNOWN)
		gm_line_set(&line, "thp=%s max_ptes_none=unknown", host->thp_enabled);
	else
		gm_line_set(&line, "thp=%s max_ptes_none=%lu", host->thp_enabled,
			    (unsigned long)host->max_ptes_none);
	return line;
}

/* Go 1.21.1 stopped telling the kernel which parts of the heap want no huge pages:
 * runtime/mem_linux.go, sysUnusedOS() before and after.
 */
static bool runtime_leaves_it(const struct gm_verdict_input *input)
{
	return gm_go_at_least(input->heap->version, 21, 1);
}

static void check_collapses(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	unsigned long pages = input->bill->released_huge;

	if (input->events)
		gm_cause_check(cause, collapses_explain(input), false,
			       "%lu collapse%s and %lu huge fault%s seen in this heap; "
			       "%lu of its %lu huge page%s lie over released spans",
			       (unsigned long)input->events->collapses,
			       gm_plural(input->events->collapses),
			       (unsigned long)input->events->huge_faults,
			       gm_plural(input->events->huge_faults), pages,
			       (unsigned long)input->bill->huge.count,
			       gm_plural(input->bill->huge.count));
	else
		gm_cause_check(cause, false, false,
			       "no module counts collapses, for %lu huge page%s over released "
			       "spans",
			       pages, gm_plural(pages));
}

static void check(const struct gm_verdict_input *input, struct gm_cause *cause,
		  struct gm_range range)
{
	const struct gm_bill *bill = input->bill;
	unsigned int huge = gm_percent(kept_huge(bill), kept(bill));

	gm_cause_check(cause, range.low >= gm_worth(bill), true,
		       "at least %s released but resident, over %s", gm_size(range.low).text,
		       gm_size(gm_worth(bill)).text);
	gm_cause_check(cause, input->huge_known && huge >= 50, true, "%u%% of it in huge pages",
		       huge);
	gm_cause_check(cause, khugepaged_fills(input->host), false,
		       "khugepaged is set to fill holes: %s", settings(input->host).text);
	check_collapses(input, cause);
	gm_cause_check(cause, runtime_leaves_it(input), false,
		       "%s leaves huge pages in the heap to the kernel (go1.21.1 and later)",
		       input->heap->version);
	gm_cause_check(cause, input->again && gm_range_steady(range), false,
		       "a second look at the spans agrees within 5%%");
}

static void tell(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	const struct gm_bill *bill = input->bill;
	const struct gm_verdict_events *events = input->events;

	if (collapses_explain(input) && khugepaged_fills(input->host))
		gm_line_set(&cause->headline, "khugepaged refills memory that Go gave back");
	else if (2 * kept_huge(bill) >= kept(bill))
		gm_line_set(&cause->headline, "huge pages hold memory that Go gave back");
	else
		gm_line_set(&cause->headline, "memory that Go gave back is still resident");
	gm_line_set(&cause->detail,
		    "%s (%u%% of RSS) released but resident, %u%% of it in %lu huge page%s",
		    gm_size(cause->high).text, gm_percent(cause->high, bill->rss),
		    gm_percent(kept_huge(bill), kept(bill)), (unsigned long)bill->released_huge,
		    gm_plural(bill->released_huge));
	gm_lines_add(&cause->evidence, "%s; HeapReleased %s", settings(input->host).text,
		     gm_size(input->heap->totals.heap_released).text);
	if (events)
		gm_lines_add(&cause->evidence,
			     "in this heap in %lu s: %lu collapse%s (+%s at most), "
			     "%lu huge fault%s, %s released",
			     (unsigned long)(events->age_ms / 1000),
			     (unsigned long)events->collapses, gm_plural(events->collapses),
			     gm_size(events->collapses * GM_HUGE_BYTES).text,
			     (unsigned long)events->huge_faults, gm_plural(events->huge_faults),
			     gm_size(events->released_bytes).text);
}

static void advise_program(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	struct gm_fix *fix;

	/* runtime/mem_linux.go: disablethp came with go1.21.6 */
	if (gm_go_at_least(input->heap->version, 21, 6))
		fix = gm_cause_fix(cause, cause->low, cause->high,
				   "GODEBUG=disablethp=1 at the next deploy");
	else
		fix = gm_cause_fix(cause, cause->low, cause->high,
				   "prctl(PR_SET_THP_DISABLE) before exec, at the next deploy");
	gm_line_set(&fix->effect, "no huge pages in this program alone; more TLB misses");
}

static void advise_khugepaged(const struct gm_host *host, struct gm_cause *cause)
{
	struct gm_fix *fix;

	if (khugepaged_fills(host)) {
		fix = gm_cause_fix(cause, 0, cause->high,
				   "echo 0 > " SYSFS_THP "khugepaged/max_ptes_none");
		gm_line_set(&fix->effect, "stops the growth, host-wide; memory comes back as Go "
					  "reuses and releases it");
	} else if (!strcmp(host->thp_enabled, "never") || !host->max_ptes_none) {
		fix = gm_cause_fix(cause, 0, cause->high, "wait: khugepaged fills no holes now");
		gm_line_set(&fix->effect, "memory comes back as Go reuses and releases it");
	}
}

static void advise(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	struct gm_fix *fix;

	advise_khugepaged(input->host, cause);
	advise_program(input, cause);
	if (strcmp(input->host->thp_enabled, "always"))
		return;
	fix = gm_cause_fix(cause, 0, cause->high, "echo madvise > " SYSFS_THP "enabled");
	gm_line_set(&fix->effect,
		    "no new huge pages unless asked for, host-wide; others may slow down");
}

bool gm_judge_thp_refill(const struct gm_verdict_input *input, struct gm_cause *cause,
			 struct gm_lines *ruled_out)
{
	const struct gm_bill *again = input->again ? input->again : input->bill;
	struct gm_range range = gm_range_of(kept(input->bill), kept(again));

	if (range.high < gm_worth(input->bill)) {
		gm_lines_add(ruled_out, "THP refill (%s released but resident)",
			     gm_size(range.high).text);
		return false;
	}
	*cause = (struct gm_cause){
		.id = "thp-refill",
		.fault = true,
		.low = gm_range_of(kept_huge(input->bill), kept_huge(again)).low,
		.high = range.high,
	};
	check(input, cause, range);
	gm_cause_conclude(cause);
	tell(input, cause);
	advise(input, cause);
	return true;
}
