// SPDX-License-Identifier: GPL-2.0-or-later
#include "verdict/verdict.h"

#include <string.h>

#include "base/plural.h"
#include "verdict/cause.h"

static bool mostly_virtual(const struct gm_bill *bill)
{
	return bill->virtual_bytes > 1ULL << 30 && bill->virtual_bytes / 10 > bill->rss;
}

static void rule_out_virtual(const struct gm_bill *bill, struct gm_lines *ruled_out)
{
	if (mostly_virtual(bill))
		gm_lines_add(ruled_out, "virtual size (%s of address space costs no memory)",
			     gm_size(bill->virtual_bytes).text);
}

static void note_unchecked(const struct gm_verdict_input *input, struct gm_lines *unchecked)
{
	const struct gm_go_heap *heap = input->heap;

	if (!heap)
		gm_lines_add(unchecked, "the Go heap: %s", input->heap_problem);
	else if (heap->gc_running)
		gm_lines_add(unchecked, "live from dead objects: a GC ran during the look");
	if (heap && heap->flux_spans)
		gm_lines_add(unchecked, "%lu span%s that changed during the look",
			     (unsigned long)heap->flux_spans, gm_plural(heap->flux_spans));
	if (heap && !input->again)
		gm_lines_add(unchecked, "whether the spans held still: no second read of them");
	if (!input->huge_known)
		gm_lines_add(unchecked, "huge pages: the page source does not tell them");
	if (!input->events)
		gm_lines_add(unchecked, "history (faults, collapses, releases): no module");
}

static size_t largest_class(const struct gm_bill *bill)
{
	size_t largest = 0;

	for (size_t i = 1; i < GM_GO_CLASSES; i++)
		if (bill->resident[i] > bill->resident[largest])
			largest = i;
	return largest;
}

static void tell_largest(const struct gm_bill *bill, struct gm_cause *cause)
{
	size_t largest = largest_class(bill);

	gm_line_set(&cause->detail, "the largest part of RSS is %s: %s (%u%%)",
		    gm_go_class_name(largest), gm_size(bill->resident[largest]).text,
		    gm_percent(bill->resident[largest], bill->rss));
}

static void cannot_tell(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	*cause = (struct gm_cause){ .id = "cannot-tell", .confidence = GM_CONFIDENCE_LOW };
	gm_line_set(&cause->headline, "cannot tell: pages alone, no Go heap");
	tell_largest(input->bill, cause);
}

static bool explained(const struct gm_bill *bill)
{
	uint64_t off = bill->unexplained < 0 ? 0 - (uint64_t)bill->unexplained :
					       (uint64_t)bill->unexplained;

	return off <= bill->rss / 200;
}

/* From here on reclaim, and then the OOM killer, are a matter of time. */
static bool limit_near(const struct gm_process *process)
{
	return process && process->cgroup_current_bytes != GM_UNKNOWN &&
	       process->cgroup_max_bytes != GM_UNKNOWN && process->cgroup_max_bytes &&
	       process->cgroup_current_bytes >=
		       process->cgroup_max_bytes - process->cgroup_max_bytes / 10;
}

/* Nothing is wasted, but somebody will be paged all the same. */
static void tell_limit(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	const struct gm_bill *bill = input->bill;
	uint64_t used = input->process->cgroup_current_bytes;
	size_t largest = largest_class(bill);

	cause->id = "limit-near";
	gm_line_set(&cause->headline, "the cgroup is nearly full, of memory in use");
	gm_line_set(&cause->detail, "no waste found: %s of RSS is %s (%u%%)",
		    gm_size(bill->resident[largest]).text, gm_go_class_name(largest),
		    gm_percent(bill->resident[largest], bill->rss));
	if (used / 2 > bill->rss)
		gm_line_set(&cause->detail,
			    "%s of the cgroup is not this process's RSS (%s): other processes, "
			    "page cache, sockets; see memory.stat",
			    gm_size(used - bill->rss).text, gm_size(bill->rss).text);
}

/* Resident bytes of what no verdict is about: they may grow without an end. */
static uint64_t unjudged(const struct gm_bill *bill)
{
	uint64_t bytes = 0;

	for (size_t i = GM_GO_STACK; i < GM_GO_CLASSES; i++)
		if (i != GM_GO_BINARY && i != GM_GO_FILE)
			bytes += bill->resident[i];
	return bytes;
}

static void check_rest(const struct gm_bill *bill, struct gm_cause *cause)
{
	unsigned int share = gm_percent(unjudged(bill), bill->rss);

	gm_cause_check(cause, unjudged(bill) < gm_worth(bill) || share < 50, false,
		       "stacks, C malloc, metadata and the like, which no verdict is about, are "
		       "%u%% of RSS, under 50%%",
		       share);
	gm_cause_check(cause, bill->swap < gm_worth(bill), false, "%s swapped out, under %s",
		       gm_size(bill->swap).text, gm_size(gm_worth(bill)).text);
}

static void no_fault(const struct gm_verdict_input *input, struct gm_cause *cause)
{
	const struct gm_bill *bill = input->bill;

	*cause = (struct gm_cause){ .id = "no-fault" };
	gm_line_set(&cause->headline, "no fault found");
	gm_cause_check(cause, explained(bill), false, "not explained is under 0.5%% of RSS");
	gm_cause_check(cause, !input->heap->gc_running, false, "no GC ran during the look");
	gm_cause_check(cause, !!input->again, false, "the spans were read twice");
	check_rest(bill, cause);
	gm_cause_conclude(cause);
	tell_largest(bill, cause);
	if (limit_near(input->process)) {
		tell_limit(input, cause);
		return;
	}
	if (!mostly_virtual(bill))
		return;
	cause->id = "virtual-only";
	gm_line_set(&cause->headline, "no fault found: it is address space");
	gm_line_set(&cause->detail, "%s reserved, %s resident; what is not resident costs nothing",
		    gm_size(bill->virtual_bytes).text, gm_size(bill->rss).text);
}

static void judge_heap(const struct gm_verdict_input *input, struct gm_verdict *verdict)
{
	static bool (*const judges[])(const struct gm_verdict_input *, struct gm_cause *,
				      struct gm_lines *) = {
		gm_judge_thp_refill,
		gm_judge_pinned,
		gm_judge_fragmentation,
		gm_judge_idle,
	};

	for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++)
		if (judges[i](input, &verdict->causes[verdict->cause_count], &verdict->ruled_out))
			verdict->cause_count++;
}

/* Few enough to sort by hand. */
static void largest_first(struct gm_verdict *verdict)
{
	for (size_t i = 1; i < verdict->cause_count; i++)
		for (size_t j = i; j && verdict->causes[j - 1].high < verdict->causes[j].high;
		     j--) {
			struct gm_cause swap = verdict->causes[j];

			verdict->causes[j] = verdict->causes[j - 1];
			verdict->causes[j - 1] = swap;
		}
}

static bool has(const struct gm_verdict *verdict, const char *id)
{
	for (size_t i = 0; i < verdict->cause_count; i++)
		if (!strcmp(verdict->causes[i].id, id))
			return true;
	return false;
}

/* What is empty in pinned huge pages is idle or a free slot; what was released is the refill's. */
static bool overlap(const struct gm_verdict *verdict)
{
	return has(verdict, "pinned-huge-pages") &&
	       (has(verdict, "span-fragmentation") || has(verdict, "idle-not-released"));
}

void gm_verdict_judge(const struct gm_verdict_input *input, struct gm_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	if (input->heap)
		judge_heap(input, verdict);
	largest_first(verdict);
	verdict->overlap = overlap(verdict);
	if (!verdict->cause_count) {
		verdict->cause_count = 1;
		if (input->heap)
			no_fault(input, &verdict->causes[0]);
		else
			cannot_tell(input, &verdict->causes[0]);
	}
	if (strcmp(verdict->causes[0].id, "virtual-only"))
		rule_out_virtual(input->bill, &verdict->ruled_out);
	note_unchecked(input, &verdict->unchecked);
}
