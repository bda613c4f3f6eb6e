// SPDX-License-Identifier: GPL-2.0
#include "walk.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"

/* One window: the mmap lock is held for the first of these that is reached. */
#define WINDOW_NS (1 * NSEC_PER_MSEC)
#define WINDOW_PAGES ((64UL << 20) >> PAGE_SHIFT)

/*
 * After so many points is asked what time it is and who waits; a point is about a hundred
 * instructions. So far a window gets, however many wait: else it might get one step at a time.
 */
#define POINTS_PER_LOOK 128
#define POINTS_VMA 8
#define POINTS_SWAP 64 /* of shared memory, in one block */
#define PAGES_PER_POINT 32
#define LOOKS_PER_POINT 4 /* pages whose struct page is looked at */
#define HUGE_PER_POINT 4

/* The first step of a window, which may be a look at swap in a VMA, is always made. */
static_assert(POINTS_VMA + POINTS_SWAP < POINTS_PER_LOOK);

/* Somebody waits for what this window holds: the process itself, for the lock, or the CPU. */
static bool is_waited_for(const struct gomem_walk *walk)
{
	return mmap_lock_is_contended(walk->mm) || need_resched();
}

static void spend(struct gomem_walk *walk, unsigned long points)
{
	walk->points += points;
	if (walk->points < POINTS_PER_LOOK)
		return;
	walk->points = 0;
	if (is_waited_for(walk) || ktime_get_ns() > walk->deadline_ns)
		walk->stopped = true;
}

static bool is_window_over(const struct gomem_walk *walk)
{
	return walk->stopped || !walk->budget_pages;
}

/* What is in the tally is of [start, end). */
static void tell_block(struct gomem_walk *walk, unsigned long start, unsigned long end)
{
	if (walk->sink && walk->sink->block && !walk->sink->block(walk->arg, start, end))
		walk->stopped = true;
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

/* The same with the last table of PMDs at hand: it stays while a VMA that needs it does. */
static pmd_t *pmd_of(struct gomem_walk *walk, unsigned long addr, unsigned long *next)
{
	pmd_t *pmd;

	if (walk->pmds && (addr & PUD_MASK) == walk->pmds_start) {
		*next = (addr & PMD_MASK) + PMD_SIZE;
		return walk->pmds + pmd_index(addr);
	}
	pmd = gomem_walk_pmd(walk->mm, addr, next);
	walk->pmds = pmd ? pmd - pmd_index(addr) : NULL;
	walk->pmds_start = addr & PUD_MASK;
	return pmd;
}

static unsigned long block_end(unsigned long addr, unsigned long end)
{
	unsigned long next = (addr & PMD_MASK) + PMD_SIZE;

	/* Past the last entry next wraps to 0. */
	return next - 1 < end - 1 ? next : end;
}

/* The walk got to @end, or to where there was no more room. */
static void move_to(struct gomem_walk *walk, bool had_room, unsigned long end)
{
	walk->pos = had_room ? end : walk->view.stopped_at;
	if (!had_room)
		walk->stopped = true;
}

static bool may_be_in_swap(const struct gomem_walk *walk)
{
	return walk->has_range || walk->view.has_holes;
}

static void see_hole(struct gomem_walk *walk, unsigned long end)
{
	unsigned long start = walk->pos;

	move_to(walk, gomem_view_hole(&walk->view, start, end), end);
	if (may_be_in_swap(walk))
		tell_block(walk, start, walk->pos);
	spend(walk, 1);
}

static unsigned long points_of(const struct gomem_walk *walk, unsigned long pages)
{
	if (gomem_view_is_quick(&walk->view))
		return pages / PAGES_PER_POINT + 1;
	return pages / LOOKS_PER_POINT + 1;
}

/*
 * A PMD entry may change until the lock of what it points to is held: file collapse
 * frees page tables under no more than that lock, after a grace period of RCU.
 */
static void see_table(struct gomem_walk *walk, const pmd_t *pmd, pmd_t value, unsigned long end)
{
	unsigned long start = walk->pos, pages = (end - start) >> PAGE_SHIFT;
	spinlock_t *lock = pte_lockptr(walk->mm, &value);
	const pte_t *table;

	spin_lock(lock);
	if (native_pmd_val(value) == native_pmd_val(READ_ONCE(*pmd))) {
		table = pte_offset_kernel(&value, start);
		move_to(walk, gomem_view_table(&walk->view, table, start, end), end);
		tell_block(walk, start, walk->pos);
	}
	spin_unlock(lock);
	walk->budget_pages -= min(walk->budget_pages, pages);
	spend(walk, points_of(walk, pages));
}

/* Up to where huge pages that need no look follow each other, of one table of PMDs. */
static unsigned long see_huge_run(struct gomem_walk *walk, const pmd_t *pmd, unsigned long end)
{
	unsigned long start = walk->pos;

	/* Blocks are told one by one. */
	if ((walk->sink && walk->sink->block) || start & ~PMD_MASK)
		return start;
	return gomem_view_huge_run(&walk->view, pmd, start, min(end, (start | ~PUD_MASK) + 1));
}

/* Return: whether the entry maps a huge page. */
static bool see_one_huge(struct gomem_walk *walk, pmd_t value, unsigned long end)
{
	unsigned long start = walk->pos, next = block_end(start, end);

	if (pmd_none(value) || gomem_walk_is_table(value))
		return false;
	move_to(walk, gomem_view_huge(&walk->view, value, start, next), next);
	tell_block(walk, start, walk->pos);
	return true;
}

/* Entries that map huge pages, one after the other, up to one that does not. */
static void see_huge(struct gomem_walk *walk, pmd_t *pmd, unsigned long end)
{
	spinlock_t *lock = pmd_lockptr(walk->mm, pmd);
	unsigned long start = walk->pos, next;

	spin_lock(lock);
	do {
		next = see_huge_run(walk, pmd, end);
		pmd += (next - walk->pos) >> PMD_SHIFT;
		if (next != walk->pos)
			walk->pos = next;
		else if (!see_one_huge(walk, READ_ONCE(*pmd++), end))
			break;
	} while (walk->pos != end && !walk->stopped && (walk->pos & ~PUD_MASK));
	spin_unlock(lock);
	spend(walk, ((walk->pos - start) >> PMD_SHIFT) / HUGE_PER_POINT + 1);
}

/* One entry of the table of PMDs, or several huge ones; at least some of it. */
static void see_pmd(struct gomem_walk *walk, pmd_t *pmd, unsigned long end)
{
	unsigned long start = walk->pos, next = block_end(start, end);
	pmd_t value;

	rcu_read_lock();
	while (walk->pos == start && !(walk->stopped && walk->view.runs)) {
		value = READ_ONCE(*pmd);
		if (pmd_none(value))
			see_hole(walk, next);
		else if (gomem_walk_is_table(value))
			see_table(walk, pmd, value, next);
		else
			see_huge(walk, pmd, may_be_in_swap(walk) ? next : end);
	}
	rcu_read_unlock();
}

/* Where the next 2 MiB with a page table may be; of one table of PMDs, or none at all. */
static unsigned long end_of_hole(const pmd_t *pmd, unsigned long pos, unsigned long next,
				 unsigned long end)
{
	unsigned long table_end = (pos | ~PUD_MASK) + 1;

	while (pmd && next != table_end && pmd_none(READ_ONCE(*++pmd)))
		next += PMD_SIZE;
	return next - 1 < end - 1 ? next : end;
}

/* Over 2 MiB without page tables, and with nothing in swap. Return: whether it got on. */
static bool skip_hole(struct gomem_walk *walk, const pmd_t *pmd, unsigned long next,
		      unsigned long end)
{
	unsigned long hole;

	if (pmd && !pmd_none(READ_ONCE(*pmd)))
		return false;
	hole = end_of_hole(pmd, walk->pos, next, end);
	next = gomem_view_no_swap(&walk->view, walk->pos, hole);
	if (next != hole)
		next &= PMD_MASK;
	if (next <= walk->pos)
		return false;
	walk->pos = next;
	spend(walk, POINTS_SWAP);
	return true;
}

static void walk_step(struct gomem_walk *walk, unsigned long end)
{
	unsigned long next;
	pmd_t *pmd = pmd_of(walk, walk->pos, &next);

	if (may_be_in_swap(walk) && skip_hole(walk, pmd, next, end))
		return;
	/* What is in swap is looked up entry by entry: in small steps. */
	if (may_be_in_swap(walk)) {
		next = block_end(walk->pos, end);
		spend(walk, POINTS_SWAP);
	}
	if (walk->has_range)
		gomem_view_range(&walk->view, walk->pos, next);
	if (pmd)
		see_pmd(walk, pmd, end);
	else
		see_hole(walk, next - 1 < end - 1 ? next : end);
}

static bool enter_vma(struct gomem_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;

	walk->pos = max(walk->pos, vma->vm_start);
	if (walk->sink)
		walk->view.tally = walk->sink->vma(walk->arg, vma, walk->pos);
	if (walk->sink && !walk->view.tally)
		return false;
	walk->has_range = gomem_view_enter(&walk->view, vma);
	spend(walk, POINTS_VMA);
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
	VMA_ITERATOR(vmi, walk->mm, walk->pos);

	while ((walk->vma = vma_find(&vmi, walk->end - 1))) {
		unsigned long end = min(walk->end, walk->vma->vm_end);

		if (is_window_over(walk) || !enter_vma(walk))
			return;
		walk_vma(walk, end);
		if (walk->pos < end)
			return;
	}
	walk->pos = walk->end;
}

static atomic64_t windows = ATOMIC64_INIT(0);
static atomic64_t longest_ns = ATOMIC64_INIT(0);

u64 gomem_walk_windows(void)
{
	return atomic64_read(&windows);
}

u64 gomem_walk_longest_ns(void)
{
	return atomic64_read(&longest_ns);
}

static void note_hold(struct gomem_walk *walk, u64 ns)
{
	s64 longest = atomic64_read(&longest_ns);

	walk->hold_ns = max(walk->hold_ns, ns);
	atomic64_inc(&windows);
	while (ns > longest && !atomic64_try_cmpxchg(&longest_ns, &longest, ns))
		;
}

int gomem_walk_window(struct gomem_walk *walk)
{
	u64 start_ns;

	if (fatal_signal_pending(current) || mmap_read_lock_killable(walk->mm))
		return -EINTR;
	start_ns = ktime_get_ns();
	walk->deadline_ns = start_ns + WINDOW_NS;
	walk->budget_pages = WINDOW_PAGES;
	walk->points = 0;
	walk->stopped = false;
	walk->pmds = NULL;
	walk->vmas = max_t(unsigned long, walk->vmas, walk->mm->map_count);
	walk_locked(walk);
	note_hold(walk, ktime_get_ns() - start_ns);
	mmap_read_unlock(walk->mm);
	cond_resched();
	return walk->pos < walk->end;
}
