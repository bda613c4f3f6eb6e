/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the arguments of probed functions are. None of these functions is called, and
 * what is in no header of the kernel is said here with its source.
 */
#ifndef GOMEM_COMPAT_SYMBOLS_H
#define GOMEM_COMPAT_SYMBOLS_H

#include <linux/mm.h>

#include "compat.h"

/* change_protection([tlb,] vma, start, end, [prot,] flags) */
#ifdef GOMEM_HAS_PROTECTION_NO_PROT
#define GOMEM_PROTECTION_VMA 1
#define GOMEM_PROTECTION_FLAGS 4
#elif defined(GOMEM_HAS_PROTECTION_TLB)
#define GOMEM_PROTECTION_VMA 1
#define GOMEM_PROTECTION_FLAGS 5
#else
#define GOMEM_PROTECTION_VMA 0
#define GOMEM_PROTECTION_FLAGS 4
#endif

/*
 * remove_migration_pte(new folio, vma, addr, arg) of mm/migrate.c: arg is the old folio, or
 * struct rmap_walk_arg, which starts with it.
 */
static inline struct folio *gomem_compat_migration_old(void *arg)
{
#ifdef GOMEM_HAS_MIGRATION_ARG
	return *(struct folio **)arg;
#else
	return arg;
#endif
}

/* Where in its file, or in anonymous memory as the VMA has it, a folio starts, in pages. */
static inline unsigned long gomem_compat_folio_index(const struct folio *folio)
{
#ifdef GOMEM_HAS_FOLIO
	return folio->index;
#else
	return folio->page.index;
#endif
}

/* Does the zap with these @details, maybe NULL, leave private copies of a file's pages? */
static inline bool gomem_compat_zap_keeps_copies(const struct zap_details *details)
{
#ifdef GOMEM_HAS_ZAP_SKIP_COWS
	return details && details->skip_cows;
#elif defined(GOMEM_HAS_ZAP_EVEN_COWS)
	return details && !details->even_cows;
#else
	return details && details->check_mapping;
#endif
}

/*
 * __split_huge_pmd(vma, pmd, addr, freeze[, folio]), split_huge_pmd_locked(vma, addr, pmd,
 * freeze[, folio]): given a folio, they split only what maps that. @head: the page that
 * @pmd maps, NULL while it is migrating.
 */
static inline bool gomem_compat_splits(struct pt_regs *regs, const struct page *head)
{
#ifdef GOMEM_HAS_SPLIT_FOLIO
	const void *folio = (void *)regs_get_kernel_argument(regs, 4);

	return !folio || folio == head;
#else
	return true;
#endif
}

/* struct vma_prepare of mm/vma.h starts with the VMA that is left. */
static inline struct vm_area_struct *gomem_compat_prepared_vma(void *prepare)
{
	return *(struct vm_area_struct **)prepare;
}

/* struct madvise_behavior of mm/madvise.c (7.2). */
struct gomem_compat_madvise {
	struct mm_struct *mm;
	int behavior;
};

#endif /* GOMEM_COMPAT_SYMBOLS_H */
