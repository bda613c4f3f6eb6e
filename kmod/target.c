// SPDX-License-Identifier: GPL-2.0
#include "target.h"

#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "target_set.h"

void gomem_target_destroy(struct gomem_target *target)
{
	gomem_ledger_destroy(target->ledger);
	free_percpu(target->sums);
	kfree(target->vm_events);
	gomem_snapshot_put(target->last);
	if (target->mm)
		mmdrop(target->mm);
	put_pid(target->pid);
	put_pid(target->parent);
	kfree(target);
}

static void free_work(struct work_struct *work)
{
	gomem_target_destroy(container_of(to_rcu_work(work), struct gomem_target, free_work));
}

struct gomem_target *gomem_target_create(void)
{
	struct gomem_target *target = kzalloc(sizeof(*target), GFP_KERNEL);

	if (!target)
		return NULL;
	target->ledger = gomem_ledger_create();
	target->sums = alloc_percpu(struct gomem_target_sums);
	if (!target->ledger || !target->sums) {
		gomem_target_destroy(target);
		return NULL;
	}
	kref_init(&target->ref);
	mutex_init(&target->look_mutex);
	gomem_target_exit_prepare(target);
	INIT_RCU_WORK(&target->free_work, free_work);
	return target;
}

void gomem_target_get(struct gomem_target *target)
{
	kref_get(&target->ref);
}

static void release(struct kref *ref)
{
	queue_rcu_work(gomem_target_set.workqueue,
		       &container_of(ref, struct gomem_target, ref)->free_work);
}

void gomem_target_put(struct gomem_target *target)
{
	if (target)
		kref_put(&target->ref, release);
}

bool gomem_target_is_exited(struct gomem_target *target)
{
	struct task_struct *task;
	bool is_exited;

	rcu_read_lock();
	task = pid_task(target->pid, PIDTYPE_TGID);
	is_exited = READ_ONCE(target->state) != GOMEM_TARGET_RUNNING || !task ||
		    !atomic_read(&task->signal->live);
	rcu_read_unlock();
	return is_exited;
}

/* The leader of a group may have left its mm before its threads do. */
struct mm_struct *gomem_target_mm_of(struct task_struct *task)
{
	struct task_struct *thread;
	struct mm_struct *mm = NULL;

	rcu_read_lock();
	for_each_thread(task, thread) {
		mm = get_task_mm(thread);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return mm;
}

/* Held, the old mm cannot become another that the process goes to meanwhile. */
static struct mm_struct *grab_mm(struct gomem_target *target)
{
	struct mm_struct *mm;

	raw_spin_lock_irq(&gomem_target_set.lock);
	mm = target->mm;
	mmgrab(mm);
	raw_spin_unlock_irq(&gomem_target_set.lock);
	return mm;
}

struct mm_struct *gomem_target_catch_up(struct gomem_target *target, struct task_struct *task)
{
	struct mm_struct *old = grab_mm(target);
	struct mm_struct *mm = gomem_target_mm_of(task);

	if (mm && mm != old)
		gomem_target_set_switch(target, old, mm);
	mmdrop(old);
	return mm;
}

struct mm_struct *gomem_target_mm(struct gomem_target *target)
{
	struct task_struct *task = get_pid_task(target->pid, PIDTYPE_TGID);
	struct mm_struct *mm = NULL;

	if (!task)
		return NULL;
	mm = gomem_target_catch_up(target, task);
	put_task_struct(task);
	return mm;
}

/* NULL when there is nothing to look at any more and the last look is not over yet. */
static struct gomem_snapshot *look(struct gomem_target *target, bool is_over)
{
	struct gomem_snapshot *snapshot = NULL;
	struct mm_struct *mm = NULL;

	if (mutex_lock_killable(&target->look_mutex))
		return ERR_PTR(-EINTR);
	if (target->last) {
		snapshot = gomem_snapshot_get(target->last);
	} else {
		mm = gomem_target_mm(target);
		if (mm || is_over)
			snapshot = gomem_snapshot_take(mm, target->ledger);
	}
	mutex_unlock(&target->look_mutex);
	if (mm)
		mmput(mm);
	return snapshot;
}

struct gomem_snapshot *gomem_target_look(struct gomem_target *target)
{
	struct gomem_snapshot *snapshot = look(target, false);

	if (snapshot)
		return snapshot;
	flush_work(&target->exit_work);
	return look(target, true);
}

int gomem_target_ledger(struct gomem_target *target, struct gomem_ledger_state *state)
{
	if (mutex_lock_killable(&target->look_mutex))
		return -EINTR;
	if (target->ledger) {
		*state = gomem_ledger_state(target->ledger);
	} else {
		*state = target->last->ledger;
		state->bytes = 0;
	}
	mutex_unlock(&target->look_mutex);
	return 0;
}

struct gomem_blocks *gomem_target_blocks(struct gomem_target *target)
{
	struct mm_struct *mm = gomem_target_mm(target);
	struct gomem_blocks *blocks = NULL;

	if (!mm)
		return NULL;
	if (mutex_lock_killable(&target->look_mutex)) {
		blocks = ERR_PTR(-EINTR);
	} else {
		if (target->ledger)
			blocks = gomem_blocks_take(mm, target->ledger);
		mutex_unlock(&target->look_mutex);
	}
	mmput(mm);
	return blocks;
}

void gomem_target_keep_comm(struct gomem_target *target, struct task_struct *task)
{
	strscpy(target->comm, task->comm, sizeof(target->comm));
}

NOKPROBE_SYMBOL(gomem_target_keep_comm);

void gomem_target_comm(struct gomem_target *target, char comm[TASK_COMM_LEN])
{
	struct task_struct *task = get_pid_task(target->pid, PIDTYPE_TGID);

	raw_spin_lock_irq(&gomem_target_set.lock);
	if (task)
		gomem_target_keep_comm(target, task);
	memcpy(comm, target->comm, TASK_COMM_LEN);
	raw_spin_unlock_irq(&gomem_target_set.lock);
	if (task)
		put_task_struct(task);
}
