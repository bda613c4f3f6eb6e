// SPDX-License-Identifier: GPL-2.0
/*
 * Collapses: a function knows the mm and the address, one tracepoint how many pages were
 * empty, another how it ended.
 */
#include <linux/mm.h>

#include "compat/compat.h"
#include "hook.h"
#include "on.h"
#include "slot.h"

static struct gomem_slots slots;

bool gomem_on_is_collapsing(void)
{
	return gomem_slot_find(&slots);
}

NOKPROBE_SYMBOL(gomem_on_is_collapsing);

/* collapse_huge_page(mm, addr, ...), hugepage_vma_revalidate(mm, addr, ...), which it calls */
GOMEM_ON(collapse_begin)
{
	const struct mm_struct *mm = (void *)gomem_hook_arg(regs, 0);
	unsigned long start = gomem_hook_arg(regs, 1) & HPAGE_PMD_MASK;
	struct gomem_call *call;

	if (!gomem_target_of(mm))
		return false;
	call = gomem_slot_take(&slots);
	if (!call) {
		this_cpu_inc(hook->figures->missed);
		return false;
	}
	return gomem_call_is(call, mm, start, start + HPAGE_PMD_SIZE);
}

NOKPROBE_SYMBOL(gomem_on_collapse_begin);

/* mm_collapse_huge_page_isolate(page or folio, none_or_zero, ...): as far as it got */
void gomem_on_collapse_isolate(void *data, void *page, int none_or_zero)
{
	u64 start = ktime_get_mono_fast_ns();
	struct gomem_call *call;

	preempt_disable_notrace();
	call = gomem_slot_find(&slots);
	if (call) {
		call->was = none_or_zero;
		gomem_hook_count(data, start);
	}
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(gomem_on_collapse_isolate);

static bool note_collapse(const struct gomem_call *call)
{
	struct gomem_target *target = gomem_target_of(call->mm);

	if (target)
		gomem_event_collapse(target, call->start, call->was);
	return target;
}

NOKPROBE_SYMBOL(note_collapse);

static void collapse_end(struct gomem_hook *hook, const struct mm_struct *mm, bool is_huge)
{
	u64 start = ktime_get_mono_fast_ns();
	const struct gomem_call *call;

	preempt_disable_notrace();
	call = gomem_slot_find(&slots);
	if (call && is_huge && call->mm == mm && note_collapse(call))
		gomem_hook_count(hook, start);
	gomem_slot_drop(&slots);
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(collapse_end);

/* mm_collapse_huge_page(mm, isolated, status[, order]): it is over, one way or another */
#ifdef GOMEM_HAS_COLLAPSE_ORDER
void gomem_on_collapse_end(void *data, struct mm_struct *mm, int isolated, int status,
			   unsigned int order)
{
	collapse_end(data, mm, status == GOMEM_SCAN_SUCCEED && order == HPAGE_PMD_ORDER);
}
#else
void gomem_on_collapse_end(void *data, struct mm_struct *mm, int isolated, int status)
{
	collapse_end(data, mm, status == GOMEM_SCAN_SUCCEED);
}
#endif

NOKPROBE_SYMBOL(gomem_on_collapse_end);
