// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters where more than one VMA, process, thread or the rest of the machine plays
 * a part: each event belongs to the memory it happened to, and is counted once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "count.h"
#include "lib.h"
#include "memory.h"
#include "verbs.h"

#define N 32

static void check_range(const char *name, pid_t pid, long start, long bytes, struct counts want)
{
	struct counts got = count_range(pid, start, bytes);

	count_check(name, &want, "as made", &got, "/proc/gomem/vmas");
}

static long advise(long p, long bytes, long advice)
{
	return madvise((void *)p, bytes, advice);
}

/* Two VMAs in one 2 MiB block, told apart by DONTDUMP; then made one; then cut elsewhere. */
static void two_in_a_block(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map, HUGE, 0, 0);

	target_call(&t, advise, p + MB, MB, MADV_DONTDUMP);
	target_call(&t, do_touch, p, PAGES(10), PAGE);
	target_call(&t, do_touch, p + MB, PAGES(20), PAGE);
	target_call(&t, do_touch, p + PAGES(10), PAGES(3), PAGE);
	check_range("first VMA of a block", t.pid, p, MB, (struct counts){ .v[FAULTS] = 13 });
	check_range("second VMA of a block", t.pid, p + MB, MB, (struct counts){ .v[FAULTS] = 20 });
	target_call(&t, advise, p + MB, MB, MADV_DODUMP);
	check_range("two VMAs merged", t.pid, p, HUGE, (struct counts){ .v[FAULTS] = 33 });
	target_call(&t, advise, p + MB / 2, MB, MADV_DONTDUMP);
	check_range("a VMA cut in three", t.pid, p, HUGE, (struct counts){ .v[FAULTS] = 33 });
	target_call(&t, do_touch, p + HUGE - PAGES(5), PAGES(5), PAGE);
	check_range("the last of three VMAs", t.pid, p, HUGE, (struct counts){ .v[FAULTS] = 38 });
	target_drop(&t);
}

/* As many VMAs as fit into two blocks: each has a record of its own. */
static void pages_apart(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map_apart, 2 * HUGE, 0, 0), before, at;
	struct table *rows;
	int row, once = 0;

	before = summary(t.pid, "faults");
	target_call(&t, do_touch, p, 2 * HUGE, PAGE);
	rows = table_read("vmas");
	for (row = 0; row < rows->rows; row++) {
		at = table_hex(rows, row, "start");
		once += at >= p && at < p + 2 * HUGE && table_dec(rows, row, "faults") == 1;
	}
	table_free(rows);
	tap_eq(2 * HUGE / PAGE, "as made", once, "/proc/gomem/vmas",
	       "VMAs of a page, a fault each");
	tap_eq(2 * HUGE / PAGE, "as made", summary(t.pid, "faults") - before, "/proc/gomem/summary",
	       "faults of VMAs of a page");
	target_drop(&t);
}

static void remote_write(pid_t pid, long to, long bytes)
{
	char *from = calloc(1, bytes);
	struct iovec ours = { from, bytes }, theirs = { (void *)to, bytes };

	memset(from, 1, bytes);
	if (process_vm_writev(pid, &ours, 1, &theirs, 1, 0) != bytes)
		die("process_vm_writev to %d failed: %s", pid, strerror(errno));
	free(from);
}

static long remote_write_from_target(long pid, long to, long bytes)
{
	remote_write(pid, to, bytes);
	return 0;
}

static void mem_write(pid_t pid, long to, long bytes)
{
	char path[32], *from = calloc(1, bytes);
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	if (pwrite(fd, from, bytes, to) != bytes)
		die("writing %s failed: %s", path, strerror(errno));
	close(fd);
	free(from);
}

/* A fault belongs to the memory it fills, whoever causes it. */
static void remote(void)
{
	struct target victim = target_watched(""), writer = target_start();
	long p = target_call(&victim, do_map, HUGE, 0, 0);
	long q = target_call(&victim, do_map, HUGE, 0, 0);
	long warm = target_call(&writer, do_map, HUGE, 0, 0);

	target_call(&writer, remote_write_from_target, victim.pid, p, PAGES(N));
	gomem_add(writer.pid);
	target_call(&writer, do_touch, warm, PAGES(3), PAGE);
	target_call(&writer, remote_write_from_target, victim.pid, p + MB, PAGES(N));
	check_range("process_vm_writev", victim.pid, p, HUGE,
		    (struct counts){ .v[FAULTS] = 2 * N });
	check_range("the writer's own", writer.pid, warm, HUGE, (struct counts){ .v[FAULTS] = 3 });
	mem_write(victim.pid, q, PAGES(N));
	check_range("/proc/PID/mem", victim.pid, q, HUGE, (struct counts){ .v[FAULTS] = N });
	target_drop(&writer);
	target_drop(&victim);
}

/* What others do is nobody's here. */
static void others(void)
{
	struct target t = target_watched(""), other = target_start();
	struct counts before = count_target(t.pid), after;
	long p = target_call(&other, do_map, 8 * HUGE, MADV_HUGEPAGE, 0);

	target_call(&other, do_touch, p, 8 * HUGE, 8 * PAGE);
	target_call(&other, do_fork, 0, 0, 0);
	target_call(&other, do_touch, p, 8 * HUGE, 8 * PAGE);
	target_call(&other, do_unmap, p, 8 * HUGE, 0);
	after = count_target(t.pid);
	count_check("what another process does", &before, "as before", &after,
		    "/proc/gomem/summary");
	target_kill(&other);
	target_drop(&t);
}

static void cgroup_set(const char *file, const char *value)
{
	char path[96];
	int ret;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", file);
	ret = file_write(path, "%s", value);
	if (ret)
		die("writing %s to %s failed: %s", value, path, strerror(-ret));
}

/* No room for a huge page in its cgroup, but for small ones: each try falls back. */
static void fallbacks(void)
{
	struct target t = target_start();
	long p = target_call(&t, do_map, 4 * HUGE, MADV_HUGEPAGE, 0);
	long before = vmstat("thp_fault_fallback");
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", t.pid);
	cgroup_set("cgroup.subtree_control", "+memory");
	mkdir("/sys/fs/cgroup/tight", 0700);
	cgroup_set("tight/memory.max", "1M");
	cgroup_set("tight/memory.swap.max", "0");
	cgroup_set("tight/cgroup.procs", pid);
	gomem_add(t.pid);
	target_call(&t, do_touch, p, 4 * HUGE, HUGE / 2);
	tap_eq(4, "as made", vmstat("thp_fault_fallback") - before, "thp_fault_fallback",
	       "fallbacks: the step is what it says");
	check_range("fallbacks", t.pid, p, 4 * HUGE,
		    (struct counts){ .v[FAULTS] = 8, .v[FALLBACKS] = 4 });
	target_drop(&t);
	rmdir("/sys/fs/cgroup/tight");
}

static void khugepaged(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map, 2 * HUGE, MADV_HUGEPAGE, 0);
	int i;

	target_call(&t, advise, p, 2 * HUGE, MADV_NOHUGEPAGE);
	target_call(&t, do_touch, p, 2 * HUGE, 16 * PAGE);
	target_call(&t, advise, p, 2 * HUGE, MADV_HUGEPAGE);
	mm_set("transparent_hugepage/khugepaged/pages_to_scan", "65536");
	mm_set("transparent_hugepage/khugepaged/alloc_sleep_millisecs", "10");
	mm_set("transparent_hugepage/khugepaged/scan_sleep_millisecs", "10");
	for (i = 0; i < 500 && smaps_at(t.pid, p).kb[THP] < 2 * HUGE_KB; i++)
		usleep(20000);
	mm_quiet();
	tap_eq(2 * HUGE_KB, "kB, as made", smaps_at(t.pid, p).kb[THP], "kB, smaps",
	       "khugepaged: the step is what it says");
	check_range("khugepaged", t.pid, p, 2 * HUGE,
		    (struct counts){ .v[FAULTS] = 2 * HUGE / (16 * PAGE), .v[COLLAPSES] = 2 });
	target_drop(&t);
}

/* A file on a disk: its pages must be waited for, so that each fault is tried twice. */
static long disk_file(long a UNUSED, long b UNUSED, long c UNUSED)
{
	static const char page[PAGE] = "page";
	int fd = open("/disk/file", O_RDWR | O_CREAT | O_TRUNC, 0600), i;
	void *p;

	for (i = 0; i < N; i++)
		if (write(fd, page, PAGE) != PAGE)
			die("writing /disk/file failed: %s", strerror(errno));
	fsync(fd);
	p = mmap(NULL, PAGES(N), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || madvise(p, PAGES(N), MADV_RANDOM))
		die("mapping /disk/file failed: %s", strerror(errno));
	return (long)p;
}

static void disk_mount(void)
{
	long n = file_number("/sys/class/zram-control/hot_add");
	char disk[32], command[64];

	snprintf(disk, sizeof(disk), "/sys/block/zram%ld/disksize", n);
	file_write(disk, "%ld", 16 * MB);
	snprintf(disk, sizeof(disk), "/dev/zram%ld", n);
	snprintf(command, sizeof(command), "mke2fs -b 4096 %s >/dev/null", disk);
	mkdir("/disk", 0700);
	if (system(command) || mount(disk, "/disk", "ext4", 0, NULL))
		die("making and mounting a file system on %s failed: %s", disk, strerror(errno));
}

static void major_faults(void)
{
	struct target t;
	long p;

	disk_mount();
	t = target_start();
	p = target_call(&t, disk_file, 0, 0, 0);
	file_write("/proc/sys/vm/drop_caches", "3");
	target_settle(&t);
	gomem_add(t.pid);
	target_call(&t, do_peek, p, PAGES(N), PAGE);
	check_range("major faults", t.pid, p, PAGES(N), (struct counts){ .v[FAULTS] = N });
	tap_eq(t.faults, "getrusage", summary(t.pid, "faults"), "/proc/gomem/summary",
	       "major faults: of the process");
	target_drop(&t);
	umount("/disk");
}

/* The vdso has no map_pages(): a kernel with per-VMA locks first tries each fault under
 * the VMA's lock, and then again under that of the mm.
 */
static long vdso_faults(long times, long vdso, long c UNUSED)
{
	long i;

	for (i = 0; i < times && !advise(vdso, PAGE, MADV_DONTNEED); i++)
		do_peek(vdso, PAGE, PAGE);
	return i;
}

static void vma_lock_retries(void)
{
	struct target t = target_start();
	long vdso = getauxval(AT_SYSINFO_EHDR);

	target_call(&t, vdso_faults, 1, vdso, 0);
	gomem_add(t.pid);
	tap_eq(N, "as made", target_call(&t, vdso_faults, N, vdso, 0), "times",
	       "vdso: dropped and read again");
	tap_eq(N, "as made", vmas_sum(t.pid, vdso, PAGE, "faults"), "/proc/gomem/vmas",
	       "vdso: faults");
	tap_eq(t.faults, "getrusage", summary(t.pid, "faults"), "/proc/gomem/summary",
	       "vdso: faults of the process");
	target_drop(&t);
}

/* More blocks of 2 MiB than the ledger has room for: what it could not keep it says. */
static long read_far(long blocks, long b UNUSED, long c UNUSED)
{
	char *p = mmap(NULL, blocks * HUGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("reserving %ld blocks failed: %s", blocks, strerror(errno));
	madvise(p, blocks * HUGE, MADV_NOHUGEPAGE);
	return do_peek((long)p, blocks * HUGE, HUGE);
}

static void full_ledger(void)
{
	struct target t = target_start();
	long records, dropped;

	target_settle(&t);
	gomem_add(t.pid);
	target_call(&t, read_far, 150000, 0, 0);
	records = summary(t.pid, "records");
	dropped = summary(t.pid, "dropped");
	tap_note("150000 blocks touched: %ld records, %ld events dropped", records, dropped);
	/* Each is two events to it: a fault, and one that got the zero page. */
	tap_eq(2 * t.faults, "twice getrusage",
	       summary(t.pid, "faults") + summary(t.pid, "zero_faults") + dropped,
	       "faults + zero_faults + dropped, /proc/gomem/summary",
	       "faults in more blocks than are kept");
	target_drop(&t);
}

static sigjmp_buf after_bus;

static void on_bus(int signal)
{
	siglongjmp(after_bus, signal);
}

/* Reads a byte of each page, @times, beyond the end of a file: SIGBUS each time. */
static long read_nothing(long p, long pages, long times)
{
	volatile long i = 0;

	signal(SIGBUS, on_bus);
	sigsetjmp(after_bus, 1);
	for (; i < pages * times;) {
		i++;
		(void)*(volatile char *)(p + PAGES((i - 1) / times));
	}
	return i;
}

/* A fault that ends in a signal counts, and so does the same again. */
static void signals(void)
{
	struct target t = target_start();
	long p =
		target_call(&t, do_map_fd, PAGES(N), target_call(&t, do_file, 0, 1, 0), MAP_SHARED);

	gomem_add(t.pid);
	target_call(&t, read_nothing, p, N, 1);
	check_range("faults that end in SIGBUS", t.pid, p, PAGES(N),
		    (struct counts){ .v[FAULTS] = N });
	gomem_del(t.pid);
	gomem_add(t.pid);
	target_call(&t, read_nothing, p, N, 3);
	check_range("three SIGBUS at each page", t.pid, p, PAGES(N),
		    (struct counts){ .v[FAULTS] = 3 * N });
	target_drop(&t);
}

static atomic_bool storm_over;

/* Takes the mmap lock for writing, over and over: other threads' faults have to wait or retry. */
static void *storm_maps(void *unused)
{
	while (!storm_over)
		munmap(mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), HUGE);
	return unused;
}

static void *storm_faults(void *addr)
{
	do_touch((long)addr, 8 * MB, PAGE);
	return NULL;
}

/* Each thread has a range of its own, or, at @distance 0, all race for the same pages. */
static long storm(long p, long distance, long c UNUSED)
{
	pthread_t maps, faults[4];
	int i;

	storm_over = false;
	pthread_create(&maps, NULL, storm_maps, NULL);
	for (i = 0; i < 4; i++)
		pthread_create(&faults[i], NULL, storm_faults, (void *)(p + i * distance));
	for (i = 0; i < 4; i++)
		pthread_join(faults[i], NULL);
	storm_over = true;
	pthread_join(maps, NULL);
	return 0;
}

static void threads(void)
{
	struct target t = target_start();
	long p = target_call(&t, do_map, 32 * MB, 0, 0);
	long q = target_call(&t, do_map, 32 * MB, 0, 0);

	target_settle(&t);
	gomem_add(t.pid);
	target_call(&t, storm, p, 8 * MB, 0);
	check_range("threads, each its own pages", t.pid, p, 32 * MB,
		    (struct counts){ .v[FAULTS] = 32 * MB / PAGE });
	tap_eq(t.faults, "getrusage", summary(t.pid, "faults"), "/proc/gomem/summary",
	       "threads, each its own pages: of the process");
	gomem_del(t.pid);
	gomem_add(t.pid);
	target_call(&t, storm, q, 0, 0);
	tap_eq(t.faults, "getrusage", summary(t.pid, "faults"), "/proc/gomem/summary",
	       "threads, all the same pages: of the process");
	target_drop(&t);
}

/* Nothing above was lost: no handler missed, no record dropped. */
static void nothing_missed(void)
{
	struct table *t = table_read("probes");
	int row;

	for (row = 0; row < t->rows; row++)
		tap_eq(0, "contract", table_dec(t, row, "missed"), "/proc/gomem/probes",
		       "%s: missed", table_str(t, row, "symbol"));
	table_free(t);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	two_in_a_block();
	pages_apart();
	remote();
	others();
	fallbacks();
	khugepaged();
	major_faults();
	vma_lock_retries();
	signals();
	threads();
	full_ledger();
	nothing_missed();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
