// SPDX-License-Identifier: GPL-2.0
/* Are faults tried under the lock of the VMA first (6.4)? */
#include <linux/mm.h>

int probe(void);
int probe(void)
{
	return FAULT_FLAG_VMA_LOCK;
}
