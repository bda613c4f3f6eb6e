// SPDX-License-Identifier: GPL-2.0
#include <linux/kprobes.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "target_set.h"

#define SPARES 32 /* forks that may come before the worker runs */
#define MARGIN 32 /* places kept free for followed children */

static LIST_HEAD(spares);
static unsigned int spare_count;
static bool wants_spares;

static void refill(struct work_struct *work);
static DECLARE_WORK(refill_work, refill);

static void refill_spares(void)
{
	while (READ_ONCE(wants_spares) && READ_ONCE(spare_count) < SPARES) {
		struct gomem_target *target = gomem_target_create();

		if (!target)
			return;
		raw_spin_lock_irq(&gomem_target_set.lock);
		list_add(&target->spare, &spares);
		spare_count++;
		raw_spin_unlock_irq(&gomem_target_set.lock);
	}
}

void gomem_target_want_spares(void)
{
	WRITE_ONCE(wants_spares, true);
	refill_spares();
}

/* Exited children of a followed process make room for the next ones, the oldest first. */
static void make_room(void)
{
	struct gomem_target *target, *next;

	lockdep_assert_held(&gomem_target_set.mutex);
	list_for_each_entry_safe(target, next, &gomem_target_set.all, all) {
		if (READ_ONCE(gomem_target_set.count) + MARGIN <= GOMEM_TARGETS_MAX)
			return;
		if (target->origin == GOMEM_TARGET_FORK && gomem_target_is_exited(target))
			gomem_target_set_forget(target);
	}
}

/* Handlers append to the list meanwhile, deleting takes the mutex: a next stays valid. */
static void tell_all(void)
{
	struct gomem_target *target = gomem_target_next(0), *last;

	while (target) {
		if (!target->is_known && !gomem_target_set_make_way(target->pid, target->id))
			gomem_target_set_tell(target);
		last = target;
		target = gomem_target_next(last->id);
		gomem_target_put(last);
	}
}

static void refill(struct work_struct *work)
{
	mutex_lock(&gomem_target_set.mutex);
	refill_spares();
	make_room();
	tell_all();
	mutex_unlock(&gomem_target_set.mutex);
}

static struct gomem_target *take_spare(void)
{
	struct gomem_target *target;

	lockdep_assert_held(&gomem_target_set.lock);
	target = list_first_entry_or_null(&spares, struct gomem_target, spare);
	if (!target || gomem_target_set.count >= GOMEM_TARGETS_MAX)
		return NULL;
	list_del(&target->spare);
	spare_count--;
	return target;
}

NOKPROBE_SYMBOL(take_spare);

static void adopt(struct gomem_target *parent, struct task_struct *task)
{
	struct gomem_target *target;
	unsigned long flags;

	raw_spin_lock_irqsave(&gomem_target_set.lock, flags);
	target = take_spare();
	if (target) {
		target->follow = true;
		target->origin = GOMEM_TARGET_FORK;
		target->parent = get_pid(parent->pid);
		gomem_target_keep_comm(target, task);
		gomem_target_set_enlist(target, task_tgid(task), task->mm);
	} else {
		atomic64_inc(&parent->unfollowed);
	}
	raw_spin_unlock_irqrestore(&gomem_target_set.lock, flags);
	queue_work(gomem_target_set.workqueue, &refill_work);
}

NOKPROBE_SYMBOL(adopt);

void gomem_target_execed(const struct mm_struct *old)
{
	struct gomem_target *target = gomem_target_of(old);

	if (!target)
		return;
	if (target->pid == task_tgid(current)) {
		gomem_target_set_switch(target, old, current->mm);
	} else if (target->follow) {
		/* A child of vfork() ran in its parent's mm until now. */
		adopt(target, current);
	}
}

NOKPROBE_SYMBOL(gomem_target_execed);

void gomem_target_exiting(struct mm_struct *mm)
{
	struct gomem_target *target = gomem_target_of(mm);
	unsigned long flags;

	if (!target || target->pid != task_tgid(current))
		return;
	raw_spin_lock_irqsave(&gomem_target_set.lock, flags);
	if (!hlist_unhashed(&target->by_mm)) {
		hlist_del_init_rcu(&target->by_mm);
		WRITE_ONCE(target->state, GOMEM_TARGET_EXITING);
		gomem_target_keep_comm(target, current->group_leader);
		gomem_target_get(target);
		mmget(mm);
		queue_work(gomem_target_set.workqueue, &target->exit_work);
	}
	raw_spin_unlock_irqrestore(&gomem_target_set.lock, flags);
}

NOKPROBE_SYMBOL(gomem_target_exiting);

void gomem_target_forked(struct task_struct *child)
{
	struct gomem_target *parent;

	if (!current->mm || !child->mm || child->mm == current->mm || !thread_group_leader(child))
		return;
	parent = gomem_target_of(current->mm);
	if (parent && parent->follow && parent->pid == task_tgid(current))
		adopt(parent, child);
}

NOKPROBE_SYMBOL(gomem_target_forked);

int gomem_target_init(const struct gomem_target_listener *listener)
{
	gomem_target_set.listener = listener;
	gomem_target_set.workqueue = alloc_workqueue("gomem", WQ_UNBOUND, 0);
	return gomem_target_set.workqueue ? 0 : -ENOMEM;
}

static void forget_all(void)
{
	struct gomem_target *target, *next;

	mutex_lock(&gomem_target_set.mutex);
	list_for_each_entry_safe(target, next, &gomem_target_set.all, all)
		gomem_target_set_forget(target);
	mutex_unlock(&gomem_target_set.mutex);
}

void gomem_target_exit(void)
{
	struct gomem_target *target, *next;

	cancel_work_sync(&refill_work);
	forget_all();
	flush_workqueue(gomem_target_set.workqueue);
	/* The last references are gone; the frees come through RCU to the workqueue. */
	rcu_barrier();
	destroy_workqueue(gomem_target_set.workqueue);
	list_for_each_entry_safe(target, next, &spares, spare)
		gomem_target_destroy(target);
}
