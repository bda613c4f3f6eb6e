/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whole cgroups: every process in one that is watched is a target, as they come and go.
 *
 * The kernel's v2 hierarchy; a cgroup is watched with all below it. Who is forked into one
 * is adopted at once, in the handler; who is moved in or out, soon after, by a worker that
 * compares the set of targets with who is in.
 */
#ifndef GOMEM_CGROUPS_H
#define GOMEM_CGROUPS_H

#include <linux/sched.h>
#include <linux/types.h>

/** GOMEM_CGROUPS_MAX - that can be watched at a time */
#define GOMEM_CGROUPS_MAX 16

/**
 * gomem_cgroups_of() - the id of the watched cgroup that @task is in, or 0
 *
 * For handlers, too. With none watched, one load and compare.
 */
u64 gomem_cgroups_of(struct task_struct *task);

/**
 * gomem_cgroups_add() - watch one: all who are in it are targets on return
 * @path: as in /proc/PID/cgroup, from the root of the writer's cgroup namespace (from that
 *	of the hierarchy where the kernel does not look at namespaces, 5.10)
 *
 * May sleep. Return: 0, -ENOENT no such cgroup, -ENOTDIR a file of one, -EEXIST watched
 * already, -ENOSPC GOMEM_CGROUPS_MAX are. Processes for whom there is no room are no error.
 */
int gomem_cgroups_add(const char *path);

/**
 * gomem_cgroups_del() - forget one, with the targets that were there for it alone
 *
 * May sleep. Return: 0, or -ENOENT when it is not watched.
 */
int gomem_cgroups_del(const char *path);

/** gomem_cgroups_moved() - somebody came, went or found no room, if any is watched; for handlers */
bool gomem_cgroups_moved(void);

/** gomem_cgroups_room() - there is room for a target again; for handlers */
void gomem_cgroups_room(void);

/** gomem_cgroups_settle() - do what the two above ask for; under the set's mutex, may sleep */
void gomem_cgroups_settle(void);

/**
 * struct gomem_cgroups_line - what is to be said of one
 * @path: as the reader's cgroup namespace sees it
 * @processes: in it that have memory, watched or not
 * @unwatched: of these
 */
struct gomem_cgroups_line {
	char path[512];
	unsigned int processes;
	unsigned int unwatched;
};

/** gomem_cgroups_line() - of place @index, below GOMEM_CGROUPS_MAX; false when it is empty */
bool gomem_cgroups_line(unsigned int index, struct gomem_cgroups_line *line);

/** gomem_cgroups_exit() - forget all; no handler runs any more */
void gomem_cgroups_exit(void);

#endif /* GOMEM_CGROUPS_H */
