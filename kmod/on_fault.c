// SPDX-License-Identifier: GPL-2.0
/* Page faults, and what became of those in 4 KiB pages. */
#include <linux/mm.h>
#include <linux/preempt.h>

#include "compat/compat.h"
#include "compat/ftrace.h"
#include "hook.h"
#include "on.h"
#include "peek.h"
#include "retry.h"

#define TIMED_EVERY 64 /* of the one hook that is hot; a power of 2 */

/* What the fault found, before the kernel does anything about it. */
static __always_inline enum gomem_kind kind_of(const struct vm_area_struct *vma, unsigned long addr,
					       unsigned int flags)
{
	pmd_t pmd;

	if (!vma_is_anonymous((struct vm_area_struct *)vma))
		return GOMEM_KIND_file_fault;
	pmd = gomem_peek_pmd(vma->vm_mm, addr);
	if (gomem_peek_is_table(pmd) ? !pte_none(gomem_peek_pte(pmd, addr)) : !pmd_none(pmd))
		return GOMEM_KINDS_MAX;
	return flags & FAULT_FLAG_WRITE ? GOMEM_KIND_anon_fault : GOMEM_KIND_zero_fault;
}

static __always_inline bool fault(const struct vm_area_struct *vma, unsigned long addr,
				  unsigned int flags)
{
	struct gomem_target *target = gomem_target_of(vma->vm_mm);

	if (!target || gomem_retry_is(addr, flags))
		return false;
	gomem_event_fault(target, kind_of(vma, addr, flags), vma, addr & PAGE_MASK);
	return true;
}

static noinline void fault_of_target(struct gomem_hook *hook, const struct vm_area_struct *vma,
				     unsigned long addr, unsigned int flags)
{
	u64 start = 0;

	preempt_disable_notrace();
	if (!(this_cpu_read(hook->figures->hits) % TIMED_EVERY))
		start = ktime_get_mono_fast_ns();
	if (fault(vma, addr, flags))
		gomem_hook_count(hook, start);
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(fault_of_target);

/*
 * handle_mm_fault(vma, addr, flags, regs), by whomever: the mm is the VMA's, not current's.
 * It is not called from a handler, so this does not recurse.
 */
void gomem_on_fault_ftrace(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
			   struct ftrace_regs *regs)
{
	const struct vm_area_struct *vma = (void *)ftrace_regs_get_argument(regs, 0);

	if (unlikely(gomem_target_may_be(vma->vm_mm)))
		fault_of_target(container_of(ops, struct gomem_hook, ops), vma,
				ftrace_regs_get_argument(regs, 1),
				ftrace_regs_get_argument(regs, 2));
}

NOKPROBE_SYMBOL(gomem_on_fault_ftrace);

/* By kprobe, where ftrace cannot; it counts by itself. */
GOMEM_ON(fault)
{
	fault_of_target(hook, (void *)gomem_hook_arg(regs, 0), gomem_hook_arg(regs, 1),
			gomem_hook_arg(regs, 2));
	return false;
}

NOKPROBE_SYMBOL(gomem_on_fault);

/* Every kretprobe of a fault: the first argument is the struct vm_fault. */
GOMEM_ON_CALL(vmf)
{
	struct vm_fault *vmf = (void *)gomem_hook_arg(regs, 0);
	unsigned long addr = vmf->address & PAGE_MASK;

	if (!gomem_call_in(call, vmf->vma, addr, addr + PAGE_SIZE))
		return false;
	call->what = vmf;
	return true;
}

NOKPROBE_SYMBOL(gomem_on_vmf);

bool gomem_on_fault_undone(struct pt_regs *regs)
{
	return (__force vm_fault_t)regs_return_value(regs) &
	       (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED);
}

NOKPROBE_SYMBOL(gomem_on_fault_undone);

/*
 * The entry as the function left it. The page table cannot have gone: the fault still
 * holds the mmap lock or the VMA's.
 */
static pte_t pte_after(const struct gomem_call *call)
{
	const struct vm_fault *vmf = call->what;

	return gomem_peek_pte(READ_ONCE(*vmf->pmd), call->start);
}

NOKPROBE_SYMBOL(pte_after);

/* do_wp_page(vmf): copies, or lets the process have the page for itself */
GOMEM_ON_CALL(wp)
{
	if (!gomem_on_vmf(hook, call, regs))
		return false;
	call->was = pte_pfn(((struct vm_fault *)call->what)->orig_pte);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_wp);

GOMEM_ON_CALL(wp_return)
{
	pte_t pte;

	if (gomem_on_fault_undone(regs))
		return false;
	pte = pte_after(call);
	return pte_present(pte) && pte_pfn(pte) != call->was &&
	       gomem_call_note(call, GOMEM_KIND_cow, PAGE_SIZE, 0);
}

NOKPROBE_SYMBOL(gomem_on_wp_return);

/* do_swap_page(vmf): also for migration entries and the like, which are no swap */
GOMEM_ON_CALL(swapin)
{
	const struct vm_fault *vmf = (void *)gomem_hook_arg(regs, 0);

	return gomem_peek_is_swap(vmf->orig_pte) && gomem_on_vmf(hook, call, regs);
}

NOKPROBE_SYMBOL(gomem_on_swapin);

GOMEM_ON_CALL(swapin_return)
{
	return !gomem_on_fault_undone(regs) && pte_present(pte_after(call)) &&
	       gomem_call_note(call, GOMEM_KIND_swapin, PAGE_SIZE, 0);
}

NOKPROBE_SYMBOL(gomem_on_swapin_return);
