/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What targets are asked to do: each is a target_fn. A verb that cannot do its
 * work ends the target with a line on stdout, and so the test.
 */
#ifndef KSELFTEST_VERBS_H
#define KSELFTEST_VERBS_H

/* New private anonymous memory of @bytes, 2 MiB aligned, alone between PROT_NONE
 * guards so that no neighbour merges; @advice as in madvise(), 0 for none.
 * Return: the address.
 */
long do_map(long bytes, long advice, long unused);
/* The same without advice, and each page a VMA of its own: neighbours differ in what may be
 * done with them.
 */
long do_map_apart(long bytes, long unused, long unused2);
/* The same of the file open at @fd, MAP_PRIVATE or MAP_SHARED in @flags. */
long do_map_fd(long bytes, long fd, long flags);
/* Write (peek: read) a byte each @stride bytes in [@addr, @addr + @bytes). Return: how many. */
long do_touch(long addr, long bytes, long stride);
long do_peek(long addr, long bytes, long stride);
/* madvise(), on each CPU in turn and again, so that no page is left out because it
 * waits in a CPU's batch on its way to an LRU list.
 */
long do_advise(long addr, long bytes, long advice);
long do_unmap(long addr, long bytes, long unused);
long do_protect(long addr, long bytes, long prot);
/* A memfd, or with @ram a file of a ramfs (so no shmem), @bytes long, its pages allocated. */
long do_file(long bytes, long ram, long unused);
/* A child that only waits, for as long as this target lives. Return: its pid. */
long do_fork(long unused, long unused2, long unused3);

/* In the test: a swap on zram, once; dies when there is none. */
void swap_on(void);
/* Write a file of /sys/kernel/mm, or die. */
void mm_set(const char *file, const char *value);
/* No huge page comes unasked, and no page moves: THP only by madvise, khugepaged and
 * kcompactd asleep.
 */
void mm_quiet(void);

#endif
