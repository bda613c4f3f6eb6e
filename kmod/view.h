/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What page table entries say: from the bits of the entry where those tell, else from
 * its page. The rules for what is resident are those of fs/proc/task_mmu.c (smaps).
 */
#ifndef GOMEM_VIEW_H
#define GOMEM_VIEW_H

#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <linux/types.h>

#include "gomem.h"

/**
 * struct gomem_tally - pages of 4 KiB, by the rules of smaps
 * @size: the caller's: of address space
 * @rss: resident
 * @anon: of those, anonymous
 * @small: of those, in state anon: no large folio (if told apart), not lazyfree
 * @mthp: of @anon, in state mthp
 * @thp: of @anon, mapped by a PMD, lazyfree or not
 * @lazyfree: of @anon, MADV_FREE'd and clean, whatever maps them
 * @swap: in swap, shared memory included
 */
struct gomem_tally {
	u64 size;
	u64 rss;
	u64 anon;
	u64 small;
	u64 mthp;
	u64 thp;
	u64 lazyfree;
	u64 swap;
};

/**
 * struct gomem_view - how entries are looked at, and where goes what is seen
 * @orders: tell mthp from anon; like @nodes, at the price of every page's struct page
 * @nodes: say in runs which NUMA node a page is on
 * @runs: gets runs, when not NULL; else @tally is added to. One of both is there
 * @room: how many runs fit
 * @used: how many are there; the last one grows when what follows is alike
 * @tally: the sum
 * @stopped_at: where a run had no room, when a look returned false
 *
 * The rest is of the VMA entered, and this room's own.
 */
struct gomem_view {
	bool orders;
	bool nodes;
	struct gomem_page_run *runs;
	size_t room;
	size_t used;
	struct gomem_tally *tally;
	unsigned long stopped_at;

	struct vm_area_struct *vma;
	bool is_anon;
	bool has_pages;
	bool has_holes;
	u8 plain;
};

/**
 * gomem_view_enter() - what follows is of this VMA, under the mmap lock
 *
 * Return: whether its memory may be in swap behind holes and entries alike; then
 * gomem_view_range() must see all of it, in pieces.
 */
bool gomem_view_enter(struct gomem_view *view, struct vm_area_struct *vma);

/** gomem_view_range() - count what of [start, end) is in swap; only without @runs */
void gomem_view_range(struct gomem_view *view, unsigned long start, unsigned long end);

/**
 * gomem_view_no_swap() - how far from @start on nothing is in swap, at most to @end
 *
 * For a VMA whose file has pages in swap. Looks at a bounded number of the file's pages: there
 * may be less in swap than it says.
 */
unsigned long gomem_view_no_swap(const struct gomem_view *view, unsigned long start,
				 unsigned long end);

/**
 * gomem_view_hole() - no entry maps [start, end)
 *
 * This and the following: never sleep; false when a run had no room.
 */
bool gomem_view_hole(struct gomem_view *view, unsigned long start, unsigned long end);

/** gomem_view_table() - the entries of [start, end) from @table on, under its lock */
bool gomem_view_table(struct gomem_view *view, const pte_t *table, unsigned long start,
		      unsigned long end);

/** gomem_view_huge() - @pmd, not none and no table, maps [start, end); under its lock */
bool gomem_view_huge(struct gomem_view *view, pmd_t pmd, unsigned long start, unsigned long end);

/**
 * gomem_view_huge_run() - the entries from @pmd on that take no look at their pages
 *
 * @start is where an entry begins; whole entries before @end are looked at, under their
 * lock. Return: up to where; @start when the first must go to gomem_view_huge().
 */
unsigned long gomem_view_huge_run(struct gomem_view *view, const pmd_t *pmd, unsigned long start,
				  unsigned long end);

/** gomem_view_is_quick() - are few pages of the VMA looked at? */
static inline bool gomem_view_is_quick(const struct gomem_view *view)
{
	return view->plain && !view->orders && !view->nodes;
}

#endif /* GOMEM_VIEW_H */
