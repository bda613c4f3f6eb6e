/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is there to be given back, counted just before it goes.
 *
 * For probe handlers whose caller keeps the page tables; takes no lock: what is read of a
 * page may be stale, never invalid.
 */
#ifndef GOMEM_RESIDENT_H
#define GOMEM_RESIDENT_H

#include <linux/mm_types.h>

/**
 * gomem_resident_pages() - pages below one PMD entry that are not given back yet
 * @vma: the VMA they belong to, not of hugetlb
 * @pmd: the entry's value
 * @addr: counts [addr, end), all below that entry
 * @end: see @addr
 *
 * MADV_FREE'd pages that were not written since count as given back.
 */
unsigned int gomem_resident_pages(struct vm_area_struct *vma, pmd_t pmd, unsigned long addr,
				  unsigned long end);

/** gomem_resident_freeable() - the same for what MADV_FREE takes: anonymous pages only */
unsigned int gomem_resident_freeable(pmd_t pmd, unsigned long addr, unsigned long end);

#endif /* GOMEM_RESIDENT_H */
