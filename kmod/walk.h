/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Look: through a process's page tables by address, in bounded windows.
 *
 * Each call of gomem_walk_window() takes the mmap lock for reading, looks at one window
 * and drops the lock again; between windows the process may map, unmap and fault as it
 * likes, and the walk goes on by address. What the entries say is for view.h.
 */
#ifndef GOMEM_WALK_H
#define GOMEM_WALK_H

#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <linux/types.h>

#include "view.h"

/**
 * struct gomem_sink - where a walk puts what it sees, but for runs
 * @vma: the walk enters a VMA, or goes on in it in a new window at address @at. Called
 *	under the mmap lock, must not allocate. Return: the tally to add to, until the next
 *	call; NULL ends the window before this VMA.
 * @block: what was added to the tally since the last call is of [start, end), which page
 *	tables cover and which are in one 2 MiB of address space. Called under spinlocks;
 *	false ends the window after it. NULL: there is no need to know.
 */
struct gomem_sink {
	struct gomem_tally *(*vma)(void *arg, struct vm_area_struct *vma, unsigned long at);
	bool (*block)(void *arg, unsigned long start, unsigned long end);
};

/**
 * struct gomem_walk - a walk under way
 * @mm: whose; the caller holds mm_users
 * @pos: address to go on at, page aligned
 * @end: address to stop at
 * @view: how to look; with @view.runs set, a window ends when there is no more room
 * @hold_ns: longest time one window held the mmap lock
 * @vmas: the most VMAs there were in a window
 * @sink: where to put it; NULL with @view.runs
 * @arg: for @sink
 *
 * The rest is the walk's own.
 */
struct gomem_walk {
	struct mm_struct *mm;
	unsigned long pos;
	unsigned long end;
	struct gomem_view view;
	u64 hold_ns;
	unsigned long vmas;
	const struct gomem_sink *sink;
	void *arg;

	struct vm_area_struct *vma;
	bool has_range;
	bool stopped;
	pmd_t *pmds;
	unsigned long pmds_start;
	u64 deadline_ns;
	unsigned long budget_pages;
	unsigned long points;
};

/** gomem_walk_windows() - windows looked at since the module was loaded */
u64 gomem_walk_windows(void);

/** gomem_walk_longest_ns() - the longest time one of them held the mmap lock */
u64 gomem_walk_longest_ns(void);

/**
 * gomem_walk_window() - look at the next window
 * @walk: with @mm, @pos, @end, @view, @sink and @arg set, the rest zero before
 *	the first call
 *
 * Return: 1 when there is more to see, 0 at the end, -EINTR when killed.
 */
int gomem_walk_window(struct gomem_walk *walk);

/* So many VMAs may change during a walk, and as many again as there are. */
#define GOMEM_WALK_CHANGES 4096

/**
 * gomem_walk_is_outrun() - does a walk that saw so many VMAs run after the process?
 *
 * One that maps ahead of it what it unmaps behind it could have it go on for good.
 */
static inline bool gomem_walk_is_outrun(const struct gomem_walk *walk, unsigned long seen)
{
	return seen > 2 * walk->vmas + GOMEM_WALK_CHANGES;
}

/** gomem_walk_is_table() - does this PMD entry point to a table of PTEs? */
static __always_inline bool gomem_walk_is_table(pmd_t pmd)
{
	return pmd_present(pmd) && !pmd_leaf(pmd) && !pmd_bad(pmd);
}

/**
 * gomem_walk_pmd() - find the PMD entry that covers an address, without any lock
 * @mm: the mm
 * @addr: the address
 * @next: where to go on when there is none
 *
 * For probe handlers whose caller keeps the page tables from being freed.
 *
 * Return: the entry, or NULL when a level above is empty or a leaf.
 */
pmd_t *gomem_walk_pmd(struct mm_struct *mm, unsigned long addr, unsigned long *next);

#endif /* GOMEM_WALK_H */
