// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a reader that reads on and on does to the process it reads. There is one CPU: a
 * process of real-time priority wakes up at odd moments, wherever the reader is, so that
 * it finds the lock held as it would from another CPU. Timed are its system calls and
 * faults, from when it runs.
 */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

#define MEMORY (128 * MB) /* some windows of any reader, and not minutes of the slow ones */
#define ROUNDS 2000
#define BYTES (64 * KB)

static long *samples; /* [ROUNDS], shared with the process that is timed */

static void one_round(void)
{
	char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mapping memory failed: %s", strerror(errno));
	do_touch((long)p, BYTES, PAGE);
	munmap(p, BYTES);
}

static long do_rounds(long count, long unused UNUSED, long unused2 UNUSED)
{
	const struct sched_param first = { .sched_priority = 50 };
	unsigned int random = 1;
	uint64_t start;
	long i;

	if (sched_setscheduler(0, SCHED_FIFO, &first))
		die("no real-time priority: %s", strerror(errno));
	for (i = 0; i < count; i++) {
		random = random * 1103515245 + 12345;
		usleep(20 + (random >> 16) % 400);
		start = ticks();
		one_round();
		samples[i] = ticks() - start;
	}
	return 0;
}

static pid_t reader_start(const char *path)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork failed: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		read_through(path);
}

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

static void time_rounds(struct target *t, const char *who)
{
	target_call(t, do_rounds, ROUNDS, 0, 0);
	qsort(samples, ROUNDS, sizeof(*samples), by_value);
	row("stall-p50", who, samples[ROUNDS / 2]);
	row("stall-p99", who, samples[ROUNDS - ROUNDS / 100]);
	row("stall-p99.9", who, samples[ROUNDS - ROUNDS / 1000]);
}

static void time_read(struct target *t, const char *who, const char *path)
{
	pid_t reader = reader_start(path);

	time_rounds(t, who);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
}

/* A kernel that cannot be preempted anywhere wakes nobody while a lock is held. */
static void be_preemptible(void)
{
	if (file_write("/sys/kernel/debug/sched/preempt", "full"))
		tap_note("this kernel is not preemptible: stalls are told too small");
}

void bench_stall(int argc UNUSED, char **argv UNUSED)
{
	struct target t;
	char path[64];
	long addr;

	samples = mmap(NULL, ROUNDS * sizeof(*samples), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(samples, 0, ROUNDS * sizeof(*samples));
	t = target_start();
	addr = target_call(&t, do_map, MEMORY, MADV_NOHUGEPAGE, 0);
	target_call(&t, do_touch, addr, MEMORY, PAGE);
	gomem_add(t.pid);
	be_preemptible();
	target_call(&t, do_rounds, ROUNDS, 0, 0);
	time_rounds(&t, "idle");
	time_read(&t, "gomem", "/proc/gomem/vmas");
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", t.pid);
	time_read(&t, "smaps_rollup", path);
	gomem_del(t.pid);
	target_kill(&t);
}
