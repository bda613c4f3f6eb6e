// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation fails once, each in its turn, on the way through a load, an add and
 * a read of each file: what was begun is then done or undone, and nothing in between.
 * And what fails in the module's own threads, while targets fault and fork, is counted.
 *
 * Needs a kernel that can make allocations fail (CONFIG_FAILSLAB and the like). STRIDE in
 * the environment: see sweep().
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count.h"
#include "lib.h"
#include "verbs.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define FORKS 100
#define WRONG -1
#define ALIKE 4
#define BLOCKS 10000L /* more than the records a target has before the worker gets it more */

static const char *const injectors[] = { "failslab", "fail_page_alloc" };

static struct target watched;
static const char *path_read;
static long stride = 1;

/* Writes to that file of each injector that has it. */
static void inject(const char *file, const char *value)
{
	char path[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", injectors[i], file);
		if (!access(path, F_OK) && file_write(path, "%s", value))
			die("writing %s to %s failed: %s", value, path, strerror(errno));
	}
}

/* All kinds of allocation, without a word in the log. */
static void injectors_set_up(void)
{
	inject("verbose", "0");
	inject("ignore-gfp-wait", "N");
	inject("ignore-gfp-highmem", "N");
	inject("min-order", "0");
	inject("times", "-1");
	/* Where the kernel was told so, its own checks do without failures. */
	inject("cache-filter", file_number("/sys/kernel/slab/kmalloc-64/failslab") ? "Y" : "N");
}

/*
 * @act with its @nth allocation failing. Return: its result; @fired: whether there was
 * such an allocation. The file is opened before, not to fail itself.
 */
static int act_failing(int (*act)(void), long nth, bool *fired)
{
	int fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC), ret;
	char text[16] = "";

	if (fd < 0 || dprintf(fd, "%ld", nth) < 0)
		die("writing %ld to " FAIL_NTH " failed: %s", nth, strerror(errno));
	ret = act();
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || pwrite(fd, "0", 1, 0) != 1)
		die("reading " FAIL_NTH " failed: %s", strerror(errno));
	*fired = atol(text) == 0;
	close(fd);
	return ret;
}

/* From an allocation to the next to try: at most halfway to one that is known to differ. */
static long step_after(long step, long alike, long to_other)
{
	step = alike < ALIKE ? 1 : 2 * step;
	if (step > stride)
		step = stride;
	if (step > to_other / 2)
		step = to_other / 2;
	return step ?: 1;
}

/*
 * @act, again and again, with one allocation more before the one that fails, until none
 * does. It may succeed without what it asked for, or return -ENOMEM; then @outcome says
 * whether the module is as that result promises, and puts it back as it was: a number,
 * the same for the same way to end, or WRONG.
 *
 * Where one loop of the kernel makes hundreds of allocations, a stride above 1 skips
 * some, once @ALIKE in a row have ended alike; where one ends otherwise it goes back and
 * looks for the first that does.
 */
static void sweep(const char *name, int (*act)(void), int (*outcome)(int ret))
{
	long n = 0, step = 1, tried = 0, wrong = 0, alike = 0, other = LONG_MAX;
	int ret = 0, end = 0, last = 0;
	bool fired = true, more = true;

	while (more) {
		ret = act_failing(act, n + step, &fired);
		end = outcome(ret);
		tried++;
		if (end == WRONG || (ret && ret != -ENOMEM)) {
			if (!wrong++)
				tap_note("%s: returned %d with allocation %ld failing", name, ret,
					 n + step);
		}
		if (step > 1 && (!fired || end != last)) {
			other = n + step;
		} else {
			alike = end == last ? alike + 1 : 0;
			n += step;
			last = end;
			more = fired;
		}
		if (other <= n)
			other = LONG_MAX;
		step = step_after(step, alike, other - n);
	}
	tap_ok(!wrong && !ret && n > 1,
	       "%s, each of its %ld allocations failing: %ld tried, %ld wrong", name, n - 1,
	       tried - 1, wrong);
}

static bool is_target(pid_t pid)
{
	struct table *t = table_read("targets");
	bool is = table_find(t, pid) >= 0;

	table_free(t);
	return is;
}

static int load(void)
{
	char params[40];

	snprintf(params, sizeof(params), "target_pid=%d follow=1", watched.pid);
	return module_load(params);
}

/* Which hooks could not be planted, as a number that others hardly have. */
static int absent_hooks(void)
{
	struct table *t = table_read("probes");
	int row, absent = 0;

	for (row = 0; row < t->rows; row++)
		if (!strcmp(table_str(t, row, "state"), "absent"))
			absent = (absent * 61 + row + 1) % 1000003;
	table_free(t);
	return absent;
}

static int loaded_or_gone(int ret)
{
	int absent;

	if (ret)
		return module_loaded() || !access("/proc/gomem", F_OK) ? WRONG : 0;
	absent = absent_hooks();
	return is_target(watched.pid) && !module_unload() ? absent + 1 : WRONG;
}

static int add(void)
{
	return file_write("/proc/gomem/targets", "add %d follow=1\n", watched.pid);
}

static int added_or_not(int ret)
{
	if (is_target(watched.pid) != !ret)
		return WRONG;
	return gomem_del(watched.pid) == (ret ? -ENOENT : 0) ? !ret : WRONG;
}

/* Into memory that is there: a page fault of our own would take its turn to fail. */
static int read_all(void)
{
	static char piece[64 * KB];
	int fd = open(path_read, O_RDONLY | O_NONBLOCK | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	while ((ret = read(fd, piece, sizeof(piece))) > 0)
		;
	ret = ret && errno != EAGAIN ? -errno : 0;
	close(fd);
	return ret;
}

static int readable(int ret)
{
	return read_all() ? WRONG : !ret;
}

static int sweep_file(const char *path, const struct stat *st UNUSED, int type,
		      struct FTW *ftw UNUSED)
{
	char name[80];

	path_read = path;
	snprintf(name, sizeof(name), "read %s", path);
	if (type == FTW_F && !read_all())
		sweep(name, read_all, readable);
	return 0;
}

/* The tables that the target's own work takes memory from. */
static void loads(void)
{
	sweep("insmod with a target", load, loaded_or_gone);
}

static void adds_and_reads(void)
{
	module_require();
	sweep("add", add, added_or_not);
	gomem_add(watched.pid);
	nftw("/proc/gomem", sweep_file, 8, FTW_PHYS);
}

static bool is_worker(const char *pid)
{
	char path[64], *comm;
	bool is;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	comm = isdigit(*pid) ? file_read(path) : NULL;
	is = comm && !strncmp(comm, "kworker/u", 9);
	free(comm);
	return is;
}

/* The threads of unbound workqueues: @percent of what they ask for they do not get. */
static void workers_fail(int percent)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[64];

	for (entry = readdir(proc); entry; entry = readdir(proc)) {
		if (!is_worker(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/make-it-fail", entry->d_name);
		file_write(path, "%d", percent > 0);
	}
	closedir(proc);
	inject("task-filter", "Y");
	snprintf(path, sizeof(path), "%d", percent);
	inject("probability", path);
}

/* Return: how many children were forked. */
static long do_forks(long n, long unused UNUSED, long unused2 UNUSED)
{
	long i;
	pid_t pid;

	for (i = 0; i < n; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return i;
	}
	return n;
}

static unsigned long targets_dec(pid_t pid, const char *column)
{
	struct table *t = table_read("targets");
	unsigned long value = table_dec(t, table_find(t, pid), column);

	table_free(t);
	return value;
}

static long children_of(pid_t pid)
{
	struct table *t = table_read("targets");
	long n = 0;
	int row;

	for (row = 0; row < t->rows; row++)
		n += table_dec(t, row, "parent") == (unsigned long)pid;
	table_free(t);
	return n;
}

/* Nothing gets lost unseen: a fault is counted or dropped, a child followed or unfollowed. */
static void workers(void)
{
	long p = target_call(&watched, do_map, BLOCKS * HUGE, 0, 0), forks;

	module_require();
	if (add())
		die("adding %d failed", watched.pid);
	workers_fail(90);
	target_call(&watched, do_touch, p, BLOCKS * HUGE, HUGE);
	forks = target_call(&watched, do_forks, FORKS, 0, 0);
	workers_fail(0);
	tap_eq(BLOCKS, "as made",
	       vmas_sum(watched.pid, p, BLOCKS * HUGE, "faults") + summary(watched.pid, "dropped"),
	       "faults + dropped", "faults while the workers get no memory");
	tap_note("%lu events dropped", summary(watched.pid, "dropped"));
	tap_eq(forks, "as made", children_of(watched.pid) + targets_dec(watched.pid, "unfollowed"),
	       "followed + unfollowed", "forks while the workers get no memory");
	tap_note("%lu of %ld children not followed", targets_dec(watched.pid, "unfollowed"), forks);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	if (access(FAIL_NTH, F_OK)) {
		printf("1..0 # SKIP this kernel cannot make allocations fail\n");
		return 0;
	}
	if (getenv("STRIDE"))
		stride = atol(getenv("STRIDE"));
	module_remove();
	mm_quiet();
	injectors_set_up();
	watched = target_start();
	loads();
	adds_and_reads();
	workers();
	count_still_right();
	target_kill(&watched);
	return tap_done();
}
