/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The set of all targets, for those who change it.
 *
 * Names of processes are struct pids; a number means what it means in a pid namespace.
 */
#ifndef GOMEM_TARGET_SET_H
#define GOMEM_TARGET_SET_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "target.h"

/**
 * struct gomem_target_set - all targets
 * @mutex: held to attach and to delete, but not by handlers that adopt a child
 * @lock: guards @all, @count, @last_id, the hash, and what handlers change in a target
 * @all: by id
 * @count: how many
 * @last_id: the newest one's, or that of its image
 * @listener: who is told
 * @workqueue: for what targets have to do later
 */
struct gomem_target_set {
	struct mutex mutex; /* held to attach and to delete */
	raw_spinlock_t lock;
	struct list_head all;
	unsigned int count;
	u64 last_id;
	const struct gomem_target_listener *listener;
	struct workqueue_struct *workqueue;
};

extern struct gomem_target_set gomem_target_set;

/** gomem_target_create() - a target of no process yet; NULL without memory */
struct gomem_target *gomem_target_create(void);

/** gomem_target_destroy() - free one that nobody ever found, at once */
void gomem_target_destroy(struct gomem_target *target);

/**
 * gomem_target_set_enlist() - make @target, fresh, the target of a process
 *
 * For handlers, too; under the lock. Handlers may find it from here on.
 */
void gomem_target_set_enlist(struct gomem_target *target, struct pid *pid, struct mm_struct *mm);

/**
 * gomem_target_set_switch() - @target left @old and runs in @mm now; for handlers, too
 *
 * Addresses mean nothing in the new image: what was counted is forgotten. It is an exec,
 * and counted.
 *
 * Return: false when it is not in @old any more.
 */
bool gomem_target_set_switch(struct gomem_target *target, const struct mm_struct *old,
			     struct mm_struct *mm);

/** gomem_target_set_forget() - take it out and put it; under the mutex */
void gomem_target_set_forget(struct gomem_target *target);

/**
 * gomem_target_set_make_way() - forget the exited target of that number, if there is one
 * @pid: of the initial pid namespace
 * @besides: id of a target that is none of them, or 0
 *
 * Under the mutex. Return: 0, or -EEXIST when it has not exited.
 */
int gomem_target_set_make_way(struct pid *pid, u64 besides);

/** gomem_target_set_has() - whether a target, not exited, has that struct pid */
bool gomem_target_set_has(const struct pid *pid);

/** gomem_target_set_attach() - gomem_target_add() of a task; under the mutex */
int gomem_target_set_attach(struct task_struct *task, bool follow, enum gomem_target_origin origin);

/** gomem_target_set_tell() - tell the listener of @target; under the mutex. Return: its error */
int gomem_target_set_tell(struct gomem_target *target);

/**
 * gomem_target_catch_up() - see that @target is where @task, of its process, is now
 *
 * Return: that mm, for mmput(), or NULL when all threads have left theirs.
 */
struct mm_struct *gomem_target_catch_up(struct gomem_target *target, struct task_struct *task);

/** gomem_target_mm_of() - the mm of @task or of another thread of it, for mmput(), or NULL */
struct mm_struct *gomem_target_mm_of(struct task_struct *task);

/** gomem_target_exit_prepare() - part of gomem_target_create() */
void gomem_target_exit_prepare(struct gomem_target *target);

/** gomem_target_exit_settle() - wait until no process is in a last look; no hook is planted */
void gomem_target_exit_settle(void);

/** gomem_target_keep_comm() - remember @task's name as that of @target; under the lock */
void gomem_target_keep_comm(struct gomem_target *target, struct task_struct *task);

/** gomem_target_kick() - have the worker see to spares, room, news and cgroups; for handlers */
void gomem_target_kick(void);

/** gomem_target_want_spares() - children are to be followed from here on; under the mutex */
void gomem_target_want_spares(void);

#endif /* GOMEM_TARGET_SET_H */
