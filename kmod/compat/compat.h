/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one place that knows kernels differ. What a newer kernel has and an older one
 * lacks gets the newest name here, so that the rest reads like today's kernel and a
 * shim dies by deletion. The questions are asked in compat/Kbuild.
 */
#ifndef GOMEM_COMPAT_H
#define GOMEM_COMPAT_H

#include <linux/mm.h>
#include <linux/mm_types.h>

/* No fault is tried under the lock of a VMA: none carries the flag. */
#ifndef GOMEM_HAS_VMA_LOCK
#define FAULT_FLAG_VMA_LOCK 0
#endif

/* Orders of the buddy allocator, 0 to this less 1; it was called MAX_ORDER before 6.4. */
#ifndef NR_PAGE_ORDERS
#define NR_PAGE_ORDERS MAX_ORDER
#endif

/* enum scan_result of mm/khugepaged.c, in no header: the second of the list since 4.8. */
#define GOMEM_SCAN_SUCCEED 1

/*
 * gomem_compat_vma_name() - the name PR_SET_VMA gave an anonymous VMA, or NULL
 *
 * anon_vma_name() is not exported. Call it under the mmap lock.
 */
static inline const char *gomem_compat_vma_name(const struct vm_area_struct *vma)
{
#ifdef CONFIG_ANON_VMA_NAME
	if (!vma->vm_file && vma->anon_name)
		return vma->anon_name->name;
#endif
	return NULL;
}

#endif /* GOMEM_COMPAT_H */
