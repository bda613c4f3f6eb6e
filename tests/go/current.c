// SPDX-License-Identifier: GPL-2.0-or-later
/* Says of each thread of a Go program the address of its current goroutine, where gomemctl watch
 * would have the module find it; stops each thread for a moment:
 *
 *	current PID
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "go/goroutine.h"

static uint64_t thread_pointer(pid_t tid)
{
	struct user_regs_struct registers = {};

	if (ptrace(PTRACE_ATTACH, tid, NULL, NULL))
		return 0;
	waitpid(tid, NULL, __WALL);
	ptrace(PTRACE_GETREGS, tid, NULL, &registers);
	ptrace(PTRACE_DETACH, tid, NULL, NULL);
	return registers.fs_base;
}

static void print_current(struct gm_mem *mem, pid_t tid, int64_t tls)
{
	uint64_t pointer = thread_pointer(tid), g = 0;
	struct gm_error *error = gm_mem_read(mem, pointer + tls, &g, sizeof(g));

	if (!error)
		printf("0x%" PRIx64 "\n", g);
	gm_error_destroy(error);
}

int main(int argc, char **argv)
{
	pid_t pid = argc == 2 ? atoi(argv[1]) : 0;
	struct gm_go_goroutine goroutine;
	struct gm_mem *mem = NULL;
	struct gm_error *error;
	struct dirent *entry;
	char path[32];
	DIR *tasks;

	error = gm_go_goroutine_read(pid, &goroutine);
	if (!error)
		error = gm_mem_open_pid(pid, &mem);
	if (error) {
		fprintf(stderr, "current: %s\n", error->message);
		return 1;
	}
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (*entry->d_name != '.')
			print_current(mem, atoi(entry->d_name), goroutine.tls);
	if (tasks)
		closedir(tasks);
	gm_mem_destroy(mem);
	return 0;
}
