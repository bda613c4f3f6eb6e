// SPDX-License-Identifier: GPL-2.0
#include "zap.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "resident.h"
#include "walk.h"

#define TABLES_MAX 512 /* 1 GiB of 4 KiB pages: some hundred microseconds */
#define STEPS_MAX 32768 /* empty and huge entries, 64 GiB of those: the same order */

static unsigned int released(struct gomem_ledger *ledger, struct vm_area_struct *vma,
			     unsigned long addr, unsigned int pages)
{
	const struct gomem_place place = { addr, vma->vm_start, vma->vm_end };

	if (pages)
		gomem_ledger_release(ledger, &place, pages);
	return pages;
}

NOKPROBE_SYMBOL(released);

u64 gomem_zap_range(struct gomem_ledger *ledger, struct vm_area_struct *vma, unsigned long start,
		    unsigned long end)
{
	unsigned int tables = 0, steps = 0;
	unsigned long next;
	u64 pages = 0;

	for (; start < end && tables < TABLES_MAX && steps < STEPS_MAX; start = next, steps++) {
		pmd_t *pmd = gomem_walk_pmd(vma->vm_mm, start, &next), value;

		/* Past the last entry next wraps to 0. */
		if (next - 1 >= end - 1)
			next = end;
		if (!pmd)
			continue;
		value = READ_ONCE(*pmd);
		tables += gomem_walk_is_table(value);
		pages +=
			released(ledger, vma, start, gomem_resident_pages(vma, value, start, next));
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
