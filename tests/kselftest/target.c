// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Targets: children that run functions of the test when asked through a pipe.
 *
 * A function travels as its distance from serve(): so it is found in an exec'ed
 * image too, wherever that was loaded.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

/* Where a target finds its ends of the pipes, before and after an exec. */
#define IN 200
#define OUT 201

struct call {
	long fn;
	long arg[3];
};

struct reply {
	long value;
	long faults;
};

static long faults_now(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_minflt + r.ru_majflt;
}

static void serve(void) __attribute__((noreturn, noinline));

/* The first reply says that it is there; an end of file asks it to exit. */
static void serve(void)
{
	struct reply reply = { 0 };
	struct call call;
	target_fn fn;

	while (write(OUT, &reply, sizeof(reply)) == sizeof(reply) &&
	       read(IN, &call, sizeof(call)) == sizeof(call)) {
		fn = (target_fn)((char *)serve + call.fn);
		reply.faults = faults_now();
		reply.value = fn(call.arg[0], call.arg[1], call.arg[2]);
		reply.faults = faults_now() - reply.faults;
	}
	_exit(0);
}

void target_main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "target"))
		serve();
}

static struct reply get_reply(struct target *t)
{
	struct reply reply;

	if (read(t->from, &reply, sizeof(reply)) != sizeof(reply))
		die("target %d is gone, no reply", t->pid);
	return reply;
}

/* No pipe of another target stays open here: its end of file is its signal to exit. */
static void child(int in, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, IN);
	dup2(out, OUT);
	close_range(3, IN - 1, 0);
	serve();
}

/*
 * Two faults come when the scheduler likes. The kernel writes to the thread's struct rseq
 * some time after it lost its CPU, which after a fork copies the page. And around a page of
 * the program it maps those that nobody has locked just then, the others one by one.
 */
static long reach(long a UNUSED, long b UNUSED, long c UNUSED)
{
	volatile struct rseq *rseq = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	rseq->rseq_cs = rseq->rseq_cs; /* cppcheck-suppress selfAssignment ; it is written */
	return do_peek((long)__executable_start, (long)etext - (long)__executable_start, PAGE);
}

void target_settle(struct target *t)
{
	target_call(t, reach, 0, 0, 0);
}

/* The first word is the target's. */
static void greet(struct target *t)
{
	get_reply(t);
	target_settle(t);
}

struct target target_start(void)
{
	int to[2], from[2];
	struct target t;

	if (pipe(to) || pipe(from))
		die("pipe failed: %s", strerror(errno));
	fflush(stdout);
	t.pid = fork();
	if (t.pid < 0)
		die("fork failed: %s", strerror(errno));
	if (!t.pid)
		child(to[0], from[1]);
	close(to[0]);
	close(from[1]);
	t.to = to[1];
	t.from = from[0];
	greet(&t);
	return t;
}

struct target target_watched(const char *options)
{
	struct target t = target_start();

	if (file_write("/proc/gomem/targets", "add %d%s\n", t.pid, options))
		die("adding a target failed");
	return t;
}

void target_begin(struct target *t, target_fn fn, long a, long b, long c)
{
	struct call call = { (char *)fn - (char *)serve, { a, b, c } };

	if (write(t->to, &call, sizeof(call)) != sizeof(call))
		die("target %d is gone, no call", t->pid);
}

long target_end(struct target *t)
{
	struct reply reply = get_reply(t);

	t->faults = reply.faults;
	return reply.value;
}

long target_call(struct target *t, target_fn fn, long a, long b, long c)
{
	target_begin(t, fn, a, b, c);
	return target_end(t);
}

static long exec_self(long a UNUSED, long b UNUSED, long c UNUSED)
{
	char *argv[] = { "target", "target", NULL };

	execv("/proc/self/exe", argv);
	_exit(1);
}

void target_exec(struct target *t)
{
	target_begin(t, exec_self, 0, 0, 0);
	greet(t);
}

void target_stop(const struct target *t)
{
	int status;

	kill(t->pid, SIGSTOP);
	if (waitpid(t->pid, &status, WUNTRACED) != t->pid || !WIFSTOPPED(status))
		die("stopping target %d failed", t->pid);
}

void target_go(const struct target *t)
{
	int status;

	kill(t->pid, SIGCONT);
	if (waitpid(t->pid, &status, WCONTINUED) != t->pid || !WIFCONTINUED(status))
		die("continuing target %d failed", t->pid);
}

void process_stop(pid_t pid)
{
	char path[32], *text, *state;
	bool stopped = false;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	kill(pid, SIGSTOP);
	while (!stopped) {
		text = file_read(path);
		state = text ? strstr(text, "State:\t") : NULL;
		if (!state)
			die("stopping process %d failed: it is gone", pid);
		stopped = state[7] == 'T';
		free(text);
	}
}

static void reap(struct target *t)
{
	close(t->to);
	close(t->from);
	if (waitpid(t->pid, NULL, 0) != t->pid)
		die("waiting for target %d failed: %s", t->pid, strerror(errno));
}

void target_exit(struct target *t)
{
	reap(t);
}

void target_kill(struct target *t)
{
	kill(t->pid, SIGKILL);
	reap(t);
}

void target_drop(struct target *t)
{
	gomem_del(t->pid);
	target_kill(t);
}
