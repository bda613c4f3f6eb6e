// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who can be made a target, how, by whom; and what the module says of itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

/* kthreadd, on every Linux */
#define KERNEL_THREAD 2

static int rows_of(const char *file)
{
	struct table *t = table_read(file);
	int rows = t->rows;

	table_free(t);
	return rows;
}

/* A pid that was somebody's a moment ago. */
static pid_t dead_pid(void)
{
	struct target t = target_start();

	target_kill(&t);
	return t.pid;
}

static void check_loaded_nothing(const char *name, const char *params, int want)
{
	int got = module_load(params);

	tap_eq(want, "errno, contract", got, "finit_module", "%s", name);
	tap_ok(!module_loaded() && access("/proc/gomem", F_OK), "%s: nothing is left", name);
	if (!got)
		module_unload();
}

/* What the kernel's log says since now. */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		die("opening /dev/kmsg failed: %s", strerror(errno));
	return fd;
}

static bool log_says(int fd, const char *word, pid_t pid)
{
	char record[2048], number[16];
	bool said = false;
	ssize_t n;

	snprintf(number, sizeof(number), "%d", pid);
	while ((n = read(fd, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		said |= strstr(record, word) && strstr(record, number);
	}
	close(fd);
	return said;
}

static void bad_params(void)
{
	struct target t = target_start();
	pid_t dead = dead_pid();
	char params[64];
	int log = log_open();

	snprintf(params, sizeof(params), "target_pid=%d", dead);
	check_loaded_nothing("target_pid= of no process", params, -ESRCH);
	tap_ok(log_says(log, "gomem: ", dead), "target_pid= of no process: the log names the pid");
	snprintf(params, sizeof(params), "target_pid=%d,%d", t.pid, dead);
	check_loaded_nothing("target_pid= of one process and none", params, -ESRCH);
	kill(t.pid, SIGKILL);
	waitid(P_PID, t.pid, NULL, WEXITED | WNOWAIT);
	snprintf(params, sizeof(params), "target_pid=%d", t.pid);
	check_loaded_nothing("target_pid= of a zombie", params, -ESRCH);
	target_kill(&t);
	snprintf(params, sizeof(params), "target_pid=%d", KERNEL_THREAD);
	check_loaded_nothing("target_pid= of a kernel thread", params, -EINVAL);
	check_loaded_nothing("target_pid= of a word", "target_pid=init", -EINVAL);
	check_loaded_nothing("target_pid=0", "target_pid=0", -ESRCH);
}

static void good_params(void)
{
	struct target a = target_start(), b = target_start();
	char params[64];

	snprintf(params, sizeof(params), "target_pid=%d", a.pid);
	tap_eq(0, "errno", module_load(params), "finit_module", "target_pid= of one process");
	tap_eq(1, "as asked", rows_of("targets"), "rows", "target_pid= of one process: targets");
	check_field(a.pid, "state", "running", "target_pid=");
	check_field(a.pid, "origin", "param", "target_pid=");
	check_field(a.pid, "follow", "0", "target_pid=");
	check_field(a.pid, "parent", "0", "target_pid=");
	check_field(a.pid, "execs", "0", "target_pid=");
	check_field(a.pid, "comm", "test_targets", "target_pid=");
	tap_eq(0, "asked", module_unload(), "delete_module", "unload with a target");
	snprintf(params, sizeof(params), "target_pid=%d,%d follow=1", a.pid, b.pid);
	tap_eq(0, "errno", module_load(params), "finit_module", "target_pid= of two, follow=1");
	check_field(a.pid, "follow", "1", "follow=1");
	check_field(b.pid, "follow", "1", "follow=1");
	tap_eq(0, "asked", module_unload(), "delete_module", "unload with targets");
	tap_ok(access("/proc/gomem", F_OK), "unload with targets: /proc/gomem is gone");
	target_kill(&a);
	target_kill(&b);
}

static void check_write(const char *command, pid_t pid, int want)
{
	char text[64];

	snprintf(text, sizeof(text), command, pid);
	tap_eq(want, "errno, contract", file_write("/proc/gomem/targets", "%s", text), "write",
	       "'%.*s'", (int)strcspn(text, "\n"), text);
}

static void bad_writes(void)
{
	static const char *const garbage[] = {
		"\n",
		" ",
		"add",
		"add\n",
		"add ",
		"add x\n",
		"add %dx\n",
		"add %d 2\n",
		"add %d follow\n",
		"add %d follow=\n",
		"add %d follow=2\n",
		"add %d follow=1x\n",
		"add %d follow=1 follow=1\n",
		"add %d follow=1 more\n",
		"add%d\n",
		"ADD %d\n",
		"watch %d\n",
		"del\n",
		"del x\n",
		"del %d 2\n",
		"%d\n",
		"add 99999999999999999999\n",
		"add 4294967297\n",
	};
	static char big[10000];
	struct target t = target_start();
	int fd = open("/proc/gomem/targets", O_WRONLY);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(garbage); i++)
		check_write(garbage[i], t.pid, -EINVAL);
	memset(big, ' ', sizeof(big));
	tap_ok(write(fd, big, sizeof(big)) < 0 && errno == EINVAL, "10000 blanks: EINVAL");
	tap_ok(write(fd, "add 1\0 2", 8) < 0 && errno == EINVAL, "NUL inside: EINVAL");
	close(fd);
	tap_eq(0, "as before", rows_of("targets"), "rows", "targets after garbage");
	target_kill(&t);
}

static void writes(void)
{
	struct target t = target_start();

	check_write("add %d\n", t.pid, 0);
	check_write("add %d\n", t.pid, -EEXIST);
	check_field(t.pid, "origin", "write", "add");
	check_field(t.pid, "follow", "0", "add");
	check_write("del %d\n", t.pid, 0);
	check_write("del %d\n", t.pid, -ENOENT);
	check_write("add %d", t.pid, 0);
	check_write("del %d", t.pid, 0);
	check_write("add %d follow=1\n", t.pid, 0);
	check_field(t.pid, "follow", "1", "add follow=1");
	check_write("del %d\n", t.pid, 0);
	check_write("add %d follow=0\n", t.pid, 0);
	check_field(t.pid, "follow", "0", "add follow=0");
	check_write("del %d\n", t.pid, 0);
	check_write("add %d\n", KERNEL_THREAD, -EINVAL);
	check_write("add %d\n", dead_pid(), -ESRCH);
	check_write("del %d\n", dead_pid(), -ENOENT);
	target_kill(&t);
	check_write("add %d\n", t.pid, -ESRCH);
}

static void *idle(void *tid)
{
	*(volatile pid_t *)tid = gettid();
	for (;;)
		pause();
	return NULL;
}

static long start_thread(long a UNUSED, long b UNUSED, long c UNUSED)
{
	static volatile pid_t tid;
	pthread_t thread;

	pthread_create(&thread, NULL, idle, (void *)&tid);
	while (!tid)
		sched_yield();
	return tid;
}

static void threads(void)
{
	struct target t = target_start();
	pid_t tid = target_call(&t, start_thread, 0, 0, 0);

	check_write("add %d\n", tid, 0);
	check_field(t.pid, "state", "running", "a thread's id");
	check_field(tid, "state", "no row", "a thread's id");
	check_write("add %d\n", t.pid, -EEXIST);
	check_write("del %d\n", tid, 0);
	tap_eq(0, "as deleted", rows_of("targets"), "rows", "targets after del of a thread's id");
	target_kill(&t);
}

/* In a pid namespace of its own this is process 1. Its status: 1 adding, 2 reading failed. */
static int inside(void)
{
	struct table *t;

	if (gomem_add(1))
		return 1;
	t = table_read("targets");
	return table_find(t, 1) < 0 ? 2 : 0;
}

static long enter_namespace(long a UNUSED, long b UNUSED, long c UNUSED)
{
	pid_t child;

	if (unshare(CLONE_NEWPID))
		return -errno;
	child = fork();
	if (!child)
		_exit(inside());
	return child;
}

static long wait_for(long pid, long b UNUSED, long c UNUSED)
{
	int status;

	waitpid(pid, &status, 0);
	return status;
}

static void pid_namespace(void)
{
	struct target t = target_start();
	pid_t child = target_call(&t, enter_namespace, 0, 0, 0);
	int status = target_call(&t, wait_for, child, 0, 0);

	tap_eq(0, "added, and read as 1", WEXITSTATUS(status), "exit status",
	       "process 1 of a pid namespace");
	check_field(child, "state", "exited", "process 1 of a pid namespace, from outside");
	gomem_del(child);
	target_kill(&t);
}

static void version(void)
{
	struct table *t = table_read("version");
	char *module = file_read("/sys/module/gomem/version");
	struct utsname u;

	uname(&u);
	module[strcspn(module, "\n")] = 0;
	tap_eq(1, "contract", t->rows, "rows", "version");
	tap_eq(2, "contract", table_dec(t, 0, "contract"), "/proc/gomem/version",
	       "version: contract");
	tap_ok(!strcmp(table_str(t, 0, "kernel"), u.release),
	       "version: kernel: expected %s (uname), got %s", u.release,
	       table_str(t, 0, "kernel"));
	tap_ok(!strcmp(table_str(t, 0, "module"), module),
	       "version: module: expected %s (sysfs), got %s", module, table_str(t, 0, "module"));
	free(module);
	table_free(t);
}

/*
 * Planted, or about what the host does not have now: folios between a page and a huge page,
 * programs of 32 bits.
 */
static bool is_as_wanted(const struct table *table, int row)
{
	bool has_mthp = !access("/sys/kernel/mm/transparent_hugepage/hugepages-64kB", F_OK);
	bool has_ia32 = !access("/proc/sys/abi/vsyscall32", F_OK);
	const char *event = table_str(table, row, "event");

	if (!strcmp(event, "mthp_fault"))
		return !strcmp(table_str(table, row, "why"), has_mthp ? "mthp-off" : "no-mthp");
	if (!strcmp(event, "mthp_setting") && !has_mthp)
		return !strcmp(table_str(table, row, "why"), "no-such-symbol");
	if ((!strcmp(event, "brk32") || !strcmp(event, "mremap32")) && !has_ia32)
		return !strcmp(table_str(table, row, "why"), "no-such-symbol");
	return !strcmp(table_str(table, row, "state"), "planted");
}

/* Every event has a hook on the kernels we claim, and those of plain faults are called. */
static void probes(void)
{
	struct target t = target_start();
	long p = target_call(&t, do_map, HUGE, 0, 0);
	struct table *table;
	int row;

	gomem_add(t.pid);
	target_call(&t, do_touch, p, HUGE, PAGE);
	table = table_read("probes");
	tap_ok(table->rows >= 29, "probes: a row for each of 29 events, got %d", table->rows);
	for (row = 0; row < table->rows; row++) {
		tap_ok(is_as_wanted(table, row), "probe %s: %s: %s %s",
		       table_str(table, row, "event"), table_str(table, row, "symbol"),
		       table_str(table, row, "state"), table_str(table, row, "why"));
		tap_eq(0, "contract", table_dec(table, row, "missed"), "missed", "probe %s",
		       table_str(table, row, "symbol"));
		if (!strcmp(table_str(table, row, "symbol"), "handle_mm_fault"))
			tap_ok(table_dec(table, row, "hits") >= 512,
			       "probe handle_mm_fault: expected 512 hits or more (as made), got %s",
			       table_str(table, row, "hits"));
	}
	table_free(table);
	gomem_del(t.pid);
	target_kill(&t);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_remove();
	bad_params();
	good_params();
	module_require();
	bad_writes();
	writes();
	threads();
	pid_namespace();
	version();
	probes();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
