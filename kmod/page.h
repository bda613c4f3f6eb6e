/* SPDX-License-Identifier: GPL-2.0 */
/* What a page is, by its page table entry and, where that cannot tell, by its struct page. */
#ifndef GOMEM_PAGE_H
#define GOMEM_PAGE_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/types.h>

#include "view.h"

/**
 * struct gomem_page - what must be alike in the pages of a run
 * @state: enum gomem_page_state
 * @order: see struct gomem_page_run
 * @node: see struct gomem_page_run
 * @is_anon: for tallies only
 */
struct gomem_page {
	u8 state;
	u8 order;
	u8 node;
	bool is_anon;
};

/** gomem_page_of_pte() - of an entry that is not none */
struct gomem_page gomem_page_of_pte(const struct gomem_view *view, pte_t pte);

/** gomem_page_of_pmd() - of one that is not none and no table; absent where smaps has nothing */
struct gomem_page gomem_page_of_pmd(const struct gomem_view *view, pmd_t pmd);

/** gomem_page_is_shmem() - is the VMA's memory that of a file of tmpfs? */
bool gomem_page_is_shmem(const struct vm_area_struct *vma);

/** gomem_page_is_plain() - exactly: present, not special, and where only anonymous may be, dirty */
static __always_inline bool gomem_page_is_plain(pte_t pte, bool is_anon)
{
	const pteval_t wanted = is_anon ? _PAGE_PRESENT | _PAGE_DIRTY : _PAGE_PRESENT;

	return (native_pte_val(pte) & (wanted | _PAGE_SPECIAL)) == wanted;
}

/** gomem_page_node() - the column node of a page */
static inline u8 gomem_page_node(const struct gomem_view *view, const struct page *page)
{
	return view->nodes ? min(page_to_nid(page), GOMEM_NODE_UNKNOWN) : GOMEM_NODE_UNKNOWN;
}

#endif /* GOMEM_PAGE_H */
