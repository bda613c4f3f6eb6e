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

/* The place of @addr in the table that @entry points to, whose entries cover 1 << @shift bytes. */
static __always_inline const void *gomem_peek_in(u64 entry, unsigned long addr, unsigned int shift)
{
	return (const u64 *)__va(entry & PTE_PFN_MASK) + (addr >> shift) % PTRS_PER_PTE;
}

/* x86 has these bits, and the address, at the same place on every level. */
static __always_inline bool gomem_peek_leads_on(u64 entry)
{
	return (entry & (_PAGE_PRESENT | _PAGE_PSE)) == _PAGE_PRESENT;
}

/**
 * gomem_peek_pmd() - the PMD entry of @addr, empty when there is not even a table of those
 *
 * The hot hook's: it does not ask whether a table is bad, which the kernel does anyway.
 */
static __always_inline pmd_t gomem_peek_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	const pud_t *pud;
	u64 entry;

	if (pgd_none(*pgd))
		return __pmd(0);
	entry = p4d_val(READ_ONCE(*p4d_offset(pgd, addr)));
	if (!gomem_peek_leads_on(entry))
		return __pmd(0);
	pud = gomem_peek_in(entry, addr, PUD_SHIFT);
	entry = pud_val(READ_ONCE(*pud));
	if (!gomem_peek_leads_on(entry))
		return __pmd(0);
	return READ_ONCE(*(const pmd_t *)gomem_peek_in(entry, addr, PMD_SHIFT));
}

/** gomem_peek_is_table() - does it point to a table of 4 KiB entries? */
static __always_inline bool gomem_peek_is_table(pmd_t pmd)
{
	return gomem_peek_leads_on(pmd_val(pmd));
}

/** gomem_peek_pte() - the 4 KiB entry of @addr, empty when @pmd points to no table */
static __always_inline pte_t gomem_peek_pte(pmd_t pmd, unsigned long addr)
{
	const pte_t *pte = gomem_peek_in(pmd_val(pmd), addr, PAGE_SHIFT);

	return gomem_peek_is_table(pmd) ? READ_ONCE(*pte) : __pte(0);
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
