// SPDX-License-Identifier: GPL-2.0
#include <linux/kprobes.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "cgroups.h"
#include "target_set.h"

#define SPARES 32 /* forks that may come before the worker runs */
#define MARGIN 32 /* places kept free for followed children */
#define EXITED_BYTES SZ_32M /* of what is kept of those who exited and whom nobody named */

static LIST_HEAD(spares);
static unsigned int spare_count;
static bool wants_spares;

static void refill(struct work_struct *work);
static DECLARE_WORK(refill_work, refill);

void gomem_target_kick(void)
{
	queue_work(gomem_target_set.workqueue, &refill_work);
}

NOKPROBE_SYMBOL(gomem_target_kick);

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

static bool is_named(const struct gomem_target *target)
{
	return target->origin == GOMEM_TARGET_PARAM || target->origin == GOMEM_TARGET_WRITE;
}

/* What is kept of @target, if that is all there is and nobody named it. */
static size_t spoils_of(struct gomem_target *target)
{
	/* Pairs with publish_last(). */
	const struct gomem_snapshot *last = smp_load_acquire(&target->last);

	if (is_named(target) || !gomem_target_is_exited(target))
		return 0;
	return sizeof(*target) + (last ? gomem_snapshot_bytes(last) : 0);
}

/* Those who exited and whom nobody named make room for others, the oldest first. */
static void make_room(void)
{
	struct gomem_target *target, *next;
	size_t spoils = 0;

	lockdep_assert_held(&gomem_target_set.mutex);
	list_for_each_entry_safe(target, next, &gomem_target_set.all, all)
		spoils += spoils_of(target);
	list_for_each_entry_safe(target, next, &gomem_target_set.all, all) {
		size_t spoil = spoils_of(target);

		if (spoils <= EXITED_BYTES &&
		    READ_ONCE(gomem_target_set.count) + MARGIN <= GOMEM_TARGETS_MAX)
			return;
		if (spoil) {
			gomem_target_set_forget(target);
			spoils -= min(spoil, spoils);
		}
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
	gomem_cgroups_settle();
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

static void enlist_spare(struct gomem_target *target, struct gomem_target *parent,
			 struct task_struct *task, u64 cgroup)
{
	target->follow = parent && parent->follow;
	target->origin = target->follow ? GOMEM_TARGET_FORK : GOMEM_TARGET_CGROUP;
	target->cgroup = cgroup;
	if (parent)
		target->parent = get_pid(parent->pid);
	gomem_target_keep_comm(target, task);
	gomem_target_set_enlist(target, task_tgid(task), task->mm);
}

NOKPROBE_SYMBOL(enlist_spare);

/*
 * Makes @task a target: @parent, which made it, is followed, or it is in @cgroup. Who
 * compares cgroups may have found it already.
 */
static void adopt(struct gomem_target *parent, struct task_struct *task, u64 cgroup)
{
	struct gomem_target *target = NULL;
	unsigned long flags;
	bool is_new;

	raw_spin_lock_irqsave(&gomem_target_set.lock, flags);
	is_new = !gomem_target_of(task->mm);
	if (is_new)
		target = take_spare();
	if (target)
		enlist_spare(target, parent, task, cgroup);
	else if (is_new && parent)
		atomic64_inc(&parent->unfollowed);
	raw_spin_unlock_irqrestore(&gomem_target_set.lock, flags);
	if (is_new && !target)
		gomem_cgroups_moved();
	gomem_target_kick();
}

NOKPROBE_SYMBOL(adopt);

/* Current itself; a child of vfork() only runs in its parent's mm. */
static struct gomem_target *itself_in(const struct mm_struct *mm)
{
	struct gomem_target *target = mm ? gomem_target_of(mm) : NULL;

	return target && target->pid == task_tgid(current) ? target : NULL;
}

NOKPROBE_SYMBOL(itself_in);

/* A child of vfork() ran in its parent's mm until now, or was made right in a cgroup. */
static void adopt_current(struct gomem_target *parent)
{
	u64 cgroup = gomem_cgroups_of(current);

	if (cgroup || (parent && parent->follow))
		adopt(parent, current, cgroup);
}

NOKPROBE_SYMBOL(adopt_current);

/* A look may have noticed the exec before: then the target is in current->mm already. */
struct gomem_target *gomem_target_execed(const struct mm_struct *old, bool was)
{
	struct gomem_target *itself = itself_in(old);

	if (itself)
		gomem_target_set_switch(itself, old, current->mm);
	else
		itself = itself_in(current->mm);
	if (!itself)
		adopt_current(was ? gomem_target_of(old) : NULL);
	return itself;
}

NOKPROBE_SYMBOL(gomem_target_execed);

void gomem_target_forked(struct task_struct *child)
{
	struct gomem_target *parent = itself_in(current->mm);
	u64 cgroup;

	if (!child->mm || child->mm == current->mm || !thread_group_leader(child))
		return;
	cgroup = gomem_cgroups_of(child);
	if (cgroup || (parent && parent->follow))
		adopt(parent, child, cgroup);
}

NOKPROBE_SYMBOL(gomem_target_forked);

bool gomem_target_moved(void)
{
	return gomem_cgroups_moved();
}

NOKPROBE_SYMBOL(gomem_target_moved);

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

	gomem_target_exit_settle();
	gomem_cgroups_exit();
	cancel_work_sync(&refill_work);
	forget_all();
	/*
	 * Work comes through RCU: what is left of an exit first, which may put the last
	 * reference, and then the frees.
	 */
	rcu_barrier();
	flush_workqueue(gomem_target_set.workqueue);
	rcu_barrier();
	destroy_workqueue(gomem_target_set.workqueue);
	list_for_each_entry_safe(target, next, &spares, spare)
		gomem_target_destroy(target);
}
