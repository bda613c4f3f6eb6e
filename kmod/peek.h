/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A glance at one entry of the page tables, for probe handlers: what a fault finds, and what
 * a function left. The caller of the probed function keeps the tables (it holds the mmap lock,
 * the VMA's or an rmap lock), or, where they are freed by RCU, preemption is off.
 */
#ifndef GOMEM_PEEK_H
#define GOMEM_PEEK_H

#include <linux/mm.h>
#include <linux/pgtable.h>

#include "compat/compat.h"

/**
 * gomem_peek_pmd() - the PMD entry of @addr, empty when there is not even a table of those
 *
 * The hot hook's: it does not ask whether a table is bad, which the kernel does anyway.
 */
static __always_inline pmd_t gomem_peek_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd))
		return __pmd(0);
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return __pmd(0);
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_leaf(*pud))
		return __pmd(0);
	return READ_ONCE(*pmd_offset(pud, addr));
}

/** gomem_peek_is_table() - does it point to a table of 4 KiB entries? */
static __always_inline bool gomem_peek_is_table(pmd_t pmd)
{
	return pmd_present(pmd) && !pmd_leaf(pmd);
}

/** gomem_peek_pte() - the 4 KiB entry of @addr, empty when @pmd points to no table */
static __always_inline pte_t gomem_peek_pte(pmd_t pmd, unsigned long addr)
{
	return gomem_peek_is_table(pmd) ? READ_ONCE(*pte_offset_kernel(&pmd, addr)) : __pte(0);
}

/** gomem_peek_is_anon_huge() - is it an anonymous huge page, and not the huge zero page? */
static inline bool gomem_peek_is_anon_huge(pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd) && PageAnon(pmd_page(pmd));
}

/** gomem_peek_is_swap() - is it a page in swap? */
static inline bool gomem_peek_is_swap(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte) && softleaf_is_swap(softleaf_from_pte(pte));
}

#endif /* GOMEM_PEEK_H */
