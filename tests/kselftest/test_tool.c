// SPDX-License-Identifier: GPL-2.0-or-later
/* /bin/gomemctl in the guest: what events shows is what the target did; whom it looks at, and what
 * it says where the module does not help.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

#define OUT "/tmp/tool.out"
#define TALK "/tmp/tool.err"
#define BYTES PAGES(8)
#define TRIES 3000

static long act(long p, long b UNUSED, long c UNUSED)
{
	return madvise((void *)p, BYTES, MADV_DONTNEED);
}

static void to_file(const char *path, int fd)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(126);
}

static pid_t tool_start(pid_t target, const char *format)
{
	char pid[16];
	pid_t tool = fork();

	if (tool)
		return tool;
	snprintf(pid, sizeof(pid), "%d", target);
	to_file(OUT, 1);
	to_file(TALK, 2);
	execl("/bin/gomemctl", "gomemctl", "events", "-p", pid, "-k", "dontneed", "-n", "3", format,
	      NULL);
	_exit(127);
}

/* The target acts until the tool has seen enough. Return: its exit status, -1 without one. */
static int watched(struct target *t, long p, const char *format)
{
	pid_t tool = tool_start(t->pid, format);
	int i, status = -1;

	for (i = 0; i < TRIES && waitpid(tool, &status, WNOHANG) != tool; i++) {
		target_call(t, act, p, 0, 0);
		usleep(10000);
	}
	if (i == TRIES) {
		kill(tool, SIGKILL);
		waitpid(tool, NULL, 0);
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int times(const char *path, const char *what)
{
	char *text = file_read(path), *at = text;
	int n = 0;

	while (at && (at = strstr(at, what))) {
		at++;
		n++;
	}
	free(text);
	return n;
}

static void text(struct target *t, long p)
{
	char line[128];

	tap_eq(0, "asked for 3", watched(t, p, NULL), "exit status", "gomemctl events");
	snprintf(line, sizeof(line), "dontneed      %012lx-%012lx  32.0 KiB     -\n", p, p + BYTES);
	tap_eq(3, "asked for 3", times(OUT, line), "lines of that range", "gomemctl events");
	snprintf(line, sizeof(line), " %7u %7u ", t->pid, t->pid);
	tap_eq(3, "asked for 3", times(OUT, line), "lines of that process", "gomemctl events");
	tap_eq(5, "a title, 3, and an end", times(OUT, "\n") + times(TALK, "events, 0 lost\n"),
	       "lines", "gomemctl events");
	tap_eq(1, "asked for 3", times(TALK, "           3 dontneed       96.0 KiB\n"), "totals",
	       "gomemctl events");
}

static void json(struct target *t, long p)
{
	char field[64];

	tap_eq(0, "asked for 3", watched(t, p, "--json"), "exit status", "gomemctl events --json");
	snprintf(field, sizeof(field), "\"pid\":%d,", t->pid);
	tap_eq(3, "asked for 3", times(OUT, field), "of that process", "gomemctl events --json");
	tap_eq(3, "asked for 3", times(OUT, "\"kind\":\"dontneed\","), "of that kind",
	       "gomemctl events --json");
	tap_eq(3, "asked for 3", times(OUT, "\"size_bytes\":32768,"), "of that size",
	       "gomemctl events --json");
}

/* It has nothing more to say then, and says why. */
static void end(void)
{
	struct target t = target_start();
	int i, status = -1;
	char line[64];
	pid_t tool;

	gomem_add(t.pid);
	tool = tool_start(t.pid, NULL);
	for (i = 0; i < TRIES && !times(OUT, "RANGE"); i++)
		usleep(10000);
	target_kill(&t);
	for (i = 0; i < TRIES && waitpid(tool, &status, WNOHANG) != tool; i++)
		usleep(10000);
	if (i == TRIES) {
		kill(tool, SIGKILL);
		waitpid(tool, NULL, 0);
	}
	tap_eq(0, "as when told to end", status, "exit status of gomemctl events",
	       "its target has ended");
	snprintf(line, sizeof(line), "process %d has ended\n", t.pid);
	tap_eq(1, "the target's pid", times(TALK, line), "lines that say so", "gomemctl events");
}

/* Return: the exit status of gomemctl @command -p @pid; without @pid of gomemctl @command. */
static int ran(const char *command, pid_t pid)
{
	pid_t tool = fork();
	char text[16];
	int status;

	if (!tool) {
		snprintf(text, sizeof(text), "%d", pid);
		to_file(OUT, 1);
		to_file(TALK, 2);
		execl("/bin/gomemctl", "gomemctl", command, pid ? "-p" : NULL, text, NULL);
		_exit(127);
	}
	waitpid(tool, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Root of a container on a host that has the module: a process of its own it may look at. */
static int contained(void)
{
	pid_t pid;
	int status;

	capability_drop(CAP_SYS_PTRACE);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	status = ran("vmas", pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return status;
}

static void not_ours(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(contained());
	waitpid(pid, &status, 0);
	tap_eq(0, "asked", WIFEXITED(status) ? WEXITSTATUS(status) : -1, "exit status",
	       "gomemctl vmas as root without CAP_SYS_PTRACE, the module loaded");
	tap_eq(1, "each process has one", times(OUT, "[stack]"), "rows of the stack",
	       "gomemctl vmas as root without CAP_SYS_PTRACE");
}

/* What has exited is not looked at unless it is asked for; what nobody watches is said. */
static void exited(struct target *t)
{
	struct target gone = target_start();

	gomem_add(gone.pid);
	target_kill(&gone);
	tap_eq(0, "one of two targets runs", ran("vmas", 0), "exit status", "gomemctl vmas");
	tap_eq(1, "of the one that runs", times(OUT, " stack "), "rows of a stack",
	       "gomemctl vmas");
	tap_eq(0, "its stacks are kept", ran("stacks", gone.pid), "exit status",
	       "gomemctl stacks of an exited target");
	gomem_del(t->pid);
	tap_eq(0, "its stacks are kept", ran("stacks", 0), "exit status",
	       "gomemctl stacks where the only target has exited");
	tap_eq(2, "none runs", ran("vmas", 0), "exit status",
	       "gomemctl vmas where the only target has exited");
	gomem_del(gone.pid);
	tap_eq(2, "no target is left", ran("vmas", 0), "exit status", "gomemctl vmas");
	tap_eq(1, "nobody watches it", ran("stacks", t->pid), "exit status",
	       "gomemctl stacks of a process that is no target");
	gomem_add(t->pid);
}

int main(int argc, char **argv)
{
	struct target t;
	long p;

	target_main(argc, argv);
	module_require();
	t = target_start();
	p = target_call(&t, do_map, BYTES, 0, 0);
	gomem_add(t.pid);
	text(&t, p);
	json(&t, p);
	unlink(OUT);
	end();
	exited(&t);
	not_ours();
	gomem_del(t.pid);
	target_kill(&t);
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
