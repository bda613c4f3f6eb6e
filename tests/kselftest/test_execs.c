// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * So many calls of exec that the module numbers them from the start again: what was counted
 * before the first is not taken for what comes after the last.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

#define EXECS 4096 /* epochs of a ledger */
#define BLOCKS 400L
#define SPACE 0x600000000000L /* free in any image */
#define PLACE (SPACE + (BLOCKS - 1) * HUGE)

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("this needs two CPUs");
}

static void map(long at, long bytes)
{
	void *p = (void *)at;

	if (mmap(p, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != p)
		die("mapping memory at %lx failed", at);
}

static void exec_on(int left)
{
	char number[16], *argv[] = { "execs", number, NULL };

	snprintf(number, sizeof(number), "%d", left);
	execv("/proc/self/exe", argv);
	_exit(1);
}

/*
 * Many records on CPU 0, the last of which that CPU has in mind; from then on all is on CPU 1.
 * So many that they are not the first to be used again.
 */
static long begin(long execs, long b UNUSED, long c UNUSED)
{
	run_on(0);
	map(SPACE, BLOCKS * HUGE);
	do_touch(SPACE, BLOCKS * HUGE, HUGE);
	run_on(1);
	exec_on(execs - 1);
	return 0;
}

/* The first fault on CPU 0 since: all else that this runs through was there before. */
static long touch_again(long a UNUSED, long b UNUSED, long c UNUSED)
{
	map(PLACE, PAGE);
	run_on(1);
	run_on(0);
	do_touch(PLACE, PAGE, PAGE);
	run_on(1);
	return 0;
}

/* A link of the chain; after the last it waits for calls, as any target. */
static void chain(int argc, char **argv)
{
	char *target[] = { "target", "target", NULL };

	if (argc != 2 || strcmp(argv[0], "execs"))
		return;
	if (atoi(argv[1]))
		exec_on(atoi(argv[1]) - 1);
	target_main(2, target);
}

int main(int argc, char **argv)
{
	struct target t;

	chain(argc, argv);
	target_main(argc, argv);
	mm_quiet();
	module_require();
	t = target_start();
	if (gomem_add(t.pid))
		die("adding a target failed");
	target_begin(&t, begin, EXECS, 0, 0);
	target_end(&t);
	target_settle(&t);
	tap_eq(EXECS, "as made", summary(t.pid, "execs"), "/proc/gomem/summary", "execs");
	tap_eq(0, "forgotten", vmas_sum(t.pid, SPACE, BLOCKS * HUGE, "faults"), "/proc/gomem/vmas",
	       "faults of before the first");
	target_call(&t, touch_again, 0, 0, 0);
	tap_eq(1, "as made", vmas_sum(t.pid, PLACE, PAGE, "faults"), "/proc/gomem/vmas",
	       "a fault where there was one before the first");
	gomem_del(t.pid);
	target_kill(&t);
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
