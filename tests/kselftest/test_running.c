// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A target that runs, maps and unmaps while it is read: figures may be of any moment,
 * but rows and runs stay ordered, apart and possible, and the kernel is never held long.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gomem.h"
#include "lib.h"
#include "memory.h"
#include "verbs.h"

#define READS 100
#define GB (1024 * MB)
#define SPACE (256 * GB) /* a page in each GiB */

static void *change(void *seed)
{
	unsigned int random = (unsigned long)seed;
	long p = do_map(64 * MB, random & 1 ? MADV_HUGEPAGE : 0, 0), at;

	for (;;) {
		at = p + (rand_r(&random) % (60 * MB) & -PAGE);
		switch (rand_r(&random) % 6) {
		case 0:
			mmap((void *)at, MB, PROT_READ | PROT_WRITE,
			     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			break;
		case 1:
			mprotect((void *)at, 64 * KB, PROT_READ);
			break;
		case 2:
			mprotect((void *)p, 64 * MB, PROT_READ | PROT_WRITE);
			break;
		case 3:
			madvise((void *)at, 4 * MB, MADV_DONTNEED);
			break;
		default:
			mprotect((void *)at, MB, PROT_READ | PROT_WRITE);
			do_peek(at, MB, 16 * PAGE);
		}
	}
	return seed;
}

static long start_changing(long threads, long b UNUSED, long c UNUSED)
{
	pthread_t thread;

	for (; threads; threads--)
		pthread_create(&thread, NULL, change, (void *)threads);
	return 0;
}

static bool row_possible(const struct table *t, int row)
{
	unsigned long size = table_dec(t, row, "size"), rss = table_dec(t, row, "rss");
	unsigned long anon = table_dec(t, row, "anon"), swap = table_dec(t, row, "swap");

	return size == (table_hex(t, row, "end") - table_hex(t, row, "start")) / KB &&
	       rss + swap <= size && anon <= rss && table_dec(t, row, "thp") <= anon &&
	       table_dec(t, row, "lazyfree") <= anon;
}

static void check_vmas(void)
{
	struct table *t;
	int i, row, bad = 0;

	for (i = 0; i < READS && !bad; i++) {
		t = table_read("vmas");
		for (row = 0; row < t->rows && !bad; row++)
			bad = !row_possible(t, row) ||
			      (row && table_hex(t, row, "start") < table_hex(t, row - 1, "end"));
		if (bad)
			tap_note("row %s-%s: rss %s, anon %s, thp %s kB",
				 table_str(t, row - 1, "start"), table_str(t, row - 1, "end"),
				 table_str(t, row - 1, "rss"), table_str(t, row - 1, "anon"),
				 table_str(t, row - 1, "thp"));
		table_free(t);
	}
	tap_ok(!bad, "vmas: %d reads of ordered, possible rows (contract)", READS);
}

static bool runs_possible(pid_t pid)
{
	struct gomem_page_run runs[1000];
	char path[40];
	__u64 last = 0;
	bool good = true;
	ssize_t n, i;
	int fd;

	snprintf(path, sizeof(path), "/proc/gomem/%d/pages", pid);
	fd = open(path, O_RDONLY);
	while (good && (n = read(fd, runs, sizeof(runs))) > 0)
		for (i = 0; i < n / (ssize_t)sizeof(*runs) && good; i++) {
			good = runs[i].start >= last && runs[i].pages && runs[i].state &&
			       runs[i].state < GOMEM_PAGE_STATES;
			last = runs[i].start + runs[i].pages * PAGE;
		}
	close(fd);
	return good && n == 0;
}

static void check_pages(pid_t pid)
{
	int i;

	for (i = 0; i < READS && runs_possible(pid); i++)
		;
	tap_eq(READS, "contract", i, "good reads", "pages: runs ordered, apart, in range");
}

/* A stop and a look: what the hooks and the walk lost on the way would show here. */
static void check_end(const struct target *t)
{
	enum size i;

	target_stop(t);
	for (i = RSS; i < SIZES; i++)
		tap_eq(smaps_total(t->pid, i), "kB, smaps", summary(t->pid, sizes[i].column),
		       "kB, /proc/gomem/summary", "stopped after all that: %s", sizes[i].column);
	tap_eq(0, "contract", summary(t->pid, "dropped"), "/proc/gomem/summary", "dropped");
	tap_note("the longest hold of a lock in the last look: %lu us", summary(t->pid, "hold_us"));
}

/* The end of a mapping comes and goes: whoever does that wants the lock all the time. */
static void *flip(void *end)
{
	for (;;) {
		mmap(end, PAGE, PROT_READ | PROT_WRITE,
		     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		munmap(end, PAGE);
	}
	return end;
}

static long start_flipping(long threads, long bytes, long b UNUSED)
{
	long p = do_map(bytes, MADV_NOHUGEPAGE, 0);
	pthread_t thread;

	do_touch(p, bytes, GB);
	for (; threads; threads--)
		pthread_create(&thread, NULL, flip, (void *)(p + bytes));
	return p;
}

static unsigned long windows(void)
{
	struct table *t = table_read("stats");
	unsigned long n = 0;
	int row;

	for (row = 0; row < t->rows; row++)
		if (!strcmp(table_str(t, row, "scope"), "walk") &&
		    !strcmp(table_str(t, row, "item"), "windows"))
			n = table_dec(t, row, "value");
	table_free(t);
	return n;
}

/*
 * However many wait for the lock, it is not let go before some of the work is done: an empty entry
 * of 2 MiB is a point, which there are 128 of in a window, but for some that it begins with; and a
 * millisecond is a window, too.
 */
static void contended(void)
{
	struct target t = target_start();
	unsigned long seen, most;
	int i;

	gomem_add(t.pid);
	target_call(&t, start_flipping, 4, SPACE, 0);
	for (i = 0; i < 5; i++) {
		seen = windows();
		most = SPACE / HUGE / 64 + summary(t.pid, "walk_us") / 1000 + 64;
		seen = windows() - seen;
		if (seen > most)
			break;
	}
	tap_ok(seen <= most, "a contended lock: expected at most %lu windows in a look, got %lu",
	       most, seen);
	target_stop(&t);
	gomem_del(t.pid);
	target_kill(&t);
}

int main(int argc, char **argv)
{
	struct target t;

	target_main(argc, argv);
	mm_quiet();
	module_require();
	t = target_start();
	gomem_add(t.pid);
	target_call(&t, start_changing, 3, 0, 0);
	check_vmas();
	check_pages(t.pid);
	check_end(&t);
	gomem_del(t.pid);
	target_kill(&t);
	contended();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
