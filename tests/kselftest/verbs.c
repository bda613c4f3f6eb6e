// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

/* An aligned hole of @bytes inside a PROT_NONE reservation. */
static char *guarded(long bytes)
{
	char *p = mmap(NULL, bytes + 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("reserving %ld bytes failed: %s", bytes, strerror(errno));
	return (char *)(((unsigned long)p + HUGE) & -HUGE);
}

static long map_there(long bytes, int fd, int flags)
{
	void *p = mmap(guarded(bytes), bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);

	if (p == MAP_FAILED)
		die("mapping %ld bytes failed: %s", bytes, strerror(errno));
	return (long)p;
}

long do_map(long bytes, long advice, long unused UNUSED)
{
	long addr = map_there(bytes, -1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);

	if (advice && madvise((void *)addr, bytes, advice))
		die("madvise(%ld) failed: %s", advice, strerror(errno));
	return addr;
}

long do_map_apart(long bytes, long unused UNUSED, long unused2 UNUSED)
{
	long p = do_map(bytes, 0, 0), at;
	int prot = PROT_READ | PROT_WRITE;

	for (at = p; at < p + bytes; at += PAGE, prot ^= PROT_EXEC)
		if (mmap((void *)at, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
			die("mapping %ld bytes in pieces failed: %s", bytes, strerror(errno));
	return p;
}

long do_map_fd(long bytes, long fd, long flags)
{
	return map_there(bytes, fd, flags);
}

long do_touch(long addr, long bytes, long stride)
{
	volatile char *p = (char *)addr;
	long at, n = 0;

	for (at = 0; at < bytes; at += stride, n++)
		p[at] = 0x5a;
	return n;
}

long do_peek(long addr, long bytes, long stride)
{
	volatile char *p = (char *)addr;
	long at, n = 0;

	for (at = 0; at < bytes; at += stride, n++)
		(void)p[at];
	return n;
}

long do_advise(long addr, long bytes, long advice)
{
	cpu_set_t all, one;
	int i, ret = 0;

	sched_getaffinity(0, sizeof(all), &all);
	for (i = 0; i < 2 * get_nprocs(); i++) {
		CPU_ZERO(&one);
		CPU_SET(i / 2, &one);
		sched_setaffinity(0, sizeof(one), &one);
		ret |= madvise((void *)addr, bytes, advice);
	}
	sched_setaffinity(0, sizeof(all), &all);
	if (ret)
		die("madvise(%ld) failed: %s", advice, strerror(errno));
	return 0;
}

long do_unmap(long addr, long bytes, long unused UNUSED)
{
	if (munmap((void *)addr, bytes))
		die("munmap failed: %s", strerror(errno));
	return 0;
}

long do_protect(long addr, long bytes, long prot)
{
	if (mprotect((void *)addr, bytes, prot))
		die("mprotect failed: %s", strerror(errno));
	return 0;
}

long do_file(long bytes, long ram, long unused UNUSED)
{
	static const char page[PAGE] = "page";
	int fd;

	if (ram) {
		mkdir("/ram", 0700);
		mount("ramfs", "/ram", "ramfs", 0, NULL);
		fd = open("/ram/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	} else {
		fd = memfd_create("gomem", 0);
	}
	for (; bytes > 0; bytes -= PAGE)
		if (write(fd, page, PAGE) != PAGE)
			die("writing a file failed: %s", strerror(errno));
	return fd;
}

long do_fork(long unused UNUSED, long unused2 UNUSED, long unused3 UNUSED)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

/* The header that swapon() looks for; version 1, one page a block. */
static void make_swap(const char *path, long pages)
{
	struct {
		char boot[1024];
		unsigned int version, last_page, bad_pages;
		char rest[PAGE - 1024 - 12 - 10];
		char magic[10];
	} __attribute__((packed)) header = {
		.version = 1,
		.last_page = pages - 1,
	};
	int fd = open(path, O_WRONLY);

	memcpy(header.magic, "SWAPSPACE2", 10);
	if (fd < 0 || write(fd, &header, sizeof(header)) != sizeof(header))
		die("making a swap on %s failed: %s", path, strerror(errno));
	close(fd);
}

/* A test before may have left it on. */
static bool swap_is_on(void)
{
	char *swaps = file_read("/proc/swaps");
	bool on = swaps && strstr(swaps, "/dev/zram0");

	free(swaps);
	return on;
}

void swap_on(void)
{
	int ret;

	if (swap_is_on())
		return;
	ret = file_write("/sys/block/zram0/disksize", "%ld", 256 * MB);
	if (ret)
		die("no /dev/zram0 to swap to (%s): boot with the module zram", strerror(-ret));
	make_swap("/dev/zram0", 256 * MB / PAGE);
	if (swapon("/dev/zram0", 0))
		die("swapon /dev/zram0 failed: %s", strerror(errno));
}

void mm_set(const char *file, const char *value)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/sys/kernel/mm/%s", file);
	ret = file_write(path, "%s", value);
	if (ret)
		die("writing '%s' to %s failed: %s", value, path, strerror(-ret));
}

void mm_quiet(void)
{
	mm_set("transparent_hugepage/enabled", "madvise");
	mm_set("transparent_hugepage/defrag", "madvise");
	mm_set("transparent_hugepage/khugepaged/scan_sleep_millisecs", "3600000");
	file_write("/proc/sys/vm/compaction_proactiveness", "0");
}
