// SPDX-License-Identifier: GPL-2.0-or-later
/* os: waiting for the end of children, and for a file beside them. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/ends.h"
#include "tap.h"

#define MADE "construction"

static const struct timespec soon = { .tv_nsec = 10000000 }, late = { .tv_sec = 60 };
static sigset_t signals;

static pid_t start(void)
{
	pid_t child = fork();

	if (!child) {
		pause();
		_exit(0);
	}
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A test that hangs is one that waited in vain. */
static void test_two(struct gm_ends *ends, int file)
{
	pid_t one = start(), two = start();
	struct gm_error *error;

	tap_ok(!gm_ends_add(ends, one) && !gm_ends_add(ends, two), "two children");
	gm_ends_wait(ends, &soon, &signals);
	tap_u64(gm_ends_next(ends), 0, "both live", MADE);
	end(two);
	gm_ends_wait(ends, &late, &signals);
	tap_u64(gm_ends_next(ends), two, "the second has ended", MADE);
	tap_u64(gm_ends_next(ends), 0, "which is told once", MADE);
	tap_ok(!gm_ends_all(ends), "the first is left");
	if (write(file, "x", 1) != 1)
		abort();
	gm_ends_wait(ends, &late, &signals);
	tap_u64(gm_ends_next(ends), 0, "a file to be read is no end", MADE);
	end(one);
	gm_ends_wait(ends, NULL, &signals);
	tap_u64(gm_ends_next(ends), one, "the first has ended", MADE);
	tap_ok(gm_ends_all(ends), "none is left");
	two = start();
	end(two);
	error = gm_ends_add(ends, two);

	tap_u64(error ? error->code : 0, ESRCH, "one that has ended before", "os/ends.h");
	gm_error_destroy(error);
}

int main(void)
{
	struct gm_ends ends;
	int pipes[2];

	alarm(50);
	sigemptyset(&signals);
	if (pipe(pipes) || gm_ends_init(&ends, pipes[0]))
		return 1;
	gm_ends_wait(&ends, &soon, &signals);
	tap_ok(!gm_ends_all(&ends), "who waits for nobody waits for ever");
	test_two(&ends, pipes[1]);
	gm_ends_deinit(&ends);
	tap_ok(write(pipes[1], "x", 1) == 1, "the file stays open");
	return tap_done();
}
