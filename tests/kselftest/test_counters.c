// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the hooks count, against events made one by one: a target is set up, added,
 * takes one step, and its counters must be that step, no more and no less.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count.h"
#include "lib.h"
#include "verbs.h"

#define N 32
#define COLLAPSE 25 /* MADV_COLLAPSE, Linux 6.1 */
#define ARGS long a UNUSED, long b UNUSED, long c UNUSED

/**
 * struct step - one thing that a target does, and what it must count
 * @setup: before it is added; returns an address
 * @act: the step, given that address, @bytes and @stride
 * @gone: @act unmaps memory, so that its counts are in no VMA but the target's own;
 *        then faults and CoW are not looked at, as the whole process has some
 * @want: the counts of [address, address + @bytes), by construction
 * @otherwise: these instead, on kernels that do it in another way; the machine's counters tell
 */
struct step {
	const char *name;
	target_fn setup;
	target_fn act;
	long bytes;
	long stride;
	bool gone;
	struct counts want;
	const struct counts *otherwise;
};

static long fresh(ARGS)
{
	return do_map(4 * HUGE, 0, 0);
}

static long fresh_huge(ARGS)
{
	return do_map(4 * HUGE, MADV_HUGEPAGE, 0);
}

static long touched(ARGS)
{
	long p = fresh(0, 0, 0);

	do_touch(p, PAGES(N), PAGE);
	return p;
}

/* Each second page is there. */
static long half(ARGS)
{
	long p = fresh(0, 0, 0);

	do_touch(p, PAGES(2 * N), 2 * PAGE);
	return p;
}

static long peeked(ARGS)
{
	long p = fresh(0, 0, 0);

	do_peek(p, PAGES(N), PAGE);
	return p;
}

static long shared(ARGS)
{
	long p = touched(0, 0, 0);

	do_fork(0, 0, 0);
	return p;
}

/* The other process has gone: a write finds pages that are its own again. Batches
 * of pages on the way to an LRU list would hold on to them; any MADV_FREE empties those.
 */
static long shared_once(ARGS)
{
	long p = touched(0, 0, 0), child = do_fork(0, 0, 0);

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	do_advise(fresh(0, 0, 0), PAGE, MADV_FREE);
	return p;
}

static long swapped(ARGS)
{
	long p = touched(0, 0, 0);

	do_advise(p, PAGES(N), MADV_PAGEOUT);
	return p;
}

/* Back from swap, but not written since: clean, and yet not given back. */
static long swapped_in(ARGS)
{
	long p = swapped(0, 0, 0);

	do_peek(p, PAGES(N), PAGE);
	return p;
}

static long huge(ARGS)
{
	long p = fresh_huge(0, 0, 0);

	do_touch(p, 4 * HUGE, HUGE);
	return p;
}

static long huge_peeked(ARGS)
{
	long p = fresh_huge(0, 0, 0);

	do_peek(p, HUGE, HUGE);
	return p;
}

static long huge_shared(ARGS)
{
	long p = huge(0, 0, 0);

	do_fork(0, 0, 0);
	return p;
}

/* Small pages where huge ones would fit. */
static long collapsible(ARGS)
{
	long p = fresh(0, 0, 0);

	do_touch(p, 2 * HUGE, 4 * PAGE);
	return p;
}

static long file(ARGS)
{
	return do_map_fd(PAGES(2 * N), do_file(PAGES(2 * N), 1, 0), MAP_PRIVATE);
}

static long file_peeked(ARGS)
{
	long p = file(0, 0, 0);

	do_peek(p, PAGES(N), PAGE);
	return p;
}

static long memfd(ARGS)
{
	return do_map_fd(PAGES(N), do_file(PAGES(N), 0, 0), MAP_SHARED);
}

static long memfd_touched(ARGS)
{
	long p = memfd(0, 0, 0);

	do_touch(p, PAGES(N), PAGE);
	return p;
}

/* Large enough for a huge page, but placed so that none fits. */
static long edges(ARGS)
{
	long p = do_map(2 * HUGE, MADV_HUGEPAGE, 0);

	do_unmap(p, PAGE, 0);
	do_unmap(p + 2 * HUGE - PAGE, PAGE, 0);
	return p + PAGE;
}

/* The advice of nothing at all does nothing, where the kernel knows it */
static bool can_collapse(void)
{
	return !madvise(NULL, 0, COLLAPSE);
}

static long collapse(long p, long bytes, long c UNUSED)
{
	if (madvise((void *)p, bytes, COLLAPSE))
		die("MADV_COLLAPSE failed: %s", strerror(errno));
	return 0;
}

/* MADV_DONTNEED, MADV_FREE once: do_advise() would do it on each CPU. */
static long advise(long p, long bytes, int advice)
{
	if (madvise((void *)p, bytes, advice))
		die("madvise(%d) failed: %s", advice, strerror(errno));
	return 0;
}

static long dontneed(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_DONTNEED);
}

static long lazyfree(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_FREE);
}

/* The page after the first, so that a huge page is cut. */
static long dontneed_page(long p, long b UNUSED, long c UNUSED)
{
	return advise(p + PAGE, PAGE, MADV_DONTNEED);
}

static long lazyfree_page(long p, long b UNUSED, long c UNUSED)
{
	return advise(p + PAGE, PAGE, MADV_FREE);
}

static long unmap_page(long p, long b UNUSED, long c UNUSED)
{
	return do_unmap(p + PAGE, PAGE, 0);
}

static long protect_page(long p, long b UNUSED, long c UNUSED)
{
	return do_protect(p + PAGE, PAGE, PROT_READ);
}

static long protect(long p, long bytes, long c UNUSED)
{
	return do_protect(p, bytes, PROT_READ);
}

static long lazyfree_then_dontneed(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_FREE) | advise(p, bytes, MADV_DONTNEED);
}

/* Half is written again, and so is there to be released again. */
static long lazyfree_touch_dontneed(long p, long bytes, long c UNUSED)
{
	advise(p, bytes, MADV_FREE);
	do_touch(p, bytes / 2, PAGE);
	return advise(p, bytes, MADV_DONTNEED);
}

static long lazyfree_then_unmap(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_FREE) | do_unmap(p, bytes, 0);
}

/* The heap of malloc(), N pages longer. */
static long heap(ARGS)
{
	void *p = sbrk(PAGES(N));

	do_touch((long)p, PAGES(N), PAGE);
	return (long)p;
}

static long heap_shrink(long p UNUSED, long bytes, long c UNUSED)
{
	return (long)sbrk(-bytes) == -1;
}

static int truncated_fd;

static long memfd_to_truncate(ARGS)
{
	long p;

	truncated_fd = do_file(PAGES(2 * N), 0, 0);
	p = do_map_fd(PAGES(2 * N), truncated_fd, MAP_SHARED);
	do_touch(p, PAGES(2 * N), PAGE);
	return p;
}

static long truncate_half(long p UNUSED, long bytes, long c UNUSED)
{
	return ftruncate(truncated_fd, bytes / 2);
}

static long shrink(long p, long bytes, long c UNUSED)
{
	return mremap((void *)p, bytes, PAGE, 0) == MAP_FAILED;
}

static long map_over(long p, long bytes, long c UNUSED)
{
	void *q = mmap((void *)p, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return q == MAP_FAILED;
}

/* A write over the huge zero page, since 6.13 */
static const struct counts huge_at_once = { .v = { [FAULTS] = 1, [HUGE_FAULTS] = 1 } };

static const struct step steps[] = {
	{ "first writes", fresh, do_touch, PAGES(N), PAGE, .want.v = { [FAULTS] = N } },
	{ "no new touch", touched, do_touch, PAGES(N), PAGE, .want.v = { 0 } },
	{ "zero page reads", fresh, do_peek, PAGES(N), PAGE, .want.v = { [FAULTS] = N } },
	{ "zero page writes", peeked, do_touch, PAGES(N), PAGE,
	  .want.v = { [FAULTS] = N, [COW] = N } },
	{ "writes across blocks", fresh, do_touch, 4 * HUGE, 64 * PAGE,
	  .want.v = { [FAULTS] = 32 } },
	{ "huge faults", fresh_huge, do_touch, 4 * HUGE, 64 * PAGE,
	  .want.v = { [FAULTS] = 4, [HUGE_FAULTS] = 4 } },
	{ "huge zero page reads", fresh_huge, do_peek, 4 * HUGE, 64 * PAGE,
	  .want.v = { [FAULTS] = 4 } },
	{ "huge zero page write", huge_peeked, do_touch, HUGE, HUGE,
	  .want.v = { [FAULTS] = 1, [COW] = 1, [SPLITS] = 1 }, .otherwise = &huge_at_once },
	{ "edges where no huge page fits", edges, do_touch, 2 * HUGE - 2 * PAGE, 64 * PAGE,
	  .want.v = { [FAULTS] = 16 } },
	{ "cow after fork", shared, do_touch, PAGES(N), PAGE,
	  .want.v = { [FAULTS] = N, [COW] = N } },
	{ "reads after fork", shared, do_peek, PAGES(N), PAGE, .want.v = { 0 } },
	{ "reuse after fork and exit", shared_once, do_touch, PAGES(N), PAGE,
	  .want.v = { [FAULTS] = N } },
	{ "cow of a huge page", huge_shared, do_touch, HUGE, PAGE,
	  .want.v = { [FAULTS] = 512, [COW] = 512, [SPLITS] = 1 } },
	{ "private file, first writes", file, do_touch, PAGES(N), PAGE,
	  .want.v = { [FAULTS] = N } },
	{ "private file, writes after reads", file_peeked, do_touch, PAGES(N), PAGE,
	  .want.v = { [FAULTS] = N, [COW] = N } },
	{ "shared memory writes", memfd, do_touch, PAGES(N), PAGE, .want.v = { [FAULTS] = N } },
	{ "swap-ins by reads", swapped, do_peek, PAGES(N), PAGE,
	  .want.v = { [FAULTS] = N, [SWAPINS] = N } },
	{ "swap-ins by writes", swapped, do_touch, PAGES(N), PAGE,
	  .want.v = { [FAULTS] = N, [SWAPINS] = N } },
	{ "split by MADV_DONTNEED", huge, dontneed_page, HUGE, 0,
	  .want.v = { [SPLITS] = 1, [RELEASED] = PAGE_KB } },
	{ "split by MADV_FREE", huge, lazyfree_page, HUGE, 0,
	  .want.v = { [SPLITS] = 1, [RELEASED] = PAGE_KB } },
	{ "split by mprotect", huge, protect_page, HUGE, 0, .want.v = { [SPLITS] = 1 } },
	{ "split by munmap", huge, unmap_page, HUGE, 0, true,
	  .want.v = { [SPLITS] = 1, [RELEASED] = PAGE_KB } },
	{ "no split: mprotect of whole huge pages", huge, protect, 2 * HUGE, 0, .want.v = { 0 } },
	{ "no split: small pages cut", touched, dontneed_page, PAGES(N), 0,
	  .want.v = { [RELEASED] = PAGE_KB } },
	{ "no split: small pages unmapped", touched, unmap_page, PAGES(N), 0, true,
	  .want.v = { [RELEASED] = PAGE_KB } },
	{ "MADV_COLLAPSE", collapsible, collapse, 2 * HUGE, 0, .want.v = { [COLLAPSES] = 2 } },
	{ "MADV_COLLAPSE of huge pages", huge, collapse, 2 * HUGE, 0, .want.v = { 0 } },
	{ "MADV_DONTNEED of every second page", half, dontneed, PAGES(2 * N), 0,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "MADV_DONTNEED of nothing", fresh, dontneed, 4 * HUGE, 0, .want.v = { 0 } },
	{ "MADV_DONTNEED of zero pages", peeked, dontneed, PAGES(N), 0, .want.v = { 0 } },
	{ "MADV_DONTNEED of the huge zero page", huge_peeked, dontneed, HUGE, 0, .want.v = { 0 } },
	{ "MADV_DONTNEED of swapped pages", swapped, dontneed, PAGES(N), 0, .want.v = { 0 } },
	{ "MADV_DONTNEED of pages read back from swap", swapped_in, dontneed, PAGES(N), 0,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "MADV_FREE of pages read back from swap", swapped_in, lazyfree, PAGES(N), 0,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "MADV_DONTNEED of pages shared by fork", shared, dontneed, PAGES(N), 0,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "munmap of file pages", file_peeked, do_unmap, PAGES(N), 0, true,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "MADV_DONTNEED of huge pages", huge, dontneed, 4 * HUGE, 0,
	  .want.v = { [RELEASED] = 4 * HUGE_KB } },
	{ "MADV_FREE", half, lazyfree, PAGES(2 * N), 0, .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "MADV_FREE of huge pages", huge, lazyfree, 2 * HUGE, 0,
	  .want.v = { [RELEASED] = 2 * HUGE_KB } },
	{ "munmap", half, do_unmap, PAGES(2 * N), 0, true, .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "munmap of huge pages", huge, do_unmap, 2 * HUGE, 0, true,
	  .want.v = { [RELEASED] = 2 * HUGE_KB } },
	{ "munmap of shared memory", memfd_touched, do_unmap, PAGES(N), 0, true,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "MADV_FREE, then MADV_DONTNEED", touched, lazyfree_then_dontneed, PAGES(N), 0,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "MADV_FREE of huge pages, then MADV_DONTNEED", huge, lazyfree_then_dontneed, HUGE, 0,
	  .want.v = { [RELEASED] = HUGE_KB } },
	{ "MADV_FREE, half written, then MADV_DONTNEED", touched, lazyfree_touch_dontneed, PAGES(N),
	  0, .want.v = { [RELEASED] = (N + N / 2) * PAGE_KB } },
	{ "MADV_FREE, then munmap", touched, lazyfree_then_unmap, PAGES(N), 0, true,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "brk", heap, heap_shrink, PAGES(N), 0, true, .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "ftruncate", memfd_to_truncate, truncate_half, PAGES(2 * N), 0,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
	{ "mremap to a page", touched, shrink, PAGES(N), 0, true,
	  .want.v = { [RELEASED] = (N - 1) * PAGE_KB } },
	{ "mmap over it", touched, map_over, PAGES(N), 0, true,
	  .want.v = { [RELEASED] = N * PAGE_KB } },
};

/* What the machine counted meanwhile is the target's doing: nothing else makes huge pages. */
static void check_machine(const struct step *s, const struct counts *want,
			  const struct counts *made)
{
	int i;

	for (i = 0; i < EVENTS; i++)
		if (count_machine_name(i) && made->v[i] != want->v[i])
			tap_eq(want->v[i], "as made", made->v[i], count_machine_name(i),
			       "%s: the step is what it says", s->name);
}

static struct counts made_since(const struct counts *before)
{
	struct counts made = count_machine();
	int i;

	for (i = 0; i < EVENTS; i++)
		made.v[i] -= before->v[i];
	return made;
}

static const struct counts *wanted(const struct step *s, const struct counts *made)
{
	return s->otherwise && made->v[SPLITS] == s->otherwise->v[SPLITS] ? s->otherwise : &s->want;
}

static void check_counts(const struct step *s, const struct counts *all, const struct target *t,
			 long addr)
{
	struct counts want = *all;
	struct counts got = s->gone ? count_target(t->pid) : count_range(t->pid, addr, s->bytes);

	if (s->gone) {
		got.v[FAULTS] = 0;
		got.v[COW] = 0;
	}
	count_check(s->name, &want, "as made", &got,
		    s->gone ? "/proc/gomem/summary" : "/proc/gomem/vmas");
	tap_eq(t->faults, "getrusage", summary(t->pid, "faults"), "/proc/gomem/summary",
	       "%s: faults of the process", s->name);
}

static void take(const struct step *s)
{
	struct target t = target_start();
	long addr = target_call(&t, s->setup, 0, 0, 0);
	struct counts before = count_machine(), made;

	target_settle(&t);
	if (gomem_add(t.pid))
		die("%s: adding the target failed", s->name);
	if (target_call(&t, s->act, addr, s->bytes, s->stride) < 0)
		die("%s: the step failed", s->name);
	made = made_since(&before);
	check_machine(s, wanted(s, &made), &made);
	check_counts(s, wanted(s, &made), &t, addr);
	gomem_del(t.pid);
	target_kill(&t);
}

int main(int argc, char **argv)
{
	size_t i;

	target_main(argc, argv);
	mm_quiet();
	swap_on();
	module_require();
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].act == collapse && !can_collapse())
			tap_skip("no MADV_COLLAPSE before Linux 6.1", "%s", steps[i].name);
		else
			take(&steps[i]);
	}
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
