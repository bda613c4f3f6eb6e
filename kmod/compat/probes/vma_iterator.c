// SPDX-License-Identifier: GPL-2.0
/* Are VMAs found by an iterator (6.1), and not by a list? */
#include <linux/mm.h>

struct vm_area_struct *probe(struct mm_struct *mm);
struct vm_area_struct *probe(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);

	return vma_find(&vmi, ULONG_MAX);
}
