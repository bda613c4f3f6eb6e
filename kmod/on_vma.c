// SPDX-License-Identifier: GPL-2.0
/* What a process, or another in its name, does to its address space. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/oom.h>
#include <linux/pagewalk.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "compat/symbols.h"
#include "hook.h"
#include "on.h"
#include "zap.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static bool note_range(const struct gomem_call *call, enum gomem_kind kind)
{
	return gomem_call_note(call, kind, call->end - call->start, 0);
}

NOKPROBE_SYMBOL(note_range);

static bool failed(struct pt_regs *regs)
{
	return IS_ERR_VALUE(regs_return_value(regs));
}

/* mmap_region(file, addr, len, ...), in current's mm; returns the address */
GOMEM_ON_CALL(mmap)
{
	return gomem_call_is(call, current->mm, 0, PAGE_ALIGN(gomem_hook_arg(regs, 2)));
}

NOKPROBE_SYMBOL(gomem_on_mmap);

/* __x64_sys_mremap(regs), old address, old length, new length; returns the new address */
GOMEM_ON_CALL(mremap)
{
	struct pt_regs *args = (void *)gomem_hook_arg(regs, 0);

	return gomem_call_is(call, current->mm, 0, PAGE_ALIGN(gomem_hook_arg(args, 2)));
}

NOKPROBE_SYMBOL(gomem_on_mremap);

static bool note_mapped(struct gomem_call *call, struct pt_regs *regs, enum gomem_kind kind)
{
	if (failed(regs))
		return false;
	call->start = regs_return_value(regs);
	call->end += call->start;
	return note_range(call, kind);
}

NOKPROBE_SYMBOL(note_mapped);

GOMEM_ON_CALL(mmap_return)
{
	return note_mapped(call, regs, GOMEM_KIND_mmap);
}

NOKPROBE_SYMBOL(gomem_on_mmap_return);

GOMEM_ON_CALL(mremap_return)
{
	return note_mapped(call, regs, GOMEM_KIND_mremap);
}

NOKPROBE_SYMBOL(gomem_on_mremap_return);

/* __vm_munmap(start, length, unlock), in current's mm */
GOMEM_ON_CALL(munmap)
{
	unsigned long start = gomem_hook_arg(regs, 0);

	return current->mm &&
	       gomem_call_is(call, current->mm, start, start + PAGE_ALIGN(gomem_hook_arg(regs, 1)));
}

NOKPROBE_SYMBOL(gomem_on_munmap);

GOMEM_ON_CALL(munmap_return)
{
	return !regs_return_value(regs) && note_range(call, GOMEM_KIND_munmap);
}

NOKPROBE_SYMBOL(gomem_on_munmap_return);

/* __ia32_sys_mremap(regs), in 32 bits: the third argument is in the same register */
GOMEM_ON_CALL(mremap32)
{
	struct pt_regs *args = (void *)gomem_hook_arg(regs, 0);

	return gomem_call_is(call, current->mm, 0, PAGE_ALIGN((u32)gomem_hook_arg(args, 2)));
}

NOKPROBE_SYMBOL(gomem_on_mremap32);

/* __x64_sys_brk(regs), __ia32_sys_brk(regs): ask for an end of the heap, return the one there is */
GOMEM_ON_CALL(brk)
{
	if (!gomem_call_is(call, current->mm, 0, 0))
		return false;
	call->was = READ_ONCE(current->mm->brk);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_brk);

GOMEM_ON_CALL(brk_return)
{
	unsigned long now = regs_return_value(regs), low = min(now, call->was),
		      high = max(now, call->was);

	call->start = PAGE_ALIGN(low);
	call->end = PAGE_ALIGN(high);
	return low < high && gomem_call_note(call, GOMEM_KIND_brk, high - low, 0);
}

NOKPROBE_SYMBOL(gomem_on_brk_return);

/* change_protection(), also by NUMA balancing and userfaultfd, for what it then looks like */
GOMEM_ON(mprotect)
{
	struct vm_area_struct *vma = (void *)gomem_hook_arg(regs, GOMEM_PROTECTION_VMA);
	unsigned long start = gomem_hook_arg(regs, GOMEM_PROTECTION_VMA + 1);
	unsigned long end = gomem_hook_arg(regs, GOMEM_PROTECTION_VMA + 2);
	struct gomem_call call;

	if (gomem_hook_arg(regs, GOMEM_PROTECTION_FLAGS) & (MM_CP_PROT_NUMA | MM_CP_UFFD_WP_ALL))
		return false;
	return gomem_call_in(&call, vma, start, end) && note_range(&call, GOMEM_KIND_mprotect);
}

NOKPROBE_SYMBOL(gomem_on_mprotect);

/* __split_vma(mm or iterator, vma, addr, ...) */
GOMEM_ON_CALL(vma_split)
{
	struct vm_area_struct *vma = (void *)gomem_hook_arg(regs, 1);

	return gomem_call_in(call, vma, gomem_hook_arg(regs, 2), vma->vm_end);
}

NOKPROBE_SYMBOL(gomem_on_vma_split);

GOMEM_ON_CALL(vma_split_return)
{
	return !regs_return_value(regs) && gomem_call_note(call, GOMEM_KIND_vma_split, 0, 0);
}

NOKPROBE_SYMBOL(gomem_on_vma_split_return);

/*
 * Merges go through functions that also do other things: it was one when the mm, locked
 * for writing and in its caller's hands, has fewer VMAs than before.
 */
static bool merge(struct gomem_call *call, struct mm_struct *mm, unsigned long start,
		  unsigned long end)
{
	if (!gomem_call_is(call, mm, start, end))
		return false;
	call->what = mm;
	call->was = READ_ONCE(mm->map_count);
	return true;
}

NOKPROBE_SYMBOL(merge);

/* __vma_adjust(vma, start, end, ...) */
GOMEM_ON_CALL(vma_adjust)
{
	struct vm_area_struct *vma = (void *)gomem_hook_arg(regs, 0);

	return merge(call, vma->vm_mm, gomem_hook_arg(regs, 1), gomem_hook_arg(regs, 2));
}

NOKPROBE_SYMBOL(gomem_on_vma_adjust);

#ifdef GOMEM_HAS_VMA_EXPAND
/* vma_expand(state, vma, start, end, ...) */
GOMEM_ON_CALL(vma_expand)
{
	struct vm_area_struct *vma = (void *)gomem_hook_arg(regs, 1);

	return merge(call, vma->vm_mm, gomem_hook_arg(regs, 2), gomem_hook_arg(regs, 3));
}

NOKPROBE_SYMBOL(gomem_on_vma_expand);
#endif

/* vma_complete(prepare, iterator, mm): the VMA that is left has its new range already */
GOMEM_ON_CALL(vma_complete)
{
	struct vm_area_struct *vma = gomem_compat_prepared_vma((void *)gomem_hook_arg(regs, 0));

	return merge(call, (void *)gomem_hook_arg(regs, 2), vma->vm_start, vma->vm_end);
}

NOKPROBE_SYMBOL(gomem_on_vma_complete);

GOMEM_ON_CALL(vma_merge_return)
{
	const struct mm_struct *mm = call->what;
	int gone = (int)call->was - READ_ONCE(mm->map_count), i;

	for (i = 0; i < gone; i++)
		gomem_call_note(call, GOMEM_KIND_vma_merge, 0, 0);
	return gone > 0;
}

NOKPROBE_SYMBOL(gomem_on_vma_merge_return);

static enum gomem_kind kind_of_advice(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return GOMEM_KIND_dontneed;
	case MADV_FREE:
		return GOMEM_KIND_lazyfree;
	case MADV_HUGEPAGE:
		return GOMEM_KIND_hugepage;
	case MADV_NOHUGEPAGE:
		return GOMEM_KIND_nohugepage;
	case MADV_COLLAPSE:
		return GOMEM_KIND_madv_collapse;
	default:
		return GOMEM_KINDS_MAX;
	}
}

static bool madvise(struct gomem_call *call, const struct mm_struct *mm, unsigned long start,
		    unsigned long length, int advice)
{
	if (!gomem_call_is(call, mm, start, start + PAGE_ALIGN(length)))
		return false;
	call->was = kind_of_advice(advice);
	return call->was < GOMEM_KINDS_MAX;
}

NOKPROBE_SYMBOL(madvise);

/* do_madvise(mm, start, length, advice) */
GOMEM_ON_CALL(madvise)
{
	return madvise(call, (void *)gomem_hook_arg(regs, 0), gomem_hook_arg(regs, 1),
		       gomem_hook_arg(regs, 2), gomem_hook_arg(regs, 3));
}

NOKPROBE_SYMBOL(gomem_on_madvise);

/* madvise_do_behavior(start, length, behavior) */
GOMEM_ON_CALL(madvise_behavior)
{
	const struct gomem_compat_madvise *behavior = (void *)gomem_hook_arg(regs, 2);

	return madvise(call, behavior->mm, gomem_hook_arg(regs, 0), gomem_hook_arg(regs, 1),
		       behavior->behavior);
}

NOKPROBE_SYMBOL(gomem_on_madvise_behavior);

/* What went before the error stays done: how much that was, nobody says. */
static bool may_be_done(enum gomem_kind kind, int err)
{
	return err == -ENOMEM ||
	       (kind == GOMEM_KIND_madv_collapse && (err == -EAGAIN || err == -EBUSY));
}

NOKPROBE_SYMBOL(may_be_done);

GOMEM_ON_CALL(madvise_return)
{
	int err = regs_return_value(regs);

	if (!err)
		return note_range(call, call->was);
	return may_be_done(call->was, err) && gomem_call_note(call, call->was, 0, 0);
}

NOKPROBE_SYMBOL(gomem_on_madvise_return);

/* Exit, the OOM reaper and process_mrelease(2) give nothing back. */
static bool is_end_of(struct mm_struct *mm)
{
	return !atomic_read(&mm->mm_users) || check_stable_address_space(mm);
}

NOKPROBE_SYMBOL(is_end_of);

/* unmap_page_range(tlb, vma, start, end, details); khugepaged zaps what it makes huge */
GOMEM_ON(zap)
{
	struct vm_area_struct *vma = (void *)gomem_hook_arg(regs, 1);
	struct gomem_target *target = gomem_target_of(vma->vm_mm);
	struct gomem_where where;
	u64 pages;

	if (!target || (current->flags & PF_KTHREAD) || (vma->vm_flags & VM_HUGETLB) ||
	    is_end_of(vma->vm_mm))
		return false;
	where = gomem_where_in(vma, gomem_hook_arg(regs, 2), gomem_hook_arg(regs, 3));
	pages = gomem_zap_range(target->ledger, vma,
				gomem_compat_zap_keeps_copies((void *)gomem_hook_arg(regs, 4)),
				where.start, where.end);
	if (pages)
		gomem_event_zap(target, &where, pages);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_zap);

/* madvise_free_pte_range(pmd, addr, end, walk) */
GOMEM_ON(madv_free)
{
	const struct mm_walk *walk = (void *)gomem_hook_arg(regs, 3);
	struct gomem_target *target = gomem_target_of(walk->vma->vm_mm);

	if (!target)
		return false;
	gomem_zap_free(target->ledger, walk->vma, (void *)gomem_hook_arg(regs, 0),
		       gomem_hook_arg(regs, 1), gomem_hook_arg(regs, 2));
	return true;
}

NOKPROBE_SYMBOL(gomem_on_madv_free);
