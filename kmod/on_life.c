// SPDX-License-Identifier: GPL-2.0
/* What becomes of processes. */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "hook.h"
#include "on.h"

/* As a whole, at no address. */
static void note_life(struct gomem_target *target, enum gomem_kind kind, u64 bytes)
{
	const struct gomem_where nowhere = gomem_where_is(0, 0);

	gomem_event_note(target, kind, &nowhere, bytes, 0);
}

NOKPROBE_SYMBOL(note_life);

/* The target that current itself is; a child of vfork() only runs in its parent's mm. */
static struct gomem_target *target_itself(const struct mm_struct *mm)
{
	struct gomem_target *target = mm ? gomem_target_of(mm) : NULL;

	return target && target->pid == task_tgid(current) ? target : NULL;
}

NOKPROBE_SYMBOL(target_itself);

/* For functions of which only the end matters. */
GOMEM_ON_CALL(always)
{
	return true;
}

NOKPROBE_SYMBOL(gomem_on_always);

/*
 * begin_new_exec(bprm): when it succeeds, current has left its mm for the new one. It may
 * become a target meanwhile, so the return is always wanted.
 */
GOMEM_ON_CALL(exec)
{
	if (!current->mm)
		return false;
	call->was = gomem_call_is(call, current->mm, 0, 0);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_exec);

GOMEM_ON_CALL(exec_return)
{
	struct gomem_target *itself;

	if (regs_return_value(regs))
		return false;
	itself = gomem_target_execed(call->mm, call->was);
	if (itself)
		note_life(itself, GOMEM_KIND_exec, 0);
	return itself;
}

NOKPROBE_SYMBOL(gomem_on_exec_return);

/* mm_update_next_owner(mm), by each thread that exits or calls exec, before it drops its mm */
GOMEM_ON_CALL(exit)
{
	const struct mm_struct *mm = (void *)gomem_hook_arg(regs, 0);

	return !atomic_read(&current->signal->live) && gomem_call_is(call, mm, 0, 0);
}

NOKPROBE_SYMBOL(gomem_on_exit);

/*
 * At the return, when nothing is done any more that asks for others who have the mm: one that
 * we hold would have the kernel clear the word of set_tid_address() in a process that nobody is
 * left of, and look through all processes for an owner.
 */
GOMEM_ON_CALL(exit_return)
{
	struct gomem_target *itself = target_itself(call->mm);

	if (!itself || !gomem_target_retire(itself))
		return false;
	note_life(itself, GOMEM_KIND_exit, (u64)get_mm_rss(itself->mm) << PAGE_SHIFT);
	gomem_target_look_last(itself);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_exit_return);

/* wake_up_new_task(task), by its parent */
GOMEM_ON(fork)
{
	struct task_struct *child = (void *)gomem_hook_arg(regs, 0);
	struct gomem_target *itself = target_itself(current->mm);

	gomem_target_forked(child);
	if (!itself || !thread_group_leader(child))
		return false;
	note_life(itself, GOMEM_KIND_fork, 0);
	return true;
}

NOKPROBE_SYMBOL(gomem_on_fork);

/* cgroup_attach_task(cgroup, leader, threadgroup): when it is over, who moved has moved */
GOMEM_ON_CALL(move_return)
{
	return gomem_target_moved();
}

NOKPROBE_SYMBOL(gomem_on_move_return);
