// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole cgroups: who is in, who comes by fork, exec, move and clone into it, and who goes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

#define ROOT "/sys/fs/cgroup"
#define ARGS long a UNUSED, long b UNUSED, long c UNUSED
#define N 32
#define TARGETS_MAX 1024
#define CGROUPS_MAX 16

static void make(const char *path)
{
	char full[128];

	snprintf(full, sizeof(full), ROOT "%s", path);
	if (mkdir(full, 0755) && errno != EEXIST)
		die("mkdir %s failed: %s", full, strerror(errno));
}

static int removed(const char *path)
{
	char full[128];

	snprintf(full, sizeof(full), ROOT "%s", path);
	return rmdir(full) ? -errno : 0;
}

static void move(pid_t pid, const char *path)
{
	char procs[128];
	int err;

	snprintf(procs, sizeof(procs), ROOT "%s/cgroup.procs", path);
	err = file_write(procs, "%d", pid);
	if (err)
		die("moving %d to %s failed: %s", pid, path, strerror(-err));
}

static struct target start_in(const char *path)
{
	struct target t = target_start();

	move(t.pid, path);
	return t;
}

static int watch(const char *path)
{
	return file_write("/proc/gomem/targets", "add-cgroup %s\n", path);
}

static int unwatch(const char *path)
{
	return file_write("/proc/gomem/targets", "del-cgroup %s\n", path);
}

static int target_rows(void)
{
	struct table *t = table_read("targets");
	int rows = t->rows;

	table_free(t);
	return rows;
}

/* Moves are noticed soon, not at once. */
static void check_soon(pid_t pid, const char *column, const char *want, const char *name)
{
	struct table *t;
	bool is_so = false;
	int i, row;

	for (i = 0; i < 500 && !is_so; i++) {
		usleep(10000);
		t = table_read("targets");
		row = table_find(t, pid);
		is_so = !strcmp(row < 0 ? "no row" : table_str(t, row, column), want);
		table_free(t);
	}
	check_field(pid, column, want, name);
}

static bool says(const char *path, int processes, int unwatched)
{
	char *text = file_read("/proc/gomem/targets"), line[256];
	bool found;

	snprintf(line, sizeof(line),
		 "\n# cgroup %s: %d processes, %d not watched for want of room\n", path, processes,
		 unwatched);
	found = text && strstr(text, line);
	free(text);
	return found;
}

static bool says_soon(const char *path, int processes, int unwatched)
{
	int i;

	for (i = 0; i < 1000 && !says(path, processes, unwatched); i++)
		usleep(10000);
	return says(path, processes, unwatched);
}

static void errors(void)
{
	make("/err");
	tap_eq(-ENOENT, "contract", watch("/nothing"), "write", "add-cgroup of none");
	tap_eq(-ENOTDIR, "contract", watch("/cgroup.procs"), "write", "add-cgroup of a file");
	tap_eq(-EINVAL, "contract", watch("err"), "write", "add-cgroup of no absolute path");
	tap_eq(-EINVAL, "contract", watch(""), "write", "add-cgroup of nothing");
	tap_eq(-ENOENT, "contract", unwatch("/err"), "write", "del-cgroup of one not watched");
	tap_eq(0, "errno", watch("/err"), "write", "add-cgroup");
	tap_eq(-EEXIST, "contract", watch("/err"), "write", "add-cgroup again");
	tap_eq(-EEXIST, "contract", watch("/err/"), "write", "add-cgroup by another name");
	tap_eq(0, "errno", unwatch("/err"), "write", "del-cgroup");
	tap_eq(-ENOENT, "contract", unwatch("/err"), "write", "del-cgroup again");
	tap_eq(0, "errno", removed("/err"), "rmdir", "a cgroup that was watched");
}

static void who_is_in(void)
{
	struct target a, b, out = target_start();

	make("/in");
	make("/in/below");
	a = start_in("/in");
	b = start_in("/in/below");
	tap_eq(0, "errno", watch("/in"), "write", "add-cgroup with two processes");
	check_field(a.pid, "origin", "cgroup", "in the cgroup");
	check_field(a.pid, "follow", "1", "in the cgroup");
	check_field(a.pid, "state", "running", "in the cgroup");
	check_field(b.pid, "origin", "cgroup", "in a cgroup below");
	check_field(out.pid, "origin", "no row", "outside");
	tap_eq(2, "as made", target_rows(), "rows", "targets");
	tap_ok(says("/in", 2, 0), "targets: says 2 processes, 0 not watched (as made)");
	tap_eq(-EBUSY, "contract", gomem_del(a.pid), "write", "del of one in the cgroup");
	target_kill(&a);
	check_field(a.pid, "state", "exited", "exit in the cgroup");
	tap_eq(0, "errno", unwatch("/in"), "write", "del-cgroup");
	tap_eq(0, "contract", target_rows(), "rows", "targets after del-cgroup");
	target_kill(&b);
	target_kill(&out);
}

static void moves(void)
{
	struct target t = target_start(), own = target_start();

	gomem_add(own.pid);
	watch("/in");
	move(t.pid, "/in/below");
	check_soon(t.pid, "origin", "cgroup", "moved in");
	move(t.pid, "/in");
	check_soon(t.pid, "origin", "cgroup", "moved within");
	move(own.pid, "/in");
	move(t.pid, "/");
	check_soon(t.pid, "origin", "no row", "moved out");
	check_field(own.pid, "origin", "write", "added, and moved in");
	move(own.pid, "/");
	move(t.pid, "/in");
	check_soon(t.pid, "origin", "cgroup", "moved in again");
	check_field(own.pid, "origin", "write", "added, moved in and out");
	tap_eq(0, "contract", gomem_add(t.pid), "write", "add of one in the cgroup");
	check_field(t.pid, "origin", "write", "add of one in the cgroup");
	move(t.pid, "/");
	move(own.pid, "/in");
	tap_eq(0, "errno", gomem_del(own.pid), "write", "del of one that was added");
	check_soon(own.pid, "origin", "cgroup", "del of one that was added, in the cgroup");
	check_field(t.pid, "origin", "write", "added while in the cgroup, moved out");
	gomem_del(t.pid);
	unwatch("/in");
	target_kill(&t);
	target_kill(&own);
}

static long fork_and_touch(long p, long n, long c UNUSED)
{
	pid_t child = fork();

	if (!child) {
		do_touch(p, PAGES(n), PAGE);
		pause();
	}
	usleep(100000);
	return child;
}

static long spawn_sleep(ARGS)
{
	char *argv[] = { "sleep", "1000", NULL };
	pid_t pid = vfork();

	if (!pid) {
		execv("/bin/sleep", argv);
		_exit(1);
	}
	return pid;
}

/* At once: not one fault of a child is missed. */
static void forks(void)
{
	struct target t = start_in("/in");
	long p = target_call(&t, do_map, HUGE, 0, 0);
	char number[16];
	pid_t child, spawned;

	target_call(&t, do_touch, p, PAGES(N), PAGE);
	watch("/in");
	child = target_call(&t, fork_and_touch, p, N, 0);
	snprintf(number, sizeof(number), "%d", t.pid);
	check_field(child, "origin", "cgroup", "forked in the cgroup");
	check_field(child, "parent", number, "forked in the cgroup");
	tap_eq(N, "as made", vmas_sum(child, p, HUGE, "cow"), "/proc/gomem/vmas",
	       "forked in the cgroup: cow");
	spawned = target_call(&t, spawn_sleep, 0, 0, 0);
	check_soon(spawned, "origin", "cgroup", "vfork and exec in the cgroup");
	check_field(t.pid, "unfollowed", "0", "parent in the cgroup");
	check_field(t.pid, "execs", "0", "parent in the cgroup");
	move(child, "/");
	check_soon(child, "origin", "no row", "forked in the cgroup, moved out");
	kill(child, SIGKILL);
	kill(spawned, SIGKILL);
	target_kill(&t);
	unwatch("/in");
}

static void cloned_into(void)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int dir = open(ROOT "/in", O_RDONLY | O_DIRECTORY);
	pid_t pid;

	watch("/in");
	args.cgroup = dir;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid) {
		pause();
		_exit(0);
	}
	close(dir);
	check_field(pid, "origin", "cgroup", "cloned into the cgroup from outside");
	check_field(pid, "parent", "0", "cloned into the cgroup from outside");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unwatch("/in");
}

static long storm(long n, long b UNUSED, long c UNUSED)
{
	while (n--)
		if (!fork())
			_exit(0);
	while (wait(NULL) > 0)
		;
	return 0;
}

/* Watched, or counted as not watched: none is lost in silence. */
static void fork_storm(void)
{
	struct target t = start_in("/in");
	struct table *table;
	long children = 0, unfollowed;
	int row;

	watch("/in");
	target_call(&t, storm, 400, 0, 0);
	table = table_read("targets");
	for (row = 0; row < table->rows; row++)
		children += table_dec(table, row, "parent") == (unsigned long)t.pid;
	unfollowed = table_dec(table, table_find(table, t.pid), "unfollowed");
	tap_note("fork storm: %ld watched, %ld not", children, unfollowed);
	tap_eq(400, "as made", children + unfollowed, "/proc/gomem/targets",
	       "400 forks: watched and unfollowed");
	table_free(table);
	target_kill(&t);
	unwatch("/in");
	tap_eq(0, "contract", target_rows(), "rows", "targets after del-cgroup");
}

static void rmdir_while_watched(void)
{
	struct target t;
	char path[32];
	int i, bad = 0;

	make("/gone");
	t = start_in("/gone");
	watch("/gone");
	target_kill(&t);
	tap_eq(0, "errno", removed("/gone"), "rmdir", "a watched cgroup");
	tap_ok(!says("/gone", 0, 0), "targets: says nothing of a removed cgroup");
	check_field(t.pid, "state", "exited", "exited in a removed cgroup");
	gomem_del(t.pid);
	for (i = 0; i <= CGROUPS_MAX; i++) {
		snprintf(path, sizeof(path), "/many%d", i);
		make(path);
		if (i < CGROUPS_MAX)
			bad += watch(path) != 0;
	}
	tap_eq(0, "contract", bad, "refused", "%d cgroups", CGROUPS_MAX);
	tap_eq(-ENOSPC, "contract", watch(path), "write", "one cgroup more");
	removed("/many0");
	tap_eq(0, "contract", watch(path), "write", "one more when another is removed");
	for (i = 1; i <= CGROUPS_MAX; i++) {
		snprintf(path, sizeof(path), "/many%d", i);
		bad += unwatch(path) != 0 || removed(path) != 0;
	}
	tap_eq(0, "as added", bad, "refused", "del-cgroup and rmdir of all");
}

/* More than there is room for; who is left out comes in when others go. */
static void crowd(void)
{
	static pid_t pids[TARGETS_MAX + 100];
	struct target t = start_in("/in");
	int i, n = ARRAY_SIZE(pids);

	for (i = 0; i < n; i++)
		pids[i] = target_call(&t, do_fork, 0, 0, 0);
	tap_eq(0, "errno", watch("/in"), "write", "add-cgroup of %d processes", n + 1);
	tap_eq(TARGETS_MAX, "contract", target_rows(), "rows", "targets");
	tap_ok(says("/in", n + 1, n + 1 - TARGETS_MAX),
	       "targets: says %d processes, %d not watched (as made)", n + 1, n + 1 - TARGETS_MAX);
	for (i = 0; i < 200; i++)
		kill(pids[i], SIGKILL);
	tap_ok(says_soon("/in", n + 1 - 200, 0), "when 200 exit: says %d processes, all watched",
	       n + 1 - 200);
	target_kill(&t);
	tap_ok(says_soon("/in", 0, 0), "when all exit: says no process");
	tap_eq(0, "errno", unwatch("/in"), "write", "del-cgroup");
	tap_eq(0, "contract", target_rows(), "rows", "targets after del-cgroup");
}

/* The OOM killer shows a stack, which is no trouble here. */
static void log_stacks(bool on)
{
	file_write("/sys/module/printk/parameters/ignore_loglevel", on ? "Y" : "N");
	file_write("/proc/sys/kernel/printk", on ? "7" : "4");
}

/* Nobody looks at what the OOM killer wants back; what was counted stays. */
static void oom_victim(void)
{
	struct target t;
	long p;

	file_write(ROOT "/cgroup.subtree_control", "+memory");
	make("/oom");
	if (file_write(ROOT "/oom/memory.max", "16M"))
		die("limiting the memory of a cgroup failed");
	file_write(ROOT "/oom/memory.swap.max", "0");
	t = start_in("/oom");
	watch("/oom");
	p = target_call(&t, do_map, 64 * MB, 0, 0);
	log_stacks(false);
	target_begin(&t, do_touch, p, 64 * MB, PAGE);
	waitpid(t.pid, NULL, 0);
	log_stacks(true);
	check_field(t.pid, "state", "exited", "victim of the OOM killer");
	tap_eq(0, "contract", summary(t.pid, "rss"), "kB, /proc/gomem/summary",
	       "victim of the OOM killer: rss");
	tap_ok(summary(t.pid, "faults") >= 8 * MB / PAGE,
	       "victim of the OOM killer: faults: %ld or more, got %lu", 8 * MB / PAGE,
	       summary(t.pid, "faults"));
	unwatch("/oom");
	removed("/oom");
}

static long fork_on(ARGS)
{
	for (;;) {
		if (!fork())
			_exit(0);
		wait(NULL);
	}
	return 0;
}

static void unload_while_forking(void)
{
	struct target t = start_in("/in");
	int i, bad = 0;

	target_begin(&t, fork_on, 0, 0, 0);
	for (i = 0; i < 10; i++) {
		watch("/in");
		usleep(20000);
		move(getpid(), i % 2 ? "/" : "/in");
		bad += module_unload() != 0;
		module_require();
	}
	move(getpid(), "/");
	tap_eq(0, "as asked", bad, "refused", "10 unloads with a watched cgroup that forks");
	target_kill(&t);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	errors();
	who_is_in();
	moves();
	forks();
	cloned_into();
	fork_storm();
	rmdir_while_watched();
	crowd();
	oom_victim();
	unload_while_forking();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
