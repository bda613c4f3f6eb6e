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
 * struct gomem_resident - what is below one PMD entry
 * @pages: pages that are not given back yet
 * @looks: how many struct pages it took to tell
 */
struct gomem_resident {
	unsigned int pages;
	unsigned int looks;
};

/**
 * gomem_resident_pages() - count what is below one PMD entry
 * @vma: the VMA it belongs to, not of hugetlb
 * @keeps_copies: a file's private copies do not count
 * @pmd: the entry's value
 * @addr: counts [addr, end), all below that entry
 * @end: see @addr
 *
 * MADV_FREE'd pages that were not written since count as given back.
 */
struct gomem_resident gomem_resident_pages(struct vm_area_struct *vma, bool keeps_copies, pmd_t pmd,
					   unsigned long addr, unsigned long end);

/** gomem_resident_freeable() - the same for what MADV_FREE takes: anonymous pages only */
unsigned int gomem_resident_freeable(pmd_t pmd, unsigned long addr, unsigned long end);

#endif /* GOMEM_RESIDENT_H */
