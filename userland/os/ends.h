/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of processes, to be waited for beside a file that is read. */
#ifndef GM_OS_ENDS_H
#define GM_OS_ENDS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/vec.h"

/**
 * struct gm_ends - the file, then the processes
 * @pids: of each, 0 of the file
 * @left: processes that gm_ends_next() has not told of
 */
struct gm_ends {
	GM_VEC(struct pollfd);
	struct {
		GM_VEC(pid_t);
	} pids;
	size_t left;
};

/* @file is the caller's, who deinits, also after an error. */
struct gm_error *gm_ends_init(struct gm_ends *ends, int file) GM_MUST_CHECK;
void gm_ends_deinit(struct gm_ends *ends);

/* ESRCH: there is no such process. */
struct gm_error *gm_ends_add(struct gm_ends *ends, pid_t pid) GM_MUST_CHECK;

/* Until there is something to read, a process has ended, @timeout is over (NULL: never), or a
 * signal comes, with @signals as ppoll() takes them.
 */
void gm_ends_wait(struct gm_ends *ends, const struct timespec *timeout, const sigset_t *signals);

/* One that was found to have ended, each once; 0: no other one. */
pid_t gm_ends_next(struct gm_ends *ends);

/* There were processes, and none is left. */
bool gm_ends_all(const struct gm_ends *ends);

#endif
