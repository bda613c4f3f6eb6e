// SPDX-License-Identifier: GPL-2.0
#include "page.h"

#include <linux/shmem_fs.h>
#include <linux/swap.h>

#include "compat/compat.h"

bool gomem_page_is_shmem(const struct vm_area_struct *vma)
{
	return vma->vm_file && shmem_mapping(vma->vm_file->f_mapping);
}

static bool is_lazyfree(struct folio *folio, bool is_dirty)
{
	return !is_dirty && !folio_test_swapbacked(folio) && !folio_test_dirty(folio);
}

static u8 file_state(struct folio *folio)
{
	return folio_test_swapbacked(folio) ? GOMEM_PAGE_SHMEM : GOMEM_PAGE_FILE;
}

static u8 pte_state(const struct gomem_view *view, struct folio *folio, pte_t pte)
{
	if (!folio_test_anon(folio))
		return file_state(folio);
	if (is_lazyfree(folio, pte_dirty(pte)))
		return GOMEM_PAGE_LAZYFREE;
	return view->orders && folio_test_large(folio) ? GOMEM_PAGE_MTHP : GOMEM_PAGE_ANON;
}

static struct gomem_page of_present(const struct gomem_view *view, pte_t pte)
{
	struct gomem_page what = { .node = GOMEM_NODE_UNKNOWN };
	struct folio *folio;

	if (pte_special(pte)) {
		if (is_zero_pfn(pte_pfn(pte)))
			what.state = GOMEM_PAGE_ZERO;
		return what;
	}
	if (!pfn_valid(pte_pfn(pte)))
		return what;
	folio = page_folio(pte_page(pte));
	what.state = pte_state(view, folio, pte);
	if (what.state == GOMEM_PAGE_MTHP)
		what.order = folio_order(folio);
	what.node = gomem_page_node(view, pte_page(pte));
	what.is_anon = folio_test_anon(folio);
	return what;
}

static struct gomem_page of_swap(pte_t pte)
{
	softleaf_t entry = softleaf_from_pte(pte);
	struct gomem_page what = { .node = GOMEM_NODE_UNKNOWN };

	if (softleaf_is_swap(entry)) {
		what.state = GOMEM_PAGE_SWAP;
	} else if (softleaf_has_pfn(entry)) {
		what.state = GOMEM_PAGE_MIGRATING;
		what.is_anon = PageAnon(softleaf_to_page(entry));
	}
	return what;
}

struct gomem_page gomem_page_of_pte(const struct gomem_view *view, pte_t pte)
{
	return pte_present(pte) ? of_present(view, pte) : of_swap(pte);
}

static struct page *huge_page_of(const struct gomem_view *view, pmd_t pmd)
{
	softleaf_t entry;

	if (!view->has_pages)
		return NULL;
	if (pmd_present(pmd))
		return pmd_trans_huge(pmd) ? pmd_page(pmd) : NULL;
	entry = softleaf_from_pmd(pmd);
	return softleaf_has_pfn(entry) ? softleaf_to_page(entry) : NULL;
}

/* Anonymous memory holds huge pages that are anonymous, and the huge zero page. */
static u8 huge_state(const struct gomem_view *view, pmd_t pmd, struct folio *folio)
{
	if (!pmd_present(pmd))
		return GOMEM_PAGE_MIGRATING;
	if (!folio_test_anon(folio))
		return view->is_anon ? GOMEM_PAGE_ZERO : file_state(folio);
	return is_lazyfree(folio, pmd_dirty(pmd)) ? GOMEM_PAGE_LAZYFREE : GOMEM_PAGE_THP;
}

static bool is_on_node(u8 state)
{
	return state != GOMEM_PAGE_ZERO && state != GOMEM_PAGE_MIGRATING;
}

struct gomem_page gomem_page_of_pmd(const struct gomem_view *view, pmd_t pmd)
{
	struct gomem_page what = { .order = HPAGE_PMD_ORDER, .node = GOMEM_NODE_UNKNOWN };
	struct page *page = huge_page_of(view, pmd);

	if (!page)
		return what;
	what.state = huge_state(view, pmd, page_folio(page));
	what.is_anon = PageAnon(page);
	if (is_on_node(what.state))
		what.node = gomem_page_node(view, page);
	return what;
}
