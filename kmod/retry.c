// SPDX-License-Identifier: GPL-2.0
#include "retry.h"

#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/compat.h"

#define SLOT_BITS 10

/*
 * The last try of a task under a VMA's lock. Tasks that share a slot overwrite each
 * other; then a retry between the two counts as a fault of its own.
 */
struct slot {
	const struct task_struct *task;
	unsigned long addr;
	unsigned long completed;
};

static struct slot slots[1 << SLOT_BITS];

/* mm_account_fault() counts a fault when it is complete, never a try that must be repeated. */
static unsigned long completed_faults(void)
{
	return current->maj_flt + current->min_flt;
}

static void remember(struct slot *slot, unsigned long addr)
{
	WRITE_ONCE(slot->task, current);
	WRITE_ONCE(slot->addr, addr);
	WRITE_ONCE(slot->completed, completed_faults());
}

NOKPROBE_SYMBOL(remember);

static bool is_remembered(const struct slot *slot, unsigned long addr)
{
	return READ_ONCE(slot->task) == current && READ_ONCE(slot->addr) == addr &&
	       READ_ONCE(slot->completed) == completed_faults();
}

NOKPROBE_SYMBOL(is_remembered);

bool gomem_retry_is(unsigned long addr, unsigned int flags)
{
	struct slot *slot = &slots[hash_ptr(current, SLOT_BITS)];

	if (flags & FAULT_FLAG_TRIED)
		return true;
	if (!(flags & FAULT_FLAG_VMA_LOCK))
		return is_remembered(slot, addr);
	remember(slot, addr);
	return false;
}

NOKPROBE_SYMBOL(gomem_retry_is);
