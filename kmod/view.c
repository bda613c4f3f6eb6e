// SPDX-License-Identifier: GPL-2.0
#include "view.h"

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/xarray.h>

#include "compat/compat.h"
#include "page.h"
#include "runs.h"

#define GROUP 8 /* entries that are looked at together: a cache line */
#define LOOK_AHEAD 1024 /* pages of a file, for the next in swap: some ten microseconds */

static bool is_resident(u8 state)
{
	return state != GOMEM_PAGE_ZERO && state != GOMEM_PAGE_SWAP;
}

static void add_tally(struct gomem_tally *tally, unsigned long pages, struct gomem_page what)
{
	if (is_resident(what.state))
		tally->rss += pages;
	if (what.is_anon)
		tally->anon += pages;
	if (what.is_anon && what.order == HPAGE_PMD_ORDER && what.state != GOMEM_PAGE_MTHP)
		tally->thp += pages;
	if (what.state == GOMEM_PAGE_ANON)
		tally->small += pages;
	if (what.state == GOMEM_PAGE_MTHP)
		tally->mthp += pages;
	if (what.state == GOMEM_PAGE_LAZYFREE)
		tally->lazyfree += pages;
	if (what.state == GOMEM_PAGE_SWAP)
		tally->swap += pages;
}

static bool add(struct gomem_view *view, unsigned long addr, unsigned long pages,
		struct gomem_page what)
{
	if (what.state == GOMEM_PAGE_ABSENT)
		return true;
	if (view->runs)
		return gomem_runs_add(view, addr, pages, what);
	add_tally(view->tally, pages, what);
	return true;
}

/* Device memory that is mapped huge need not have struct pages. */
static bool has_pages(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP));
}

/*
 * What a present and not special entry is without a look at its page: anonymous if dirty,
 * where only those can be; of the file, where no page can be copied on write. 0: anything.
 */
static u8 plain_state(const struct gomem_view *view, const struct vm_area_struct *vma)
{
	if (view->is_anon)
		return GOMEM_PAGE_ANON;
	if (!view->has_pages || !vma->vm_file || is_cow_mapping(vma->vm_flags))
		return GOMEM_PAGE_ABSENT;
	return gomem_page_is_shmem(vma) ? GOMEM_PAGE_SHMEM : GOMEM_PAGE_FILE;
}

/* As smap_gather_stats() does: look into the file only where it has pages in swap. */
bool gomem_view_enter(struct gomem_view *view, struct vm_area_struct *vma)
{
	bool is_swapped = gomem_page_is_shmem(vma) &&
			  READ_ONCE(SHMEM_I(file_inode(vma->vm_file))->swapped);
	bool is_whole = (vma->vm_flags & VM_SHARED) || !(vma->vm_flags & VM_WRITE);

	view->vma = vma;
	view->is_anon = vma_is_anonymous(vma);
	view->has_pages = has_pages(vma);
	view->has_holes = is_swapped && (view->runs || !is_whole);
	view->plain = plain_state(view, vma);
	return is_swapped && !view->has_holes;
}

/*
 * Where the next page of [first, last] after the entry at @xas is. @first becomes where it
 * begins: a large one may lie across either end.
 */
static unsigned long entry_end(struct xa_state *xas, unsigned long *first, unsigned long last)
{
	unsigned long pages = 1UL << xas_get_order(xas);

	*first = max(xas->xa_index & ~(pages - 1), *first);
	return min((xas->xa_index | (pages - 1)) + 1, last + 1);
}

unsigned long gomem_view_no_swap(const struct gomem_view *view, unsigned long start,
				 unsigned long end)
{
	unsigned long base = linear_page_index(view->vma, start), at = base;
	unsigned long last = linear_page_index(view->vma, end - PAGE_SIZE);
	unsigned int left = LOOK_AHEAD;
	XA_STATE(xas, &view->vma->vm_file->f_mapping->i_pages, base);
	void *entry;

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		if (xas_retry(&xas, entry))
			continue;
		at = max(xas.xa_index & ~((1UL << xas_get_order(&xas)) - 1), base);
		if (xa_is_value(entry) || !--left)
			break;
	}
	rcu_read_unlock();
	return entry ? start + (at - base) * PAGE_SIZE : end;
}

void gomem_view_range(struct gomem_view *view, unsigned long start, unsigned long end)
{
	unsigned long first = linear_page_index(view->vma, start), next;
	unsigned long last = linear_page_index(view->vma, end - PAGE_SIZE);
	XA_STATE(xas, &view->vma->vm_file->f_mapping->i_pages, first);
	void *entry;

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		if (xas_retry(&xas, entry) || !xa_is_value(entry))
			continue;
		next = entry_end(&xas, &first, last);
		view->tally->swap += next - first;
	}
	rcu_read_unlock();
}

static bool swap_runs(struct gomem_view *view, unsigned long start, unsigned long end)
{
	static const struct gomem_page swap = { .state = GOMEM_PAGE_SWAP,
						.node = GOMEM_NODE_UNKNOWN };
	unsigned long base = linear_page_index(view->vma, start), first = base, next;
	unsigned long last = linear_page_index(view->vma, end - PAGE_SIZE);
	XA_STATE(xas, &view->vma->vm_file->f_mapping->i_pages, first);
	bool has_room = true;
	void *entry;

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		if (xas_retry(&xas, entry) || !xa_is_value(entry))
			continue;
		next = entry_end(&xas, &first, last);
		has_room = gomem_runs_add(view, start + (first - base) * PAGE_SIZE, next - first,
					  swap);
		if (!has_room)
			break;
	}
	rcu_read_unlock();
	return has_room;
}

bool gomem_view_hole(struct gomem_view *view, unsigned long start, unsigned long end)
{
	if (!view->has_holes)
		return true;
	if (view->runs)
		return swap_runs(view, start, end);
	gomem_view_range(view, start, end);
	return true;
}

static unsigned int count_none(const pte_t *table, unsigned int n)
{
	unsigned int none = 0;

	while (none < n && pte_none(READ_ONCE(table[none])))
		none++;
	return none;
}

/* Entry by entry; holes together. */
static bool see_each(struct gomem_view *view, const pte_t *table, unsigned long start,
		     unsigned long end)
{
	unsigned int i, n = (end - start) >> PAGE_SHIFT, none;

	for (i = 0; i < n; i += max(none, 1U)) {
		unsigned long addr = start + i * PAGE_SIZE;
		pte_t pte = READ_ONCE(table[i]);
		bool has_room;

		none = pte_none(pte) ? count_none(table + i, n - i) : 0;
		/* An entry that was none may be none no longer. */
		if (none)
			has_room = gomem_view_hole(view, addr, addr + none * PAGE_SIZE);
		else
			has_room = pte_none(pte) ||
				   add(view, addr, 1, gomem_page_of_pte(view, pte));
		if (!has_room)
			return false;
	}
	return true;
}

/* Pages whose entries are plain. */
static void add_plain(struct gomem_view *view, unsigned long pages)
{
	view->tally->rss += pages;
	if (!view->is_anon)
		return;
	view->tally->anon += pages;
	view->tally->small += pages;
}

static bool may_be_mthp(const struct gomem_view *view, pte_t pte)
{
	return view->orders && view->is_anon && PageCompound(pte_page(pte));
}

/* Without a look at the pages of entries that are plain, but for orders. */
static void tally_each(struct gomem_view *view, const pte_t *table, unsigned int n)
{
	unsigned long plain = 0;

	for (; n; n--, table++) {
		pte_t pte = READ_ONCE(*table);

		if (gomem_page_is_plain(pte, view->is_anon) && !may_be_mthp(view, pte))
			plain++;
		else if (!pte_none(pte))
			add(view, 0, 1, gomem_page_of_pte(view, pte));
	}
	add_plain(view, plain);
}

static __always_inline pteval_t bits_of(const pte_t *entry)
{
	return native_pte_val(READ_ONCE(*entry));
}

/* What is set in all of a group, and in any: both are all that a full table needs. */
static __always_inline void read_group(const pte_t *t, pteval_t *all, pteval_t *any)
{
	pteval_t a = bits_of(t), b = bits_of(t + 1), c = bits_of(t + 2), d = bits_of(t + 3);
	pteval_t e = bits_of(t + 4), f = bits_of(t + 5), g = bits_of(t + 6), h = bits_of(t + 7);

	*all = a & b & c & d & e & f & g & h;
	*any = a | b | c | d | e | f | g | h;
}

static __always_inline void tally_groups(struct gomem_view *view, const pte_t *table,
					 const pte_t *end, pteval_t wanted)
{
	unsigned long plain = 0;

	for (; table != end; table += GROUP) {
		pteval_t all, any;

		read_group(table, &all, &any);
		if ((all & wanted) == wanted && !(any & _PAGE_SPECIAL))
			plain += GROUP;
		else if (!pte_none(native_make_pte(any)))
			tally_each(view, table, GROUP);
	}
	add_plain(view, plain);
}

static void tally_table(struct gomem_view *view, const pte_t *table, unsigned int n)
{
	unsigned int whole = view->orders ? 0 : round_down(n, GROUP);

	if (whole)
		tally_groups(view, table, table + whole,
			     view->is_anon ? _PAGE_PRESENT | _PAGE_DIRTY : _PAGE_PRESENT);
	if (n != whole)
		tally_each(view, table + whole, n - whole);
}

/* Xen's paravirtualized guests: entries hold other numbers than those of their pages. */
static bool is_translated(void)
{
	return cpu_feature_enabled(X86_FEATURE_XENPV);
}

bool gomem_view_table(struct gomem_view *view, const pte_t *table, unsigned long start,
		      unsigned long end)
{
	if (view->has_holes || !view->plain || (view->runs && is_translated()))
		return see_each(view, table, start, end);
	if (view->runs)
		return gomem_runs_table(view, table, start, end);
	tally_table(view, table, (end - start) >> PAGE_SHIFT);
	return true;
}

/* The huge zero page is never dirty, nor is what was MADV_FREE'd. */
static bool is_plain_huge(pmd_t pmd)
{
	const pmdval_t thp = _PAGE_PRESENT | _PAGE_PSE | _PAGE_DIRTY;

	return (native_pmd_val(pmd) & thp) == thp;
}

static void add_plain_huge(struct gomem_view *view, unsigned long pages)
{
	view->tally->rss += pages;
	view->tally->anon += pages;
	view->tally->thp += pages;
}

unsigned long gomem_view_huge_run(struct gomem_view *view, const pmd_t *pmd, unsigned long start,
				  unsigned long end)
{
	unsigned long at = start;

	if (view->runs || !view->is_anon)
		return start;
	while (end - at >= PMD_SIZE && is_plain_huge(READ_ONCE(*pmd++)))
		at += PMD_SIZE;
	add_plain_huge(view, (at - start) >> PAGE_SHIFT);
	return at;
}

bool gomem_view_huge(struct gomem_view *view, pmd_t pmd, unsigned long start, unsigned long end)
{
	unsigned long pages = (end - start) >> PAGE_SHIFT;

	if (view->runs || !view->is_anon || !is_plain_huge(pmd))
		return add(view, start, pages, gomem_page_of_pmd(view, pmd));
	add_plain_huge(view, pages);
	return true;
}
