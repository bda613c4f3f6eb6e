// SPDX-License-Identifier: GPL-2.0
#include "walk.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/timekeeping.h>
#include <linux/xarray.h>

#include "compat/compat.h"
#include "gomem.h"

/* One window: the mmap lock is held for the first of these that is reached. */
#define WINDOW_NS (1 * NSEC_PER_MSEC)
#define WINDOW_PAGES ((64UL << 20) >> PAGE_SHIFT)

static bool is_window_over(const struct gomem_walk *walk)
{
	return walk->stopped || !walk->budget_pages || ktime_get_ns() > walk->deadline_ns;
}

static void flush_run(struct gomem_walk *walk)
{
	struct gomem_run *run = &walk->run;

	if (!run->pages)
		return;
	if (!walk->stopped && !walk->sink->run(walk->arg, run)) {
		walk->stopped = true;
		walk->pos = run->start;
	}
	run->pages = 0;
}

static void add_run(struct gomem_walk *walk, const struct gomem_run *add)
{
	struct gomem_run *run = &walk->run;

	if (run->pages && run->start + run->pages * PAGE_SIZE == add->start &&
	    run->state == add->state && run->order == add->order && run->anon == add->anon) {
		run->pages += add->pages;
		return;
	}
	flush_run(walk);
	*run = *add;
}

static void add_page(struct gomem_walk *walk, unsigned long addr, u8 state, u8 order, bool anon)
{
	struct gomem_run run = {
		.start = addr,
		.pages = 1,
		.state = state,
		.order = order,
		.anon = anon,
	};

	add_run(walk, &run);
}

static struct folio *pte_folio(pte_t pte)
{
	return pfn_valid(pte_pfn(pte)) ? page_folio(pte_page(pte)) : NULL;
}

static bool is_lazyfree(struct folio *folio, bool dirty)
{
	return !dirty && !folio_test_swapbacked(folio) && !folio_test_dirty(folio);
}

static u8 file_state(struct folio *folio)
{
	return folio_test_swapbacked(folio) ? GOMEM_PAGE_SHMEM : GOMEM_PAGE_FILE;
}

static void see_present(struct gomem_walk *walk, unsigned long addr, pte_t pte)
{
	struct folio *folio;

	if (pte_special(pte)) {
		if (is_zero_pfn(pte_pfn(pte)))
			add_page(walk, addr, GOMEM_PAGE_ZERO, 0, false);
		return;
	}
	folio = pte_folio(pte);
	if (!folio)
		return;
	if (!folio_test_anon(folio))
		add_page(walk, addr, file_state(folio), 0, false);
	else if (is_lazyfree(folio, pte_dirty(pte)))
		add_page(walk, addr, GOMEM_PAGE_LAZYFREE, 0, true);
	else if (walk->orders && folio_test_large(folio))
		add_page(walk, addr, GOMEM_PAGE_MTHP, folio_order(folio), true);
	else
		add_page(walk, addr, GOMEM_PAGE_ANON, 0, true);
}

static void see_swap(struct gomem_walk *walk, unsigned long addr, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (!non_swap_entry(entry))
		add_page(walk, addr, GOMEM_PAGE_SWAP, 0, false);
	else if (is_pfn_swap_entry(entry))
		add_page(walk, addr, GOMEM_PAGE_MIGRATING, 0,
			 PageAnon(pfn_swap_entry_to_page(entry)));
}

/* Pages of [start, end) that the shared memory behind the VMA has in swap. */
static void see_shmem(struct gomem_walk *walk, unsigned long start, unsigned long end)
{
	unsigned long last = linear_page_index(walk->vma, end - PAGE_SIZE);
	XA_STATE(xas, &walk->vma->vm_file->f_mapping->i_pages, linear_page_index(walk->vma, start));
	unsigned long pages = 0;
	void *entry;

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		if (!xas_retry(&xas, entry) && xa_is_value(entry))
			pages += 1UL << xas_get_order(&xas);
	}
	rcu_read_unlock();
	if (pages)
		walk->sink->swapped(walk->arg, pages);
}

static void see_hole(struct gomem_walk *walk, unsigned long start, unsigned long end)
{
	if (walk->shmem == GOMEM_SHMEM_HOLES)
		see_shmem(walk, start, end);
}

static bool is_plain(pte_t pte)
{
	return pte_present(pte) && pte_dirty(pte) && !pte_special(pte);
}

/*
 * In an anonymous VMA a dirty entry is an anonymous page: most of a heap is told without
 * a look at its struct pages, a run at a time. Return: how many pages were.
 */
static unsigned long see_plain(struct gomem_walk *walk, const pte_t *table, unsigned long addr,
			       unsigned long end)
{
	struct gomem_run run = { .start = addr, .state = GOMEM_PAGE_ANON, .anon = true };

	if (walk->orders || !vma_is_anonymous(walk->vma))
		return 0;
	while (addr + run.pages * PAGE_SIZE != end && is_plain(READ_ONCE(table[run.pages])))
		run.pages++;
	if (run.pages)
		add_run(walk, &run);
	return run.pages;
}

/* Return: how many pages were seen, at least 1. */
static unsigned long see_ptes(struct gomem_walk *walk, const pte_t *table, unsigned long addr,
			      unsigned long end)
{
	pte_t pte = READ_ONCE(*table);
	unsigned long plain;

	if (pte_none(pte)) {
		see_hole(walk, addr, addr + PAGE_SIZE);
		return 1;
	}
	plain = see_plain(walk, table, addr, end);
	if (plain)
		return plain;
	if (pte_present(pte))
		see_present(walk, addr, pte);
	else
		see_swap(walk, addr, pte);
	return 1;
}

static void see_table(struct gomem_walk *walk, const pte_t *table, unsigned long addr,
		      unsigned long end)
{
	while (addr != end && !walk->stopped) {
		unsigned long pages = see_ptes(walk, table, addr, end);

		table += pages;
		addr += pages * PAGE_SIZE;
	}
	flush_run(walk);
}

/* Device memory that is mapped huge need not have struct pages. */
static bool has_pages(struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP));
}

static struct page *huge_page_of(struct vm_area_struct *vma, pmd_t pmd)
{
	swp_entry_t entry;

	if (!has_pages(vma))
		return NULL;
	if (pmd_present(pmd))
		return pmd_trans_huge(pmd) ? pmd_page(pmd) : NULL;
	entry = pmd_to_swp_entry(pmd);
	return is_pfn_swap_entry(entry) ? pfn_swap_entry_to_page(entry) : NULL;
}

/* Anonymous memory holds huge pages that are anonymous, and the huge zero page. */
static bool is_huge_zero(struct vm_area_struct *vma, struct folio *folio)
{
	return vma_is_anonymous(vma) && !folio_test_anon(folio);
}

static u8 huge_state(const struct gomem_walk *walk, pmd_t pmd, struct folio *folio)
{
	if (!pmd_present(pmd))
		return GOMEM_PAGE_MIGRATING;
	if (is_huge_zero(walk->vma, folio))
		return GOMEM_PAGE_ZERO;
	if (!folio_test_anon(folio))
		return file_state(folio);
	return is_lazyfree(folio, pmd_dirty(pmd)) ? GOMEM_PAGE_LAZYFREE : GOMEM_PAGE_THP;
}

static void see_huge(struct gomem_walk *walk, pmd_t pmd, unsigned long addr, unsigned long end)
{
	struct page *page = huge_page_of(walk->vma, pmd);
	struct gomem_run run = { .start = addr, .pages = (end - addr) >> PAGE_SHIFT };

	if (!page)
		return;
	run.state = huge_state(walk, pmd, page_folio(page));
	run.order = HPAGE_PMD_ORDER;
	run.anon = PageAnon(page);
	add_run(walk, &run);
	flush_run(walk);
}

bool gomem_walk_is_table(pmd_t pmd)
{
	return pmd_present(pmd) && !pmd_leaf(pmd) && !pmd_bad(pmd);
}

NOKPROBE_SYMBOL(gomem_walk_is_table);

static void see_entry(struct gomem_walk *walk, pmd_t value, unsigned long addr, unsigned long end)
{
	if (!gomem_walk_is_table(value)) {
		see_huge(walk, value, addr, end);
		return;
	}
	see_table(walk, pte_offset_kernel(&value, addr), addr, end);
	walk->budget_pages -= min(walk->budget_pages, (end - addr) >> PAGE_SHIFT);
}

/* False when the entry changed before its lock was held. */
static bool see_locked(struct gomem_walk *walk, pmd_t *pmd, pmd_t value, unsigned long addr,
		       unsigned long end)
{
	spinlock_t *lock = gomem_walk_is_table(value) ? pte_lockptr(walk->mm, &value) :
							pmd_lockptr(walk->mm, pmd);
	bool is_same;

	spin_lock(lock);
	is_same = pmd_val(value) == pmd_val(READ_ONCE(*pmd));
	if (is_same)
		see_entry(walk, value, addr, end);
	spin_unlock(lock);
	return is_same;
}

/*
 * A PMD entry may change until the lock of what it points to is held: file collapse
 * frees page tables under no more than that lock, after a grace period of RCU.
 */
static void see_pmd(struct gomem_walk *walk, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	bool is_seen = false;
	pmd_t value;

	rcu_read_lock();
	while (!is_seen) {
		value = READ_ONCE(*pmd);
		if (pmd_none(value))
			break;
		is_seen = see_locked(walk, pmd, value, addr, end);
	}
	rcu_read_unlock();
	if (!is_seen)
		see_hole(walk, addr, end);
}

pmd_t *gomem_walk_pmd(struct mm_struct *mm, unsigned long addr, unsigned long *next)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud, value;

	*next = (addr & PGDIR_MASK) + PGDIR_SIZE;
	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	*next = (addr & P4D_MASK) + P4D_SIZE;
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	value = READ_ONCE(*pud);
	*next = (addr & PUD_MASK) + PUD_SIZE;
	if (pud_none(value) || pud_leaf(value) || pud_bad(value))
		return NULL;
	*next = (addr & PMD_MASK) + PMD_SIZE;
	return pmd_offset(pud, addr);
}

NOKPROBE_SYMBOL(gomem_walk_pmd);

static void walk_step(struct gomem_walk *walk, unsigned long end)
{
	unsigned long addr = walk->pos, next;
	pmd_t *pmd = gomem_walk_pmd(walk->mm, addr, &next);

	/* The swap of shared memory is looked up entry by entry: in small steps. */
	if (walk->shmem != GOMEM_SHMEM_NONE)
		next = (addr & PMD_MASK) + PMD_SIZE;
	/* Past the last entry next wraps to 0. */
	if (next - 1 >= end - 1)
		next = end;
	walk->pos = next;
	if (walk->shmem == GOMEM_SHMEM_ALL)
		see_shmem(walk, addr, next);
	if (pmd)
		see_pmd(walk, pmd, addr, next);
	else
		see_hole(walk, addr, next);
}

/* As smap_gather_stats() does: look into the file only where it has pages in swap. */
static void enter_shmem(struct gomem_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;

	walk->shmem = GOMEM_SHMEM_NONE;
	if (!walk->sink->swapped || !vma->vm_file || !shmem_mapping(vma->vm_file->f_mapping) ||
	    !READ_ONCE(SHMEM_I(file_inode(vma->vm_file))->swapped))
		return;
	if ((vma->vm_flags & VM_SHARED) || !(vma->vm_flags & VM_WRITE))
		walk->shmem = GOMEM_SHMEM_ALL;
	else
		walk->shmem = GOMEM_SHMEM_HOLES;
}

static bool enter_vma(struct gomem_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;

	walk->pos = max(walk->pos, vma->vm_start);
	if (!walk->sink->vma(walk->arg, vma, walk->pos)) {
		walk->stopped = true;
		return false;
	}
	enter_shmem(walk);
	return true;
}

static void walk_vma(struct gomem_walk *walk, unsigned long end)
{
	/* Huge pages of hugetlbfs are not part of RSS. */
	if (walk->vma->vm_flags & VM_HUGETLB)
		walk->pos = end;
	while (walk->pos < end && !is_window_over(walk))
		walk_step(walk, end);
}

static void walk_locked(struct gomem_walk *walk)
{
	while (!is_window_over(walk)) {
		walk->vma = find_vma(walk->mm, walk->pos);
		if (!walk->vma || walk->vma->vm_start >= walk->end) {
			walk->pos = walk->end;
			return;
		}
		if (!enter_vma(walk))
			return;
		walk_vma(walk, min(walk->end, walk->vma->vm_end));
		if (walk->pos >= walk->end)
			return;
	}
}

int gomem_walk_window(struct gomem_walk *walk)
{
	u64 start_ns;

	if (fatal_signal_pending(current) || mmap_read_lock_killable(walk->mm))
		return -EINTR;
	start_ns = ktime_get_ns();
	walk->deadline_ns = start_ns + WINDOW_NS;
	walk->budget_pages = WINDOW_PAGES;
	walk->stopped = false;
	walk_locked(walk);
	walk->hold_ns = max(walk->hold_ns, ktime_get_ns() - start_ns);
	mmap_read_unlock(walk->mm);
	cond_resched();
	return walk->pos < walk->end;
}

/*
 * MADV_FREE leaves a page clean and old, and its folio loses swapbacked only when a
 * batch of the CPU is full (mm/swap.c, folio_mark_lazyfree()). A page read back from
 * swap is clean as well, but young.
 */
static bool is_given_back(struct folio *folio, bool dirty, bool young)
{
	return !dirty && !folio_test_dirty(folio) && !folio_test_swapcache(folio) &&
	       (!young || !folio_test_swapbacked(folio));
}

static bool is_freeable(struct folio *folio, bool dirty, bool young)
{
	return folio && folio_test_anon(folio) && !is_given_back(folio, dirty, young);
}

static bool is_normal(pte_t pte)
{
	return pte_present(pte) && !pte_special(pte);
}

static bool is_freeable_pte(pte_t pte)
{
	return is_normal(pte) && is_freeable(pte_folio(pte), pte_dirty(pte), pte_young(pte));
}

static bool is_freeable_pmd(pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd) &&
	       is_freeable(page_folio(pmd_page(pmd)), pmd_dirty(pmd), pmd_young(pmd));
}

static bool is_huge_file(struct vm_area_struct *vma, pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd) && !vma_is_anonymous(vma);
}

static unsigned int resident_in_table(bool is_anon, const pte_t *table, unsigned int n)
{
	unsigned int pages = 0;

	for (; n; n--, table++) {
		pte_t pte = READ_ONCE(*table);

		if (is_normal(pte) && (!is_anon || pte_dirty(pte) || is_freeable_pte(pte)))
			pages++;
	}
	return pages;
}

NOKPROBE_SYMBOL(resident_in_table);

unsigned int gomem_walk_resident(struct vm_area_struct *vma, pmd_t pmd, unsigned long addr,
				 unsigned long end)
{
	unsigned int n = (end - addr) >> PAGE_SHIFT;

	if (gomem_walk_is_table(pmd))
		return resident_in_table(vma_is_anonymous(vma), pte_offset_kernel(&pmd, addr), n);
	if (!has_pages(vma))
		return 0;
	return is_huge_file(vma, pmd) || is_freeable_pmd(pmd) ? n : 0;
}

NOKPROBE_SYMBOL(gomem_walk_resident);

unsigned int gomem_walk_freeable(pmd_t pmd, unsigned long addr, unsigned long end)
{
	unsigned int n = (end - addr) >> PAGE_SHIFT, pages = 0;
	const pte_t *table;

	if (!gomem_walk_is_table(pmd))
		return is_freeable_pmd(pmd) ? n : 0;
	for (table = pte_offset_kernel(&pmd, addr); n; n--, table++)
		pages += is_freeable_pte(READ_ONCE(*table));
	return pages;
}

NOKPROBE_SYMBOL(gomem_walk_freeable);
