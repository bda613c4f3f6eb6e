/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What several hooks say of one thing that a task is at: the first takes a slot for the
 * task, others find it, the last drops it. Only that task touches it.
 *
 * For probe handlers, with preemption off.
 */
#ifndef GOMEM_SLOT_H
#define GOMEM_SLOT_H

#include <linux/atomic.h>
#include <linux/sched.h>

#include "hook.h"

#define GOMEM_SLOTS 64

/** struct gomem_slot - taken by @task, NULL for no one; @call is its own */
struct gomem_slot {
	struct task_struct *task;
	struct gomem_call call;
};

/** struct gomem_slots - of all tasks that are at one kind of thing; all 0 to begin with */
struct gomem_slots {
	atomic_t taken;
	struct gomem_slot slots[GOMEM_SLOTS];
};

/** gomem_slot_take() - for current, the one it has already if any; NULL when all are taken */
struct gomem_call *gomem_slot_take(struct gomem_slots *slots);

/** gomem_slot_find() - current's, or NULL */
struct gomem_call *gomem_slot_find(struct gomem_slots *slots);

/** gomem_slot_drop() - current's is free again, if it had one */
void gomem_slot_drop(struct gomem_slots *slots);

#endif /* GOMEM_SLOT_H */
