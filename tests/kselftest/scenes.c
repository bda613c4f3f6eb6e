// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "scenes.h"
#include "verbs.h"

#define ARGS long a UNUSED, long b UNUSED, long c UNUSED

/* 64 pages, the first 16 of them written. */
static long small(ARGS)
{
	long p = do_map(64 * PAGE, 0, 0);

	do_touch(p, 16 * PAGE, PAGE);
	return p;
}

static long full(ARGS)
{
	long p = do_map(64 * PAGE, 0, 0);

	do_touch(p, 64 * PAGE, PAGE);
	return p;
}

static long huge(long n, long b UNUSED, long c UNUSED)
{
	long p = do_map(n * HUGE, MADV_HUGEPAGE, 0);

	do_touch(p, n * HUGE, HUGE);
	return p;
}

static long huge_two(ARGS)
{
	return huge(2, 0, 0);
}

static long huge_hole(ARGS)
{
	long p = huge(2, 0, 0);

	do_advise(p + 5 * PAGE, PAGE, MADV_DONTNEED);
	return p;
}

static long huge_tail(ARGS)
{
	long p = huge(2, 0, 0);

	do_unmap(p + HUGE + MB, MB, 0);
	return p;
}

static long huge_split_vma(ARGS)
{
	long p = huge(1, 0, 0);

	do_protect(p + MB, PAGE, PROT_READ);
	return p;
}

static long zero_small(ARGS)
{
	long p = do_map(64 * PAGE, 0, 0);

	do_peek(p, 16 * PAGE, PAGE);
	return p;
}

static long zero_huge(ARGS)
{
	long p = do_map(2 * HUGE, MADV_HUGEPAGE, 0);

	do_peek(p, HUGE, HUGE);
	return p;
}

static long zero_huge_written(ARGS)
{
	long p = zero_huge(0, 0, 0);

	do_advise(p, PAGE, MADV_DONTNEED);
	do_touch(p + HUGE, HUGE, HUGE);
	return p;
}

static long swapped(ARGS)
{
	long p = full(0, 0, 0);

	do_advise(p, 32 * PAGE, MADV_PAGEOUT);
	return p;
}

static long swapped_back(ARGS)
{
	long p = full(0, 0, 0);

	do_advise(p, 64 * PAGE, MADV_PAGEOUT);
	do_touch(p, 16 * PAGE, PAGE);
	return p;
}

static long lazyfree(ARGS)
{
	long p = full(0, 0, 0);

	do_advise(p, 32 * PAGE, MADV_FREE);
	return p;
}

static long lazyfree_dirtied(ARGS)
{
	long p = lazyfree(0, 0, 0);

	do_touch(p, 8 * PAGE, PAGE);
	return p;
}

static long lazyfree_huge(ARGS)
{
	long p = huge(2, 0, 0);

	do_advise(p, HUGE, MADV_FREE);
	return p;
}

static long lazyfree_huge_dirtied(ARGS)
{
	long p = huge(2, 0, 0);

	do_advise(p, 2 * HUGE, MADV_FREE);
	do_touch(p, PAGE, PAGE);
	return p;
}

static long cow_parent(ARGS)
{
	long p = full(0, 0, 0);

	do_fork(0, 0, 0);
	do_touch(p, 16 * PAGE, PAGE);
	return p;
}

static long cow_huge(ARGS)
{
	long p = huge(2, 0, 0);

	do_fork(0, 0, 0);
	do_touch(p, PAGE, PAGE);
	return p;
}

static long file_clean(ARGS)
{
	long p = do_map_fd(64 * PAGE, do_file(64 * PAGE, 1, 0), MAP_PRIVATE);

	do_peek(p, 64 * PAGE, PAGE);
	return p;
}

static long file_dirty(ARGS)
{
	long p = file_clean(0, 0, 0);

	do_touch(p, 16 * PAGE, PAGE);
	return p;
}

static long file_shared(ARGS)
{
	long p = do_map_fd(64 * PAGE, do_file(64 * PAGE, 1, 0), MAP_SHARED);

	do_touch(p, 64 * PAGE, PAGE);
	return p;
}

static long shared_anon(ARGS)
{
	long p = do_map_fd(64 * PAGE, -1, MAP_SHARED | MAP_ANONYMOUS);

	do_touch(p, 16 * PAGE, PAGE);
	return p;
}

static long memfd(ARGS)
{
	long p = do_map_fd(64 * PAGE, do_file(64 * PAGE, 0, 0), MAP_SHARED);

	do_touch(p, 64 * PAGE, PAGE);
	return p;
}

static long memfd_swapped(ARGS)
{
	long p = memfd(0, 0, 0);

	do_advise(p, 32 * PAGE, MADV_PAGEOUT);
	return p;
}

/* The swapped pages of a file count in a private, writable mapping as well, at its
 * offset, but not where a private page hides them.
 */
static long memfd_private(ARGS)
{
	long fd = do_file(64 * PAGE, 0, 0), p = do_map_fd(64 * PAGE, fd, MAP_SHARED), q;

	q = do_map_fd(48 * PAGE, fd, MAP_PRIVATE);
	if (mmap((void *)q, 48 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
		 16 * PAGE) == MAP_FAILED)
		die("mapping a file at an offset failed: %s", strerror(errno));
	do_touch(p, 64 * PAGE, PAGE);
	do_touch(q, 8 * PAGE, PAGE);
	do_advise(p, 32 * PAGE, MADV_PAGEOUT);
	return q;
}

static void shmem_advise(void)
{
	mm_set("transparent_hugepage/shmem_enabled", "advise");
}

static long memfd_huge(ARGS)
{
	long fd = memfd_create("gomem-huge", 0), p;

	if (ftruncate(fd, 2 * HUGE))
		die("ftruncate failed: %s", strerror(errno));
	p = do_map_fd(2 * HUGE, fd, MAP_SHARED);
	madvise((void *)p, 2 * HUGE, MADV_HUGEPAGE);
	do_touch(p, HUGE, PAGE);
	return p;
}

static long move(long from, long bytes)
{
	void *to = (void *)do_map(bytes, 0, 0);

	if (mremap((void *)from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		die("mremap failed: %s", strerror(errno));
	return (long)to;
}

static long moved(ARGS)
{
	return move(small(0, 0, 0), 64 * PAGE);
}

static long moved_huge(ARGS)
{
	return move(huge(2, 0, 0), 2 * HUGE);
}

static long grown(ARGS)
{
	long from = small(0, 0, 0);
	void *to = mremap((void *)from, 64 * PAGE, 128 * PAGE, MREMAP_MAYMOVE);

	if (to == MAP_FAILED)
		die("mremap failed: %s", strerror(errno));
	do_touch((long)to + 64 * PAGE, 16 * PAGE, PAGE);
	return (long)to;
}

static long prot_none(ARGS)
{
	long p = small(0, 0, 0);

	do_protect(p, 64 * PAGE, PROT_NONE);
	return p;
}

static void hugetlb_reserve(void)
{
	if (file_write("/proc/sys/vm/nr_hugepages", "2") ||
	    file_number("/proc/sys/vm/nr_hugepages") != 2)
		die("reserving two hugetlb pages failed");
}

static long hugetlb(ARGS)
{
	void *p = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		die("mapping a hugetlb page failed: %s", strerror(errno));
	return do_touch((long)p, HUGE, PAGE) ? (long)p : 0;
}

static void ksm_on(void)
{
	mm_set("ksm/sleep_millisecs", "5");
	mm_set("ksm/pages_to_scan", "1000");
	mm_set("ksm/run", "1");
}

/* do_touch() leaves 64 equal pages; KSM keeps one. */
static long merged(ARGS)
{
	long p = full(0, 0, 0);
	int i;

	do_advise(p, 64 * PAGE, MADV_MERGEABLE);
	for (i = 0; i < 500 && file_number("/sys/kernel/mm/ksm/pages_sharing") < 60; i++)
		usleep(20000);
	return p;
}

static void ksm_off(struct target *t UNUSED, long addr UNUSED)
{
	tap_ok(file_number("/sys/kernel/mm/ksm/pages_sharing") >= 60,
	       "KSM merged the pages (at least 60 in ksm/pages_sharing)");
	mm_set("ksm/run", "2");
}

static long stack(ARGS)
{
	char *p = alloca(MB);

	do_touch((long)p, MB, PAGE);
	return (long)p;
}

static long vma_crowd(ARGS)
{
	long p = do_map(2000 * PAGE, 0, 0), i;

	for (i = 0; i < 2000; i += 2)
		do_protect(p + i * PAGE, PAGE, PROT_READ);
	for (i = 1; i < 2000; i += 4)
		do_touch(p + i * PAGE, PAGE, PAGE);
	return p + PAGE;
}

static long vdso(ARGS)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return small(0, 0, 0);
}

static long locked(ARGS)
{
	long p = do_map(64 * PAGE, 0, 0);

	if (mlock((void *)p, 16 * PAGE))
		die("mlock failed: %s", strerror(errno));
	return p;
}

/* The BIOS's area: page frames without struct page accounting, in no RSS. */
static long devmem(ARGS)
{
	int fd = open("/dev/mem", O_RDONLY);
	void *p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0xf0000);

	if (p == MAP_FAILED)
		die("mapping /dev/mem failed: %s", strerror(errno));
	return do_peek((long)p, 4 * PAGE, PAGE) ? (long)p : 0;
}

static void *thread(void *done)
{
	stack(0, 0, 0);
	pthread_barrier_wait(done);
	pause();
	return NULL;
}

static long threads(ARGS)
{
	static pthread_barrier_t done;
	pthread_t id;
	int i;

	pthread_barrier_init(&done, NULL, 5);
	for (i = 0; i < 4; i++)
		if (pthread_create(&id, NULL, thread, &done))
			die("pthread_create failed");
	pthread_barrier_wait(&done);
	return small(0, 0, 0);
}

/* A sparse range across many page tables. */
static long sparse(ARGS)
{
	long p = do_map(512 * MB, 0, 0);

	do_touch(p, 512 * MB, 8 * MB);
	return p;
}

const struct scene scenes[] = {
	{ "anon", small, .want = { [RSS] = 64, [ANON] = 64 } },
	{ "thp", huge_two, .want = { [RSS] = 4096, [ANON] = 4096, [THP] = 4096 } },
	{ "thp with a hole", huge_hole, .want = { [RSS] = 4092, [ANON] = 4092, [THP] = 2048 } },
	{ "thp cut by munmap", huge_tail, .want = { [RSS] = 3072, [ANON] = 3072, [THP] = 2048 } },
	{ "vma split in a thp", huge_split_vma, .want = { [RSS] = 1024, [ANON] = 1024 } },
	{ "zero page", zero_small, .want = { 0 } },
	{ "huge zero page", zero_huge, .want = { 0 } },
	{ "huge zero page split", zero_huge_written,
	  .want = { [RSS] = 2048, [ANON] = 2048, [THP] = 2048 } },
	{ "swap", swapped, swap_on, .want = { [RSS] = 128, [ANON] = 128, [SWAP] = 128 } },
	{ "swapped in", swapped_back, swap_on, .want = { [RSS] = 64, [ANON] = 64, [SWAP] = 192 } },
	{ "lazyfree", lazyfree, .want = { [RSS] = 256, [ANON] = 256, [LAZYFREE] = 128 } },
	{ "lazyfree written again", lazyfree_dirtied,
	  .want = { [RSS] = 256, [ANON] = 256, [LAZYFREE] = 96 } },
	{ "lazyfree thp", lazyfree_huge,
	  .want = { [RSS] = 4096, [ANON] = 4096, [THP] = 4096, [LAZYFREE] = 2048 } },
	{ "lazyfree thp written again", lazyfree_huge_dirtied,
	  .want = { [RSS] = 4096, [ANON] = 4096, [THP] = 4096, [LAZYFREE] = 2048 } },
	{ "cow after fork", cow_parent, .want = { [RSS] = 256, [ANON] = 256 } },
	{ "cow of a thp", cow_huge, .want = { [RSS] = 4096, [ANON] = 4096, [THP] = 2048 } },
	{ "private file, clean", file_clean, .want = { [RSS] = 256 } },
	{ "private file, dirty", file_dirty, .want = { [RSS] = 256, [ANON] = 64 } },
	{ "shared file", file_shared, .want = { [RSS] = 256 } },
	{ "shared anonymous", shared_anon, .want = { [RSS] = 64 } },
	{ "memfd", memfd, .want = { [RSS] = 256 } },
	{ "memfd, swapped", memfd_swapped, swap_on, .want = { [RSS] = 128, [SWAP] = 128 } },
	{ "memfd, private at an offset", memfd_private, swap_on,
	  .want = { [RSS] = 32, [ANON] = 32, [SWAP] = 32 } },
	{ "memfd, huge", memfd_huge, shmem_advise, .want = { [RSS] = 2048 } },
	{ "mremap, moved", moved, .want = { [RSS] = 64, [ANON] = 64 } },
	{ "mremap, thp moved", moved_huge, .want = { [RSS] = 4096, [ANON] = 4096, [THP] = 4096 } },
	{ "mremap, grown", grown, .want = { [RSS] = 128, [ANON] = 128 } },
	{ "PROT_NONE", prot_none, .want = { [RSS] = 64, [ANON] = 64 } },
	{ "hugetlb", hugetlb, hugetlb_reserve, .want = { 0 } },
	{ "ksm", merged, ksm_on, ksm_off, .want = { [RSS] = 256, [ANON] = 256 } },
	{ "stack", stack, .any = true },
	{ "2000 VMAs", vma_crowd, .want = { [RSS] = 4, [ANON] = 4 } },
	{ "vdso", vdso, .want = { [RSS] = 64, [ANON] = 64 } },
	{ "mlock", locked, .want = { [RSS] = 64, [ANON] = 64 } },
	{ "page frames", devmem, .want = { 0 } },
	{ "threads", threads, .want = { [RSS] = 64, [ANON] = 64 } },
	{ "sparse", sparse, .want = { [RSS] = 256, [ANON] = 256 } },
};

const int scene_count = ARRAY_SIZE(scenes);

/* The scene is what its name says, or it proves nothing. */
static void check_want(const struct scene *s, pid_t pid, long addr)
{
	struct smap map = smaps_at(pid, addr);
	int i;

	for (i = RSS; i < SIZES && !s->any; i++)
		if (map.kb[i] != s->want[i])
			break;
	if (s->any || i == SIZES)
		tap_ok(true, "%s: smaps is as made", s->name);
	else
		tap_eq(s->want[i], "kB, as made", map.kb[i], "kB, smaps", "%s: %s", s->name,
		       sizes[i].key);
}

static void show(const struct scene *s, void (*look)(const struct scene *s, pid_t pid))
{
	struct target t;
	long addr;

	if (s->prepare)
		s->prepare();
	t = target_start();
	addr = target_call(&t, s->make, 0, 0, 0);
	target_stop(&t);
	check_want(s, t.pid, addr);
	if (gomem_add(t.pid))
		die("%s: adding the target failed", s->name);
	look(s, t.pid);
	if (gomem_del(t.pid))
		die("%s: deleting the target failed", s->name);
	if (s->finish)
		s->finish(&t, addr);
	target_kill(&t);
}

void scene_each(void (*look)(const struct scene *s, pid_t pid))
{
	int i;

	for (i = 0; i < scene_count; i++)
		show(&scenes[i], look);
}
