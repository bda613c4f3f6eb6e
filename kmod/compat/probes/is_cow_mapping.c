// SPDX-License-Identifier: GPL-2.0
/* Is it for all to ask which mappings copy on write (5.11)? */
#include <linux/mm.h>

bool probe(const struct vm_area_struct *vma);
bool probe(const struct vm_area_struct *vma)
{
	return is_cow_mapping(vma->vm_flags);
}
