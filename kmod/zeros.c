// SPDX-License-Identifier: GPL-2.0
#include "zeros.h"

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "walk.h"

/* With a reference, under the lock that it needs to be unmapped. */
static struct page *get_huge(struct mm_struct *mm, pmd_t *pmd)
{
	spinlock_t *lock = pmd_lock(mm, pmd);
	struct page *page = NULL;

	if (pmd_present(*pmd) && pmd_trans_huge(*pmd) && PageAnon(pmd_page(*pmd))) {
		page = pmd_page(*pmd);
		get_page(page);
	}
	spin_unlock(lock);
	return page;
}

/* munmap() frees page tables under the mmap lock for reading: only those of a VMA stay. */
static bool is_mapped(struct mm_struct *mm, unsigned long addr)
{
	const struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start <= addr;
}

static struct page *find_huge(struct mm_struct *mm, unsigned long addr)
{
	struct page *page = NULL;
	pmd_t *pmd = NULL;
	unsigned long next;

	if (mmap_read_lock_killable(mm))
		return ERR_PTR(-EINTR);
	if (is_mapped(mm, addr))
		pmd = gomem_walk_pmd(mm, addr, &next);
	if (pmd)
		page = get_huge(mm, pmd);
	mmap_read_unlock(mm);
	return page ?: ERR_PTR(-ENOENT);
}

/* A page that is known to be broken is not touched. */
static bool is_zero(struct page *page)
{
	void *data;
	bool result;

	if (PageHWPoison(page))
		return false;
	data = kmap_local_page(page);
	result = !memchr_inv(data, 0, PAGE_SIZE);
	kunmap_local(data);
	return result;
}

int gomem_zeros_count(struct mm_struct *mm, unsigned long addr)
{
	struct page *page = find_huge(mm, addr);
	int i, zeros = 0;

	if (IS_ERR(page))
		return PTR_ERR(page);
	for (i = 0; i < HPAGE_PMD_NR; i++)
		zeros += is_zero(page + i);
	put_page(page);
	cond_resched();
	return zeros;
}
