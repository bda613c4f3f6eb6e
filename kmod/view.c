// SPDX-License-Identifier: GPL-2.0
#include "view.h"

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/xarray.h>

#include "compat/compat.h"

#define GROUP 8 /* entries that are looked at together: a cache line */

/* What must be alike in the pages of a run; @is_anon counts in tallies only. */
struct kind {
	u8 state;
	u8 order;
	u8 node;
	bool is_anon;
};

/* The end of a struct gomem_page_run, as one number: what must be alike. */
typedef u32 likeness;

static_assert(offsetofend(struct gomem_page_run, reserved) ==
	      offsetof(struct gomem_page_run, state) + sizeof(likeness));

static likeness likeness_of(struct kind kind)
{
	return kind.state | kind.order << 8 | kind.node << 16;
}

/**
 * struct writer - runs on their way into a view
 * @next: where the next run goes; the one before it may grow
 * @limit: where there is no more room
 * @end: where that one ends
 * @like: what its pages are
 */
struct writer {
	struct gomem_page_run *next;
	struct gomem_page_run *limit;
	unsigned long end;
	likeness like;
};

static likeness *like(struct gomem_page_run *run)
{
	return (likeness *)&run->state;
}

static struct writer open_writer(const struct gomem_view *view)
{
	struct writer writer = { view->runs + view->used, view->runs + view->room, ULONG_MAX, 0 };
	struct gomem_page_run *last = writer.next - 1;

	if (view->used && last->pages <= U32_MAX - HPAGE_PMD_NR) {
		writer.end = last->start + last->pages * PAGE_SIZE;
		writer.like = *like(last);
	}
	return writer;
}

static __always_inline bool write_pages(struct writer *writer, unsigned long addr,
					unsigned long pages, likeness value)
{
	if (addr == writer->end && value == writer->like) {
		writer->next[-1].pages += pages;
	} else {
		if (writer->next == writer->limit)
			return false;
		writer->next->start = addr;
		writer->next->pages = pages;
		*like(writer->next++) = value;
		writer->like = value;
	}
	writer->end = addr + pages * PAGE_SIZE;
	return true;
}

/* Return: whether there was room for all up to @addr, where the writer stopped. */
static bool close_writer(const struct writer *writer, struct gomem_view *view, unsigned long addr,
			 bool had_room)
{
	view->used = writer->next - view->runs;
	if (!had_room)
		view->stopped_at = addr;
	return had_room;
}

static bool add_run(struct gomem_view *view, unsigned long addr, unsigned long pages,
		    struct kind kind)
{
	struct writer writer = open_writer(view);
	bool has_room = write_pages(&writer, addr, pages, likeness_of(kind));

	return close_writer(&writer, view, addr, has_room);
}

static bool is_resident(u8 state)
{
	return state != GOMEM_PAGE_ZERO && state != GOMEM_PAGE_SWAP;
}

static void add_tally(struct gomem_tally *tally, unsigned long pages, struct kind kind)
{
	if (is_resident(kind.state))
		tally->rss += pages;
	if (kind.is_anon)
		tally->anon += pages;
	if (kind.is_anon && kind.order == HPAGE_PMD_ORDER && kind.state != GOMEM_PAGE_MTHP)
		tally->thp += pages;
	if (kind.state == GOMEM_PAGE_ANON)
		tally->small += pages;
	if (kind.state == GOMEM_PAGE_MTHP)
		tally->mthp += pages;
	if (kind.state == GOMEM_PAGE_LAZYFREE)
		tally->lazyfree += pages;
	if (kind.state == GOMEM_PAGE_SWAP)
		tally->swap += pages;
}

static bool add(struct gomem_view *view, unsigned long addr, unsigned long pages, struct kind kind)
{
	if (kind.state == GOMEM_PAGE_ABSENT)
		return true;
	if (view->runs)
		return add_run(view, addr, pages, kind);
	add_tally(view->tally, pages, kind);
	return true;
}

static u8 node_of(const struct gomem_view *view, const struct page *page)
{
	return view->nodes ? min(page_to_nid(page), GOMEM_NODE_UNKNOWN) : GOMEM_NODE_UNKNOWN;
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

static struct kind kind_of_present(const struct gomem_view *view, pte_t pte)
{
	struct kind kind = { .node = GOMEM_NODE_UNKNOWN };
	struct folio *folio;

	if (pte_special(pte)) {
		if (is_zero_pfn(pte_pfn(pte)))
			kind.state = GOMEM_PAGE_ZERO;
		return kind;
	}
	if (!pfn_valid(pte_pfn(pte)))
		return kind;
	folio = page_folio(pte_page(pte));
	kind.state = pte_state(view, folio, pte);
	if (kind.state == GOMEM_PAGE_MTHP)
		kind.order = folio_order(folio);
	kind.node = node_of(view, pte_page(pte));
	kind.is_anon = folio_test_anon(folio);
	return kind;
}

static struct kind kind_of_swap(pte_t pte)
{
	softleaf_t entry = softleaf_from_pte(pte);
	struct kind kind = { .node = GOMEM_NODE_UNKNOWN };

	if (softleaf_is_swap(entry)) {
		kind.state = GOMEM_PAGE_SWAP;
	} else if (softleaf_has_pfn(entry)) {
		kind.state = GOMEM_PAGE_MIGRATING;
		kind.is_anon = PageAnon(softleaf_to_page(entry));
	}
	return kind;
}

static noinline struct kind kind_of(const struct gomem_view *view, pte_t pte)
{
	return pte_present(pte) ? kind_of_present(view, pte) : kind_of_swap(pte);
}

static bool is_shmem(const struct vm_area_struct *vma)
{
	return vma->vm_file && shmem_mapping(vma->vm_file->f_mapping);
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
	return is_shmem(vma) ? GOMEM_PAGE_SHMEM : GOMEM_PAGE_FILE;
}

/* As smap_gather_stats() does: look into the file only where it has pages in swap. */
bool gomem_view_enter(struct gomem_view *view, struct vm_area_struct *vma)
{
	bool is_swapped = is_shmem(vma) && READ_ONCE(SHMEM_I(file_inode(vma->vm_file))->swapped);
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
	static const struct kind swap = { .state = GOMEM_PAGE_SWAP, .node = GOMEM_NODE_UNKNOWN };
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
		has_room = add_run(view, start + (first - base) * PAGE_SIZE, next - first, swap);
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
			has_room = pte_none(pte) || add(view, addr, 1, kind_of(view, pte));
		if (!has_room)
			return false;
	}
	return true;
}

/* Exactly; the masks below are for the common case. */
static bool is_plain(const struct gomem_view *view, pte_t pte)
{
	return pte_present(pte) && (!view->is_anon || pte_dirty(pte)) && !pte_special(pte);
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

		if (is_plain(view, pte) && !may_be_mthp(view, pte))
			plain++;
		else if (!pte_none(pte))
			add(view, 0, 1, kind_of(view, pte));
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

/* @is_anon and @nodes are constants where most pages are. */
static __always_inline likeness look_at(const struct gomem_view *view, pte_t pte, bool is_anon,
					bool nodes)
{
	const pteval_t wanted = is_anon ? _PAGE_PRESENT | _PAGE_DIRTY : _PAGE_PRESENT;
	struct kind kind = { .state = view->plain, .node = GOMEM_NODE_UNKNOWN };

	if (is_anon)
		kind.state = GOMEM_PAGE_ANON;
	if ((native_pte_val(pte) & (wanted | _PAGE_SPECIAL)) != wanted ||
	    (is_anon && PageCompound(pte_page(pte))))
		kind = kind_of(view, pte);
	else if (nodes)
		kind.node = node_of(view, pte_page(pte));
	return likeness_of(kind);
}

static __always_inline bool write_table(struct gomem_view *view, const pte_t *table,
					unsigned long start, unsigned long end, bool is_anon,
					bool nodes)
{
	const pte_t *at = table, *last = table + ((end - start) >> PAGE_SHIFT);
	struct writer writer = open_writer(view);
	bool has_room = true;

	for (; at != last; at++) {
		pte_t pte = READ_ONCE(*at);
		likeness value;

		if (pte_none(pte))
			continue;
		value = look_at(view, pte, is_anon, nodes);
		if ((u8)value == GOMEM_PAGE_ABSENT)
			continue;
		has_room = write_pages(&writer, start + (at - table) * PAGE_SIZE, 1, value);
		if (!has_room)
			break;
	}
	return close_writer(&writer, view, start + (at - table) * PAGE_SIZE, has_room);
}

static bool table_to_runs(struct gomem_view *view, const pte_t *table, unsigned long addr,
			  unsigned long end)
{
	if (view->is_anon && !view->nodes)
		return write_table(view, table, addr, end, true, false);
	return write_table(view, table, addr, end, view->is_anon, view->nodes);
}

bool gomem_view_table(struct gomem_view *view, const pte_t *table, unsigned long start,
		      unsigned long end)
{
	if (view->has_holes || !view->plain)
		return see_each(view, table, start, end);
	if (view->runs)
		return table_to_runs(view, table, start, end);
	tally_table(view, table, (end - start) >> PAGE_SHIFT);
	return true;
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

static bool add_huge(struct gomem_view *view, pmd_t pmd, unsigned long start, unsigned long pages)
{
	struct page *page = huge_page_of(view, pmd);
	struct kind kind = { .order = HPAGE_PMD_ORDER, .node = GOMEM_NODE_UNKNOWN };

	if (!page)
		return true;
	kind.state = huge_state(view, pmd, page_folio(page));
	kind.is_anon = PageAnon(page);
	if (is_on_node(kind.state))
		kind.node = node_of(view, page);
	return add(view, start, pages, kind);
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
		return add_huge(view, pmd, start, pages);
	add_plain_huge(view, pages);
	return true;
}
