/* SPDX-License-Identifier: GPL-2.0 */
/* Tell a page fault from the second try of the one before. */
#ifndef GOMEM_RETRY_H
#define GOMEM_RETRY_H

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/compat.h"

#define GOMEM_RETRY_BITS 10

/**
 * struct gomem_retry - the last try of a task under a VMA's lock
 * @task: whose
 * @addr: where
 * @completed: how many faults it had completed
 *
 * Tasks that share one overwrite each other; then a retry between the two counts as a
 * fault of its own.
 */
struct gomem_retry {
	const struct task_struct *task;
	unsigned long addr;
	unsigned long completed;
};

extern struct gomem_retry gomem_retries[1 << GOMEM_RETRY_BITS];

/* mm_account_fault() counts a fault when it is complete, never a try that must be repeated. */
static __always_inline unsigned long gomem_retry_completed(void)
{
	return current->maj_flt + current->min_flt;
}

static __always_inline void gomem_retry_remember(struct gomem_retry *last, unsigned long addr)
{
	WRITE_ONCE(last->task, current);
	WRITE_ONCE(last->addr, addr);
	WRITE_ONCE(last->completed, gomem_retry_completed());
}

static __always_inline bool gomem_retry_remembers(const struct gomem_retry *last,
						  unsigned long addr)
{
	return READ_ONCE(last->task) == current && READ_ONCE(last->addr) == addr &&
	       READ_ONCE(last->completed) == gomem_retry_completed();
}

/**
 * gomem_retry_is() - is this call of handle_mm_fault() one more try of the same fault?
 * @addr: the address it is called with
 * @flags: its fault flags
 *
 * For the probe handler, in the faulting task. Each fault that is tried anew without
 * FAULT_FLAG_TRIED was first tried under the lock of the VMA; that try is remembered.
 */
static __always_inline bool gomem_retry_is(unsigned long addr, unsigned int flags)
{
	struct gomem_retry *last = &gomem_retries[hash_ptr(current, GOMEM_RETRY_BITS)];

	if (flags & FAULT_FLAG_TRIED)
		return true;
	if (!(flags & FAULT_FLAG_VMA_LOCK))
		return gomem_retry_remembers(last, addr);
	gomem_retry_remember(last, addr);
	return false;
}

#endif /* GOMEM_RETRY_H */
