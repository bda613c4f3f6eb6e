/* SPDX-License-Identifier: GPL-2.0 */
/* What a process gives back: the pages that are resident just before they go. */
#ifndef GOMEM_ZAP_H
#define GOMEM_ZAP_H

#include <linux/mm_types.h>

#include "ledger.h"

/**
 * gomem_zap_range() - [start, end) of @vma is about to be unmapped
 * @keeps_copies: but for private copies of a file's pages
 *
 * For the probe handler of the zap, whose caller keeps the page tables. Its work is bounded, to 10
 * million instructions or less; what is beyond is added to the ledger's unseen pages.
 *
 * Return: the pages it told the ledger of.
 */
u64 gomem_zap_range(struct gomem_ledger *ledger, struct vm_area_struct *vma, bool keeps_copies,
		    unsigned long start, unsigned long end);

/** gomem_zap_free() - [start, end), below one PMD entry, is about to be MADV_FREE'd */
unsigned int gomem_zap_free(struct gomem_ledger *ledger, struct vm_area_struct *vma, pmd_t *pmd,
			    unsigned long start, unsigned long end);

#endif /* GOMEM_ZAP_H */
