// SPDX-License-Identifier: GPL-2.0
/*
 * Are VMAs changed by __vma_adjust() (until 6.2), and grow by vma_expand() as well? That is in
 * no header; it came with the iterator (6.1).
 */
#include <linux/mm.h>

void *probe(struct vma_iterator *vmi);
void *probe(struct vma_iterator *vmi)
{
	return vma_find(vmi, ULONG_MAX) ? __vma_adjust : NULL;
}
