// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/gomem/events, who reads it: who waits is woken, who dies leaves nothing behind, there
 * is a limit, and the module stays as long as somebody has it open.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib.h"
#include "stream.h"
#include "verbs.h"

#define READERS 8 /* include/gomem.h */
#define COPIES "kinds=cow"
#define CYCLES 30

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void wait_asleep(pid_t pid)
{
	char path[32], *text, *state;
	bool asleep = false;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	while (!asleep) {
		usleep(1000);
		text = file_read(path);
		state = text ? strstr(text, "State:\t") : NULL;
		asleep = !state || state[7] == 'S' || state[7] == 'Z';
		free(text);
	}
}

/* A reader of its own, in read() or poll(), until that returns. */
static pid_t blocked(int fd, bool in_poll)
{
	struct gomem_event event;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(in_poll ? stream_poll(fd, 60000) != POLLIN :
				read(fd, &event, sizeof(event)) != RECORD);
	}
	wait_asleep(pid);
	return pid;
}

static void check_woken(bool in_poll, const char *name)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map, HUGE, MADV_NOHUGEPAGE, 0);
	int fd = stream_start(COPIES, 0), status = -1;
	pid_t pid = blocked(fd, in_poll);
	double end = now() + 20;

	usleep(50000);
	tap_eq(0, "nothing happened", waitpid(pid, &status, WNOHANG), "waitpid",
	       "%s waits for an event", name);
	target_call(&t, do_peek, p, PAGE, PAGE);
	target_call(&t, do_touch, p, PAGE, PAGE);
	while (!waitpid(pid, &status, WNOHANG) && now() < end)
		usleep(1000);
	tap_eq(0, "an event came", status, "exit status", "%s is woken", name);
	kill(pid, SIGKILL);
	close(fd);
	target_drop(&t);
}

static void on_alarm(int sig UNUSED)
{
}

static void waiting(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 100000 };
	struct gomem_event event;
	int fd, ret;

	check_woken(false, "read()");
	check_woken(true, "poll()");
	fd = stream_start(COPIES, 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	ret = read(fd, &event, sizeof(event)) < 0 ? -errno : 0;
	close(fd);
	tap_eq(-EINTR, "a signal came", ret, "read", "read() that is interrupted");
	fd = stream_start(COPIES, O_NONBLOCK);
	ret = read(fd, &event, sizeof(event)) < 0 ? -errno : 0;
	tap_eq(-EAGAIN, "contract", ret, "read", "read() with O_NONBLOCK and nothing there");
	close(fd);
}

/* How many rings there are, from the kernel's list of what was vmalloc()ed by whom. */
static long rings(void)
{
	char *text = file_read("/proc/vmallocinfo"), *at = text;
	long n = 0;

	if (!text)
		die("reading /proc/vmallocinfo failed: %s", strerror(errno));
	while ((at = strstr(at, " gomem_ring_init+"))) {
		n++;
		at++;
	}
	free(text);
	return n;
}

static void limit(void)
{
	int fds[READERS], i, ret;
	long per_reader;

	tap_eq(0, "no reader", rings(), "/proc/vmallocinfo", "rings before");
	fds[0] = stream_open(COPIES, 0);
	tap_eq(0, "not read yet", rings(), "/proc/vmallocinfo", "rings of a file opened");
	stream_poll(fds[0], 0);
	per_reader = rings();
	tap_ok(per_reader >= get_nprocs(), "rings of a reader: one per CPU, got %ld", per_reader);
	for (i = 1; i < READERS; i++)
		fds[i] = stream_start(COPIES, 0);
	tap_eq(READERS * per_reader, "one per reader and CPU", rings(), "/proc/vmallocinfo",
	       "rings of %d readers", READERS);
	ret = stream_open(NULL, 0);
	tap_eq(-EBUSY, "contract", ret, "open", "one reader more");
	close(fds[3]);
	fds[3] = stream_open(NULL, 0);
	tap_ok(fds[3] >= 0, "and again, when one has gone: got %d", fds[3]);
	for (i = 0; i < READERS; i++)
		close(fds[i]);
	tap_eq(0, "all closed", rings(), "/proc/vmallocinfo", "rings after");
}

/* It reads nothing and is killed in read(), poll(), or while its rings overflow. */
static void killed(void)
{
	struct target t = target_watched("");
	long p = target_call(&t, do_map, 8 * HUGE, MADV_NOHUGEPAGE, 0);
	pid_t pids[READERS];
	int i, fd;

	for (i = 0; i < READERS; i++) {
		fd = stream_start(i < 6 ? "kinds=exec" : COPIES, 0);
		pids[i] = blocked(fd, i & 1);
		close(fd);
	}
	target_call(&t, do_peek, p, 8 * HUGE, PAGE);
	target_begin(&t, do_touch, p, 8 * HUGE, PAGE);
	for (i = 0; i < READERS; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < READERS; i++)
		waitpid(pids[i], NULL, 0);
	target_end(&t);
	tap_eq(0, "all are dead", rings(), "/proc/vmallocinfo", "rings of killed readers");
	target_drop(&t);
	fd = stream_start(NULL, 0);
	tap_ok(fd >= 0, "and their places are free");
	close(fd);
}

static bool is_refused(int ret)
{
	return ret == -EWOULDBLOCK || ret == -EBUSY;
}

static void unloading(void)
{
	int fd = stream_open(NULL, 0), ret = module_unload();
	pid_t pid;

	tap_ok(is_refused(ret), "rmmod with the stream open: expected refusal, got %d", ret);
	pid = blocked(fd, true);
	close(fd);
	ret = module_unload();
	tap_ok(is_refused(ret), "rmmod with a sleeping poller: expected refusal, got %d", ret);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fd = open("/proc/gomem/version", O_RDONLY);
	tap_eq(0, "asked", module_unload(), "delete_module", "rmmod when it is gone");
	close(fd);
}

static void check_may(const char *name, int uid, int capability, int want)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (uid && setresuid(uid, uid, uid))
			_exit(102);
		if (capability)
			capability_drop(capability);
		_exit(-stream_open(NULL, 0) & 0xff);
	}
	waitpid(pid, &status, 0);
	tap_eq(want, "errno, contract", WEXITSTATUS(status), "open", "%s", name);
}

static void worker_reads(void)
{
	int fd = stream_open(random() % 2 ? COPIES : NULL, random() % 4 ? O_NONBLOCK : 0);
	struct gomem_event events[64];
	struct itimerval soon = { .it_value.tv_usec = 20000 };

	if (fd >= 0 && random() % 2)
		stream_poll(fd, random() % 10);
	if (fd >= 0) {
		setitimer(ITIMER_REAL, &soon, NULL);
		(void)!read(fd, events, sizeof(events));
		close(fd);
	}
	usleep(random() % 5000);
}

static pid_t worker(int seed)
{
	struct sigaction action = { .sa_handler = on_alarm };
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGALRM, &action, NULL);
	srandom(seed);
	for (;;)
		worker_reads();
}

/* Return: 0, or the last error of ten seconds. */
static int unload_between(void)
{
	double end = now() + 10;
	int ret;

	do {
		ret = module_unload();
		if (ret)
			usleep(random() % 1000);
	} while (ret && now() < end);
	return ret;
}

/* Every other load fails in the end, when the files are there already. */
static void loads_and_readers(void)
{
	char params[64];
	pid_t pids[3];
	int i, ret = 0;
	size_t w;

	for (w = 0; w < ARRAY_SIZE(pids); w++)
		pids[w] = worker(w);
	for (i = 0; i < CYCLES && !ret; i++) {
		snprintf(params, sizeof(params), "target_pid=%d%s", getpid(),
			 i % 2 ? ",4194304" : "");
		ret = module_load(params);
		if (ret == -ESRCH && i % 2) {
			ret = 0;
			continue;
		}
		usleep(random() % 20000);
		ret = ret ?: unload_between();
	}
	/* There may always be one that has events open: then it is refused, as it should be. */
	tap_ok(!ret || ret == -EAGAIN, "%d loads with readers at it (%d done, %d)", CYCLES, i, ret);
	for (w = 0; w < ARRAY_SIZE(pids); w++) {
		kill(pids[w], SIGKILL);
		waitpid(pids[w], NULL, 0);
	}
	if (module_loaded())
		tap_eq(0, "asked", module_unload(), "errno", "unload");
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	waiting();
	limit();
	killed();
	check_may("an unprivileged user", 65534, 0, EACCES);
	check_may("root without CAP_SYS_PTRACE", 0, CAP_SYS_PTRACE, EPERM);
	unloading();
	loads_and_readers();
	return tap_done();
}
