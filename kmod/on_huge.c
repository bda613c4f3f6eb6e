// SPDX-License-Identifier: GPL-2.0
/* Huge pages and their smaller kin: faulted in, copied, split. */
#include <linux/mm.h>

#include "compat/compat.h"
#include "compat/symbols.h"
#include "hook.h"
#include "on.h"
#include "peek.h"

/* The fault is about the huge page it lies in, as far as that is in the VMA. */
static void widen(struct gomem_call *call)
{
	call->start = max(call->start & HPAGE_PMD_MASK, call->lo);
	call->end = min((call->start & HPAGE_PMD_MASK) + HPAGE_PMD_SIZE, call->hi);
}

NOKPROBE_SYMBOL(widen);

static bool note_huge(const struct gomem_call *call, enum gomem_kind kind)
{
	return gomem_call_note(call, kind, HPAGE_PMD_SIZE, HPAGE_PMD_ORDER);
}

NOKPROBE_SYMBOL(note_huge);

static bool is_huge_now(const struct gomem_call *call)
{
	const struct vm_fault *vmf = call->what;

	return gomem_peek_is_anon_huge(READ_ONCE(*vmf->pmd));
}

NOKPROBE_SYMBOL(is_huge_now);

static bool fell_back(struct pt_regs *regs)
{
	return (__force vm_fault_t)regs_return_value(regs) & VM_FAULT_FALLBACK;
}

/*
 * do_huge_pmd_anonymous_page(vmf): maps a huge page, the huge zero page, or nothing. As
 * vmstat has it, an edge of a VMA where no huge page fits is no fallback.
 */
GOMEM_ON_CALL(huge_fault_return)
{
	widen(call);
	if (fell_back(regs))
		return call->end - call->start == HPAGE_PMD_SIZE &&
		       note_huge(call, GOMEM_KIND_fallback);
	return !gomem_on_fault_undone(regs) && is_huge_now(call) &&
	       note_huge(call, GOMEM_KIND_huge_fault);
}

NOKPROBE_SYMBOL(gomem_on_huge_fault_return);

/* do_huge_pmd_wp_page(vmf, ...): lets the process have the page, or splits it to copy some */
GOMEM_ON_CALL(huge_wp)
{
	if (!gomem_on_vmf(hook, call, regs))
		return false;
	call->was = is_huge_now(call);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_huge_wp);

GOMEM_ON_CALL(huge_wp_return)
{
	widen(call);
	if (call->was)
		return fell_back(regs) && note_huge(call, GOMEM_KIND_huge_cow);
	/* It was the huge zero page. */
	return !fell_back(regs) && !gomem_on_fault_undone(regs) && is_huge_now(call) &&
	       note_huge(call, GOMEM_KIND_huge_fault);
}

NOKPROBE_SYMBOL(gomem_on_huge_wp_return);

/*
 * folio_add_new_anon_rmap(folio, vma, addr, flags): a fresh folio is about to be mapped where a
 * fault found nothing, or where a page was in swap, or by a collapse.
 */
GOMEM_ON(new_rmap)
{
	struct folio *folio = (void *)gomem_hook_arg(regs, 0);
	struct vm_area_struct *vma = (void *)gomem_hook_arg(regs, 1);
	unsigned long addr = gomem_hook_arg(regs, 2);
	unsigned int order = folio_order(folio);
	struct gomem_call call;
	pmd_t pmd;

	if (!order || order >= HPAGE_PMD_ORDER)
		return false;
	if (!gomem_call_in(&call, vma, addr, addr + (PAGE_SIZE << order)))
		return false;
	pmd = gomem_peek_pmd(vma->vm_mm, addr);
	return gomem_peek_is_table(pmd) && pte_none(gomem_peek_pte(pmd, addr)) &&
	       !gomem_on_is_collapsing() &&
	       gomem_call_note(&call, GOMEM_KIND_mthp_fault, PAGE_SIZE << order, order);
}

NOKPROBE_SYMBOL(gomem_on_new_rmap);

/* Called for every PMD entry at an edge; a huge page is split, mapped or migrating. */
static bool split(struct vm_area_struct *vma, const pmd_t *pmd, unsigned long addr)
{
	struct gomem_call call;
	pmd_t value;

	if (!gomem_call_in(&call, vma, addr, addr))
		return false;
	value = READ_ONCE(*pmd);
	if (pmd_none(value) || (pmd_present(value) && !pmd_trans_huge(value)))
		return false;
	widen(&call);
	return note_huge(&call, GOMEM_KIND_pmd_split);
}

NOKPROBE_SYMBOL(split);

static bool is_asked_for(struct pt_regs *regs, const pmd_t *pmd)
{
	pmd_t value = READ_ONCE(*pmd);

	return gomem_compat_splits(regs, pmd_present(value) ? pmd_page(value) : NULL);
}

NOKPROBE_SYMBOL(is_asked_for);

/* __split_huge_pmd_locked(vma, pmd, addr, freeze): who calls it knows that it is the folio */
GOMEM_ON(split)
{
	return split((void *)gomem_hook_arg(regs, 0), (void *)gomem_hook_arg(regs, 1),
		     gomem_hook_arg(regs, 2));
}

NOKPROBE_SYMBOL(gomem_on_split);

/* __split_huge_pmd(vma, pmd, addr, ...) */
GOMEM_ON(split_asked)
{
	return is_asked_for(regs, (void *)gomem_hook_arg(regs, 1)) && gomem_on_split(hook, regs);
}

NOKPROBE_SYMBOL(gomem_on_split_asked);

/* split_huge_pmd_locked(vma, addr, pmd, ...) */
GOMEM_ON(split_locked)
{
	const pmd_t *pmd = (void *)gomem_hook_arg(regs, 2);

	return is_asked_for(regs, pmd) &&
	       split((void *)gomem_hook_arg(regs, 0), pmd, gomem_hook_arg(regs, 1));
}

NOKPROBE_SYMBOL(gomem_on_split_locked);
