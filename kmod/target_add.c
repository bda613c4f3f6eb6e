// SPDX-License-Identifier: GPL-2.0
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "cgroups.h"
#include "target_set.h"

/*
 * A task seen before the target could be found may have gone through exec, or be past
 * the hook of its exit: both are then told by no hook. (Taking a lock, that of enlisting,
 * is a full barrier on x86: either this sees no live thread, or that hook the target.)
 */
static int catch_up(struct gomem_target *target, struct task_struct *task)
{
	struct mm_struct *mm = gomem_target_catch_up(target, task);

	if (!mm)
		return -ESRCH;
	mmput(mm);
	return atomic_read(&task->signal->live) ? 0 : -ESRCH;
}

static int enlist_new(struct gomem_target *target, struct pid *pid, struct mm_struct *mm)
{
	int err = 0;

	raw_spin_lock_irq(&gomem_target_set.lock);
	if (gomem_target_of(mm))
		err = -EEXIST;
	else if (gomem_target_set.count >= GOMEM_TARGETS_MAX)
		err = -ENOSPC;
	else
		gomem_target_set_enlist(target, pid, mm);
	raw_spin_unlock_irq(&gomem_target_set.lock);
	return err;
}

static int attach(struct task_struct *task, struct mm_struct *mm, bool follow,
		  enum gomem_target_origin origin)
{
	struct gomem_target *target;
	int err = gomem_target_set_make_way(task_tgid(task), 0);

	if (err)
		return err;
	target = gomem_target_create();
	if (!target)
		return -ENOMEM;
	target->follow = follow;
	target->origin = origin;
	if (origin == GOMEM_TARGET_CGROUP)
		target->cgroup = gomem_cgroups_of(task);
	err = enlist_new(target, task_tgid(task), mm);
	if (err) {
		gomem_target_destroy(target);
		return err;
	}
	err = catch_up(target, task) ?: gomem_target_set_tell(target);
	if (err)
		gomem_target_set_forget(target);
	return err;
}

/* One that runs and is there for its cgroup alone is now there for its own sake. */
static int claim(const struct pid *pid, bool follow, enum gomem_target_origin origin)
{
	struct gomem_target *target;
	int err = -ESRCH;

	raw_spin_lock_irq(&gomem_target_set.lock);
	list_for_each_entry(target, &gomem_target_set.all, all) {
		if (target->pid != pid || target->origin != GOMEM_TARGET_CGROUP ||
		    target->state != GOMEM_TARGET_RUNNING)
			continue;
		target->origin = origin;
		target->follow = follow;
		err = 0;
	}
	raw_spin_unlock_irq(&gomem_target_set.lock);
	return err;
}

int gomem_target_set_attach(struct task_struct *task, bool follow, enum gomem_target_origin origin)
{
	struct mm_struct *mm;
	int err;

	lockdep_assert_held(&gomem_target_set.mutex);
	if (task->flags & PF_KTHREAD)
		return -EINVAL;
	mm = gomem_target_mm_of(task);
	if (!mm)
		return -ESRCH;
	err = atomic_read(&task->signal->live) ? 0 : -ESRCH;
	if (!err)
		err = attach(task, mm, follow, origin);
	mmput(mm);
	return err;
}

static int add(struct task_struct *task, bool follow, enum gomem_target_origin origin)
{
	int err;

	mutex_lock(&gomem_target_set.mutex);
	if (follow)
		gomem_target_want_spares();
	err = claim(task_tgid(task), follow, origin);
	if (err == -ESRCH)
		err = gomem_target_set_attach(task, follow, origin);
	mutex_unlock(&gomem_target_set.mutex);
	return err;
}

int gomem_target_add(pid_t nr, bool follow, enum gomem_target_origin origin)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	int err = -ESRCH;

	if (task) {
		err = add(task, follow, origin);
		put_task_struct(task);
	}
	put_pid(pid);
	return err;
}

/*
 * The newest: a number that was used again means the process that has it now. 0 is the
 * number of every process that the caller's namespace does not see.
 */
static struct gomem_target *find_vnr(pid_t nr)
{
	struct gomem_target *target, *found = NULL;

	raw_spin_lock_irq(&gomem_target_set.lock);
	list_for_each_entry(target, &gomem_target_set.all, all) {
		if (nr && pid_vnr(target->pid) == nr)
			found = target;
	}
	raw_spin_unlock_irq(&gomem_target_set.lock);
	return found;
}

/* The process of a living thread of that number. */
static pid_t group_of(pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	pid_t group = task ? task_tgid_vnr(task) : 0;

	if (task)
		put_task_struct(task);
	put_pid(pid);
	return group;
}

static struct gomem_target *find(pid_t nr)
{
	lockdep_assert_held(&gomem_target_set.mutex);
	return find_vnr(nr) ?: find_vnr(group_of(nr));
}

static int del(struct gomem_target *target)
{
	if (!target)
		return -ENOENT;
	if (target->origin == GOMEM_TARGET_CGROUP && !gomem_target_is_exited(target))
		return -EBUSY;
	gomem_target_set_forget(target);
	gomem_cgroups_moved();
	return 0;
}

int gomem_target_del(pid_t nr)
{
	int err;

	mutex_lock(&gomem_target_set.mutex);
	err = del(find(nr));
	mutex_unlock(&gomem_target_set.mutex);
	return err;
}

/* Handlers that read what was said before are done with it when it changes. */
static void set_go(struct gomem_target *target, const struct gomem_go *go)
{
	u64 image = READ_ONCE(target->image);

	lockdep_assert_held(&gomem_target_set.mutex);
	WRITE_ONCE(target->go_image, 0);
	synchronize_rcu();
	target->go = *go;
	/* Pairs with gomem_target_go(). */
	smp_store_release(&target->go_image, image);
}

int gomem_target_set_go(pid_t nr, const struct gomem_go *go)
{
	struct gomem_target *target;

	mutex_lock(&gomem_target_set.mutex);
	target = find(nr);
	if (target)
		set_go(target, go);
	mutex_unlock(&gomem_target_set.mutex);
	return target ? 0 : -ENOENT;
}
