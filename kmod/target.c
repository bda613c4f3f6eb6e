// SPDX-License-Identifier: GPL-2.0
#include "target.h"

#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#define SPARES 32 /* forks that may come before the worker runs */
#define MARGIN 32 /* places kept free for followed children */

struct hlist_head gomem_targets_by_mm[1 << GOMEM_TARGETS_HASH_BITS];

static DEFINE_MUTEX(targets_mutex);
static DEFINE_RAW_SPINLOCK(targets_lock);
static LIST_HEAD(targets);
static LIST_HEAD(spares);
static unsigned int target_count, spare_count;
static u64 last_id;
static bool wants_spares;
static const struct gomem_target_listener *listener;
static struct workqueue_struct *workqueue;

static void refill(struct work_struct *work);
static DECLARE_WORK(refill_work, refill);

static struct hlist_head *bucket_of(const struct mm_struct *mm)
{
	return &gomem_targets_by_mm[hash_ptr(mm, GOMEM_TARGETS_HASH_BITS)];
}

static void publish_last(struct gomem_target *target)
{
	struct gomem_snapshot *last;

	mutex_lock(&target->look_mutex);
	last = gomem_snapshot_take(target->mm, target->ledger);
	if (!IS_ERR(last))
		target->last = last;
	WRITE_ONCE(target->state, GOMEM_TARGET_EXITED);
	mutex_unlock(&target->look_mutex);
}

/* The last look holds what was counted. Handlers that found the target may still count. */
static void drop_ledger(struct gomem_target *target)
{
	struct gomem_ledger *ledger = NULL;

	synchronize_rcu();
	mutex_lock(&target->look_mutex);
	if (target->last)
		swap(ledger, target->ledger);
	mutex_unlock(&target->look_mutex);
	gomem_ledger_destroy(ledger);
}

/* While the worker holds mm_users the page tables stay as the process left them. */
static void exit_work(struct work_struct *work)
{
	struct gomem_target *target = container_of(work, struct gomem_target, exit_work);

	publish_last(target);
	mmput(target->mm);
	drop_ledger(target);
	gomem_target_put(target);
}

static void destroy(struct gomem_target *target)
{
	gomem_ledger_destroy(target->ledger);
	gomem_snapshot_put(target->last);
	if (target->mm)
		mmdrop(target->mm);
	put_pid(target->pid);
	kfree(target);
}

static void free_work(struct work_struct *work)
{
	destroy(container_of(to_rcu_work(work), struct gomem_target, free_work));
}

static struct gomem_target *create(void)
{
	struct gomem_target *target = kzalloc(sizeof(*target), GFP_KERNEL);

	if (!target)
		return NULL;
	target->ledger = gomem_ledger_create();
	if (!target->ledger) {
		kfree(target);
		return NULL;
	}
	kref_init(&target->ref);
	mutex_init(&target->look_mutex);
	INIT_WORK(&target->exit_work, exit_work);
	INIT_RCU_WORK(&target->free_work, free_work);
	return target;
}

void gomem_target_get(struct gomem_target *target)
{
	kref_get(&target->ref);
}

static void release(struct kref *ref)
{
	queue_rcu_work(workqueue, &container_of(ref, struct gomem_target, ref)->free_work);
}

void gomem_target_put(struct gomem_target *target)
{
	if (target)
		kref_put(&target->ref, release);
}

/* Makes @target, fresh, the target of a process. Handlers may find it from here on. */
static void enlist(struct gomem_target *target, struct pid *pid, struct mm_struct *mm)
{
	lockdep_assert_held(&targets_lock);
	target->pid = get_pid(pid);
	target->attached_ns = ktime_get_ns();
	target->id = ++last_id;
	mmgrab(mm);
	target->mm = mm;
	target_count++;
	list_add_tail(&target->all, &targets);
	hlist_add_head_rcu(&target->by_mm, bucket_of(mm));
}

NOKPROBE_SYMBOL(enlist);

static void switch_mm_locked(struct gomem_target *target, struct mm_struct *mm)
{
	lockdep_assert_held(&targets_lock);
	hlist_del_rcu(&target->by_mm);
	mmgrab(mm);
	WRITE_ONCE(target->mm, mm);
	gomem_ledger_reset(target->ledger);
	hlist_add_head_rcu(&target->by_mm, bucket_of(mm));
}

NOKPROBE_SYMBOL(switch_mm_locked);

/* Addresses mean nothing in the new image: what was counted is forgotten. */
static bool switch_mm_from(struct gomem_target *target, const struct mm_struct *old,
			   struct mm_struct *mm)
{
	struct mm_struct *dropped = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&targets_lock, flags);
	if (target->mm == old && !hlist_unhashed(&target->by_mm)) {
		dropped = target->mm;
		switch_mm_locked(target, mm);
	}
	raw_spin_unlock_irqrestore(&targets_lock, flags);
	if (dropped)
		mmdrop(dropped);
	return dropped;
}

NOKPROBE_SYMBOL(switch_mm_from);

static void forget(struct gomem_target *target)
{
	lockdep_assert_held(&targets_mutex);
	raw_spin_lock_irq(&targets_lock);
	list_del(&target->all);
	target_count--;
	if (!hlist_unhashed(&target->by_mm))
		hlist_del_init_rcu(&target->by_mm);
	raw_spin_unlock_irq(&targets_lock);
	if (target->is_known)
		listener->gone(target);
	gomem_target_put(target);
}

struct gomem_target *gomem_target_next(u64 id)
{
	struct gomem_target *target, *next = NULL;

	raw_spin_lock_irq(&targets_lock);
	list_for_each_entry(target, &targets, all) {
		if (target->id > id) {
			next = target;
			gomem_target_get(next);
			break;
		}
	}
	raw_spin_unlock_irq(&targets_lock);
	return next;
}

bool gomem_target_is_exited(struct gomem_target *target)
{
	bool is_exited;

	raw_spin_lock_irq(&targets_lock);
	is_exited = target->state != GOMEM_TARGET_RUNNING || !atomic_read(&target->mm->mm_users);
	raw_spin_unlock_irq(&targets_lock);
	return is_exited;
}

/* The target of that number in the initial pid namespace; only deleting ends its life. */
static struct gomem_target *find_nr(pid_t nr, u64 besides)
{
	struct gomem_target *target, *found = NULL;

	lockdep_assert_held(&targets_mutex);
	raw_spin_lock_irq(&targets_lock);
	list_for_each_entry(target, &targets, all) {
		if (pid_nr(target->pid) == nr && target->id != besides)
			found = target;
	}
	raw_spin_unlock_irq(&targets_lock);
	return found;
}

static int make_way(struct pid *pid, u64 besides)
{
	struct gomem_target *target = find_nr(pid_nr(pid), besides);

	if (!target)
		return 0;
	if (!gomem_target_is_exited(target))
		return -EEXIST;
	forget(target);
	return 0;
}

/* The leader of a group may have left its mm before its threads do. */
static struct mm_struct *mm_of(struct task_struct *task)
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

static int tell(struct gomem_target *target)
{
	int err = listener->born(target);

	target->is_known = !err;
	return err;
}

static void refill_spares(void)
{
	while (READ_ONCE(wants_spares) && READ_ONCE(spare_count) < SPARES) {
		struct gomem_target *target = create();

		if (!target)
			return;
		raw_spin_lock_irq(&targets_lock);
		list_add(&target->spare, &spares);
		spare_count++;
		raw_spin_unlock_irq(&targets_lock);
	}
}

/*
 * A task seen before the target could be found may have gone through exec, or be past
 * the hook of its exit: both are then told by no hook.
 */
static int catch_up(struct gomem_target *target, struct task_struct *task,
		    const struct mm_struct *old)
{
	struct mm_struct *mm = mm_of(task);

	if (!mm)
		return -ESRCH;
	if (mm != old)
		switch_mm_from(target, old, mm);
	mmput(mm);
	return atomic_read(&task->signal->live) ? 0 : -ESRCH;
}

static int enlist_new(struct gomem_target *target, struct pid *pid, struct mm_struct *mm)
{
	int err = 0;

	raw_spin_lock_irq(&targets_lock);
	if (gomem_target_of(mm))
		err = -EEXIST;
	else if (target_count >= GOMEM_TARGETS_MAX)
		err = -ENOSPC;
	else
		enlist(target, pid, mm);
	raw_spin_unlock_irq(&targets_lock);
	return err;
}

static int attach(struct task_struct *task, struct mm_struct *mm, bool follow,
		  enum gomem_target_origin origin)
{
	struct gomem_target *target;
	int err = make_way(task_tgid(task), 0);

	if (err)
		return err;
	target = create();
	if (!target)
		return -ENOMEM;
	target->follow = follow;
	target->origin = origin;
	err = enlist_new(target, task_tgid(task), mm);
	if (err) {
		destroy(target);
		return err;
	}
	err = catch_up(target, task, mm) ?: tell(target);
	if (err)
		forget(target);
	return err;
}

static int attach_task(struct task_struct *task, bool follow, enum gomem_target_origin origin)
{
	struct mm_struct *mm;
	int err;

	if (task->flags & PF_KTHREAD)
		return -EINVAL;
	mm = mm_of(task);
	if (!mm)
		return -ESRCH;
	mutex_lock(&targets_mutex);
	if (follow) {
		WRITE_ONCE(wants_spares, true);
		refill_spares();
	}
	err = attach(task, mm, follow, origin);
	mutex_unlock(&targets_mutex);
	mmput(mm);
	return err;
}

int gomem_target_add(pid_t nr, bool follow, enum gomem_target_origin origin)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	int err = -ESRCH;

	if (task) {
		err = attach_task(task, follow, origin);
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

	raw_spin_lock_irq(&targets_lock);
	list_for_each_entry(target, &targets, all) {
		if (nr && pid_vnr(target->pid) == nr)
			found = target;
	}
	raw_spin_unlock_irq(&targets_lock);
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

int gomem_target_del(pid_t nr)
{
	struct gomem_target *target;

	mutex_lock(&targets_mutex);
	target = find_vnr(nr) ?: find_vnr(group_of(nr));
	if (target)
		forget(target);
	mutex_unlock(&targets_mutex);
	return target ? 0 : -ENOENT;
}

struct mm_struct *gomem_target_mm(struct gomem_target *target)
{
	struct mm_struct *mm;

	raw_spin_lock_irq(&targets_lock);
	mm = mmget_not_zero(target->mm) ? target->mm : NULL;
	raw_spin_unlock_irq(&targets_lock);
	return mm;
}

/* NULL when there is nothing to look at any more and the last look is not over yet. */
static struct gomem_snapshot *look(struct gomem_target *target, bool is_over)
{
	struct gomem_snapshot *snapshot = NULL;
	struct mm_struct *mm = NULL;

	mutex_lock(&target->look_mutex);
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

static void keep_comm(struct gomem_target *target, struct task_struct *task)
{
	strscpy(target->comm, task->comm, sizeof(target->comm));
}

NOKPROBE_SYMBOL(keep_comm);

void gomem_target_comm(struct gomem_target *target, char comm[TASK_COMM_LEN])
{
	struct task_struct *task = get_pid_task(target->pid, PIDTYPE_TGID);

	raw_spin_lock_irq(&targets_lock);
	if (task)
		keep_comm(target, task);
	memcpy(comm, target->comm, TASK_COMM_LEN);
	raw_spin_unlock_irq(&targets_lock);
	if (task)
		put_task_struct(task);
}

/* Exited children of a followed process make room for the next ones, the oldest first. */
static void make_room(void)
{
	struct gomem_target *target, *next;

	lockdep_assert_held(&targets_mutex);
	list_for_each_entry_safe(target, next, &targets, all) {
		if (READ_ONCE(target_count) + MARGIN <= GOMEM_TARGETS_MAX)
			return;
		if (target->origin == GOMEM_TARGET_FORK && gomem_target_is_exited(target))
			forget(target);
	}
}

/* Handlers append to the list meanwhile, deleting takes the mutex: a next stays valid. */
static void tell_all(void)
{
	struct gomem_target *target = gomem_target_next(0), *last;

	while (target) {
		if (!target->is_known && !make_way(target->pid, target->id))
			tell(target);
		last = target;
		target = gomem_target_next(last->id);
		gomem_target_put(last);
	}
}

static void refill(struct work_struct *work)
{
	mutex_lock(&targets_mutex);
	refill_spares();
	make_room();
	tell_all();
	mutex_unlock(&targets_mutex);
}

static struct gomem_target *take_spare(void)
{
	struct gomem_target *target;

	lockdep_assert_held(&targets_lock);
	target = list_first_entry_or_null(&spares, struct gomem_target, spare);
	if (!target || target_count >= GOMEM_TARGETS_MAX)
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

	raw_spin_lock_irqsave(&targets_lock, flags);
	target = take_spare();
	if (target) {
		target->follow = true;
		target->origin = GOMEM_TARGET_FORK;
		target->parent = pid_nr(parent->pid);
		keep_comm(target, task);
		enlist(target, task_tgid(task), task->mm);
	} else {
		atomic64_inc(&parent->unfollowed);
	}
	raw_spin_unlock_irqrestore(&targets_lock, flags);
	queue_work(workqueue, &refill_work);
}

NOKPROBE_SYMBOL(adopt);

void gomem_target_execed(const struct mm_struct *old)
{
	struct gomem_target *target = gomem_target_of(old);

	if (!target)
		return;
	if (target->pid == task_tgid(current)) {
		if (switch_mm_from(target, old, current->mm))
			atomic64_inc(&target->execs);
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
	raw_spin_lock_irqsave(&targets_lock, flags);
	if (!hlist_unhashed(&target->by_mm)) {
		hlist_del_init_rcu(&target->by_mm);
		WRITE_ONCE(target->state, GOMEM_TARGET_EXITING);
		keep_comm(target, current->group_leader);
		gomem_target_get(target);
		mmget(mm);
		queue_work(workqueue, &target->exit_work);
	}
	raw_spin_unlock_irqrestore(&targets_lock, flags);
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

int gomem_target_init(const struct gomem_target_listener *who)
{
	listener = who;
	workqueue = alloc_workqueue("gomem", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

static void forget_all(void)
{
	struct gomem_target *target, *next;

	mutex_lock(&targets_mutex);
	list_for_each_entry_safe(target, next, &targets, all)
		forget(target);
	mutex_unlock(&targets_mutex);
}

void gomem_target_exit(void)
{
	struct gomem_target *target, *next;

	cancel_work_sync(&refill_work);
	forget_all();
	flush_workqueue(workqueue);
	/* The last references are gone; the frees come through RCU to the workqueue. */
	rcu_barrier();
	destroy_workqueue(workqueue);
	list_for_each_entry_safe(target, next, &spares, spare)
		destroy(target);
}
