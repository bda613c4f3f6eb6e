// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* pipe2, syscall */
#include "os/freeze.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"

#define CGROUPS "/sys/fs/cgroup"
#define CGROUPS_BESIDE CGROUPS "/unified" /* where those of version 1 have the place above */
#define WAIT_MS 1
#define WAITS_MAX 2000

static struct gm_error *gone(pid_t pid)
{
	return gm_error_create(ESRCH, "cannot stop %d: there is no such process, or no longer",
			       (int)pid);
}

/* Linux 5.3; the pid is all there is where this fails otherwise than for want of the process. */
static struct gm_error *open_pidfd(pid_t pid, int *pidfd)
{
	*pidfd = syscall(SYS_pidfd_open, pid, 0);
	return *pidfd < 0 && errno == ESRCH ? gone(pid) : NULL;
}

/* Safe in the keeper: system calls only. */
static int send_signal(const struct gm_freeze *freeze, int number)
{
	if (freeze->pidfd >= 0)
		return syscall(SYS_pidfd_send_signal, freeze->pidfd, number, NULL, 0);
	return kill(freeze->pid, number);
}

/* False: it is gone. */
static bool wait_a_moment(const struct gm_freeze *freeze)
{
	struct pollfd exit = { .fd = freeze->pidfd, .events = POLLIN };

	return poll(&exit, 1, WAIT_MS) <= 0;
}

/* What a small file holds; "" where it cannot be read. */
static void read_text(const char *path, char *text, size_t size)
{
	gm_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
}

/* The letter of /proc/PID/task/TID/stat, behind the name, which may hold anything; 0: gone. */
static char state_of(pid_t pid, const char *thread)
{
	char path[64 + NAME_MAX], text[512];
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, thread);
	read_text(path, text, sizeof(text));
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

/* Whether no thread of it runs any more. */
static bool all_stopped(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	bool stopped = true;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (!threads)
		return true;
	while (stopped && (entry = readdir(threads))) {
		char state = entry->d_name[0] == '.' ? 'T' : state_of(pid, entry->d_name);

		stopped = !state || strchr("TtZX", state);
	}
	closedir(threads);
	return stopped;
}

/* Its control group of version 2, as a directory; false: it has none to be seen. */
static bool find_cgroup(pid_t pid, char *path, size_t size)
{
	char file[64], text[4096], *line, *end;

	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	read_text(file, text, sizeof(text));
	line = strncmp(text, "0::/", 4) ? strstr(text, "\n0::/") : text;
	if (!line)
		return false;
	line += *line == '\n' ? 4 : 3;
	end = strchr(line, '\n');
	if (!end)
		return false;
	*end = '\0';
	return (size_t)snprintf(path, size, "%s%s",
				access(CGROUPS "/cgroup.procs", F_OK) ? CGROUPS_BESIDE : CGROUPS,
				line) < size;
}

/* The file that freezes it, where nobody else would be frozen too; else -1. */
static int open_cgroup(pid_t pid)
{
	char path[4096], file[4096 + 32], text[64], own[32];

	if (!find_cgroup(pid, path, sizeof(path)))
		return -1;
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	read_text(file, text, sizeof(text));
	snprintf(own, sizeof(own), "%d\n", (int)pid);
	if (strcmp(text, own))
		return -1;
	/* One with groups below freezes those too. */
	snprintf(file, sizeof(file), "%s/cgroup.stat", path);
	read_text(file, text, sizeof(text));
	if (strncmp(text, "nr_descendants 0\n", strlen("nr_descendants 0\n")))
		return -1;
	snprintf(file, sizeof(file), "%s/cgroup.freeze", path);
	return open(file, O_RDWR | O_CLOEXEC);
}

static bool cgroup_frozen(pid_t pid)
{
	char path[4096], file[4096 + 32], text[128];

	if (!find_cgroup(pid, path, sizeof(path)))
		return false;
	snprintf(file, sizeof(file), "%s/cgroup.events", path);
	read_text(file, text, sizeof(text));
	return strstr(text, "frozen 1\n");
}

/* Safe in the keeper: system calls only. */
static void let_go(const struct gm_freeze *freeze)
{
	if (freeze->cgroup >= 0) {
		if (pwrite(freeze->cgroup, "0", 1, 0) == 1)
			return;
	}
	send_signal(freeze, SIGCONT);
}

/* Waits until our end of the pipe is closed, by us or by our death. */
static void keep(const struct gm_freeze *freeze, int end)
{
	char byte;

	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	let_go(freeze);
	_exit(0);
}

static struct gm_error *start_keeper(struct gm_freeze *freeze)
{
	sigset_t all, old;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return gm_error_errno(errno, "cannot stop %d safely", (int)freeze->pid);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old); /* what ends us must not end the keeper */
	freeze->keeper = fork();
	if (!freeze->keeper) {
		close(ends[1]);
		keep(freeze, ends[0]);
	}
	/* A group of its own, before anything stands still, keeps it from what ours is sent. */
	if (freeze->keeper > 0)
		setpgid(freeze->keeper, freeze->keeper);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(ends[0]);
	freeze->pipe = ends[1];
	if (freeze->keeper > 0)
		return NULL;
	close(ends[1]);
	return gm_error_errno(errno, "cannot stop %d safely", (int)freeze->pid);
}

static struct gm_error *stop(struct gm_freeze *freeze)
{
	bool by_cgroup = freeze->cgroup >= 0;

	if (by_cgroup ? pwrite(freeze->cgroup, "1", 1, 0) != 1 : send_signal(freeze, SIGSTOP))
		return gm_error_errno(errno, "cannot stop %d", (int)freeze->pid);
	for (int i = 0; i < WAITS_MAX; i++) {
		if (by_cgroup ? cgroup_frozen(freeze->pid) : all_stopped(freeze->pid))
			return NULL;
		if (!wait_a_moment(freeze))
			return gone(freeze->pid);
	}
	return gm_error_create(ETIMEDOUT,
			       "%d does not stand still: a thread of it waits in the"
			       " kernel",
			       (int)freeze->pid);
}

static void close_all(struct gm_freeze *freeze)
{
	if (freeze->cgroup >= 0)
		close(freeze->cgroup);
	if (freeze->pidfd >= 0)
		close(freeze->pidfd);
	*freeze = (struct gm_freeze){};
}

struct gm_error *gm_freeze_begin(pid_t pid, struct gm_freeze *freeze)
{
	struct gm_error *error;

	*freeze = (struct gm_freeze){ .pid = pid, .cgroup = -1 };
	error = open_pidfd(pid, &freeze->pidfd);
	if (!error && (all_stopped(pid) || cgroup_frozen(pid)))
		error = gm_error_create(EALREADY, "%d stands still already", (int)pid);
	if (!error) {
		freeze->cgroup = open_cgroup(pid);
		error = start_keeper(freeze);
	}
	if (error) {
		close_all(freeze);
		return error;
	}
	freeze->started = gm_clock_ns();
	error = stop(freeze);
	if (error)
		gm_freeze_end(freeze);
	return error;
}

uint64_t gm_freeze_end(struct gm_freeze *freeze)
{
	uint64_t length;

	if (!freeze->keeper)
		return 0;
	let_go(freeze);
	length = gm_clock_ns() - freeze->started;
	close(freeze->pipe);
	waitpid(freeze->keeper, NULL, 0);
	close_all(freeze);
	return length;
}
