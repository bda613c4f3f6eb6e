// SPDX-License-Identifier: GPL-2.0
#include "resident.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "compat/compat.h"
#include "page.h"
#include "walk.h"

/*
 * MADV_FREE leaves a page clean and old, and its folio loses swapbacked only when a
 * batch of the CPU is full (mm/swap.c, folio_mark_lazyfree()). A page read back from
 * swap is clean as well, but young.
 */
static bool is_given_back(struct folio *folio, bool dirty, bool young)
{
	return !dirty && !folio_test_dirty(folio) && !folio_test_swapcache(folio) &&
	       (!young || !folio_test_swapbacked(folio));
}

static bool is_freeable(struct folio *folio, bool dirty, bool young)
{
	return folio && folio_test_anon(folio) && !is_given_back(folio, dirty, young);
}

static struct folio *pte_folio(pte_t pte)
{
	return pfn_valid(pte_pfn(pte)) ? page_folio(pte_page(pte)) : NULL;
}

static bool is_normal(pte_t pte)
{
	return pte_present(pte) && !pte_special(pte);
}

static bool is_freeable_pte(pte_t pte)
{
	return is_normal(pte) && is_freeable(pte_folio(pte), pte_dirty(pte), pte_young(pte));
}

static bool is_freeable_pmd(pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd) &&
	       is_freeable(page_folio(pmd_page(pmd)), pmd_dirty(pmd), pmd_young(pmd));
}

static bool is_huge_file(const struct vm_area_struct *vma, pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd) && vma->vm_ops;
}

static bool is_copy(pte_t pte)
{
	struct folio *folio = pte_folio(pte);

	return folio && folio_test_anon(folio);
}

/* @is_anon is a constant where it is called from: of most entries a few bits tell. */
static __always_inline struct gomem_resident look_at_each(bool is_anon, bool keeps_copies,
							  const pte_t *table, unsigned int n)
{
	struct gomem_resident sum = {};

	for (; n; n--, table++) {
		pte_t pte = READ_ONCE(*table);

		if (pte_none(pte))
			continue;
		if (!keeps_copies && gomem_page_is_plain(pte, is_anon)) {
			sum.pages++;
			continue;
		}
		if (!is_normal(pte))
			continue;
		/* Not plain, and yet: no access now, or dirty by another bit. */
		if (is_anon ? pte_dirty(pte) : !keeps_copies) {
			sum.pages++;
			continue;
		}
		sum.pages += is_anon ? is_freeable_pte(pte) : !is_copy(pte);
		sum.looks++;
	}
	return sum;
}

static struct gomem_resident resident_in_table(bool is_anon, bool keeps_copies, const pte_t *table,
					       unsigned int n)
{
	if (is_anon)
		return look_at_each(true, false, table, n);
	return look_at_each(false, keeps_copies, table, n);
}

NOKPROBE_SYMBOL(resident_in_table);

struct gomem_resident gomem_resident_pages(struct vm_area_struct *vma, bool keeps_copies, pmd_t pmd,
					   unsigned long addr, unsigned long end)
{
	unsigned int n = (end - addr) >> PAGE_SHIFT;
	bool is_whole;

	if (gomem_walk_is_table(pmd))
		return resident_in_table(vma_is_anonymous(vma),
					 keeps_copies && is_cow_mapping(vma->vm_flags),
					 pte_offset_kernel(&pmd, addr), n);
	/* Huge device memory need not have struct pages. */
	if (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP))
		return (struct gomem_resident){};
	is_whole = is_huge_file(vma, pmd) || is_freeable_pmd(pmd);
	return (struct gomem_resident){ .pages = is_whole ? n : 0, .looks = 1 };
}

NOKPROBE_SYMBOL(gomem_resident_pages);

unsigned int gomem_resident_freeable(pmd_t pmd, unsigned long addr, unsigned long end)
{
	unsigned int n = (end - addr) >> PAGE_SHIFT, pages = 0;
	const pte_t *table;

	if (!gomem_walk_is_table(pmd))
		return is_freeable_pmd(pmd) ? n : 0;
	for (table = pte_offset_kernel(&pmd, addr); n; n--, table++)
		pages += is_freeable_pte(READ_ONCE(*table));
	return pages;
}

NOKPROBE_SYMBOL(gomem_resident_freeable);
