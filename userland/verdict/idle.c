// SPDX-License-Identifier: GPL-2.0-or-later
#include "verdict/cause.h"

/* A GC at GOGC=300 leaves at most three quarters of the heap idle until it fills again. */
#define SWING_PERCENT 75

static struct gm_range idle_range(const struct gm_verdict_input *input)
{
	const struct gm_bill *again = input->again ? input->again : input->bill;

	return gm_range_of(input->bill->resident[GM_GO_IDLE], again->resident[GM_GO_IDLE]);
}

static void check(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	uint64_t inuse = input->heap->totals.heap_inuse;
	struct gm_range range = { cause->low, cause->high };
	unsigned int share = gm_percent(cause->low, cause->low + inuse);

	gm_cause_check(cause, cause->low >= gm_worth(input->bill), true,
		       "at least %s idle and resident, over %s", gm_size(cause->low).text,
		       gm_size(gm_worth(input->bill)).text);
	gm_cause_check(cause, cause->low > inuse / 10, true,
		       "more than the tenth of HeapInuse that the scavenger keeps");
	gm_cause_check(cause, share >= SWING_PERCENT, false,
		       "idle is %u%% of idle and in use: more than a GC cycle frees, "
		       "%d%% at GOGC=300",
		       share, SWING_PERCENT);
	gm_cause_check_pacing(cause, input->heap);
	gm_cause_check(cause, input->again && gm_range_steady(range), false,
		       "a second look at the spans agrees within 5%%");
}

static void tell(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	const struct gm_go_totals *totals = &input->heap->totals;

	gm_line_set(&cause->headline, "Go holds free pages it has not released");
	gm_line_set(&cause->detail, "%s (%u%% of RSS) resident in idle spans",
		    gm_size(cause->high).text, gm_percent(cause->high, input->bill->rss));
	gm_lines_add(&cause->evidence, "HeapInuse %s, HeapIdle %s, of which released %s",
		     gm_size(totals->heap_inuse).text, gm_size(totals->heap_idle).text,
		     gm_size(totals->heap_released).text);
	gm_lines_add(&cause->evidence, "the scavenger works slowly on purpose (1%% of a CPU) "
				       "and keeps a tenth spare");
}

static void advise(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	uint64_t rss = input->bill->rss;
	uint64_t limit = rss > cause->high / 2 ? rss - cause->high / 2 : 0;
	struct gm_fix *fix;

	fix = gm_cause_fix(cause, 0, cause->high, "wait some minutes and look again");
	gm_line_set(&fix->effect, "the scavenger may just lag behind a peak; costs nothing");
	fix = gm_cause_fix(cause, cause->low, cause->high, "debug.FreeOSMemory() in the program");
	gm_line_set(&fix->effect,
		    "releases all idle pages at once; forces a GC, faults as the heap grows");
	if (!gm_go_at_least(input->heap->version, 19, 0) || input->heap->memory_limit != INT64_MAX)
		return;
	/* Half of what is idle stays for the next peak: a limit near the live heap would
	 * have the GC run all the time.
	 */
	fix = gm_cause_fix(cause, 0, cause->high / 2, "GOMEMLIMIT=%luMiB at the next deploy",
			   (unsigned long)(limit >> 20));
	gm_line_set(&fix->effect,
		    "releases what passes the limit; more GC when live memory nears it");
}

bool gm_judge_idle(const struct gm_verdict_input *input, struct gm_cause *cause,
		   struct gm_lines *ruled_out)
{
	struct gm_range range = idle_range(input);

	if (range.high < gm_worth(input->bill) ||
	    range.high <= input->heap->totals.heap_inuse / 10) {
		gm_lines_add(ruled_out, "idle not released (%s)", gm_size(range.high).text);
		return false;
	}
	*cause = (struct gm_cause){
		.id = "idle-not-released", .fault = true, .low = range.low, .high = range.high
	};
	check(input, cause);
	gm_cause_conclude(cause);
	tell(input, cause);
	advise(input, cause);
	return true;
}
