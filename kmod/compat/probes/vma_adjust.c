// SPDX-License-Identifier: GPL-2.0
/* Are VMAs changed by __vma_adjust() (until 6.2)? */
#include <linux/mm.h>

void *probe(void);
void *probe(void)
{
	return __vma_adjust;
}
