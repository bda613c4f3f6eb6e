// SPDX-License-Identifier: GPL-2.0-or-later
/* Huge pages that are all but empty, and stay for the few objects in them. What the runtime
 * had released in them is the refill's matter, see thp_refill.c.
 */
#include <string.h>

#include "base/plural.h"
#include "verdict/cause.h"

/* A page that is emptier than a heap with GOGC=300 right after a GC. */
#define EMPTY_PERCENT 75
/* More than that is live: then it is use and no pin. */
#define LIVE_PERCENT 25

/**
 * struct pinned - the huge pages in question
 * @empty: bytes of them in idle pages, free slots and tails
 * @held: bytes of live objects and stacks
 */
struct pinned {
	uint64_t pages;
	uint64_t empty;
	uint64_t held;
};

static uint64_t empty_in(const struct gm_huge *huge)
{
	return (uint64_t)huge->bytes[GM_GO_IDLE] + huge->bytes[GM_GO_FREE_SLOT] +
	       huge->bytes[GM_GO_TAIL];
}

/* One that holds nothing at all is idle, and no more. */
static uint64_t held_in(const struct gm_huge *huge)
{
	return (uint64_t)huge->bytes[GM_GO_LIVE] + huge->bytes[GM_GO_STACK];
}

static struct pinned pinned_in(const struct gm_bill *bill)
{
	struct pinned pinned = { 0 };

	for (size_t i = 0; i < bill->huge.count; i++) {
		const struct gm_huge *huge = &bill->huge.items[i];

		if (!held_in(huge) || gm_percent(empty_in(huge), GM_HUGE_BYTES) < EMPTY_PERCENT)
			continue;
		pinned.pages++;
		pinned.empty += empty_in(huge);
		pinned.held += held_in(huge);
	}
	return pinned;
}

/* What GOGC lets a heap grow by until the next GC: it may lie empty until then. */
static uint64_t headroom(const struct gm_go_heap *heap)
{
	uint64_t percent = heap->gc_percent > 0 ? heap->gc_percent : 0;

	return (uint64_t)((__uint128_t)heap->totals.heap_alloc * percent / 100);
}

static void check(const struct gm_verdict_input *input, struct gm_cause *cause,
		  const struct pinned *pinned)
{
	struct gm_range range = { cause->low, cause->high };
	unsigned int live = gm_percent(pinned->held, pinned->pages * GM_HUGE_BYTES);

	gm_cause_check(cause, cause->low >= gm_worth(input->bill), true,
		       "at least %s empty in huge pages that are %d%% empty, over %s",
		       gm_size(cause->low).text, EMPTY_PERCENT,
		       gm_size(gm_worth(input->bill)).text);
	gm_cause_check(cause, input->huge_known, true, "the page source tells huge pages");
	gm_cause_check(cause, live < LIVE_PERCENT, false,
		       "live objects and stacks are %u%% of these pages, under %d%%", live,
		       LIVE_PERCENT);
	gm_cause_check(cause, cause->low > headroom(input->heap), false,
		       "that is more than the %s which GOGC leaves empty between collections",
		       gm_size(headroom(input->heap)).text);
	gm_cause_check_pacing(cause, input->heap);
	gm_cause_check(cause, !input->heap->gc_running, false, "no GC ran during the look");
	gm_cause_check(cause, input->again && gm_range_steady(range), false,
		       "a second look at the spans agrees within 5%%");
}

static void tell(const struct gm_verdict_input *input, struct gm_cause *cause,
		 const struct pinned *pinned)
{
	const struct gm_bill *bill = input->bill;

	gm_line_set(&cause->headline, "a few objects keep huge pages that are empty");
	gm_line_set(&cause->detail,
		    "%s (%u%% of RSS) empty in %lu huge page%s, which %s of objects and "
		    "stacks keep",
		    gm_size(cause->high).text, gm_percent(cause->high, bill->rss),
		    (unsigned long)pinned->pages, gm_plural(pinned->pages),
		    gm_size(pinned->held).text);
	gm_lines_add(&cause->evidence,
		     "%d%% empty or more: %lu of the heap's %lu huge page%s; gomemctl huge names "
		     "what is in each",
		     EMPTY_PERCENT, (unsigned long)pinned->pages, (unsigned long)bill->huge.count,
		     gm_plural(bill->huge.count));
	gm_lines_add(&cause->evidence, "thp=%s", input->host->thp_enabled);
}

static void advise(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	struct gm_fix *fix;

	/* runtime/mem_linux.go: disablethp came with go1.21.6 */
	if (gm_go_at_least(input->heap->version, 21, 6)) {
		fix = gm_cause_fix(cause, 0, cause->high,
				   "GODEBUG=disablethp=1 at the next deploy");
		gm_line_set(&fix->effect,
			    "what no object is in then needs no memory; more TLB misses");
	}
	fix = gm_cause_fix(cause, 0, cause->high,
			   "allocate what lives long together, at the start or in one slice");
	gm_line_set(&fix->effect,
		    "survivors then share pages; a code change, a heap profile says where");
	fix = gm_cause_fix(cause, 0, cause->high, "restart the program");
	gm_line_set(&fix->effect, "packs what is live; cold caches, and it comes back");
}

bool gm_judge_pinned(const struct gm_verdict_input *input, struct gm_cause *cause,
		     struct gm_lines *ruled_out)
{
	const struct gm_bill *again = input->again ? input->again : input->bill;
	struct pinned pinned = pinned_in(input->bill);
	struct gm_range range = gm_range_of(pinned.empty, pinned_in(again).empty);

	if (range.high < gm_worth(input->bill)) {
		if (input->huge_known && input->bill->huge.count)
			gm_lines_add(ruled_out, "pinned huge pages (%s empty in them)",
				     gm_size(range.high).text);
		return false;
	}
	*cause = (struct gm_cause){
		.id = "pinned-huge-pages", .fault = true, .low = range.low, .high = range.high
	};
	check(input, cause, &pinned);
	gm_cause_conclude(cause);
	tell(input, cause, &pinned);
	advise(input, cause);
	return true;
}
