// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* ppoll */
#include "os/ends.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct gm_error *add(struct gm_ends *ends, pid_t pid, int fd)
{
	pid_t *slot = gm_vec_push(&ends->pids);
	struct pollfd *poll = slot ? gm_vec_push(ends) : NULL;

	if (!poll)
		return gm_error_create(ENOMEM, "out of memory");
	*slot = pid;
	*poll = (struct pollfd){ .fd = fd, .events = POLLIN };
	return NULL;
}

struct gm_error *gm_ends_init(struct gm_ends *ends, int file)
{
	*ends = (struct gm_ends){};
	return add(ends, 0, file);
}

/* ppoll() looks at none below 0. */
static void leave(struct pollfd *poll)
{
	if (poll->fd >= 0)
		close(poll->fd);
	poll->fd = -1;
}

void gm_ends_deinit(struct gm_ends *ends)
{
	for (size_t i = 1; i < ends->count; i++)
		leave(&ends->items[i]);
	free(ends->items);
	free(ends->pids.items);
	*ends = (struct gm_ends){};
}

struct gm_error *gm_ends_add(struct gm_ends *ends, pid_t pid)
{
	/* glibc has had pidfd_open() since 2.36 only. */
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct gm_error *error;

	if (fd < 0)
		return gm_error_errno(errno, "cannot wait for the end of process %d", (int)pid);
	error = add(ends, pid, fd);
	if (error)
		close(fd);
	else
		ends->left++;
	return error;
}

void gm_ends_wait(struct gm_ends *ends, const struct timespec *timeout, const sigset_t *signals)
{
	ppoll(ends->items, ends->count, timeout, signals);
}

pid_t gm_ends_next(struct gm_ends *ends)
{
	for (size_t i = 1; i < ends->count; i++) {
		if (ends->items[i].fd < 0 || !ends->items[i].revents)
			continue;
		leave(&ends->items[i]);
		ends->left--;
		return ends->pids.items[i];
	}
	return 0;
}

bool gm_ends_all(const struct gm_ends *ends)
{
	return ends->count > 1 && !ends->left;
}
