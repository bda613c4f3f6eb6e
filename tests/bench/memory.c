// SPDX-License-Identifier: GPL-2.0-or-later
/* What the module takes: memory, and time to come and go. */
#include "bench.h"

#include <errno.h>
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

#define RECORDS 65536
#define TARGETS 1000
#define LOADS 5

/* Free pages that a CPU keeps for itself: MemFree is without them. */
static long kept_bytes(void)
{
	char *text = file_read("/proc/zoneinfo"), *at = text;
	long pages = 0;

	while ((at = strstr(at, "count: "))) {
		at += strlen("count: ");
		pages += atol(at);
	}
	free(text);
	return PAGES(pages);
}

/* Caches that fill up as a side effect are no one's memory: let them go first. */
static long free_bytes(void)
{
	char *text, *line;
	long kb;

	file_write("/proc/sys/vm/drop_caches", "3");
	usleep(100 * 1000);
	text = file_read("/proc/meminfo");
	line = strstr(text, "MemFree:");
	kb = atol(line + 8);
	free(text);
	return kb * KB + kept_bytes();
}

/* Touches a page of each huge page's range and gives all back, so that only counts stay. */
static long do_visit(long count, long unused UNUSED, long unused2 UNUSED)
{
	long addr = do_map(count * HUGE, MADV_NOHUGEPAGE, 0);

	do_touch(addr, count * HUGE, HUGE);
	return do_unmap(addr, count * HUGE, 0);
}

static long visit_takes(struct target *t)
{
	long before = free_bytes();

	target_call(t, do_visit, RECORDS, 0, 0);
	return before - free_bytes();
}

/* What stays of the same visit by who is no target is not the ledger's. */
static void record_bytes(void)
{
	struct target t = target_start();
	long others, bytes, records;

	visit_takes(&t);
	others = visit_takes(&t);
	gomem_add(t.pid);
	bytes = visit_takes(&t) - others;
	records = summary(t.pid, "records");
	if (records < RECORDS)
		die("%d blocks were touched, the ledger has %ld records", RECORDS, records);
	row("record-bytes", "gomem", bytes / records);
	gomem_del(t.pid);
	target_kill(&t);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork failed: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void target_bytes(void)
{
	static pid_t pids[TARGETS];
	long before;
	int i;

	for (i = 0; i < TARGETS; i++)
		pids[i] = sleeper();
	before = free_bytes();
	for (i = 0; i < TARGETS; i++)
		if (gomem_add(pids[i]))
			die("target %d of %d could not be added", i + 1, TARGETS);
	row("target-bytes", "gomem", (before - free_bytes()) / TARGETS);
	for (i = 0; i < TARGETS; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

void bench_memory(int argc UNUSED, char **argv UNUSED)
{
	module_require();
	record_bytes();
	target_bytes();
	module_unload();
}

void bench_load(int argc UNUSED, char **argv UNUSED)
{
	long in[LOADS], out[LOADS];
	uint64_t start;
	int i;

	for (i = 0; i < LOADS; i++) {
		start = ticks();
		if (module_load(""))
			die("loading /gomem.ko failed");
		in[i] = ticks() - start;
		start = ticks();
		if (module_unload())
			die("unloading gomem failed");
		out[i] = ticks() - start;
	}
	row("insmod", "gomem", smallest(in, LOADS) / 1000);
	row("rmmod", "gomem", smallest(out, LOADS) / 1000);
}
