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
