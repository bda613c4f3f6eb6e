/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel itself says of a process's memory: smaps, pagemap, kpageflags. */
#ifndef KSELFTEST_MEMORY_H
#define KSELFTEST_MEMORY_H

#include <stdbool.h>
#include <sys/types.h>

/* The figures that smaps and /proc/gomem/vmas share; sizes[] names them. */
enum size { SIZE, RSS, ANON, THP, SWAP, LAZYFREE, SIZES };

struct size_name {
	const char *column; /* in /proc/gomem */
	const char *key; /* in smaps */
};

extern const struct size_name sizes[SIZES];

/**
 * struct smap - a VMA as smaps shows it
 * @start, @end: [start, end)
 * @perms: "rw-p"
 * @kb: by enum size
 * @pfnmap: pages that are in no RSS (VmFlags pf)
 * @hugetlb: pages of hugetlbfs, in no RSS either (VmFlags ht)
 * @name: the rest of its line, maybe empty
 */
struct smap {
	long start;
	long end;
	char perms[5];
	long kb[SIZES];
	bool pfnmap;
	bool hugetlb;
	char name[80];
};

/* The VMAs of @pid, without the vsyscall page, which is in no process. To be freed. */
struct smap *smaps_read(pid_t pid, int *count);
/* The one that holds @addr; dies when there is none. */
struct smap smaps_at(pid_t pid, long addr);
/* Over all VMAs. */
long smaps_total(pid_t pid, enum size what);

/* What pagemap and kpageflags together know of a page. */
enum page {
	PAGE_ABSENT,
	PAGE_ZERO,
	PAGE_ANON, /* lazyfree or not */
	PAGE_COMPOUND, /* anonymous, part of a large folio, however mapped */
	PAGE_FILE, /* page cache and shmem */
	PAGE_SWAP,
	PAGE_KINDS,
};

extern const char *const page_names[PAGE_KINDS];

/* @out gets the kind of each page of [@start, @end); dies when that cannot be read. */
void pagemap_read(pid_t pid, long start, long end, unsigned char *out);

#endif
