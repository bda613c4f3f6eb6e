// SPDX-License-Identifier: GPL-2.0
#include "zap.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "walk.h"

#define TABLES_MAX 512 /* 1 GiB of 4 KiB pages: some hundred microseconds */

static bool is_table(pmd_t pmd)
{
	return pmd_present(pmd) && !pmd_leaf(pmd) && !pmd_bad(pmd);
}

static unsigned int count_table(struct vm_area_struct *vma, pmd_t pmd, unsigned long addr,
				unsigned long end)
{
	const pte_t *pte = pte_offset_kernel(&pmd, addr);
	unsigned int pages = 0;

	for (; addr != end; addr += PAGE_SIZE, pte++)
		pages += gomem_walk_resident_pte(vma, READ_ONCE(*pte));
	return pages;
}

NOKPROBE_SYMBOL(count_table);

static unsigned int count_pmd(struct vm_area_struct *vma, pmd_t pmd, unsigned long addr,
			      unsigned long end)
{
	if (is_table(pmd))
		return count_table(vma, pmd, addr, end);
	return gomem_walk_resident_pmd(vma, pmd) ? (end - addr) >> PAGE_SHIFT : 0;
}

NOKPROBE_SYMBOL(count_pmd);

static void released(struct gomem_ledger *ledger, struct vm_area_struct *vma, unsigned long addr,
		     unsigned int pages)
{
	if (pages)
		gomem_ledger_count(ledger, addr, vma->vm_start, vma->vm_end, GOMEM_EVENT_released,
				   pages);
}

NOKPROBE_SYMBOL(released);

void gomem_zap_range(struct gomem_ledger *ledger, struct vm_area_struct *vma, unsigned long start,
		     unsigned long end)
{
	unsigned int tables = 0;
	unsigned long next;

	for (; start < end && tables < TABLES_MAX; start = next) {
		pmd_t *pmd = gomem_walk_pmd(vma->vm_mm, start, &next), value;

		/* Past the last entry next wraps to 0. */
		if (next - 1 >= end - 1)
			next = end;
		if (!pmd)
			continue;
		value = READ_ONCE(*pmd);
		tables += is_table(value);
		released(ledger, vma, start, count_pmd(vma, value, start, next));
	}
	if (start < end)
		gomem_ledger_add_unseen(ledger, (end - start) >> PAGE_SHIFT);
}

NOKPROBE_SYMBOL(gomem_zap_range);

static unsigned int freeable_in_table(pmd_t pmd, unsigned long addr, unsigned long end)
{
	const pte_t *pte = pte_offset_kernel(&pmd, addr);
	unsigned int pages = 0;

	for (; addr != end; addr += PAGE_SIZE, pte++)
		pages += gomem_walk_freeable_pte(READ_ONCE(*pte));
	return pages;
}

NOKPROBE_SYMBOL(freeable_in_table);

void gomem_zap_free(struct gomem_ledger *ledger, struct vm_area_struct *vma, pmd_t *pmd,
		    unsigned long start, unsigned long end)
{
	pmd_t value = READ_ONCE(*pmd);
	unsigned int pages = 0;

	if (is_table(value))
		pages = freeable_in_table(value, start, end);
	else if (gomem_walk_freeable_pmd(value))
		pages = (end - start) >> PAGE_SHIFT;
	released(ledger, vma, start, pages);
}

NOKPROBE_SYMBOL(gomem_zap_free);
