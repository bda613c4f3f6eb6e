// SPDX-License-Identifier: GPL-2.0
/* May a fault be over with its locks dropped (6.0)? */
#include <linux/mm_types.h>

vm_fault_t probe(void);
vm_fault_t probe(void)
{
	return VM_FAULT_COMPLETED;
}
