// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long readers hold the mmap lock, by the kernel's function tracer: what the module
 * says of itself is not asked. Each rwsem that a reader takes killably is an mmap lock.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

#define TRACING "/sys/kernel/debug/tracing/"
#define MEMORY (1024 * MB)
#define REPEATS 3
#define NEAR 1024 /* window sizes are told to so many pages: a timer may tick in one */

/**
 * struct holds - the holds of one read, in instructions
 * @longest: of all
 * @sum: of all
 * @inner: the longest but for the first and the last, which are of other VMAs as well
 * @last: the last one so far
 * @count: how many there were
 */
struct holds {
	long longest;
	long sum;
	long inner;
	long last;
	int count;
};

static void trace_set(const char *file, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), TRACING "%s", file);
	if (file_write(path, "%s", text))
		die("writing '%s' to %s failed", text, path);
}

static void trace_init(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	trace_set("trace_clock", "x86-tsc");
	trace_set("set_ftrace_filter", "down_read_killable");
	trace_set("set_ftrace_filter", "up_read");
	trace_set("set_ftrace_pid", pid);
	trace_set("tracing_on", "0");
	trace_set("current_tracer", "function");
}

/* Its buffer goes with it. */
static void trace_deinit(void)
{
	trace_set("current_tracer", "nop");
	trace_set("tracing_on", "1");
}

static void add_hold(struct holds *holds, long held)
{
	if (holds->count++ > 1 && holds->last > holds->inner)
		holds->inner = holds->last;
	if (held > holds->longest)
		holds->longest = held;
	holds->sum += held;
	holds->last = held;
}

/* "bench-97  [000] d..1. 123456: up_read <-gomem_walk_window" */
static void parse_line(const char *line, struct holds *holds, long *since)
{
	const char *at = strchr(line, ']'), *name = at ? strstr(at, ": ") : NULL;
	long when;

	if (!name)
		return;
	for (when = 0, at = name; at[-1] != ' '; at--)
		;
	when = atol(at);
	if (!strncmp(name, ": down_read_killable ", 21)) {
		*since = when;
	} else if (*since) {
		add_hold(holds, when - *since);
		*since = 0;
	}
}

static struct holds trace_read(const char *path)
{
	struct holds holds = { 0 };
	char *text, *line, *save;
	long since = 0;

	trace_set("trace", "\n");
	trace_set("tracing_on", "1");
	read_through(path);
	trace_set("tracing_on", "0");
	text = file_read(TRACING "trace");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#')
			parse_line(line, &holds, &since);
	free(text);
	if (!holds.longest)
		die("no hold of a lock was seen in a read of %s", path);
	return holds;
}

/* Where nearly all is 4 KiB pages, a hold's share of the time is its share of the pages. */
static long pages_in(const struct holds *holds)
{
	long window = holds->count > 2 ? holds->inner : holds->longest;
	double pages = (double)MEMORY / PAGE * window / holds->sum;

	return (long)(pages / NEAR + 0.5) * NEAR;
}

static void hold(const char *who, const char *path, bool tell_pages)
{
	long longest[REPEATS], pages[REPEATS];
	struct holds holds;
	int i;

	for (i = 0; i < REPEATS; i++) {
		holds = trace_read(path);
		longest[i] = holds.longest;
		pages[i] = pages_in(&holds);
	}
	row("hold", who, smallest(longest, REPEATS));
	if (tell_pages)
		row("hold-pages", who, smallest(pages, REPEATS));
}

void bench_hold(int argc UNUSED, char **argv UNUSED)
{
	struct target t = target_start();
	long addr = target_call(&t, do_map, MEMORY, MADV_NOHUGEPAGE, 0);
	char path[64];

	target_call(&t, do_touch, addr, MEMORY, PAGE);
	gomem_add(t.pid);
	trace_init();
	hold("gomem", "/proc/gomem/vmas", true);
	snprintf(path, sizeof(path), "/proc/%d/smaps", t.pid);
	hold("smaps", path, false);
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", t.pid);
	hold("smaps_rollup", path, false);
	trace_deinit();
	gomem_del(t.pid);
	target_kill(&t);
}
