// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* pread */
#include "os/exec.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "os/file.h"
#include "os/host.h"

static struct gm_error *stat_exe(pid_t pid, struct stat *exe)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat(path, exe) ? gm_proc_error(pid, "exe", errno) : NULL;
}

struct gm_error *gm_exec_open(pid_t pid, struct gm_exec *exec)
{
	struct gm_process process;
	struct gm_error *error;

	*exec = (struct gm_exec){ .pid = pid, .mem = -1 };
	error = gm_proc_open(pid, "mem", &exec->mem);
	if (!error)
		error = gm_process_read(pid, &process);
	if (error)
		return error;
	exec->start_ticks = process.start_ticks;
	return stat_exe(pid, &exec->exe);
}

void gm_exec_close(struct gm_exec *exec)
{
	gm_autoclose_cleanup(&exec->mem);
	exec->mem = -1;
}

static struct gm_error *gone(const struct gm_exec *exec, const char *became)
{
	return gm_error_create(ESRCH, "process %d %s", (int)exec->pid, became);
}

struct gm_error *gm_exec_check(const struct gm_exec *exec)
{
	gm_auto(gm_error) struct gm_error *error = NULL;
	struct gm_process process;
	struct stat exe;
	char byte;

	if (pread(exec->mem, &byte, 1, 0))
		return NULL;
	error = gm_process_read(exec->pid, &process);
	/* One that ended, and that nobody waited for, has no memory. */
	if (error || process.vm_size_bytes == GM_UNKNOWN)
		return gone(exec, "has ended");
	if (process.start_ticks != exec->start_ticks)
		return gone(exec, "has ended, and another one has its pid now");
	error = stat_exe(exec->pid, &exe);
	if (error || (exe.st_dev == exec->exe.st_dev && exe.st_ino == exec->exe.st_ino))
		return gone(exec, "executed its program anew: record it again");
	return gone(exec, "executes another program now");
}
