/* SPDX-License-Identifier: GPL-2.0 */
/* The handlers that the table of hooks.c names; see struct gomem_hook for what each gets. */
#ifndef GOMEM_ON_H
#define GOMEM_ON_H

#include <linux/types.h>

#include "compat/ftrace.h"

struct gomem_call;
struct gomem_hook;
struct mm_struct;
struct pt_regs;

#define GOMEM_ON(name) bool gomem_on_##name(struct gomem_hook *hook, struct pt_regs *regs)
#define GOMEM_ON_CALL(name) \
	bool gomem_on_##name(struct gomem_hook *hook, struct gomem_call *call, struct pt_regs *regs)

/* on_fault.c */
void gomem_on_fault_ftrace(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
			   struct ftrace_regs *regs);
GOMEM_ON(fault);
GOMEM_ON_CALL(vmf);
GOMEM_ON_CALL(wp);
GOMEM_ON_CALL(wp_return);
GOMEM_ON_CALL(swapin);
GOMEM_ON_CALL(swapin_return);

/**
 * gomem_on_fault_undone() - did the fault fail, or drop its locks?
 *
 * Then neither VMA nor page table may be touched.
 */
bool gomem_on_fault_undone(struct pt_regs *regs);

/* on_huge.c */
GOMEM_ON_CALL(huge_fault_return);
GOMEM_ON_CALL(huge_wp);
GOMEM_ON_CALL(huge_wp_return);
GOMEM_ON(new_rmap);
GOMEM_ON(split);
GOMEM_ON(split_asked);
GOMEM_ON(split_locked);

/* on_collapse.c */
GOMEM_ON(collapse_begin);
void gomem_on_collapse_isolate(void *data, void *page, int none_or_zero);
#ifdef GOMEM_HAS_COLLAPSE_ORDER
void gomem_on_collapse_end(void *data, struct mm_struct *mm, int isolated, int status,
			   unsigned int order);
#else
void gomem_on_collapse_end(void *data, struct mm_struct *mm, int isolated, int status);
#endif

/** gomem_on_is_collapsing() - is current at the collapse of a range of a target? */
bool gomem_on_is_collapsing(void);

/* on_rmap.c */
GOMEM_ON_CALL(swapout);
GOMEM_ON_CALL(swapout_return);
GOMEM_ON_CALL(migrate);
GOMEM_ON_CALL(migrate_return);
GOMEM_ON_CALL(folio_split);
GOMEM_ON_CALL(folio_split_return);
GOMEM_ON(folio_split_at);

/* on_vma.c */
GOMEM_ON_CALL(mmap);
GOMEM_ON_CALL(mmap_return);
GOMEM_ON_CALL(mremap);
GOMEM_ON_CALL(mremap32);
GOMEM_ON_CALL(mremap_return);
GOMEM_ON_CALL(munmap);
GOMEM_ON_CALL(munmap_return);
GOMEM_ON_CALL(brk);
GOMEM_ON_CALL(brk_return);
GOMEM_ON(mprotect);
GOMEM_ON_CALL(vma_split);
GOMEM_ON_CALL(vma_split_return);
GOMEM_ON_CALL(vma_adjust);
GOMEM_ON_CALL(vma_expand);
GOMEM_ON_CALL(vma_complete);
GOMEM_ON_CALL(vma_merge_return);
GOMEM_ON_CALL(madvise);
GOMEM_ON_CALL(madvise_behavior);
GOMEM_ON_CALL(madvise_return);
GOMEM_ON(zap);
GOMEM_ON(madv_free);

/* on_life.c */
GOMEM_ON_CALL(always);
GOMEM_ON_CALL(exec);
GOMEM_ON_CALL(exec_return);
GOMEM_ON_CALL(exit);
GOMEM_ON_CALL(exit_return);
GOMEM_ON(fork);
GOMEM_ON_CALL(move_return);

#endif /* GOMEM_ON_H */
