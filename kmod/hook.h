/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One hook: an event, a place in the kernel, a handler; how it is planted and taken out.
 *
 * For the handlers' own files (on_*.c) and the table (hooks.c). Handlers find the target
 * and say what happened (event.h). They are called with preemption off, which is an RCU
 * read-side section as well; they never sleep, allocate or take a sleeping lock.
 */
#ifndef GOMEM_HOOK_H
#define GOMEM_HOOK_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/timekeeping.h>

#include "event.h"

#define GOMEM_HOOKS_MAX 64 /* rows of the table */

/** struct gomem_hook_figures - what a hook did, per CPU; see struct gomem_probe */
struct gomem_hook_figures {
	u64 hits;
	u64 missed;
	u64 timed;
	u64 ns;
};

/**
 * struct gomem_call - what is kept from a function's entry to its return
 * @mm: to find the target again; it is not followed, the call may sleep
 * @what: the handler's own: the fault, which the function's caller keeps, or the folio
 * @start: the range, as in struct gomem_where
 * @end: see @start
 * @lo: the VMA's range, which may be gone at the return
 * @hi: see @lo
 * @was: the handler's own, a figure of before
 */
struct gomem_call {
	const struct mm_struct *mm;
	void *what;
	unsigned long start;
	unsigned long end;
	unsigned long lo;
	unsigned long hi;
	unsigned long was;
};

/**
 * struct gomem_hook - one event at one place
 * @event: what it listens for; rows that follow each other with one event are
 *	alternatives, of which the first that can be planted is
 * @symbol: the function, or the tracepoint
 * @on: a handler at the function's entry, by kprobe. True: it was about a target
 * @entry: a handler at the entry, by kretprobe. True: @ret is wanted
 * @ret: a handler at the return. True: it was about a target
 * @ftrace: a handler at the entry, by ftrace; takes preemption off itself
 * @tracepoint: the probe of a tracepoint, its first argument is the hook
 * @why: says why it shall not be planted now, NULL when it shall; NULL for always
 * @why_not: what that said last
 * @err: what registering it returned, 1 when it was not tried
 * @figures: what it did
 * @kp: the kprobe
 * @rp: the kretprobe
 * @ops: of ftrace
 * @tp: the tracepoint
 */
struct gomem_hook {
	const char *event;
	const char *symbol;
	bool (*on)(struct gomem_hook *hook, struct pt_regs *regs);
	bool (*entry)(struct gomem_hook *hook, struct gomem_call *call, struct pt_regs *regs);
	bool (*ret)(struct gomem_hook *hook, struct gomem_call *call, struct pt_regs *regs);
	void *ftrace;
	void *tracepoint;
	const char *(*why)(void);
	const char *why_not;
	int err;
	struct gomem_hook_figures __percpu *figures;
	struct kprobe kp;
	struct kretprobe rp;
	struct ftrace_ops ops;
	struct tracepoint *tp;
};

/** gomem_hook_arg() - argument @n (from 0, at most 5) of the function whose entry this is */
#define gomem_hook_arg(regs, n) regs_get_kernel_argument(regs, n)

/**
 * gomem_hook_plant() - register it
 *
 * May sleep. Return: 0, -ENOENT no such place, or what the kernel said; also in @err.
 */
int gomem_hook_plant(struct gomem_hook *hook);

/**
 * gomem_hook_uproot() - take out those of @hooks that are planted, all at once
 *
 * May sleep. No handler of theirs runs any more when it returns.
 */
void gomem_hook_uproot(struct gomem_hook *hooks, unsigned int count);

/**
 * gomem_hook_missed() - how often the kernel could not run its handler since it was planted
 *
 * 0 when it is not: what it missed before is in its figures.
 */
u64 gomem_hook_missed(const struct gomem_hook *hook);

/** gomem_hook_type() - "kprobe", "kretprobe", "ftrace" or "tracepoint" */
const char *gomem_hook_type(const struct gomem_hook *hook);

/** gomem_hook_count() - one event in a target; its handler took @start until now, 0: untimed */
static __always_inline void gomem_hook_count(struct gomem_hook *hook, u64 start)
{
	this_cpu_inc(hook->figures->hits);
	if (start) {
		this_cpu_add(hook->figures->ns, ktime_get_mono_fast_ns() - start);
		this_cpu_inc(hook->figures->timed);
	}
}

/** gomem_call_in() - the call is about [start, end) of @vma. Return: whether of a target */
static __always_inline bool gomem_call_in(struct gomem_call *call, struct vm_area_struct *vma,
					  unsigned long start, unsigned long end)
{
	*call = (struct gomem_call){
		.mm = vma->vm_mm, .start = start, .end = end, .lo = vma->vm_start, .hi = vma->vm_end
	};
	return gomem_target_of(call->mm);
}

/** gomem_call_is() - it is about [start, end) of @mm. Return: whether of a target */
static __always_inline bool gomem_call_is(struct gomem_call *call, const struct mm_struct *mm,
					  unsigned long start, unsigned long end)
{
	*call = (struct gomem_call){ .mm = mm, .start = start, .end = end, .hi = ULONG_MAX };
	return gomem_target_of(mm);
}

/** gomem_call_note() - gomem_event_note() of its range. Return: whether it is still a target's */
bool gomem_call_note(const struct gomem_call *call, enum gomem_kind kind, u64 bytes,
		     unsigned int order);

#endif /* GOMEM_HOOK_H */
