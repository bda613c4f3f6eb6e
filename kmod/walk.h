/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Look: page tables to runs of page states, in bounded windows.
 *
 * A walk goes through a live mm by address. Each call of gomem_walk_window() takes the
 * mmap lock for reading, looks at one window and drops the lock again; between windows
 * the process may map, unmap and fault as it likes, and the walk goes on by address.
 * The rules for what is resident are those of fs/proc/task_mmu.c (smaps).
 */
#ifndef GOMEM_WALK_H
#define GOMEM_WALK_H

#include <linux/mm_types.h>
#include <linux/types.h>

/**
 * struct gomem_run - pages that follow each other and are alike, never absent
 * @start: address of the first
 * @pages: how many pages of PAGE_SIZE
 * @state: enum gomem_page_state
 * @order: 9 where a PMD maps them, the folio's order for mthp, else 0
 * @anon: counted as anonymous by smaps; says what a migrating page was
 */
struct gomem_run {
	unsigned long start;
	unsigned long pages;
	u8 state;
	u8 order;
	bool anon;
};

/**
 * struct gomem_sink - where a walk puts what it sees
 * @vma: the walk enters a VMA, or goes on in it in a new window at address @at. Called
 *	under the mmap lock, must not allocate; false ends the window before this VMA.
 * @run: a run inside that VMA. Called under a page table lock, must not sleep; false
 *	ends the window, and the run is seen again in the next one.
 * @swapped: so many pages of the VMA's shared memory are in swap (smaps adds them to
 *	Swap, though no page table entry says so). May be NULL.
 */
struct gomem_sink {
	bool (*vma)(void *arg, struct vm_area_struct *vma, unsigned long at);
	bool (*run)(void *arg, const struct gomem_run *run);
	void (*swapped)(void *arg, unsigned long pages);
};

/**
 * struct gomem_walk - a walk under way
 * @mm: whose; the caller holds mm_users
 * @pos: address to go on at, page aligned
 * @end: address to stop at
 * @orders: tell mthp from anon, at the price of looking at every struct page
 * @hold_ns: longest time one window held the mmap lock
 * @sink: where to put it
 * @arg: for @sink
 *
 * The rest is the walk's own.
 */
struct gomem_walk {
	struct mm_struct *mm;
	unsigned long pos;
	unsigned long end;
	bool orders;
	u64 hold_ns;
	const struct gomem_sink *sink;
	void *arg;

	struct vm_area_struct *vma;
	enum { GOMEM_SHMEM_NONE, GOMEM_SHMEM_ALL, GOMEM_SHMEM_HOLES } shmem;
	u64 deadline_ns;
	unsigned long budget_pages;
	bool stopped;
	struct gomem_run run;
};

/**
 * gomem_walk_window() - look at the next window
 * @walk: with @mm, @pos, @end, @sink and @arg set, the rest zero before the first call
 *
 * Return: 1 when there is more to see, 0 at the end, -EINTR when killed.
 */
int gomem_walk_window(struct gomem_walk *walk);

/**
 * gomem_walk_resident() - pages below one PMD entry that are not given back yet
 * @vma: the VMA they belong to, not of hugetlb
 * @pmd: the entry's value
 * @addr: counts [addr, end), all below that entry
 * @end: see @addr
 *
 * For probe handlers whose caller keeps the page tables; takes no lock: what it reads of
 * a page may be stale, never invalid. MADV_FREE'd pages that were not written since
 * count as given back.
 */
unsigned int gomem_walk_resident(struct vm_area_struct *vma, pmd_t pmd, unsigned long addr,
				 unsigned long end);

/** gomem_walk_freeable() - the same for what MADV_FREE takes: anonymous pages only */
unsigned int gomem_walk_freeable(pmd_t pmd, unsigned long addr, unsigned long end);

/** gomem_walk_is_table() - does this PMD entry point to a table of PTEs? */
bool gomem_walk_is_table(pmd_t pmd);

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
