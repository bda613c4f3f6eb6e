// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Targets that exec, fork, exit, and whose number is used again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count.h"
#include "lib.h"
#include "memory.h"
#include "verbs.h"

#define N 32
#define ARGS long a UNUSED, long b UNUSED, long c UNUSED

/* Each VMA's row, as smaps shows or showed them: @maps, @count of them. */
static void check_rows(const char *name, pid_t pid, const struct smap *maps, int count)
{
	struct table *t = table_read("vmas");
	int first = table_find(t, pid), i, j, bad = -1;

	for (i = 0; i < count && first >= 0 && bad < 0; i++) {
		if (first + i >= t->rows || (long)table_hex(t, first + i, "start") != maps[i].start)
			bad = i;
		for (j = 0; j < SIZES && bad < 0; j++)
			if ((long)table_dec(t, first + i, sizes[j].column) != maps[i].kb[j])
				bad = i;
	}
	if (bad >= 0)
		tap_note("%lx %s: rss %ld, anon %ld kB in smaps", maps[bad].start, maps[bad].name,
			 maps[bad].kb[RSS], maps[bad].kb[ANON]);
	tap_ok(first >= 0 && bad < 0, "%s: expected %d rows as in smaps, the first that is not: %d",
	       name, count, bad);
	table_free(t);
}

static void check_faults(const char *name, pid_t pid, long start, long want)
{
	tap_eq(want, "as made", vmas_sum(pid, start, HUGE, "faults"), "/proc/gomem/vmas",
	       "%s: faults", name);
}

static void exec_twice(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map, HUGE, 0, 0);
	struct smap *maps;
	int count;

	target_call(&t, do_touch, p, PAGES(N), PAGE);
	target_exec(&t);
	check_field(t.pid, "execs", "1", "exec");
	check_field(t.pid, "state", "running", "exec");
	check_field(t.pid, "comm", "exe", "exec");
	p = target_call(&t, do_map, HUGE, 0, 0);
	target_call(&t, do_touch, p, PAGES(N + 1), PAGE);
	check_faults("exec", t.pid, p, N + 1);
	target_stop(&t);
	maps = smaps_read(t.pid, &count);
	check_rows("exec", t.pid, maps, count);
	free(maps);
	target_go(&t);
	target_exec(&t);
	check_field(t.pid, "execs", "2", "exec again");
	tap_eq(2, "as made", summary(t.pid, "execs"), "/proc/gomem/summary", "exec again");
	target_drop(&t);
}

static void *exec_in_thread(void *unused)
{
	char *argv[] = { "target", "target", NULL };

	execv("/proc/self/exe", argv);
	return unused;
}

static long thread_execs(ARGS)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_in_thread, NULL);
	pthread_join(thread, NULL);
	return 0;
}

/* exec by a thread: the kernel gives it the process's pid. */
static void exec_by_thread(void)
{
	struct target t = target_watched("");
	long p;

	target_begin(&t, thread_execs, 0, 0, 0);
	target_end(&t);
	target_settle(&t);
	check_field(t.pid, "execs", "1", "exec by a thread");
	p = target_call(&t, do_map, HUGE, 0, 0);
	target_call(&t, do_touch, p, PAGES(N), PAGE);
	check_faults("exec by a thread", t.pid, p, N);
	target_drop(&t);
}

static long spawn(ARGS)
{
	char *argv[] = { "true", NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL))
		return -1;
	return waitpid(pid, NULL, 0);
}

static long exec_nothing(ARGS)
{
	char *argv[] = { "nothing", NULL };

	return execv("/nothing", argv);
}

/* A vfork child lives in the target's memory, execs and exits: none of it is the target's. */
static void spawn_and_failed_exec(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map, HUGE, 0, 0);

	target_call(&t, do_touch, p, PAGES(N), PAGE);
	target_call(&t, spawn, 0, 0, 0);
	target_call(&t, exec_nothing, 0, 0, 0);
	check_field(t.pid, "execs", "0", "posix_spawn and a failed exec");
	check_field(t.pid, "state", "running", "posix_spawn");
	target_call(&t, do_touch, p + PAGES(N), PAGES(N), PAGE);
	check_faults("posix_spawn", t.pid, p, 2 * N);
	target_drop(&t);
}

static long make_mixed(ARGS)
{
	long p = do_map(4 * HUGE, MADV_HUGEPAGE, 0);

	do_touch(p, 2 * HUGE, HUGE);
	do_touch(p + 2 * HUGE, HUGE, HUGE);
	madvise((void *)(p + 2 * HUGE), PAGES(7), MADV_DONTNEED);
	do_peek(p + 3 * HUGE, HUGE, HUGE);
	return p;
}

/* Killed while stopped, so that its memory is what smaps saw last. */
static void exit_keeps_figures(void)
{
	struct target t = target_watched("");
	struct counts before, after;
	struct smap *maps;
	char path[40];
	int count;

	target_call(&t, make_mixed, 0, 0, 0);
	target_stop(&t);
	maps = smaps_read(t.pid, &count);
	before = count_target(t.pid);
	target_kill(&t);
	check_field(t.pid, "state", "exited", "exit");
	check_rows("exit", t.pid, maps, count);
	after = count_target(t.pid);
	count_check("exit", &before, "before", &after, "/proc/gomem/summary");
	snprintf(path, sizeof(path), "/proc/gomem/%d/pages", t.pid);
	tap_ok(!file_read(path) && errno == ESRCH, "pages of an exited target: ESRCH (contract)");
	tap_eq(0, "errno", gomem_del(t.pid), "write", "del of an exited target");
	check_field(t.pid, "state", "no row", "del of an exited target");
	free(maps);
}

/* A normal exit, of a process with threads. */
static void exit_by_itself(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, make_mixed, 0, 0, 0);
	struct smap map = smaps_at(t.pid, p);

	target_exit(&t);
	check_field(t.pid, "state", "exited", "exit by itself");
	tap_eq(map.kb[RSS], "kB, smaps before", vmas_sum(t.pid, p, 4 * HUGE, "rss"),
	       "kB, /proc/gomem/vmas", "exit by itself: rss");
	tap_eq(map.kb[THP], "kB, smaps before", vmas_sum(t.pid, p, 4 * HUGE, "thp"),
	       "kB, /proc/gomem/vmas", "exit by itself: thp");
	gomem_del(t.pid);
}

static void *serve_on(void *go)
{
	long p = do_map(HUGE, 0, 0);
	char byte;

	do_touch(p, PAGES(N), PAGE);
	while (read(*(int *)go, &byte, 1) < 0)
		;
	return NULL;
}

/* A process whose first thread exits early, until @go has an end. */
static pid_t without_leader(int *go)
{
	pid_t pid = fork();
	pthread_t thread;

	if (!pid) {
		close(go[1]);
		pthread_create(&thread, NULL, serve_on, go);
		raise(SIGSTOP);
		syscall(SYS_exit, 0);
	}
	close(go[0]);
	waitpid(pid, NULL, WUNTRACED);
	return pid;
}

static bool is_zombie(pid_t pid)
{
	char path[32], *text;
	bool zombie;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = file_read(path);
	zombie = text && strstr(text, "State:\tZ");
	free(text);
	return zombie;
}

static void leader_exits_first(void)
{
	pid_t pid;
	int go[2];

	if (pipe(go))
		die("pipe failed");
	pid = without_leader(go);
	gomem_add(pid);
	kill(pid, SIGCONT);
	while (!is_zombie(pid))
		usleep(1000);
	check_field(pid, "state", "running", "first thread exited");
	tap_ok(summary(pid, "rss") >= PAGES(N) / KB,
	       "first thread exited: rss: expected %ld kB or more (as made), got %lu",
	       PAGES(N) / KB, summary(pid, "rss"));
	close(go[1]);
	waitpid(pid, NULL, 0);
	check_field(pid, "state", "exited", "last thread exited");
	gomem_del(pid);
}

/* Where children leave their pids, shared with all targets; and whether they are ready. */
static volatile pid_t *family;

/* A child, and its child: each writes @n pages at @p, in its own copy of it, and waits. */
static long two_generations(long p, long n, long c UNUSED)
{
	int i;

	family[0] = 0;
	family[1] = 0;
	for (i = 0; i < 2; i++) {
		if (fork())
			break;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		do_touch(p, PAGES(n + i), PAGE);
		family[i] = getpid();
	}
	while (!family[1])
		usleep(1000);
	while (i)
		pause();
	return 0;
}

static void fork_not_followed(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map, HUGE, 0, 0);

	target_call(&t, do_touch, p, PAGES(N), PAGE);
	target_call(&t, two_generations, p, N, 0);
	check_field(family[0], "state", "no row", "child, not followed");
	check_faults("parent of a child not followed", t.pid, p, N);
	target_drop(&t);
}

static void check_child(const char *name, pid_t pid, pid_t parent, long p, long faults)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", parent);
	check_field(pid, "state", "running", name);
	check_field(pid, "origin", "fork", name);
	check_field(pid, "follow", "1", name);
	check_field(pid, "parent", number, name);
	check_faults(name, pid, p, faults);
	tap_eq(faults, "as made", vmas_sum(pid, p, HUGE, "cow"), "/proc/gomem/vmas", "%s: cow",
	       name);
}

static void fork_followed(void)
{
	struct target t = target_watched(" follow=1");
	long p = target_call(&t, do_map, HUGE, 0, 0);

	target_call(&t, do_touch, p, PAGES(2 * N), PAGE);
	target_call(&t, two_generations, p, N, 0);
	check_child("child", family[0], t.pid, p, N);
	check_child("grandchild", family[1], family[0], p, N + 1);
	check_faults("parent", t.pid, p, 2 * N);
	check_field(t.pid, "unfollowed", "0", "parent");
	gomem_del(t.pid);
	check_field(family[0], "state", "running", "child of a deleted target");
	gomem_del(family[0]);
	gomem_del(family[1]);
	target_kill(&t);
}

/* Return: whether the word that a child asked to be cleared when it exits is still its tid. */
static long child_with_word(ARGS)
{
	pid_t pid = syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, NULL,
			    &family[0], 0);

	if (!pid)
		syscall(SYS_exit_group, 0);
	return waitpid(pid, NULL, 0) == pid && family[0] == pid;
}

/* kernel/fork.c, mm_release(): the word is for those who share the memory, and there are none. */
static void nothing_written(void)
{
	struct target t = target_start();

	tap_eq(1, "nobody shares its memory", target_call(&t, child_with_word, 0, 0, 0),
	       "its word as it was", "exit of a child that is not watched");
	file_write("/proc/gomem/targets", "add %d follow=1\n", t.pid);
	tap_eq(1, "as when it is not watched", target_call(&t, child_with_word, 0, 0, 0),
	       "its word as it was", "exit of a child that is watched");
	check_field(t.pid, "unfollowed", "0", "its parent");
	target_drop(&t);
}

static long many_children(long n, long b UNUSED, long c UNUSED)
{
	while (n--)
		if (!fork())
			_exit(0);
	while (wait(NULL) > 0)
		;
	return 0;
}

/* Followed or counted as not followed: none is lost in silence. */
static void check_children(const char *name, target_fn make, long n)
{
	struct target t = target_watched(" follow=1");
	struct table *table;
	long children = 0, unfollowed;
	int row;

	if (target_call(&t, make, n, 0, 0) < 0)
		die("%s: making children failed", name);
	table = table_read("targets");
	for (row = 0; row < table->rows; row++)
		children += table_dec(table, row, "parent") == (unsigned long)t.pid;
	unfollowed = table_dec(table, table_find(table, t.pid), "unfollowed");
	tap_note("%s: %ld of %ld were followed, %ld not", name, children, n, unfollowed);
	tap_eq(n, "as made", children + unfollowed, "/proc/gomem/targets",
	       "%s: followed and unfollowed", name);
	for (row = 0; row < table->rows; row++)
		gomem_del(table_dec(table, row, "pid"));
	table_free(table);
	target_kill(&t);
}

static void *nothing(void *unused)
{
	return unused;
}

static long make_threads(ARGS)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 10; i++) {
		pthread_create(&thread, NULL, nothing, NULL);
		pthread_join(thread, NULL);
	}
	return 0;
}

static void threads_are_no_children(void)
{
	struct target t = target_watched(" follow=1");
	struct table *table;

	target_call(&t, make_threads, 0, 0, 0);
	table = table_read("targets");
	tap_eq(1, "as made", table->rows, "rows", "threads of a target with follow=1");
	check_field(t.pid, "unfollowed", "0", "threads of a target with follow=1");
	table_free(table);
	target_drop(&t);
}

static struct target with_pid(pid_t pid)
{
	struct target t;
	int i;

	for (i = 0; i < 50; i++) {
		if (file_write("/proc/sys/kernel/ns_last_pid", "%d", pid - 1))
			break;
		t = target_start();
		if (t.pid == pid)
			return t;
		target_kill(&t);
	}
	die("starting a process with the pid %d failed", pid);
}

static void pid_used_again(void)
{
	struct target old = target_watched(""), new;
	long p = target_call(&old, do_map, HUGE, 0, 0);
	struct counts before, after;

	target_call(&old, do_touch, p, PAGES(N), PAGE);
	target_kill(&old);
	before = count_target(old.pid);
	new = with_pid(old.pid);
	p = target_call(&new, do_map, HUGE, 0, 0);
	target_call(&new, do_touch, p, PAGES(3), PAGE);
	check_field(old.pid, "state", "exited", "pid used again");
	after = count_target(old.pid);
	count_check("pid used again", &before, "before", &after, "/proc/gomem/summary");
	tap_eq(0, "errno, contract", gomem_add(new.pid), "write", "pid used again: add");
	check_field(new.pid, "state", "running", "pid used again: add");
	target_call(&new, do_touch, p + PAGES(3), PAGES(5), PAGE);
	check_faults("pid used again", new.pid, p, 5);
	target_drop(&new);
}

#define CROWD 1024

/* As many as the contract allows, and one more. */
static void crowd(void)
{
	static struct target t;
	pid_t pids[CROWD + 1];
	struct table *table;
	int i, bad = 0;

	t = target_start();
	for (i = 0; i <= CROWD; i++)
		pids[i] = target_call(&t, do_fork, 0, 0, 0);
	for (i = 0; i < CROWD; i++)
		bad += gomem_add(pids[i]) != 0;
	tap_eq(0, "contract", bad, "refused", "1024 targets");
	tap_eq(-ENOSPC, "errno, contract", gomem_add(pids[CROWD]), "write", "one target more");
	table = table_read("summary");
	tap_eq(CROWD, "as made", table->rows, "rows", "summary of 1024 targets");
	table_free(table);
	target_kill(&t);
	for (i = 0; i < CROWD; i++)
		bad += gomem_del(pids[i]) != 0;
	tap_eq(0, "as added", bad, "refused", "del of 1024 targets");
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	family = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	module_require();
	exec_twice();
	exec_by_thread();
	spawn_and_failed_exec();
	exit_keeps_figures();
	exit_by_itself();
	leader_exits_first();
	fork_not_followed();
	fork_followed();
	nothing_written();
	check_children("100 children at once", many_children, 100);
	check_children("posix_spawn", spawn, 1);
	threads_are_no_children();
	pid_used_again();
	crowd();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
