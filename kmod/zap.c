// SPDX-License-Identifier: GPL-2.0
#include "zap.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "resident.h"
#include "walk.h"

/*
 * A call's work is bounded, with preemption off, to about a millisecond. In points, of which
 * an entry of the PMDs is one: 2 GiB of 4 KiB pages, 60 MiB of those whose struct page must be
 * looked at, as after MADV_FREE, 8 GiB of huge pages, 128 GiB of nothing.
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

u64 gomem_zap_range(struct gomem_ledger *ledger, struct vm_area_struct *vma, bool keeps_copies,
		    unsigned long start, unsigned long end)
{
	struct gomem_resident resident;
	unsigned int points = 0;
	unsigned long next;
	u64 pages = 0;

	for (; start < end && points < POINTS_MAX; start = next, points++) {
		pmd_t *pmd = gomem_walk_pmd(vma->vm_mm, start, &next), value;

		/* Past the last entry next wraps to 0. */
		if (next - 1 >= end - 1)
			next = end;
		if (!pmd)
			continue;
		value = READ_ONCE(*pmd);
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
