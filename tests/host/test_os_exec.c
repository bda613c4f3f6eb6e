// SPDX-License-Identifier: GPL-2.0-or-later
/* os: what becomes of a process that is looked at again and again: exec, its end, its pid reused */
#define _GNU_SOURCE 1 /* personality */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/exec.h"
#include "tap.h"

/* Stops, and executes @path when it goes on, and stops again. Without ASLR, so that all addresses
 * are the same then.
 */
static pid_t start(const char *path)
{
	pid_t child = fork();

	if (!child) {
		personality(ADDR_NO_RANDOMIZE);
		execl("/proc/self/exe", "test_os_exec", path, NULL);
		_exit(1);
	}
	waitpid(child, NULL, WUNTRACED);
	return child;
}

static int be_child(const char *path)
{
	raise(SIGSTOP);
	/* Ours does so with any argument. */
	execl(path, "sh", "-c", "kill -STOP $$", NULL);
	return 1;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* True where @exec is no more, in these words. */
static void check(const struct gm_exec *exec, const char *expected, const char *what)
{
	struct gm_error *error = gm_exec_check(exec);
	char text[128];

	snprintf(text, sizeof(text), "process %d %s", (int)exec->pid, expected);
	tap_str(error ? error->message : NULL, text, what, "os/exec.h");
	tap_u64(error ? error->code : 0, ESRCH, "which is no such process", "os/exec.h");
	gm_error_destroy(error);
}

/* Of @path: from one stop to the next. */
static void test_exec(const char *path, const char *expected)
{
	pid_t child = start(path);
	struct gm_exec exec;

	if (tap_ok(!gm_exec_open(child, &exec), "a child can be opened")) {
		tap_ok(!gm_exec_check(&exec), "it is what it was");
		kill(child, SIGCONT);
		waitpid(child, NULL, WUNTRACED);
		check(&exec, expected, expected);
	}
	end(child);
	gm_exec_close(&exec);
}

/* As the kernel does once its pids have gone round. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t child = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (!child) {
		execl("/proc/self/exe", "test_os_exec", "/none", NULL);
		_exit(1);
	}
	if (child > 0)
		waitpid(child, NULL, WUNTRACED);
	return child;
}

static void test_end(void)
{
	pid_t child = start("/none"), other;
	struct gm_exec exec;

	tap_ok(!gm_exec_open(child, &exec), "a child can be opened");
	kill(child, SIGKILL);
	waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
	check(&exec, "has ended", "a zombie");
	waitpid(child, NULL, 0);
	check(&exec, "has ended", "nothing");
	/* A tick has 10 ms. */
	usleep(20000);
	other = fork_as(child);
	if (other == child)
		check(&exec, "has ended, and another one has its pid now", "its pid used again");
	else
		tap_skip("its pid used again", strerror(errno));
	if (other > 0)
		end(other);
	gm_exec_close(&exec);
}

static void test_none(void)
{
	struct gm_exec exec;
	struct gm_error *error = gm_exec_open(0x3fffffff, &exec);

	tap_u64(error ? error->code : 0, ESRCH, "a process that is none", "os/exec.h");
	gm_error_destroy(error);
	gm_exec_close(&exec);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return be_child(argv[1]);
	test_exec("/proc/self/exe", "executed its program anew: record it again");
	test_exec("/bin/sh", "executes another program now");
	test_end();
	test_none();
	return tap_done();
}
