// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel does to pages, wherever they are mapped: swapped out, moved, split. Its
 * functions are called for each VMA that maps a folio, under the lock that keeps that VMA,
 * its mm and its page tables; often by tasks that have nothing to do with the process.
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "compat/symbols.h"
#include "hook.h"
#include "on.h"
#include "peek.h"
#include "slot.h"

static struct gomem_slots splits;

/* The call is about what @vma maps of @folio, from @addr on. */
static bool call_of_folio(struct gomem_call *call, struct folio *folio, struct vm_area_struct *vma,
			  unsigned long addr)
{
	unsigned long pages = folio_nr_pages(folio), end = addr + PAGE_SIZE;

	if (!gomem_target_of(vma->vm_mm) || (vma->vm_flags & VM_HUGETLB))
		return false;
	if (pages > 1)
		end = vma->vm_start +
		      ((gomem_compat_folio_index(folio) + pages - vma->vm_pgoff) << PAGE_SHIFT);
	gomem_call_in(call, vma, addr, min(end, vma->vm_end));
	call->what = vma->vm_mm;
	return true;
}

NOKPROBE_SYMBOL(call_of_folio);

static unsigned int order_of(const struct gomem_call *call)
{
	return ilog2((call->end - call->start) >> PAGE_SHIFT);
}

static bool is_moving(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte) && softleaf_is_migration(softleaf_from_pte(pte));
}

NOKPROBE_SYMBOL(is_moving);

static bool is_moving_huge(pmd_t pmd)
{
	return !pmd_none(pmd) && !pmd_present(pmd) && softleaf_is_migration(softleaf_from_pmd(pmd));
}

NOKPROBE_SYMBOL(is_moving_huge);

static bool is_swap(pte_t pte)
{
	return gomem_peek_is_swap(pte);
}

NOKPROBE_SYMBOL(is_swap);

static unsigned int count_table(pmd_t pmd, unsigned long start, unsigned long end,
				bool (*is)(pte_t pte))
{
	unsigned int count = 0;

	for (; start < end; start += PAGE_SIZE)
		count += is(gomem_peek_pte(pmd, start));
	return count;
}

NOKPROBE_SYMBOL(count_table);

/* How many pages of the call's range are so; a folio may lie across two tables. */
static unsigned int count(const struct gomem_call *call, bool (*is)(pte_t pte),
			  bool (*is_huge)(pmd_t pmd))
{
	unsigned long addr = call->start, next;
	unsigned int count = 0;

	for (; addr < call->end; addr = next) {
		pmd_t pmd = gomem_peek_pmd(call->what, addr);

		next = min((addr & PMD_MASK) + PMD_SIZE, call->end);
		if (gomem_peek_is_table(pmd))
			count += count_table(pmd, addr, next, is);
		else if (is_huge && is_huge(pmd))
			count += (next - addr) >> PAGE_SHIFT;
	}
	return count;
}

NOKPROBE_SYMBOL(count);

/*
 * try_to_unmap_one(folio, vma, addr, arg): what was dropped for good, or is on its way to
 * another frame, is no page in swap afterwards.
 */
GOMEM_ON_CALL(swapout)
{
	struct folio *folio = (void *)gomem_hook_arg(regs, 0);

	if (!folio_test_anon(folio) ||
	    !call_of_folio(call, folio, (void *)gomem_hook_arg(regs, 1), gomem_hook_arg(regs, 2)))
		return false;
	call->was = count(call, is_swap, NULL);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_swapout);

GOMEM_ON_CALL(swapout_return)
{
	unsigned int now = count(call, is_swap, NULL);

	return now > call->was && gomem_call_note(call, GOMEM_KIND_swapout,
						  (now - call->was) << PAGE_SHIFT, order_of(call));
}

NOKPROBE_SYMBOL(gomem_on_swapout_return);

/* remove_migration_pte(folio, vma, addr, arg): a page is back, in its old frame or a new one */
GOMEM_ON_CALL(migrate)
{
	struct folio *folio = (void *)gomem_hook_arg(regs, 0);

	if (gomem_compat_migration_old((void *)gomem_hook_arg(regs, 3)) == folio ||
	    !call_of_folio(call, folio, (void *)gomem_hook_arg(regs, 1), gomem_hook_arg(regs, 2)))
		return false;
	call->was = count(call, is_moving, is_moving_huge);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_migrate);

GOMEM_ON_CALL(migrate_return)
{
	unsigned int now = count(call, is_moving, is_moving_huge);

	return now < call->was && gomem_call_note(call, GOMEM_KIND_migrate,
						  (call->was - now) << PAGE_SHIFT, order_of(call));
}

NOKPROBE_SYMBOL(gomem_on_migrate_return);

/* split_huge_page_to_list(page, ...), __folio_split(folio, ...): whose it is comes later */
GOMEM_ON_CALL(folio_split)
{
	struct folio *folio = page_folio((struct page *)gomem_hook_arg(regs, 0));
	struct gomem_call *slot;

	if (!folio_test_anon(folio))
		return false;
	slot = gomem_slot_take(&splits);
	if (!slot) {
		this_cpu_inc(hook->figures->missed);
		return false;
	}
	*slot = (struct gomem_call){ .what = folio };
	call->was = folio_order(folio);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_folio_split);

static bool table_maps(pmd_t pmd, unsigned long start, unsigned long end, struct folio *folio)
{
	for (; start < end; start += PAGE_SIZE) {
		pte_t pte = gomem_peek_pte(pmd, start);

		if (pte_present(pte) && pfn_valid(pte_pfn(pte)) &&
		    page_folio(pte_page(pte)) == folio)
			return true;
	}
	return false;
}

NOKPROBE_SYMBOL(table_maps);

/* Is the folio in the call's range? Who goes over VMAs tries all where it may be. */
static bool maps(const struct gomem_call *call, struct mm_struct *mm, struct folio *folio)
{
	unsigned long addr = call->start, next;

	for (; addr < call->end; addr = next) {
		pmd_t pmd = gomem_peek_pmd(mm, addr);

		next = min((addr & PMD_MASK) + PMD_SIZE, call->end);
		if (gomem_peek_is_anon_huge(pmd) ? page_folio(pmd_page(pmd)) == folio :
						   table_maps(pmd, addr, next, folio))
			return true;
	}
	return false;
}

NOKPROBE_SYMBOL(maps);

/* try_to_migrate_one(folio, vma, addr, ...): before it is split, it is unmapped everywhere */
GOMEM_ON(folio_split_at)
{
	struct folio *folio = (void *)gomem_hook_arg(regs, 0);
	struct gomem_call *slot = gomem_slot_find(&splits);
	struct vm_area_struct *vma = (void *)gomem_hook_arg(regs, 1);
	struct gomem_call call;

	if (!slot || slot->what != folio || slot->mm)
		return false;
	if (!call_of_folio(&call, folio, vma, gomem_hook_arg(regs, 2)) ||
	    !maps(&call, vma->vm_mm, folio))
		return false;
	call.what = folio;
	*slot = call;
	return true;
}

NOKPROBE_SYMBOL(gomem_on_folio_split_at);

GOMEM_ON_CALL(folio_split_return)
{
	struct gomem_call *slot = gomem_slot_find(&splits);
	bool is_targets =
		slot && slot->mm && !(int)regs_return_value(regs) &&
		gomem_call_note(slot, GOMEM_KIND_folio_split, PAGE_SIZE << call->was, call->was);

	gomem_slot_drop(&splits);
	return is_targets;
}

NOKPROBE_SYMBOL(gomem_on_folio_split_return);
