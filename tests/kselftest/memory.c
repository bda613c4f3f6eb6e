// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib.h"
#include "memory.h"

#define VSYSCALL 0xffffffffff600000

/* linux/Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ul << 63)
#define PAGEMAP_SWAP (1ul << 62)
#define PAGEMAP_PFN ((1ul << 55) - 1)

const struct size_name sizes[SIZES] = {
	[SIZE] = { "size", "Size:" },	   [RSS] = { "rss", "Rss:" },
	[ANON] = { "anon", "Anonymous:" }, [THP] = { "thp", "AnonHugePages:" },
	[SWAP] = { "swap", "Swap:" },	   [LAZYFREE] = { "lazyfree", "LazyFree:" },
};

const char *const page_names[PAGE_KINDS] = {
	[PAGE_ABSENT] = "absent",     [PAGE_ZERO] = "zero", [PAGE_ANON] = "anon",
	[PAGE_COMPOUND] = "compound", [PAGE_FILE] = "file", [PAGE_SWAP] = "swap",
};

/* A line that opens a VMA, not one of its figures. */
static bool smap_open(const char *line, struct smap *map)
{
	unsigned long start, end;
	int name = 0;

	if (sscanf(line, "%lx-%lx %4s %*x %*s %*u %n", &start, &end, map->perms, &name) < 3)
		return false;
	map->start = start;
	map->end = end;
	snprintf(map->name, sizeof(map->name), "%s", line + name);
	return true;
}

static void smap_figure(struct smap *map, const char *line)
{
	int i;

	for (i = 0; i < SIZES; i++)
		if (!strncmp(line, sizes[i].key, strlen(sizes[i].key)))
			map->kb[i] = atol(line + strlen(sizes[i].key));
	if (!strncmp(line, "VmFlags:", 8)) {
		map->pfnmap = strstr(line, " pf");
		map->hugetlb = strstr(line, " ht");
	}
}

struct smap *smaps_read(pid_t pid, int *count)
{
	struct smap *maps = NULL, map = { 0 };
	char path[32], *text, *line, *save;

	*count = 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	text = file_read(path);
	if (!text)
		die("reading %s failed: %s", path, strerror(errno));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (smap_open(line, &map)) {
			if ((unsigned long)map.start == VSYSCALL)
				break;
			maps = realloc(maps, sizeof(map) * (*count + 1));
			maps[(*count)++] = map;
		} else {
			smap_figure(&maps[*count - 1], line);
		}
	}
	free(text);
	return maps;
}

struct smap smaps_at(pid_t pid, long addr)
{
	int i, n;
	struct smap *maps = smaps_read(pid, &n), map;

	for (i = 0; i < n; i++) {
		map = maps[i];
		if (addr < map.start || addr >= map.end)
			continue;
		free(maps);
		return map;
	}
	die("smaps of pid %d has nothing at %lx", pid, addr);
}

long smaps_total(pid_t pid, enum size what)
{
	int i, n;
	struct smap *maps = smaps_read(pid, &n);
	long sum = 0;

	for (i = 0; i < n; i++)
		sum += maps[i].kb[what];
	free(maps);
	return sum;
}

static int kpageflags(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("opening /proc/kpageflags failed: %s", strerror(errno));
	return fd;
}

static enum page page_kind(uint64_t entry)
{
	uint64_t flags;

	if (!(entry & (PAGEMAP_PRESENT | PAGEMAP_SWAP)))
		return PAGE_ABSENT;
	if (entry & PAGEMAP_SWAP)
		return PAGE_SWAP;
	if (pread(kpageflags(), &flags, 8, (entry & PAGEMAP_PFN) * 8) != 8)
		die("/proc/kpageflags knows no page frame %lx", entry & PAGEMAP_PFN);
	if (flags & 1ul << KPF_ZERO_PAGE)
		return PAGE_ZERO;
	if (!(flags & 1ul << KPF_ANON))
		return PAGE_FILE;
	if (flags & (1ul << KPF_COMPOUND_HEAD | 1ul << KPF_COMPOUND_TAIL))
		return PAGE_COMPOUND;
	return PAGE_ANON;
}

void pagemap_read(pid_t pid, long start, long end, unsigned char *out)
{
	uint64_t entries[512];
	char path[32];
	long at, got, i;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (at = start / PAGE; at < end / PAGE; at += got) {
		got = end / PAGE - at;
		if (got > 512)
			got = 512;
		if (pread(fd, entries, got * 8, at * 8) != got * 8)
			die("reading %s at page %lx failed", path, at);
		for (i = 0; i < got; i++)
			*out++ = page_kind(entries[i]);
	}
	close(fd);
}
