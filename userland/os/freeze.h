/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stops a process for a while, where the user wants that. */
#ifndef GM_OS_FREEZE_H
#define GM_OS_FREEZE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * struct gm_freeze - a process that stands still; zeroed is none
 * @pidfd: it, whoever has its pid later; -1 where the kernel has none
 * @keeper: a process of ours that lets it go when we die, however that happens
 * @pipe: what the keeper waits at
 * @cgroup: the file that freezes its control group, -1: it was stopped by a signal
 * @started: when, CLOCK_MONOTONIC, ns
 */
struct gm_freeze {
	pid_t pid;
	int pidfd;
	pid_t keeper;
	int pipe;
	int cgroup;
	uint64_t started;
};

/* Freezes the control group (version 2) of @pid where that holds no other process, else stops
 * @pid by SIGSTOP; returns when it stands still. EALREADY: it did before, so it is let alone;
 * ESRCH: it is gone. What ends us lets it go, but where a SIGKILL reaches @keeper as well.
 */
struct gm_error *gm_freeze_begin(pid_t pid, struct gm_freeze *freeze) GM_MUST_CHECK;

/* Lets it go; NULL-safe for one that is not frozen. Returns how long it stood still, ns. */
uint64_t gm_freeze_end(struct gm_freeze *freeze);

#endif
