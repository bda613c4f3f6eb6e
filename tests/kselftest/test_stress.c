// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module loaded and unloaded 40 times, or as often as the variable LOADS of the
 * environment says, while processes fault, fork, exec and die, readers read every file
 * and writers add and delete targets. Nothing may hang, and whoever runs this looks for
 * warnings in the kernel's log.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "count.h"
#include "lib.h"
#include "verbs.h"

#define STORMS 2
/* Pids of the storms and of whoever they last forked: what readers and writers go for. */
#define PIDS 8

struct shared {
	atomic_int pids[PIDS];
	atomic_long rows; /* bytes read */
	atomic_long commands; /* that succeeded */
};

static struct shared *shared;

static const char *const files[] = { "version", "targets", "summary", "vmas", "probes" };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static pid_t worker(void (*work)(int me), int me)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The kernel's own threads, which insmod and rmmod wait for, come first. */
	sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
	srandom(me);
	for (;;)
		work(me);
}

static void child_of_storm(long p)
{
	char *argv[] = { "true", NULL };

	do_touch(p, 2 * HUGE, 32 * PAGE);
	if (random() & 1)
		execv("/bin/true", argv);
	_exit(0);
}

/* Everything that the hooks listen to, over and over. */
static void storm(int me)
{
	long p = do_map(4 * HUGE, me & 1 ? MADV_HUGEPAGE : 0, 0);
	pid_t child;

	shared->pids[me] = getpid();
	do_peek(p, HUGE, 16 * PAGE);
	do_touch(p, 4 * HUGE, 16 * PAGE);
	child = fork();
	if (!child)
		child_of_storm(p);
	shared->pids[STORMS + random() % (PIDS - STORMS)] = child;
	do_touch(p, HUGE, 4 * PAGE);
	madvise((void *)(p + PAGE), HUGE, MADV_DONTNEED);
	madvise((void *)(p + 2 * HUGE + PAGE), HUGE, MADV_FREE);
	madvise((void *)(p + 2 * HUGE), HUGE, MADV_PAGEOUT);
	do_touch(p + 2 * HUGE, HUGE, 4 * PAGE);
	mprotect((void *)(p + HUGE + MB), PAGE, PROT_READ);
	munmap((void *)(p - HUGE / 2), 5 * HUGE);
	waitpid(child, NULL, 0);
	usleep(20000);
}

/* By pieces, so that the module often goes in between; any error is fine. */
static void read_slowly(const char *path)
{
	char piece[3000];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		shared->rows += n;
	if (random() % 8 == 0)
		usleep(20000);
	n = read(fd, piece, sizeof(piece));
	shared->rows += n > 0 ? n : 0;
	close(fd);
}

static void reader(int me UNUSED)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/gomem/%s", files[random() % ARRAY_SIZE(files)]);
	read_slowly(path);
	snprintf(path, sizeof(path), "/proc/gomem/%d/pages", shared->pids[random() % PIDS]);
	read_slowly(path);
	usleep(20000);
}

static void writer(int me UNUSED)
{
	int pid = shared->pids[random() % PIDS], ret;

	if (random() % 3)
		ret = file_write("/proc/gomem/targets", "add %d follow=%d\n", pid,
				 (int)(random() & 1));
	else
		ret = gomem_del(pid);
	shared->commands += !ret;
	usleep(20000);
}

/* Each sixteenth load fails in the end, at a process that is not there, and must undo all.
 * Return: 0 loaded, 1 not loaded as it should be, -errno. A writer may have been quicker
 * to add the same process: that is a load that failed, too.
 */
static int load(int i)
{
	char params[64];
	int ret;

	snprintf(params, sizeof(params), "target_pid=%d%s follow=%d", shared->pids[i % STORMS],
		 i % 16 == 3 ? ",4194304" : "", i / 2 % 2);
	ret = module_load(i % 4 ? params : "");
	if (ret == -EEXIST || (ret == -ESRCH && i % 16 == 3))
		return 1;
	return ret;
}

/* Return: 0, or the last error when a reader held it for a minute. */
static int unload(void)
{
	double end = now() + 60;
	int ret;

	do {
		ret = module_unload();
		if (ret)
			usleep(2000);
	} while (ret && now() < end);
	return ret;
}

static void cycles(int loads)
{
	double start = now(), longest = 0, one;
	int i, ret = 0;

	for (i = 0; i < loads && !ret; i++) {
		one = now();
		ret = load(i);
		if (ret < 0)
			break;
		usleep(random() % 50000);
		ret = ret ? 0 : unload();
		longest = now() - one > longest ? now() - one : longest;
	}
	tap_eq(0, "asked", ret, "errno", "%d times loaded and unloaded under load (%d done)", loads,
	       i);
	tap_note("%d cycles in %.0f s, the longest %.1f s; %ld kB read, %ld commands taken", i,
		 now() - start, longest, shared->rows / KB, shared->commands);
	tap_ok(shared->rows > 0 && shared->commands > 0, "readers and writers had their turn");
}

/* A file kept open over the unload: refused, or the file is dead; never a crash. */
static void check_open_file(const char *file)
{
	char path[48], piece[256];
	int fd, ret, errors;

	module_require();
	gomem_add(getpid());
	snprintf(path, sizeof(path), file, getpid());
	fd = open(path, O_RDONLY);
	ret = fd < 0 || read(fd, piece, sizeof(piece)) <= 0;
	if (ret)
		die("reading %s failed: %s", path, strerror(errno));
	ret = module_unload();
	errors = read(fd, piece, sizeof(piece)) < 0 ? errno : 0;
	tap_ok(ret == -EWOULDBLOCK || ret == -EBUSY || (!ret && errors),
	       "%s open: expected rmmod to refuse or the file to fail after, got %d, then %d", path,
	       ret, errors);
	close(fd);
	if (ret)
		tap_eq(0, "closed now", unload(), "errno", "%s closed: rmmod", path);
}

static void open_files(void)
{
	char path[48];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/proc/gomem/%s", files[i]);
		check_open_file(path);
	}
	check_open_file("/proc/gomem/%d/pages");
}

int main(int argc, char **argv)
{
	void (*const works[])(int) = { storm, storm, reader, reader, writer };
	const char *loads = getenv("LOADS");
	pid_t pids[ARRAY_SIZE(works)];
	size_t i;

	target_main(argc, argv);
	module_remove();
	mm_quiet();
	swap_on();
	open_files();
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < ARRAY_SIZE(works); i++)
		pids[i] = worker(works[i], i);
	while (!shared->pids[0] || !shared->pids[1])
		usleep(1000);
	cycles(loads ? atoi(loads) : 40);
	for (i = 0; i < ARRAY_SIZE(works); i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	count_still_right();
	return tap_done();
}
