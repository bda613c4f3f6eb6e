// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kinds of event in /proc/gomem/counts that come over a process: reclaim, compaction, bad
 * memory, khugepaged, who splits its huge pages, and what the host's settings make of a fault.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kinds.h"
#include "lib.h"
#include "memory.h"
#include "verbs.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define COMB (64 * MB)
#define SPLIT "/sys/kernel/debug/split_huge_pages"
#define THP_64KB "transparent_hugepage/hugepages-64kB/enabled"

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
	target_call(&t, do_advise, p, HUGE, MADV_PAGEOUT);
	tap_eq(HUGE_KB, "as made", smaps_at(t.pid, p).kb[SWAP], "kB, smaps",
	       "huge page to swap: the step is what it says");
	kinds_check("huge page to swap", t.pid, want);
	gomem_del(t.pid);
	target_kill(&t);
}

static int split(pid_t pid, long p, long bytes)
{
	return file_write(SPLIT, "%d,0x%lx,0x%lx", pid, p, p + bytes);
}

/* All huge pages are split by debugfs: of one process, or, on older kernels, of all. */
static void folio_split(void)
{
	const struct want want[] = { { "folio_split", 2, 2 * HUGE_KB },
				     { "pmd_split", 2, 2 * HUGE_KB },
				     {} };
	struct target t = target_start();
	long p = target_call(&t, huge, 0, 0, 0);

	gomem_add(t.pid);
	if (split(t.pid, p, 2 * HUGE) && file_write(SPLIT, "1"))
		die("writing to " SPLIT " failed");
	tap_eq(0, "as made", smaps_at(t.pid, p).kb[THP], "kB, smaps",
	       "folio split: the step is what it says");
	kinds_check("folio split", t.pid, want);
	gomem_del(t.pid);
	target_kill(&t);
}

/* It forks, gives its first huge page up for a new one, and its child's is split. */
static long huge_again(long p, long b UNUSED, long c UNUSED)
{
	long pid = do_fork(0, 0, 0);

	do_advise(p, HUGE, MADV_DONTNEED);
	do_touch(p, HUGE, HUGE);
	return pid;
}

static void folio_split_elsewhere(void)
{
	const struct want want[] = { {} };
	struct target t = target_start();
	long p = target_call(&t, huge, 0, 0, 0);
	pid_t child = target_call(&t, huge_again, p, 0, 0);

	gomem_add(t.pid);
	if (split(child, p, HUGE)) {
		tap_skip("this kernel splits all", "split of another's huge page");
	} else {
		tap_eq(HUGE_KB, "as made", smaps_at(child, p).kb[THP], "kB, smaps of the other",
		       "split of another's huge page: the step is what it says");
		tap_eq(2 * HUGE_KB, "as made", smaps_at(t.pid, p).kb[THP], "kB, smaps",
		       "split of another's huge page: the target's are whole");
		kinds_check("split of another's huge page", t.pid, want);
	}
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

/* How many of @count pages from @p on, with frames @before, are in others now. */
static long moved(pid_t pid, long p, long count, const uint64_t *before)
{
	static uint64_t after[COMB / PAGE];
	long i, moved = 0;

	frames(pid, p, count, after);
	for (i = 0; i < count; i++)
		moved += before[i] << 9 != after[i] << 9;
	return moved;
}

/* Memory that is said to go bad: each page is moved to another frame, once. */
static long act_offline(long p, long bytes, long c UNUSED)
{
	long at;

	for (at = 0; at < bytes; at += PAGE)
		if (madvise((void *)(p + at), PAGE, MADV_SOFT_OFFLINE))
			return errno;
	return 0;
}

static void migrate(void)
{
	const struct want want[] = { { "migrate", N, KB_OF(N) }, {} };
	struct target t = target_start();
	long p = target_call(&t, touched, 0, 0, 0), err;
	uint64_t before[N];

	gomem_add(t.pid);
	frames(t.pid, p, N, before);
	err = target_call(&t, act_offline, p, PAGES(N), 0);
	if (err) {
		tap_skip(strerror(err), "bad memory");
	} else {
		tap_eq(N, "as made", moved(t.pid, p, N, before), "pages in other frames, pagemap",
		       "bad memory: the step is what it says");
		kinds_check("bad memory", t.pid, want);
		tap_eq(KB_OF(N), "kB, as made", vmas_sum(t.pid, p, PAGES(N), "migrated"),
		       "kB, vmas", "bad memory: migrated");
	}
	gomem_del(t.pid);
	target_kill(&t);
}

/* The pages that compaction moved are in other frames, as pagemap shows. */
static void compaction(void)
{
	static uint64_t before[COMB / PAGE];
	const struct want want[] = { { "migrate", ANY, ANY }, {} };
	struct target t = target_start();
	long p = target_call(&t, comb, COMB, 0, 0), pages;

	gomem_add(t.pid);
	frames(t.pid, p, COMB / PAGE, before);
	file_write("/proc/sys/vm/compact_memory", "1");
	pages = moved(t.pid, p, COMB / PAGE, before);
	if (pages) {
		tap_eq(pages * PAGE_KB, "kB, pagemap", vmas_sum(t.pid, p, COMB, "migrated"),
		       "kB, vmas", "compaction: migrated");
		kinds_check("compaction", t.pid, want);
	} else {
		tap_skip("it moved nothing", "compaction");
	}
	gomem_del(t.pid);
	target_kill(&t);
}

static long act_hugepage(long p, long bytes, long c UNUSED)
{
	return madvise((void *)p, bytes, MADV_HUGEPAGE);
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
	target_call(&t, act_hugepage, p, HUGE, 0);
	mm_set("transparent_hugepage/khugepaged/pages_to_scan", "65536");
	mm_set("transparent_hugepage/khugepaged/alloc_sleep_millisecs", "10");
	/*
	 * smaps has the page before khugepaged, the least of all tasks, got to say so. And the
	 * setting wakes it only when it sleeps, by then for an hour, already.
	 */
	for (i = 0; i < 1000 && kinds_count(t.pid, "collapse") < 1; i++) {
		mm_set("transparent_hugepage/khugepaged/scan_sleep_millisecs", "10");
		usleep(20000);
	}
	tap_eq(HUGE_KB, "as made", smaps_at(t.pid, p).kb[THP], "kB, smaps",
	       "khugepaged: the step is what it says");
	mm_quiet();
	kinds_check("khugepaged", t.pid, want);
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
		kinds_check("process_madvise", t.pid, want);
	else
		tap_skip(strerror(errno), "process_madvise");
	close(fd);
	gomem_del(t.pid);
	target_kill(&t);
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
	tap_ok(probe_wait("mthp_fault", "absent"), "folios of 64 KiB are off: no hook");
	mm_set(THP_64KB, "always");
	tap_ok(probe_wait("mthp_fault", "planted"), "folios of 64 KiB are on: a hook");
	gomem_add(t.pid);
	target_call(&t, do_touch, p, 256 * KB, PAGE);
	kinds_check("folios of 64 KiB", t.pid, want);
	target_call(&t, do_advise, p, 256 * KB, MADV_DONTNEED);
	target_call(&t, do_touch, p, 256 * KB, PAGE);
	tap_eq(256, "kB released, and faulted in again", vmas_sum(t.pid, p, 256 * KB, "churn"),
	       "churn", "folios of 64 KiB");
	mm_set(THP_64KB, "never");
	tap_ok(probe_wait("mthp_fault", "absent"), "folios of 64 KiB are off again: no hook");
	gomem_del(t.pid);
	target_kill(&t);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	swap_on();
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	module_require();
	huge_swapout();
	folio_split();
	folio_split_elsewhere();
	migrate();
	compaction();
	khugepaged();
	remote_collapse();
	mthp();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
