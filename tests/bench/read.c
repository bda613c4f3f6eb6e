// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

#define GIB (1024 * MB)
#define SMALL_VMAS 65000
#define REPEATS 3

/* include/uapi/linux/fs.h of Linux 6.7, which the headers here may predate. */
#define CATEGORY_FILE (1 << 2)
#define CATEGORY_PRESENT (1 << 3)
#define CATEGORY_SWAPPED (1 << 4)
#define CATEGORY_PFNZERO (1 << 5)
#define CATEGORY_HUGE (1 << 6)

struct scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_argument {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct scan_argument)

/** struct scene - a target, and the part of its memory that is looked at */
struct scene {
	struct target target;
	long addr;
	long bytes;
};

/**
 * struct reader - one way to learn of a process's memory
 * @who: its name in the rows
 * @path: the file, with the pid
 * @read: reads what it tells of the scene's memory; NULL: the whole file is read, and what
 *	it cost while the process was empty is taken off
 */
struct reader {
	const char *who;
	const char *path;
	int (*read)(const char *path, const struct scene *scene);
};

#define READERS_MAX 8

static int read_pagemap(const char *path, const struct scene *scene)
{
	static uint64_t entries[128 * KB / 8];
	long at, end = (scene->addr + scene->bytes) / PAGE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	for (at = scene->addr / PAGE; at < end; at += ARRAY_SIZE(entries))
		if (pread(fd, entries, sizeof(entries), at * 8) != sizeof(entries))
			die("reading %s failed: %s", path, strerror(errno));
	close(fd);
	return 0;
}

/* All in one call, which is the best that it can do. */
static int read_scan(const char *path, const struct scene *scene)
{
	static struct scan_region regions[GIB / PAGE / 2 + 1];
	struct scan_argument argument = {
		.size = sizeof(argument),
		.start = scene->addr,
		.end = scene->addr + scene->bytes,
		.vec = (uintptr_t)regions,
		.vec_len = ARRAY_SIZE(regions),
		.category_anyof_mask = CATEGORY_PRESENT | CATEGORY_SWAPPED,
		.return_mask = CATEGORY_FILE | CATEGORY_PRESENT | CATEGORY_SWAPPED |
			       CATEGORY_PFNZERO | CATEGORY_HUGE,
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	err = ioctl(fd, PAGEMAP_SCAN, &argument) < 0 ? errno : 0;
	close(fd);
	return err;
}

static const struct reader vmas = { "gomem", "/proc/gomem/vmas", NULL };
static const struct reader pages = { "gomem", "/proc/gomem/%d/pages", NULL };
static const struct reader smaps = { "smaps", "/proc/%d/smaps", NULL };
static const struct reader rollup = { "smaps_rollup", "/proc/%d/smaps_rollup", NULL };
static const struct reader maps = { "maps", "/proc/%d/maps", NULL };
static const struct reader pagemap = { "pagemap", "/proc/%d/pagemap", read_pagemap };
static const struct reader scan = { "PAGEMAP_SCAN", "/proc/%d/pagemap", read_scan };

/* Return: instructions of the cheapest of some reads, or -1 where the kernel has no such. */
static long cost(const struct reader *reader, const struct scene *scene)
{
	long costs[REPEATS];
	char path[64];
	uint64_t start;
	int i, err = 0;

	snprintf(path, sizeof(path), reader->path, scene->target.pid);
	for (i = 0; i < REPEATS && !err; i++) {
		start = ticks();
		if (reader->read)
			err = reader->read(path, scene);
		else
			read_through(path);
		costs[i] = ticks() - start;
	}
	return err ? -1 : smallest(costs, REPEATS);
}

/**
 * struct figure - how its scene is made, and who is compared
 * @name: of the figure
 * @map: makes the memory
 * @bytes, @advice: its arguments
 * @stride: bytes between two pages that are touched
 * @rss: what is resident then, bytes
 * @per: into how many parts the cost is divided
 * @readers: NULL after the last
 */
static const struct figure {
	const char *name;
	target_fn map;
	long bytes;
	long advice;
	long stride;
	long rss;
	long per;
	const struct reader *readers[READERS_MAX];
} figures[] = {
	{ "vmas-4k",
	  do_map,
	  GIB,
	  MADV_NOHUGEPAGE,
	  PAGE,
	  GIB,
	  1,
	  { &vmas, &smaps, &rollup, &pagemap, &scan } },
	{ "vmas-thp",
	  do_map,
	  GIB,
	  MADV_HUGEPAGE,
	  HUGE,
	  GIB,
	  1,
	  { &vmas, &smaps, &rollup, &pagemap, &scan } },
	{ "pages-half",
	  do_map,
	  GIB,
	  MADV_NOHUGEPAGE,
	  2 * PAGE,
	  GIB / 2,
	  1,
	  { &pages, &smaps, &pagemap, &scan } },
	{ "vmas-row",
	  do_map_apart,
	  PAGES(SMALL_VMAS),
	  0,
	  PAGE,
	  PAGES(SMALL_VMAS),
	  SMALL_VMAS,
	  { &vmas, &smaps, &rollup, &maps } },
};

/* Touched as a target, so that the ledger has records for all of it. */
static void make_scene(const struct figure *figure, struct scene *scene)
{
	struct target *t = &scene->target;
	long shown;

	scene->bytes = figure->bytes;
	scene->addr = target_call(t, figure->map, figure->bytes, figure->advice, 0);
	target_call(t, do_touch, scene->addr, scene->bytes, figure->stride);
	/* No figure is good because the file says nothing. */
	shown = vmas_sum(t->pid, scene->addr, scene->bytes, "rss") * KB;
	if (shown != figure->rss)
		die("%s: vmas shows %ld bytes of %ld", figure->name, shown, figure->rss);
}

static void measure(const struct figure *figure)
{
	const struct reader *const *readers = figure->readers;
	struct scene scene = { .target = target_start() };
	long bases[READERS_MAX], value;
	int i;

	gomem_add(scene.target.pid);
	for (i = 0; readers[i]; i++)
		bases[i] = readers[i]->read ? 0 : cost(readers[i], &scene);
	make_scene(figure, &scene);
	for (i = 0; readers[i]; i++) {
		value = cost(readers[i], &scene);
		if (value < 0)
			row_missing(figure->name, readers[i]->who, "this kernel has no such call");
		else
			row(figure->name, readers[i]->who, (value - bases[i]) / figure->per);
	}
	gomem_del(scene.target.pid);
	target_kill(&scene.target);
}

void bench_read(int argc UNUSED, char **argv UNUSED)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(figures); i++)
		measure(&figures[i]);
}
