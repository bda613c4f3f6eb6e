// SPDX-License-Identifier: GPL-2.0
#include "runs.h"

#include <linux/mm.h>

#include "compat/compat.h"

/* The end of a struct gomem_page_run, as one number: what must be alike. */
typedef u32 likeness;

static_assert(offsetofend(struct gomem_page_run, reserved) ==
	      offsetof(struct gomem_page_run, state) + sizeof(likeness));

static likeness likeness_of(struct gomem_page what)
{
	return what.state | what.order << 8 | what.node << 16;
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

bool gomem_runs_add(struct gomem_view *view, unsigned long addr, unsigned long pages,
		    struct gomem_page what)
{
	struct writer writer = open_writer(view);
	bool has_room = write_pages(&writer, addr, pages, likeness_of(what));

	return close_writer(&writer, view, addr, has_room);
}

static noinline likeness look_closely(const struct gomem_view *view, pte_t pte)
{
	return likeness_of(gomem_page_of_pte(view, pte));
}

/*
 * Of a present entry, which is what it says: only Xen's paravirtualized guests have other
 * numbers in there than those of their pages.
 */
static __always_inline struct page *page_of(pte_t pte)
{
	return pfn_to_page((native_pte_val(pte) & PTE_PFN_MASK) >> PAGE_SHIFT);
}

/* @is_anon and @nodes are constants where most pages are. */
static __always_inline likeness look_at(const struct gomem_view *view, pte_t pte, bool is_anon,
					bool nodes)
{
	struct gomem_page what = { .state = view->plain, .node = GOMEM_NODE_UNKNOWN };

	if (is_anon)
		what.state = GOMEM_PAGE_ANON;
	if (!gomem_page_is_plain(pte, is_anon) || (is_anon && PageCompound(page_of(pte))))
		return look_closely(view, pte);
	if (nodes)
		what.node = gomem_page_node(view, page_of(pte));
	return likeness_of(what);
}

static __always_inline bool write_table(struct gomem_view *view, const pte_t *table,
					unsigned long start, unsigned long end, bool is_anon,
					bool nodes)
{
	struct writer writer = open_writer(view);
	unsigned long addr = start;
	bool has_room = true;

	for (; addr != end; addr += PAGE_SIZE, table++) {
		pte_t pte = READ_ONCE(*table);
		likeness value;

		if (pte_none(pte))
			continue;
		value = look_at(view, pte, is_anon, nodes);
		if ((u8)value == GOMEM_PAGE_ABSENT)
			continue;
		has_room = write_pages(&writer, addr, 1, value);
		if (!has_room)
			break;
	}
	return close_writer(&writer, view, addr, has_room);
}

bool gomem_runs_table(struct gomem_view *view, const pte_t *table, unsigned long start,
		      unsigned long end)
{
	if (view->is_anon && !view->nodes)
		return write_table(view, table, start, end, true, false);
	return write_table(view, table, start, end, view->is_anon, view->nodes);
}
