// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every kind of event in /proc/gomem/counts, made so many times of such a size: a target is
 * set up, added, takes one step, and its counts are that step. Kinds that a step does not
 * name must be 0, save those of plain faults, of which every process has some.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib.h"
#include "memory.h"
#include "verbs.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define N 32
#define KB_OF(pages) ((pages) << 2)
#define ANY (-1L)
#define ARGS long a UNUSED, long b UNUSED, long c UNUSED
#define THP_64KB "transparent_hugepage/hugepages-64kB/enabled"

struct want {
	const char *kind;
	long count;
	long kb;
};

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

static const struct want *wanted(const struct want *want, const char *kind)
{
	for (; want->kind; want++)
		if (!strcmp(want->kind, kind))
			return want;
	return NULL;
}

static bool is_plain(const char *kind)
{
	return !strcmp(kind, "file_fault") || !strcmp(kind, "anon_fault") ||
	       !strcmp(kind, "zero_fault") || !strcmp(kind, "cow");
}

static bool is_as_wanted(const struct table *t, int row, const struct want *want)
{
	const char *kind = table_str(t, row, "kind");
	const struct want *of_kind = wanted(want, kind), none = { kind, 0, 0 };

	if (!of_kind)
		of_kind = &none;
	if (of_kind == &none && is_plain(kind))
		return true;
	return (of_kind->count == ANY ||
		(unsigned long)of_kind->count == table_dec(t, row, "count")) &&
	       (of_kind->kb == ANY || (unsigned long)of_kind->kb == table_dec(t, row, "size"));
}

/* One check: the counts of @pid are @want, and it has a row for each kind. */
static void check_counts(const char *name, pid_t pid, const struct want *want)
{
	struct table *t = table_read("counts");
	int row, rows = 0, bad = 0;

	for (row = 0; row < t->rows; row++) {
		const char *kind = table_str(t, row, "kind");
		const struct want *of_kind = wanted(want, kind);

		if (table_dec(t, row, "pid") != (unsigned long)pid)
			continue;
		rows++;
		if (is_as_wanted(t, row, want))
			continue;
		bad++;
		tap_note("%s: %s: expected %ld, %ld kB (as made), got %s, %s kB (counts)", name,
			 kind, of_kind ? of_kind->count : 0, of_kind ? of_kind->kb : 0,
			 table_str(t, row, "count"), table_str(t, row, "size"));
	}
	tap_ok(!bad && rows == 30, "%s: %d of %d kinds are not as made", name, bad, rows);
	table_free(t);
}

static long fresh(ARGS)
{
	return do_map(4 * HUGE, 0, 0);
}

static long touched(ARGS)
{
	long p = fresh(0, 0, 0);

	do_touch(p, PAGES(N), PAGE);
	return p;
}

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

static long huge(ARGS)
{
	long p = do_map(4 * HUGE, MADV_HUGEPAGE, 0);

	do_touch(p, 2 * HUGE, HUGE);
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

/*
 * Of 2 MiB, 100 pages written and 50 read. It is not advised to be huge: khugepaged would be
 * woken by that, and could come before the target is added.
 */
static long patchy(ARGS)
{
	long p = do_map(HUGE, 0, 0);

	do_touch(p, PAGES(100), PAGE);
	do_peek(p + MB, PAGES(50), PAGE);
	return p;
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
		check_counts(step->name, t.pid, step->want);
	gomem_del(t.pid);
	target_kill(&t);
}

/* A huge page on its way to swap: whole or split before, 2 MiB of it are written. */
static void huge_swapout(void)
{
	const struct want want[] = { { "swapout", ANY, HUGE_KB },
				     { "pmd_split", ANY, ANY },
				     { "folio_split", ANY, ANY },
				     {} };
	struct target t = target_start();
	long p = target_call(&t, huge, 0, 0, 0);

	gomem_add(t.pid);
	target_call(&t, act_pageout, p, HUGE, 0);
	tap_eq(HUGE_KB, "as made", smaps_at(t.pid, p).kb[SWAP], "kB, smaps",
	       "huge page to swap: the step is what it says");
	check_counts("huge page to swap", t.pid, want);
	gomem_del(t.pid);
	target_kill(&t);
}

/* All huge pages are split by debugfs: of one process, or, on older kernels, of all. */
static void folio_split(void)
{
	const struct want want[] = { { "folio_split", 2, 2 * HUGE_KB },
				     { "pmd_split", 2, 2 * HUGE_KB },
				     {} };
	const char *file = "/sys/kernel/debug/split_huge_pages";
	struct target t = target_start();
	long p = target_call(&t, huge, 0, 0, 0);

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	gomem_add(t.pid);
	if (file_write(file, "%d,0x%lx,0x%lx", t.pid, p, p + 2 * HUGE) && file_write(file, "1"))
		die("writing to %s failed", file);
	tap_eq(0, "as made", smaps_at(t.pid, p).kb[THP], "kB, smaps",
	       "folio split: the step is what it says");
	check_counts("folio split", t.pid, want);
	gomem_del(t.pid);
	target_kill(&t);
}

static void frames(pid_t pid, long start, long pages, uint64_t *out)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || pread(fd, out, pages * 8, start / PAGE * 8) != pages * 8)
		die("reading %s failed: %s", path, strerror(errno));
	close(fd);
}

/* Every second page of @bytes. */
static long comb(long bytes, long b UNUSED, long c UNUSED)
{
	long p = do_map(bytes, MADV_NOHUGEPAGE, 0), at;

	do_touch(p, bytes, PAGE);
	for (at = 0; at < bytes; at += 2 * PAGE)
		madvise((void *)(p + at), PAGE, MADV_DONTNEED);
	return p;
}

/* The pages that compaction moved are in other frames, as pagemap shows. */
static void migrate(void)
{
	enum { BYTES = 64 * MB, COUNT = BYTES / PAGE };

	static uint64_t before[COUNT], after[COUNT];
	const struct want want[] = { { "migrate", ANY, ANY }, {} };
	struct target t = target_start();
	long p = target_call(&t, comb, BYTES, 0, 0), moved = 0;
	int i;

	gomem_add(t.pid);
	frames(t.pid, p, COUNT, before);
	file_write("/proc/sys/vm/compact_memory", "1");
	frames(t.pid, p, COUNT, after);
	for (i = 0; i < COUNT; i++)
		moved += before[i] << 9 != after[i] << 9;
	tap_note("compaction moved %ld pages (pagemap)", moved);
	tap_eq(moved * PAGE_KB, "kB, pagemap", vmas_sum(t.pid, p, BYTES, "migrated"), "kB, vmas",
	       "compaction: migrated");
	check_counts("compaction", t.pid, want);
	gomem_del(t.pid);
	target_kill(&t);
}

static void khugepaged(void)
{
	const struct want want[] = { { "hugepage", 1, HUGE_KB },
				     { "collapse", 1, (512 - 100) * PAGE_KB },
				     {} };
	struct target t = target_start();
	long p = target_call(&t, patchy, 0, 0, 0);
	int i;

	gomem_add(t.pid);
	target_call(&t, advise, p, HUGE, MADV_HUGEPAGE);
	mm_set("transparent_hugepage/khugepaged/pages_to_scan", "65536");
	mm_set("transparent_hugepage/khugepaged/alloc_sleep_millisecs", "10");
	mm_set("transparent_hugepage/khugepaged/scan_sleep_millisecs", "10");
	for (i = 0; i < 500 && smaps_at(t.pid, p).kb[THP] < HUGE_KB; i++)
		usleep(20000);
	mm_quiet();
	check_counts("khugepaged", t.pid, want);
	gomem_del(t.pid);
	target_kill(&t);
}

/* process_madvise() counts for whose memory it is. */
static void remote_collapse(void)
{
	const struct want want[] = { { "madv_collapse", 1, HUGE_KB },
				     { "collapse", 1, (512 - 100) * PAGE_KB },
				     {} };
	struct target t = target_start();
	long p = target_call(&t, patchy, 0, 0, 0);
	struct iovec range = { (void *)p, HUGE };
	int fd = syscall(SYS_pidfd_open, t.pid, 0);

	gomem_add(t.pid);
	if (syscall(SYS_process_madvise, fd, &range, 1, MADV_COLLAPSE, 0) == HUGE)
		check_counts("process_madvise", t.pid, want);
	else
		tap_skip(strerror(errno), "process_madvise");
	close(fd);
	gomem_del(t.pid);
	target_kill(&t);
}

static bool is_planted(const char *event)
{
	struct table *t = table_read("probes");
	bool planted = false;
	int row;

	for (row = 0; row < t->rows; row++)
		planted |= !strcmp(table_str(t, row, "event"), event) &&
			   !strcmp(table_str(t, row, "state"), "planted");
	table_free(t);
	return planted;
}

static bool wait_planted(const char *event, bool planted)
{
	int i;

	for (i = 0; i < 100 && is_planted(event) != planted; i++)
		usleep(20000);
	return is_planted(event) == planted;
}

/* Folios of 64 KiB, and a hook for them as long as the host has them on. */
static void mthp(void)
{
	const struct want want[] = { { "mthp_fault", 4, 256 }, { "anon_fault", 4, 16 }, {} };
	struct target t;
	long p;

	if (access("/sys/kernel/mm/" THP_64KB, F_OK)) {
		tap_skip("this kernel has none", "folios of 64 KiB");
		return;
	}
	t = target_start();
	p = target_call(&t, fresh, 0, 0, 0);
	target_settle(&t);
	tap_ok(!is_planted("mthp_fault"), "folios of 64 KiB are off: no hook");
	mm_set(THP_64KB, "always");
	tap_ok(wait_planted("mthp_fault", true), "folios of 64 KiB are on: a hook");
	gomem_add(t.pid);
	target_call(&t, act_touch, p, 256 * KB, 0);
	check_counts("folios of 64 KiB", t.pid, want);
	target_call(&t, do_advise, p, 256 * KB, MADV_DONTNEED);
	target_call(&t, act_touch, p, 256 * KB, 0);
	tap_eq(256, "kB released, and faulted in again", vmas_sum(t.pid, p, 256 * KB, "churn"),
	       "churn", "folios of 64 KiB");
	mm_set(THP_64KB, "never");
	tap_ok(wait_planted("mthp_fault", false), "folios of 64 KiB are off again: no hook");
	gomem_del(t.pid);
	target_kill(&t);
}

static long count_of(pid_t pid, const char *kind)
{
	struct table *t = table_read("counts");
	long count = -1;
	int row;

	for (row = 0; row < t->rows; row++)
		if (table_dec(t, row, "pid") == (unsigned long)pid &&
		    !strcmp(table_str(t, row, "kind"), kind))
			count = table_dec(t, row, "count");
	table_free(t);
	return count;
}

static void life(void)
{
	struct target t = target_start();

	gomem_add(t.pid);
	target_exec(&t);
	target_exec(&t);
	tap_eq(2, "as made", count_of(t.pid, "exec"), "counts", "exec");
	tap_eq(0, "as made", count_of(t.pid, "exit"), "counts", "exit, before");
	target_exit(&t);
	tap_eq(1, "as made", count_of(t.pid, "exit"), "counts", "exit");
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
	huge_swapout();
	folio_split();
	migrate();
	khugepaged();
	remote_collapse();
	mthp();
	life();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
