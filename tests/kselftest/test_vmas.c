// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/gomem/vmas against /proc/PID/smaps of a stopped target: the same VMAs, one
 * by one, and each figure to the page, for memory of every kind.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib.h"
#include "memory.h"
#include "scenes.h"
#include "verbs.h"

static long figure(const struct table *t, int row, int what)
{
	return table_dec(t, row, sizes[what].column);
}

/* Return: whether @row is the same VMA; if not, one check says what differs. */
static bool same(const struct scene *s, const struct table *t, int row, const struct smap *map)
{
	int i;

	if ((long)table_hex(t, row, "start") != map->start ||
	    (long)table_hex(t, row, "end") != map->end ||
	    strcmp(table_str(t, row, "perms"), map->perms)) {
		tap_ok(false, "%s: expected %lx-%lx %s (smaps), got %s-%s %s (/proc/gomem/vmas)",
		       s->name, map->start, map->end, map->perms, table_str(t, row, "start"),
		       table_str(t, row, "end"), table_str(t, row, "perms"));
		return false;
	}
	for (i = 0; i < SIZES; i++)
		if (figure(t, row, i) != map->kb[i])
			break;
	if (i == SIZES)
		return true;
	tap_eq(map->kb[i], "kB, smaps", figure(t, row, i), "kB, /proc/gomem/vmas",
	       "%s: %lx-%lx %s: %s", s->name, map->start, map->end, map->name, sizes[i].column);
	return false;
}

static void check_rows(const struct scene *s, pid_t pid)
{
	struct table *t = table_read("vmas");
	int i, count, bad = 0;
	struct smap *maps = smaps_read(pid, &count);

	tap_eq(count, "VMAs, smaps", t->rows, "rows, /proc/gomem/vmas", "%s: rows", s->name);
	for (i = 0; i < count && i < t->rows && bad < 3; i++)
		bad += table_dec(t, i, "pid") != (unsigned long)pid || !same(s, t, i, &maps[i]);
	tap_ok(!bad, "%s: each row is as in smaps", s->name);
	free(maps);
	table_free(t);
}

/* What summary says of the target is the sum of its VMAs. */
static void check_summary(const struct scene *s, pid_t pid)
{
	int i, count;

	free(smaps_read(pid, &count));
	for (i = SIZE; i < SIZES; i++)
		if ((long)summary(pid, sizes[i].column) != smaps_total(pid, i))
			break;
	if (i < SIZES)
		tap_eq(smaps_total(pid, i), "kB, smaps", summary(pid, sizes[i].column),
		       "kB, /proc/gomem/summary", "%s: sum of %s", s->name, sizes[i].column);
	else
		tap_eq(count, "VMAs, smaps", summary(pid, "vmas"), "/proc/gomem/summary",
		       "%s: summary", s->name);
}

static void look(const struct scene *s, pid_t pid)
{
	check_rows(s, pid);
	check_summary(s, pid);
}

/* The other side of a fork: the pages that the parent copied are the child's alone. */
static void check_cow_child(void)
{
	static const struct scene s = { .name = "forked child" };
	struct target t = target_start();
	long p = target_call(&t, do_map, 64 * PAGE, 0, 0);
	pid_t child;

	target_call(&t, do_touch, p, 64 * PAGE, PAGE);
	child = target_call(&t, do_fork, 0, 0, 0);
	target_call(&t, do_touch, p, 16 * PAGE, PAGE);
	target_stop(&t);
	process_stop(child);
	if (gomem_add(child))
		die("adding a forked child failed");
	look(&s, child);
	gomem_del(child);
	target_kill(&t);
}

/* Not a scene: smaps of 6.1 misses huge pages made PROT_NONE (follow_trans_huge_pmd() does
 * not follow those), while they are as resident as VmRSS says.
 */
static void check_huge_none(void)
{
	struct target t = target_start();
	long p = target_call(&t, do_map, HUGE, MADV_HUGEPAGE, 0);

	target_call(&t, do_touch, p, HUGE, HUGE);
	target_call(&t, do_protect, p, HUGE, PROT_NONE);
	target_stop(&t);
	gomem_add(t.pid);
	tap_eq(HUGE_KB, "kB, as made", vmas_sum(t.pid, p, HUGE, "rss"), "kB, /proc/gomem/vmas",
	       "thp, PROT_NONE: rss");
	tap_eq(HUGE_KB, "kB, as made", vmas_sum(t.pid, p, HUGE, "thp"), "kB, /proc/gomem/vmas",
	       "thp, PROT_NONE: thp");
	gomem_del(t.pid);
	target_kill(&t);
}

/* The row that holds @addr says what it was made; @name NULL: no name was given to it. */
static void check_kind(struct table *t, long addr, const char *kind, const char *name)
{
	const char *got;
	int row;

	for (row = 0; row < t->rows; row++)
		if ((long)table_hex(t, row, "start") <= addr &&
		    addr < (long)table_hex(t, row, "end"))
			break;
	got = row < t->rows ? table_str(t, row, "kind") : "no row";
	tap_ok(!strcmp(got, kind), "kind at %lx: expected %s (as made), got %s (/proc/gomem/vmas)",
	       addr, kind, got);
	got = row < t->rows ? table_str(t, row, "name") : "no row";
	if (name)
		tap_ok(!strcmp(got, name),
		       "name at %lx: expected %s (as made), got %s (/proc/gomem/vmas)", addr, name,
		       got);
}

static long where_named(pid_t pid, const char *name)
{
	int i, count;
	struct smap *maps = smaps_read(pid, &count);
	long start = 0;

	for (i = 0; i < count; i++)
		if (!strcmp(maps[i].name, name))
			start = maps[i].start;
	free(maps);
	return start;
}

/* A name with a blank, a backslash and a line feed: three fields and two lines if not escaped. */
static long map_odd_file(long a UNUSED, long b UNUSED, long c UNUSED)
{
	long fd = do_file(PAGE, 1, 0);

	if (rename("/ram/file", "/ram/a b\\c\nd"))
		die("naming a file failed");
	return do_map_fd(PAGE, fd, MAP_PRIVATE);
}

static void check_kinds(void)
{
	struct target t = target_start();
	long anon = target_call(&t, do_map, 64 * PAGE, 0, 0);
	long odd = target_call(&t, map_odd_file, 0, 0, 0);
	struct table *table;

	target_stop(&t);
	gomem_add(t.pid);
	table = table_read("vmas");
	check_kind(table, anon, "anon", "-");
	check_kind(table, odd, "file", "/ram/a\\040b\\134c\\012d");
	check_kind(table, where_named(t.pid, "[heap]"), "heap", NULL);
	check_kind(table, where_named(t.pid, "[stack]"), "stack", NULL);
	check_kind(table, where_named(t.pid, "[vdso]"), "vdso", NULL);
	table_free(table);
	gomem_del(t.pid);
	target_kill(&t);
}

#define LONG_NAMES 3000

/* Two files with paths of nearly 4 KiB, a page of the one beside a page of the other. */
static long map_long_names(long a UNUSED, long b UNUSED, long c UNUSED)
{
	long p = (long)mmap(NULL, PAGES(LONG_NAMES), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char name[251] = "";
	int fds[2], i;

	memset(name, 'd', sizeof(name) - 1);
	for (i = 0; i < 15; i++)
		if (mkdir(name, 0700) || chdir(name))
			return -1;
	fds[0] = open("a", O_RDWR | O_CREAT, 0600);
	fds[1] = open("b", O_RDWR | O_CREAT, 0600);
	for (i = 0; i < LONG_NAMES; i++)
		if (mmap((void *)(p + PAGES(i)), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED,
			 fds[i % 2], 0) == MAP_FAILED)
			return -1;
	return p;
}

/* However many there are and however long, all VMAs have a row and the names have a bound. */
static void check_long_names(void)
{
	struct target t = target_start();
	unsigned long p = target_call(&t, map_long_names, 0, 0, 0), start;
	long rows = 0, bytes = 0, length;
	struct table *table;
	int row;

	gomem_add(t.pid);
	table = table_read("vmas");
	for (row = 0; row < table->rows; row++) {
		start = table_hex(table, row, "start");
		length = strlen(table_str(table, row, "name"));
		rows += start >= p && start < p + PAGES(LONG_NAMES);
		bytes += length > 1 ? length : 0;
	}
	tap_eq(LONG_NAMES, "VMAs, as made", rows, "rows", "long names");
	tap_ok(bytes > 7 * MB && bytes <= 8 * MB, "long names: up to 8 MiB (contract), got %ld",
	       bytes);
	table_free(table);
	gomem_del(t.pid);
	target_kill(&t);
}

/* A large mapping of shared memory with little in it, and that in swap. */
static long sparse_shmem(long bytes, long stride, long c UNUSED)
{
	int fd = memfd_create("sparse", 0);
	long p;

	if (fd < 0 || ftruncate(fd, bytes))
		die("making a memfd of %ld bytes failed", bytes);
	p = do_map_fd(bytes, fd, MAP_SHARED);
	do_touch(p, bytes, stride);
	return do_advise(p, bytes, MADV_PAGEOUT) ?: p;
}

/* A step per 2 MiB of it would take many seconds. */
static void check_sparse_swap(void)
{
	struct target t = target_start();
	long bytes = 4096 * 1024 * MB, stride = bytes / 16, p;

	p = target_call(&t, sparse_shmem, bytes, stride, 0);
	gomem_add(t.pid);
	target_stop(&t);
	tap_eq(16 * PAGE_KB, "as made", smaps_at(t.pid, p).kb[SWAP], "kB, smaps",
	       "little in swap of 4 TiB: the step is what it says");
	tap_eq(16 * PAGE_KB, "as made", vmas_sum(t.pid, p, bytes, "swap"), "kB, vmas",
	       "little in swap of 4 TiB");
	tap_note("4 TiB took %lu us", summary(t.pid, "walk_us"));
	tap_ok(summary(t.pid, "walk_us") < 500000, "little in swap of 4 TiB: in half a second");
	gomem_del(t.pid);
	target_kill(&t);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	scene_each(look);
	check_cow_child();
	check_huge_none();
	check_kinds();
	check_long_names();
	check_sparse_swap();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
