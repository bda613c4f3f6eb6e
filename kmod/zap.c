// SPDX-License-Identifier: GPL-2.0
#include "zap.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "resident.h"
#include "walk.h"

/*
 * A call's work is bounded, with preemption off, to some milliseconds. In points, of which an
 * entry of the PMDs is one; and in instructions, as counted on 7.2: 2 GiB of 4 KiB pages (7
 * million; of zero pages 10 million), 60 MiB of those whose struct page must be looked at, as
 * after MADV_FREE (2 million, and a cache miss each), 8 GiB of huge pages or 128 GiB of nothing
 * (2 million).
 */
#define POINTS_MAX 65536
#define POINTS_TABLE 63
#define POINTS_LOOK 4
#define POINTS_HUGE 15

static unsigned int released(struct gomem_ledger *ledger, struct vm_area_struct *vma,
			     unsigned long addr, unsigned int pages)
{
	const struct gomem_place place = { addr, vma->vm_start, vma->vm_end };

	if (pages)
		gomem_ledger_release(ledger, &place, pages);
	return pages;
}

NOKPROBE_SYMBOL(released);

static unsigned int points_of(pmd_t pmd, const struct gomem_resident *resident)
{
	if (gomem_walk_is_table(pmd))
		return POINTS_TABLE + resident->looks * POINTS_LOOK;
	return pmd_present(pmd) ? POINTS_HUGE : 0;
}

NOKPROBE_SYMBOL(points_of);

/* The entry of @addr; @pmd is that of the 2 MiB before, NULL where there is none or no such. */
static pmd_t *next_pmd(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, unsigned long *next)
{
	if (!pmd || !(addr & ~PUD_MASK))
		return gomem_walk_pmd(mm, addr, next);
	*next = addr + PMD_SIZE;
	return pmd + 1;
}

NOKPROBE_SYMBOL(next_pmd);

u64 gomem_zap_range(struct gomem_ledger *ledger, struct vm_area_struct *vma, bool keeps_copies,
		    unsigned long start, unsigned long end)
{
	struct gomem_resident resident;
	unsigned int points = 0;
	unsigned long next;
	pmd_t *pmd = NULL, value;
	u64 pages = 0;

	for (; start < end && points < POINTS_MAX; start = next, points++) {
		pmd = next_pmd(vma->vm_mm, pmd, start, &next);
		/* Past the last entry next wraps to 0. */
		if (next - 1 >= end - 1)
			next = end;
		if (!pmd)
			continue;
		value = READ_ONCE(*pmd);
		if (pmd_none(value))
			continue;
		resident = gomem_resident_pages(vma, keeps_copies, value, start, next);
		pages += released(ledger, vma, start, resident.pages);
		points += points_of(value, &resident);
	}
	if (start < end)
		gomem_ledger_add_unseen(ledger, (end - start) >> PAGE_SHIFT);
	return pages;
}

NOKPROBE_SYMBOL(gomem_zap_range);

unsigned int gomem_zap_free(struct gomem_ledger *ledger, struct vm_area_struct *vma, pmd_t *pmd,
			    unsigned long start, unsigned long end)
{
	return released(ledger, vma, start, gomem_resident_freeable(READ_ONCE(*pmd), start, end));
}

NOKPROBE_SYMBOL(gomem_zap_free);
