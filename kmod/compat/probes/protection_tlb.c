// SPDX-License-Identifier: GPL-2.0
/* Does change_protection() take (tlb, vma, start, end, prot, flags) (6.1)? */
#include <linux/mm.h>

long probe(struct mmu_gather *tlb, struct vm_area_struct *vma);
long probe(struct mmu_gather *tlb, struct vm_area_struct *vma)
{
	return change_protection(tlb, vma, 0, 0, PAGE_NONE, MM_CP_PROT_NUMA);
}
