// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kinds of event in /proc/gomem/counts that a process makes itself, so many times of such
 * a size: a target is set up, added, takes one step, and its counts are that step.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kinds.h"
#include "lib.h"
#include "verbs.h"

/**
 * struct step - what a target does
 * @setup: before it is added; returns an address
 * @act: the step, given that address and @bytes; nonzero: this kernel cannot
 * @want: what it must count
 */
struct step {
	const char *name;
	target_fn setup;
	target_fn act;
	long bytes;
	struct want want[6];
};

static long peeked(ARGS)
{
	long p = fresh(0, 0, 0);

	do_peek(p, PAGES(N), PAGE);
	return p;
}

static long swapped(ARGS)
{
	long p = touched(0, 0, 0);

	do_advise(p, PAGES(N), MADV_PAGEOUT);
	return p;
}

static long huge_shared(ARGS)
{
	long p = huge(0, 0, 0);

	do_fork(0, 0, 0);
	return p;
}

static long fresh_huge(ARGS)
{
	return do_map(4 * HUGE, MADV_HUGEPAGE, 0);
}

/* Nothing is mapped there any more. */
static long hole(ARGS)
{
	long p = fresh(0, 0, 0);

	do_unmap(p, 4 * HUGE, 0);
	return p;
}

static long islands(ARGS)
{
	long p = hole(0, 0, 0), i;

	for (i = 0; i < 4; i++) {
		mmap((void *)(p + PAGES(4 * i)), PAGES(2), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		do_touch(p + PAGES(4 * i), PAGES(2), PAGE);
	}
	return p;
}

static long six(ARGS)
{
	long p = hole(0, 0, 0);

	mmap((void *)p, PAGES(6), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	do_touch(p, PAGES(6), PAGE);
	return p;
}

/* Where 32 bits reach. */
static long six_low(ARGS)
{
	void *p = mmap(NULL, PAGES(6), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (p == MAP_FAILED)
		die("mapping below 4 GiB failed: %s", strerror(errno));
	return (long)p;
}

static long ram_file(ARGS)
{
	return do_map_fd(PAGES(N), do_file(PAGES(N), 1, 0), MAP_SHARED);
}

static long act_touch(long p, long bytes, long c UNUSED)
{
	do_touch(p, bytes, PAGE);
	return 0;
}

static long act_touch_huge(long p, long bytes, long c UNUSED)
{
	do_touch(p, bytes, HUGE);
	return 0;
}

static long act_peek(long p, long bytes, long c UNUSED)
{
	do_peek(p, bytes, PAGE);
	return 0;
}

static long act_map(long p, long bytes, long c UNUSED)
{
	long i;

	for (i = 0; i < 4; i++)
		if (mmap((void *)(p + PAGES(4 * i)), bytes - 100, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			die("mmap failed: %s", strerror(errno));
	return 0;
}

static long act_unmap_islands(long p, long bytes, long c UNUSED)
{
	long i;

	for (i = 0; i < 4; i++)
		do_unmap(p + PAGES(4 * i), bytes, 0);
	return 0;
}

static long act_unmap_inside(long p, long bytes, long c UNUSED)
{
	return do_unmap(p + PAGES(2), bytes, 0);
}

static long act_brk(ARGS)
{
	long end = syscall(SYS_brk, 0);

	return syscall(SYS_brk, end + PAGES(16)) != end + PAGES(16) || syscall(SYS_brk, end) != end;
}

/* A system call as a program of 32 bits makes it. */
static long int80(long nr, long a, long b, long c, long d)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static bool has_int80(void)
{
	return !access("/proc/sys/abi/vsyscall32", F_OK);
}

static long act_brk32(ARGS)
{
	bool has = has_int80();
	long end = has ? int80(45, 0, 0, 0, 0) : 0;

	return !has ? EOPNOTSUPP :
		      int80(45, end + PAGES(16), 0, 0, 0) != end + PAGES(16) ||
			       int80(45, end, 0, 0, 0) != end;
}

static long act_mremap32(long p, long bytes, long c UNUSED)
{
	return has_int80() ? int80(163, p, bytes / 2, bytes, MREMAP_MAYMOVE) <= 0 : EOPNOTSUPP;
}

static long act_mremap(long p, long bytes, long c UNUSED)
{
	return mremap((void *)p, bytes / 2, bytes, MREMAP_MAYMOVE) == MAP_FAILED;
}

static long act_mprotect(long p, long bytes, long c UNUSED)
{
	do_protect(p + PAGES(2), bytes, PROT_READ);
	return do_protect(p + PAGES(2), bytes, PROT_READ | PROT_WRITE);
}

static long advise(long p, long bytes, long advice)
{
	return madvise((void *)p, bytes, advice) ? errno : 0;
}

static long act_dontneed(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_DONTNEED) | advise(p + bytes, bytes, MADV_DONTNEED);
}

/* What is mapped of it goes; that something is not is told at the end, and not how much. */
static long act_dontneed_holes(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_DONTNEED) != ENOMEM;
}

static long act_free(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_FREE);
}

static long act_huge_advice(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_HUGEPAGE) | advise(p, bytes, MADV_NOHUGEPAGE);
}

static long act_collapse(long p, long bytes, long c UNUSED)
{
	return advise(p, bytes, MADV_COLLAPSE);
}

static long act_pageout(long p, long bytes, long c UNUSED)
{
	return do_advise(p, bytes, MADV_PAGEOUT);
}

static long act_forks(ARGS)
{
	do_fork(0, 0, 0);
	do_fork(0, 0, 0);
	do_fork(0, 0, 0);
	return 0;
}

static const struct step steps[] = {
	{ "anonymous pages", fresh, act_touch, PAGES(N), { { "anon_fault", N, KB_OF(N) } } },
	{ "zero pages", fresh, act_peek, PAGES(N), { { "zero_fault", N, KB_OF(N) } } },
	{ "written zero pages", peeked, act_touch, PAGES(N), { { "cow", N, KB_OF(N) } } },
	{ "file pages", ram_file, act_touch, PAGES(N), { { "file_fault", N, KB_OF(N) } } },
	{ "huge pages",
	  fresh_huge,
	  act_touch_huge,
	  2 * HUGE,
	  { { "huge_fault", 2, 2 * HUGE_KB }, { "anon_fault", 2, 2 * PAGE_KB } } },
	{ "a shared huge page",
	  huge_shared,
	  act_touch_huge,
	  HUGE,
	  { { "huge_cow", 1, HUGE_KB }, { "pmd_split", 1, HUGE_KB }, { "cow", 1, PAGE_KB } } },
	{ "swap out", touched, act_pageout, PAGES(N), { { "swapout", N, KB_OF(N) } } },
	{ "swap in", swapped, act_peek, PAGES(N), { { "swapin", N, KB_OF(N) } } },
	{ "mmap", hole, act_map, PAGES(2), { { "mmap", 4, 4 * 2 * PAGE_KB } } },
	{ "munmap",
	  islands,
	  act_unmap_islands,
	  PAGES(2),
	  { { "munmap", 4, 4 * 2 * PAGE_KB }, { "zap", 4, 4 * 2 * PAGE_KB } } },
	{ "munmap inside",
	  six,
	  act_unmap_inside,
	  PAGES(2),
	  { { "munmap", 1, 2 * PAGE_KB }, { "zap", 1, 2 * PAGE_KB }, { "vma_split", 2, 0 } } },
	{ "munmap in a huge page",
	  huge,
	  act_unmap_inside,
	  PAGES(3),
	  { { "munmap", 1, 3 * PAGE_KB },
	    { "zap", 1, 3 * PAGE_KB },
	    { "vma_split", 2, 0 },
	    { "pmd_split", 1, HUGE_KB } } },
	{ "brk", fresh, act_brk, 0, { { "brk", 2, 32 * PAGE_KB }, { "vma_split", ANY, 0 } } },
	{ "mremap", six, act_mremap, PAGES(12), { { "mremap", 1, 12 * PAGE_KB } } },
	{ "brk, 32 bits",
	  fresh,
	  act_brk32,
	  0,
	  { { "brk", 2, 32 * PAGE_KB }, { "vma_split", ANY, 0 } } },
	{ "mremap, 32 bits", six_low, act_mremap32, PAGES(12), { { "mremap", 1, 12 * PAGE_KB } } },
	{ "mprotect",
	  six,
	  act_mprotect,
	  PAGES(2),
	  { { "mprotect", 2, 4 * PAGE_KB }, { "vma_split", 2, 0 }, { "vma_merge", 2, 0 } } },
	{ "MADV_DONTNEED",
	  touched,
	  act_dontneed,
	  PAGES(8),
	  { { "dontneed", 2, 16 * PAGE_KB }, { "zap", 2, 16 * PAGE_KB } } },
	{ "MADV_DONTNEED over holes",
	  islands,
	  act_dontneed_holes,
	  PAGES(16),
	  { { "dontneed", 1, 0 }, { "zap", 4, 4 * 2 * PAGE_KB } } },
	{ "MADV_FREE", touched, act_free, PAGES(8), { { "lazyfree", 1, 8 * PAGE_KB } } },
	{ "MADV_HUGEPAGE, MADV_NOHUGEPAGE",
	  fresh,
	  act_huge_advice,
	  4 * HUGE,
	  { { "hugepage", 1, 4 * HUGE_KB }, { "nohugepage", 1, 4 * HUGE_KB } } },
	{ "MADV_COLLAPSE",
	  patchy,
	  act_collapse,
	  HUGE,
	  { { "madv_collapse", 1, HUGE_KB }, { "collapse", 1, (512 - 100) * PAGE_KB } } },
	{ "fork", fresh, act_forks, 0, { { "fork", 3, 0 } } },
};

static void take(const struct step *step)
{
	struct target t = target_start();
	long p = target_call(&t, step->setup, 0, 0, 0), ret;

	/* What the step itself runs through is there before it counts. */
	target_settle(&t);
	gomem_add(t.pid);
	ret = target_call(&t, step->act, p, step->bytes, 0);
	if (ret)
		tap_skip(strerror(ret), "%s", step->name);
	else
		kinds_check(step->name, t.pid, step->want);
	gomem_del(t.pid);
	target_kill(&t);
}

static void life(void)
{
	struct target t = target_start();

	gomem_add(t.pid);
	target_exec(&t);
	target_exec(&t);
	tap_eq(2, "as made", kinds_count(t.pid, "exec"), "counts", "exec");
	tap_eq(0, "as made", kinds_count(t.pid, "exit"), "counts", "exit, before");
	target_exit(&t);
	tap_eq(1, "as made", kinds_count(t.pid, "exit"), "counts", "exit");
	gomem_del(t.pid);
}

int main(int argc, char **argv)
{
	unsigned int i;

	target_main(argc, argv);
	mm_quiet();
	swap_on();
	module_require();
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		take(&steps[i]);
	life();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
