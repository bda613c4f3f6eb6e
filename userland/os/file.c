// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* O_CLOEXEC */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_BUFFER_BYTES 16384

void gm_autoclose_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

uint64_t gm_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Doubles @buffer, one byte kept for the NUL; 0 or -errno. */
static int grow(char **buffer, size_t *capacity, size_t max)
{
	size_t wanted = *capacity ? *capacity * 2 : FIRST_BUFFER_BYTES;
	char *grown;

	if (*capacity > max)
		return -EFBIG;
	grown = realloc(*buffer, wanted);
	if (!grown)
		return -ENOMEM;
	*buffer = grown;
	*capacity = wanted;
	return 0;
}

/* /proc files have no size, so read until there is no more. 0 or -errno. */
static int slurp(int fd, size_t max, char **text, size_t *size)
{
	gm_autofree char *buffer = NULL;
	size_t capacity = 0, used = 0;
	ssize_t got;
	int code;

	do {
		if (used + 1 >= capacity) {
			code = grow(&buffer, &capacity, max);
			if (code)
				return code;
		}
		got = read(fd, buffer + used, capacity - used - 1);
		if (got > 0)
			used += got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return -errno;
	if (used > max)
		return -EFBIG;
	buffer[used] = '\0';
	*size = used;
	*text = buffer;
	buffer = NULL;
	return 0;
}

struct gm_error *gm_file_read(const char *path, size_t max, char **text, size_t *size)
{
	gm_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	int code = fd < 0 ? -errno : slurp(fd, max, text, size);

	return code ? gm_error_errno(-code, "cannot read %s", path) : NULL;
}

/* To look into a process; root of a container has often less. */
static const char *what_it_takes(void)
{
	return geteuid() ? "run as root" :
			   "root needs CAP_SYS_PTRACE for that: run on the host, or give it to the "
			   "container";
}

struct gm_error *gm_proc_error(pid_t pid, const char *name, int code)
{
	const char *gone = "cannot read /proc/%d/%s: there is no such process, or no longer; check "
			   "the pid";
	const char *denied = "cannot read /proc/%d/%s: not permitted; %s";

	if (code == ENOENT || code == ESRCH)
		return gm_error_create(ESRCH, gone, (int)pid, name);
	if (code == EACCES || code == EPERM)
		return gm_error_create(EACCES, denied, (int)pid, name, what_it_takes());
	return gm_error_errno(code, "cannot read /proc/%d/%s", (int)pid, name);
}

static int proc_open(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

struct gm_error *gm_proc_open(pid_t pid, const char *name, int *fd)
{
	*fd = proc_open(pid, name);
	return *fd < 0 ? gm_proc_error(pid, name, errno) : NULL;
}

struct gm_error *gm_proc_read(pid_t pid, const char *name, size_t max, char **text, size_t *size)
{
	gm_autoclose int fd = proc_open(pid, name);
	int code = fd < 0 ? -errno : slurp(fd, max, text, size);

	return code ? gm_proc_error(pid, name, -code) : NULL;
}
