// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/plural.h"
#include "verdict/cause.h"

/* Between two GCs the free slots of a healthy heap come and go; up to three quarters
 * of it do with GOGC=300. What is emptier than that is not headroom.
 */
#define HEADROOM_PERCENT 75

static uint64_t waste(const struct gm_bill *bill)
{
	return bill->resident[GM_GO_FREE_SLOT] + bill->resident[GM_GO_TAIL];
}

static struct gm_range waste_range(const struct gm_verdict_input *input)
{
	const struct gm_bill *again = input->again ? input->again : input->bill;

	return gm_range_of(waste(input->bill), waste(again));
}

static const struct gm_class_use *worst_class(const struct gm_bill *bill)
{
	const struct gm_class_use *worst = &bill->classes[1];

	for (size_t i = 2; i < GM_GO_SIZE_CLASSES; i++)
		if (bill->classes[i].free_bytes > worst->free_bytes)
			worst = &bill->classes[i];
	return worst;
}

static uint64_t free_slots(const struct gm_bill *bill)
{
	uint64_t bytes = 0;

	for (size_t i = 1; i < GM_GO_SIZE_CLASSES; i++)
		bytes += bill->classes[i].free_bytes;
	return bytes;
}

static void check(const struct gm_verdict_input *input, struct gm_cause *cause, unsigned int empty)
{
	const struct gm_class_use *worst = worst_class(input->bill);
	struct gm_range range = { cause->low, cause->high };

	gm_cause_check(cause, cause->low >= gm_worth(input->bill), true,
		       "at least %s in free slots and tails, over %s", gm_size(cause->low).text,
		       gm_size(gm_worth(input->bill)).text);
	gm_cause_check(cause, empty >= 40, true,
		       "%u%% of the heap in use holds no object, over 40%%", empty);
	gm_cause_check(cause, empty >= HEADROOM_PERCENT, false,
		       "%u%% is more than GC headroom explains, %d%% at GOGC=300", empty,
		       HEADROOM_PERCENT);
	gm_cause_check(cause, gm_percent(worst->objects, worst->slots) < 50, false,
		       "the emptiest class, %lu B, is %u%% full, under 50%%",
		       (unsigned long)worst->elem_bytes, gm_percent(worst->objects, worst->slots));
	gm_cause_check_pacing(cause, input->heap);
	gm_cause_check(cause, !input->heap->gc_running, false, "no GC ran during the look");
	gm_cause_check(cause, input->again && gm_range_steady(range), false,
		       "a second look at the spans agrees within 5%%");
}

static void tell(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	const struct gm_go_totals *totals = &input->heap->totals;
	const struct gm_class_use *worst = worst_class(input->bill);

	gm_line_set(&cause->headline, "half-empty spans hold memory");
	gm_line_set(&cause->detail, "%s (%u%% of RSS) resident in free slots and span tails",
		    gm_size(cause->high).text, gm_percent(cause->high, input->bill->rss));
	gm_lines_add(&cause->evidence,
		     "the %lu B class: %lu span%s, %lu of %lu slot%s used, "
		     "%s free (%u%% of all free)",
		     (unsigned long)worst->elem_bytes, (unsigned long)worst->spans,
		     gm_plural(worst->spans), (unsigned long)worst->objects,
		     (unsigned long)worst->slots, gm_plural(worst->slots),
		     gm_size(worst->free_bytes).text,
		     gm_percent(worst->free_bytes, free_slots(input->bill)));
	gm_lines_add(&cause->evidence,
		     "objects are %u%% of HeapInuse, HeapInuse is %u%% of HeapSys",
		     gm_percent(totals->heap_alloc, totals->heap_inuse),
		     gm_percent(totals->heap_inuse, totals->heap_sys));
}

static void advise(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	const struct gm_class_use *worst = worst_class(input->bill);
	struct gm_fix *fix;

	fix = gm_cause_fix(cause, 0, cause->high, "restart the program");
	gm_line_set(&fix->effect, "packs what is live; cold caches, and it comes back");
	fix = gm_cause_fix(cause, 0, cause->high,
			   "keep long-lived objects of about %lu B in one slice of values",
			   (unsigned long)worst->elem_bytes);
	gm_line_set(&fix->effect,
		    "survivors then do not pin spans; a code change, a heap profile says where");
}

bool gm_judge_fragmentation(const struct gm_verdict_input *input, struct gm_cause *cause,
			    struct gm_lines *ruled_out)
{
	const struct gm_go_totals *totals = &input->heap->totals;
	struct gm_range range = waste_range(input);
	unsigned int empty =
		totals->heap_inuse > totals->heap_alloc ?
			gm_percent(totals->heap_inuse - totals->heap_alloc, totals->heap_inuse) :
			0;

	if (range.high < gm_worth(input->bill) || empty < 40) {
		gm_lines_add(ruled_out, "span fragmentation (%s in free slots and tails)",
			     gm_size(range.high).text);
		return false;
	}
	*cause = (struct gm_cause){
		.id = "span-fragmentation", .fault = true, .low = range.low, .high = range.high
	};
	check(input, cause, empty);
	gm_cause_conclude(cause);
	tell(input, cause);
	advise(input, cause);
	return true;
}
