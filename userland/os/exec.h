/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process from one exec to the next, for who looks at it again and again: a pid may be another
 * process's later on, and the process may execute another program, or its own anew.
 */
#ifndef GM_OS_EXEC_H
#define GM_OS_EXEC_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * struct gm_exec - what ends with an exec
 * @mem: its /proc/PID/mem, which knows the address space it was opened for; from there on 0 bytes
 *	come of it (mem_rw() in the kernel's fs/proc/base.c), where one that lives gives EIO
 * @start_ticks: as in struct gm_process; @exe: the file that it executes
 */
struct gm_exec {
	pid_t pid;
	int mem;
	uint64_t start_ticks;
	struct stat exe;
};

/* ESRCH, EACCES. The caller closes, also after an error. */
struct gm_error *gm_exec_open(pid_t pid, struct gm_exec *exec) GM_MUST_CHECK;
void gm_exec_close(struct gm_exec *exec);

/* ESRCH, and what became of it: it ended, maybe another has its pid; it executes another program;
 * or the same anew. Missed only as long as a child without an address space of its own, as vfork()
 * makes them, keeps the old one.
 */
struct gm_error *gm_exec_check(const struct gm_exec *exec) GM_MUST_CHECK;

#endif
