// SPDX-License-Identifier: GPL-2.0
/* Must compile: else the compiler or the headers are broken, and every other answer a lie. */
#include <linux/mm.h>

int probe(struct mm_struct *mm);
int probe(struct mm_struct *mm)
{
	return atomic_read(&mm->mm_users);
}
