// SPDX-License-Identifier: GPL-2.0
#include "target_set.h"

#include <linux/kprobes.h>
#include <linux/sched/mm.h>
#include <linux/timekeeping.h>

#include "cgroups.h"

struct hlist_head gomem_targets_by_mm[1 << GOMEM_TARGETS_HASH_BITS];

/* A plain one: lockdep's part in it may be probed. Changed under the set's lock. */
seqcount_t gomem_targets_moves = SEQCNT_ZERO(gomem_targets_moves);

struct gomem_target_set gomem_target_set = {
	.mutex = __MUTEX_INITIALIZER(gomem_target_set.mutex),
	.lock = __RAW_SPIN_LOCK_UNLOCKED(gomem_target_set.lock),
	.all = LIST_HEAD_INIT(gomem_target_set.all),
};

static struct hlist_head *bucket_of(const struct mm_struct *mm)
{
	return &gomem_targets_by_mm[hash_ptr(mm, GOMEM_TARGETS_HASH_BITS)];
}

/* Makes @target, fresh, the target of a process. Handlers may find it from here on. */
void gomem_target_set_enlist(struct gomem_target *target, struct pid *pid, struct mm_struct *mm)
{
	lockdep_assert_held(&gomem_target_set.lock);
	target->pid = get_pid(pid);
	target->attached_ns = ktime_get_ns();
	target->id = ++gomem_target_set.last_id;
	target->image = target->id;
	mmgrab(mm);
	target->mm = mm;
	gomem_target_set.count++;
	list_add_tail(&target->all, &gomem_target_set.all);
	hlist_add_head_rcu(&target->by_mm, bucket_of(mm));
}

NOKPROBE_SYMBOL(gomem_target_set_enlist);

/*
 * Handlers wait while the count is odd, and one may come on this CPU: so it is odd for no more
 * than what may lead who follows @target into the other list.
 */
static void switch_mm_locked(struct gomem_target *target, struct mm_struct *mm)
{
	lockdep_assert_held(&gomem_target_set.lock);
	hlist_del_rcu(&target->by_mm);
	mmgrab(mm);
	WRITE_ONCE(target->mm, mm);
	atomic64_inc(&target->execs);
	WRITE_ONCE(target->image, ++gomem_target_set.last_id);
	gomem_ledger_reset(target->ledger);
	raw_write_seqcount_begin(&gomem_targets_moves);
	hlist_add_head_rcu(&target->by_mm, bucket_of(mm));
	raw_write_seqcount_end(&gomem_targets_moves);
}

NOKPROBE_SYMBOL(switch_mm_locked);

bool gomem_target_set_switch(struct gomem_target *target, const struct mm_struct *old,
			     struct mm_struct *mm)
{
	struct mm_struct *dropped = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&gomem_target_set.lock, flags);
	if (target->mm == old && !hlist_unhashed(&target->by_mm)) {
		dropped = target->mm;
		switch_mm_locked(target, mm);
	}
	raw_spin_unlock_irqrestore(&gomem_target_set.lock, flags);
	if (dropped)
		mmdrop(dropped);
	return dropped;
}

NOKPROBE_SYMBOL(gomem_target_set_switch);

void gomem_target_set_forget(struct gomem_target *target)
{
	lockdep_assert_held(&gomem_target_set.mutex);
	raw_spin_lock_irq(&gomem_target_set.lock);
	list_del(&target->all);
	gomem_target_set.count--;
	if (!hlist_unhashed(&target->by_mm))
		hlist_del_init_rcu(&target->by_mm);
	raw_spin_unlock_irq(&gomem_target_set.lock);
	if (target->is_known)
		gomem_target_set.listener->gone(target);
	gomem_target_put(target);
	gomem_cgroups_room();
}

struct gomem_target *gomem_target_next(u64 id)
{
	struct gomem_target *target, *next = NULL;

	raw_spin_lock_irq(&gomem_target_set.lock);
	list_for_each_entry(target, &gomem_target_set.all, all) {
		if (target->id > id) {
			next = target;
			gomem_target_get(next);
			break;
		}
	}
	raw_spin_unlock_irq(&gomem_target_set.lock);
	return next;
}

/* The target of that number in the initial pid namespace; only deleting ends its life. */
static struct gomem_target *find_nr(pid_t nr, u64 besides)
{
	struct gomem_target *target, *found = NULL;

	lockdep_assert_held(&gomem_target_set.mutex);
	raw_spin_lock_irq(&gomem_target_set.lock);
	list_for_each_entry(target, &gomem_target_set.all, all) {
		if (pid_nr(target->pid) == nr && target->id != besides)
			found = target;
	}
	raw_spin_unlock_irq(&gomem_target_set.lock);
	return found;
}

int gomem_target_set_make_way(struct pid *pid, u64 besides)
{
	struct gomem_target *target = find_nr(pid_nr(pid), besides);

	if (!target)
		return 0;
	if (!gomem_target_is_exited(target))
		return -EEXIST;
	gomem_target_set_forget(target);
	return 0;
}

int gomem_target_set_tell(struct gomem_target *target)
{
	int err = gomem_target_set.listener->born(target);

	target->is_known = !err;
	return err;
}

bool gomem_target_set_has(const struct pid *pid)
{
	const struct gomem_target *target;
	bool has = false;

	raw_spin_lock_irq(&gomem_target_set.lock);
	list_for_each_entry(target, &gomem_target_set.all, all)
		has |= target->pid == pid && target->state == GOMEM_TARGET_RUNNING;
	raw_spin_unlock_irq(&gomem_target_set.lock);
	return has;
}
