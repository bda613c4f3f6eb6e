// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/gomem/PID/pages of a stopped target: summed, it is smaps; page by page, it is
 * what pagemap and kpageflags say; and it reads the same in any pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gomem.h"
#include "lib.h"
#include "memory.h"
#include "scenes.h"
#include "verbs.h"

struct runs {
	struct gomem_page_run *v;
	int n;
};

static int pages_open(pid_t pid)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/gomem/%d/pages", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("opening %s failed: %s", path, strerror(errno));
	return fd;
}

/* All runs, by read()s of @piece bytes; n = -1 when one failed or broke a run. */
static struct runs runs_read(pid_t pid, size_t piece)
{
	struct runs r = { NULL, 0 };
	int fd = pages_open(pid);
	size_t len = 0;
	ssize_t n;

	do {
		r.v = realloc(r.v, len + piece);
		n = read(fd, (char *)r.v + len, piece);
		len += n > 0 ? n : 0;
	} while (n > 0 && n % sizeof(*r.v) == 0);
	close(fd);
	r.n = n ? -1 : (int)(len / sizeof(*r.v));
	return r;
}

static long run_end(const struct gomem_page_run *run)
{
	return run->start + run->pages * PAGE;
}

/* By address, apart, each in range: what the contract says of the file. */
static void check_order(const struct scene *s, const struct runs *r)
{
	int i, bad = r->n < 0 ? 0 : -1;

	for (i = 0; i < r->n && bad < 0; i++)
		if (!r->v[i].pages || r->v[i].state == GOMEM_PAGE_ABSENT ||
		    r->v[i].state >= GOMEM_PAGE_STATES || r->v[i].reserved ||
		    (i && (long)r->v[i].start < run_end(&r->v[i - 1])))
			bad = i;
	tap_ok(bad < 0, "%s: runs are ordered, apart and in range (first bad: %d of %d)", s->name,
	       bad, r->n);
}

static void add_run(const struct gomem_page_run *run, const struct smap *map, long *kb)
{
	long start = run->start > (unsigned long)map->start ? (long)run->start : map->start;
	long end = run_end(run) < map->end ? run_end(run) : map->end;
	long size = end > start ? (end - start) / KB : 0;
	bool anon = run->state == GOMEM_PAGE_ANON || run->state == GOMEM_PAGE_MTHP ||
		    run->state == GOMEM_PAGE_THP || run->state == GOMEM_PAGE_LAZYFREE;

	if (run->state == GOMEM_PAGE_SWAP)
		kb[SWAP] += size;
	else if (run->state != GOMEM_PAGE_ZERO)
		kb[RSS] += size;
	kb[ANON] += anon ? size : 0;
	kb[THP] += anon && run->state != GOMEM_PAGE_MTHP && run->order == 9 ? size : 0;
	kb[LAZYFREE] += run->state == GOMEM_PAGE_LAZYFREE ? size : 0;
}

static bool sum_is_smaps(const struct scene *s, const struct runs *r, const struct smap *map)
{
	long kb[SIZES] = { 0 };
	int i;

	for (i = 0; i < r->n; i++)
		add_run(&r->v[i], map, kb);
	for (i = RSS; i < SIZES; i++)
		if (kb[i] != map->kb[i])
			break;
	if (i == SIZES)
		return true;
	tap_eq(map->kb[i], "kB, smaps", kb[i], "kB, /proc/gomem/PID/pages",
	       "%s: %lx-%lx %s: sum of %s", s->name, map->start, map->end, map->name,
	       sizes[i].column);
	return false;
}

/*
 * What of shared memory is in swap is in no page table, and so absent in pagemap; that runs
 * have as much of it as smaps is checked above.
 */
static enum page run_kind(const struct gomem_page_run *run, enum page seen)
{
	switch (run->state) {
	case GOMEM_PAGE_ZERO:
		return PAGE_ZERO;
	case GOMEM_PAGE_ANON:
		return PAGE_ANON;
	case GOMEM_PAGE_THP:
	case GOMEM_PAGE_MTHP:
		return PAGE_COMPOUND;
	case GOMEM_PAGE_LAZYFREE:
		return seen == PAGE_COMPOUND ? PAGE_COMPOUND : PAGE_ANON;
	case GOMEM_PAGE_FILE:
	case GOMEM_PAGE_SHMEM:
		return PAGE_FILE;
	case GOMEM_PAGE_SWAP:
		return seen == PAGE_ABSENT ? PAGE_ABSENT : PAGE_SWAP;
	default:
		return PAGE_ABSENT;
	}
}

/* Return: the state at @addr; @at is a run not after it, and moves on. */
static enum page kind_at(const struct runs *r, int *at, long addr, enum page seen)
{
	while (*at < r->n && run_end(&r->v[*at]) <= addr)
		++*at;
	if (*at == r->n || (long)r->v[*at].start > addr)
		return PAGE_ABSENT;
	return run_kind(&r->v[*at], seen);
}

static bool pages_are_pagemap(const struct scene *s, const struct runs *r, const struct smap *map,
			      pid_t pid)
{
	long i, n = (map->end - map->start) / PAGE;
	unsigned char *seen = malloc(n);
	enum page got = PAGE_ABSENT;
	int at = 0;

	pagemap_read(pid, map->start, map->end, seen);
	for (i = 0; i < n; i++) {
		got = kind_at(r, &at, map->start + i * PAGE, seen[i]);
		if (got != seen[i])
			break;
	}
	if (i < n)
		tap_ok(false, "%s: page %lx: expected %s (pagemap, kpageflags), got %s (pages)",
		       s->name, map->start + i * PAGE, page_names[seen[i]], page_names[got]);
	free(seen);
	return i == n;
}

static void check_vmas(const struct scene *s, const struct runs *r, pid_t pid)
{
	int i, count;
	struct smap *maps = smaps_read(pid, &count);
	bool good = true;

	for (i = 0; i < count && good; i++) {
		good = sum_is_smaps(s, r, &maps[i]);
		if (good && !maps[i].pfnmap && !maps[i].hugetlb)
			good = pages_are_pagemap(s, r, &maps[i], pid);
	}
	tap_ok(good, "%s: each page is as in pagemap, each sum as in smaps", s->name);
	free(maps);
}

static bool same(const struct gomem_page_run *a, const struct gomem_page_run *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* What is in one run may come in two when the reads are cut elsewhere. */
static struct runs joined(struct runs r)
{
	int i, n = 0;

	for (i = 0; i < r.n; i++)
		if (n && run_end(&r.v[n - 1]) == (long)r.v[i].start &&
		    r.v[n - 1].state == r.v[i].state && r.v[n - 1].order == r.v[i].order)
			r.v[n - 1].pages += r.v[i].pages;
		else
			r.v[n++] = r.v[i];
	r.n = r.n < 0 ? r.n : n;
	return r;
}

static void check_piece(const struct scene *s, const struct runs *whole, pid_t pid, size_t piece)
{
	struct runs r = joined(runs_read(pid, piece));
	int i;

	for (i = 0; i < r.n && i < whole->n && same(&r.v[i], &whole->v[i]); i++)
		;
	tap_ok(i == r.n && i == whole->n,
	       "%s: reads of %zu bytes: expected %d runs (one read), got %d, the same up to %d",
	       s->name, piece, whole->n, r.n, i);
	free(r.v);
}

/* pread() at a run gives that run, and inside of it its rest. */
static void check_offsets(const struct scene *s, const struct runs *r, pid_t pid)
{
	int fd = pages_open(pid), i;
	struct gomem_page_run got;
	long from;

	for (i = 0; i < r->n; i++) {
		from = r->v[i].start + r->v[i].pages / 2 * PAGE;
		if (pread(fd, &got, sizeof(got), from) != sizeof(got) || (long)got.start != from ||
		    run_end(&got) > run_end(&r->v[i]) || got.state != r->v[i].state)
			break;
	}
	tap_ok(i == r->n, "%s: pread inside each run gives its rest (first bad: %d of %d)", s->name,
	       i, r->n);
	tap_ok(pread(fd, &got, sizeof(got) - 1, 0) < 0 && errno == EINVAL,
	       "%s: a buffer smaller than a run is EINVAL (contract)", s->name);
	close(fd);
}

static void look(const struct scene *s, pid_t pid)
{
	struct runs r = runs_read(pid, MB);
	bool small;

	check_order(s, &r);
	r = joined(r);
	check_vmas(s, &r, pid);
	check_offsets(s, &r, pid);
	small = r.n < 200;
	check_piece(s, &r, pid, small ? sizeof(*r.v) : 100 * sizeof(*r.v));
	free(r.v);
}

/* The order of an mthp: of the 2 MiB folio that a change of protection left mapped by PTEs. */
static void check_order_of_mthp(void)
{
	struct target t = target_start();
	long p = target_call(&t, do_map, HUGE, MADV_HUGEPAGE, 0);
	struct gomem_page_run run = { 0 };
	int fd;

	target_call(&t, do_touch, p, HUGE, HUGE);
	target_call(&t, do_protect, p + MB, PAGE, PROT_READ);
	target_stop(&t);
	gomem_add(t.pid);
	fd = pages_open(t.pid);
	tap_eq(sizeof(run), "bytes, one run", pread(fd, &run, sizeof(run), p), "pread", "mthp");
	tap_eq(GOMEM_PAGE_MTHP, "mthp, as made", run.state, "state", "mthp: state");
	tap_eq(9, "2 MiB folio, as made", run.order, "order", "mthp: order");
	close(fd);
	gomem_del(t.pid);
	target_kill(&t);
}

/* MPOL_BIND of linux/mempolicy.h */
static long do_bind(long addr, long bytes, long node)
{
	unsigned long mask = 1ul << node;

	if (syscall(SYS_mbind, addr, bytes, 2, &mask, 8 * sizeof(mask), 0))
		die("mbind to node %ld failed: %s", node, strerror(errno));
	return 0;
}

/* move_pages(2) without a move: the node that holds the page, or -errno. */
static int node_of(pid_t pid, long addr)
{
	void *page = (void *)addr;
	int node;

	if (syscall(SYS_move_pages, pid, 1, &page, NULL, &node, 0))
		die("move_pages failed: %s", strerror(errno));
	return node;
}

static int pages_write(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (long)strlen(text) ? 0 : -errno;
}

static void check_words(int fd)
{
	static const char *const bad[] = { "node",    "node=",	  "node=2", "node=11",
					   "nodes=1", "node=1 x", "=1" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		tap_eq(-EINVAL, "contract", pages_write(fd, bad[i]), "write", "write '%s'", bad[i]);
	tap_eq(0, "contract", pages_write(fd, "node=0\n"), "write", "write 'node=0'");
}

/* Each page of 4 KiB at @p, @pages of them, is on the node that its run says. */
static void check_nodes_at(int fd, pid_t pid, long p, int pages, const char *name)
{
	struct gomem_page_run run = { 0 };
	int i, bad = -1;

	for (i = 0; i < pages && bad < 0; i++)
		if (pread(fd, &run, sizeof(run), p + i * PAGE) != sizeof(run) ||
		    run.node != node_of(pid, p + i * PAGE))
			bad = i;
	tap_ok(bad < 0, "nodes: %s: each page is where move_pages(2) sees it (first bad: %d of %d)",
	       name, bad, pages);
}

static void check_unasked(int fd, long p)
{
	struct gomem_page_run run = { 0 };

	pread(fd, &run, sizeof(run), p);
	tap_eq(GOMEM_NODE_UNKNOWN, "contract", run.node, "node", "nodes: not asked for");
}

/* Where there are two nodes, half of the pages and the huge page are on the second. */
static void check_nodes(void)
{
	bool two = !access("/sys/devices/system/node/node1", F_OK);
	struct target t = target_start();
	long p = target_call(&t, do_map, 64 * PAGE, 0, 0);
	long huge = target_call(&t, do_map, HUGE, MADV_HUGEPAGE, 0);
	int fd;

	if (two) {
		target_call(&t, do_bind, p + 32 * PAGE, 32 * PAGE, 1);
		target_call(&t, do_bind, huge, HUGE, 1);
	}
	target_call(&t, do_touch, p, 64 * PAGE, PAGE);
	target_call(&t, do_touch, huge, HUGE, HUGE);
	target_stop(&t);
	gomem_add(t.pid);
	fd = pages_open(t.pid);
	check_words(fd);
	check_unasked(fd, p);
	tap_eq(0, "contract", pages_write(fd, "node=1\n"), "write", "write 'node=1'");
	check_nodes_at(fd, t.pid, p, 64, "small pages");
	check_nodes_at(fd, t.pid, huge, 1, "a huge page");
	if (two)
		tap_eq(1, "as bound", node_of(t.pid, huge), "move_pages", "nodes: two are there");
	close(fd);
	gomem_del(t.pid);
	target_kill(&t);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	scene_each(look);
	check_order_of_mthp();
	check_nodes();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
