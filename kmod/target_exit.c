// SPDX-License-Identifier: GPL-2.0
/*
 * The last look at a target. What the process leaves behind is looked at before it is torn
 * down, and the process waits for that: who waits for the process finds its memory freed and
 * its files closed, as ever. So a look makes an exit longer: counted on 6.1 and 6.12, by some
 * 100,000 instructions, and by up to 2 % of what it takes to free 512 MiB.
 */
#include <linux/kprobes.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>

#include "cgroups.h"
#include "target_set.h"

static atomic_t leaving = ATOMIC_INIT(0); /* calls of leave() to come, or under way */
static bool has_left; /* there was one */

static void publish_last(struct gomem_target *target)
{
	struct gomem_snapshot *last;

	mutex_lock(&target->look_mutex);
	last = gomem_snapshot_take(target->mm, target->ledger);
	if (!IS_ERR(last)) {
		/* Pairs with spoils_of(), which looks at it without the mutex. */
		smp_store_release(&target->last, last);
	}
	WRITE_ONCE(target->state, GOMEM_TARGET_EXITED);
	mutex_unlock(&target->look_mutex);
}

/* In a worker: the names of files need a root directory, which an exiting task has no more. */
static void exit_work(struct work_struct *work)
{
	struct gomem_target *target = container_of(work, struct gomem_target, exit_work);

	publish_last(target);
	gomem_target_get(target);
	queue_rcu_work(gomem_target_set.workqueue, &target->drop_work);
	gomem_target_kick();
}

/* The last look holds what was counted. No handler that found the target runs any more. */
static void drop_work(struct work_struct *work)
{
	struct gomem_target *target =
		container_of(to_rcu_work(work), struct gomem_target, drop_work);
	struct gomem_ledger *ledger = NULL;

	mutex_lock(&target->look_mutex);
	if (target->last)
		swap(ledger, target->ledger);
	mutex_unlock(&target->look_mutex);
	gomem_ledger_destroy(ledger);
	gomem_target_put(target);
}

/*
 * By the process, when it has left its mm and before it tells its parent that it is gone.
 * Nothing sleeps from the count on: see gomem_target_exit_settle().
 */
static void leave(struct callback_head *head)
{
	struct gomem_target *target = container_of(head, struct gomem_target, leave);

	flush_work(&target->exit_work);
	mmput(target->mm);
	gomem_target_put(target);
	if (atomic_dec_and_test(&leaving))
		wake_up_var(&leaving);
}

void gomem_target_exit_prepare(struct gomem_target *target)
{
	INIT_WORK(&target->exit_work, exit_work);
	INIT_RCU_WORK(&target->drop_work, drop_work);
	init_task_work(&target->leave, leave);
}

/* A task that is past the count, but not out of leave(), has not slept since. */
void gomem_target_exit_settle(void)
{
	wait_var_event(&leaving, !atomic_read(&leaving));
	if (has_left)
		synchronize_rcu_tasks();
	has_left = false;
}

bool gomem_target_retire(struct gomem_target *target)
{
	unsigned long flags;
	bool is_first;

	raw_spin_lock_irqsave(&gomem_target_set.lock, flags);
	is_first = !hlist_unhashed(&target->by_mm);
	if (is_first) {
		hlist_del_init_rcu(&target->by_mm);
		WRITE_ONCE(target->state, GOMEM_TARGET_EXITING);
		gomem_target_keep_comm(target, current->group_leader);
	}
	raw_spin_unlock_irqrestore(&gomem_target_set.lock, flags);
	return is_first;
}

NOKPROBE_SYMBOL(gomem_target_retire);

/*
 * While mm_users is held, the page tables stay as the process left them. A victim of the OOM
 * killer frees its memory at once, though: nobody looks at that.
 */
static void look_last(struct gomem_target *target)
{
	if (tsk_is_oom_victim(current) || task_work_add(current, &target->leave, TWA_NONE)) {
		WRITE_ONCE(target->state, GOMEM_TARGET_EXITED);
		return;
	}
	WRITE_ONCE(has_left, true);
	atomic_inc(&leaving);
	gomem_target_get(target);
	mmget(target->mm);
	queue_work(gomem_target_set.workqueue, &target->exit_work);
}

NOKPROBE_SYMBOL(look_last);

void gomem_target_look_last(struct gomem_target *target)
{
	look_last(target);
	gomem_cgroups_room();
}

NOKPROBE_SYMBOL(gomem_target_look_last);
