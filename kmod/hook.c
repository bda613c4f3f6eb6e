// SPDX-License-Identifier: GPL-2.0
#include "hook.h"

#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "compat/compat.h"
#include "compat/ftrace.h"

#define INSTANCES 256 /* calls of one function that may sleep at a time */

bool gomem_call_note(const struct gomem_call *call, enum gomem_kind kind, u64 bytes,
		     unsigned int order)
{
	const struct gomem_where where = { call->start, call->end, call->lo, call->hi };
	struct gomem_target *target = gomem_target_of(call->mm);

	if (target)
		gomem_event_note(target, kind, &where, bytes, order);
	return target;
}

NOKPROBE_SYMBOL(gomem_call_note);

static int on_kprobe(struct kprobe *kp, struct pt_regs *regs)
{
	struct gomem_hook *hook = container_of(kp, struct gomem_hook, kp);
	u64 start = ktime_get_mono_fast_ns();

	if (hook->on(hook, regs))
		gomem_hook_count(hook, start);
	return 0;
}

NOKPROBE_SYMBOL(on_kprobe);

static struct gomem_hook *hook_of(struct kretprobe_instance *ri)
{
	return container_of(get_kretprobe(ri), struct gomem_hook, rp);
}

static int on_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct gomem_hook *hook = hook_of(ri);

	return !hook->entry(hook, (void *)ri->data, regs);
}

NOKPROBE_SYMBOL(on_entry);

static int on_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct gomem_hook *hook = hook_of(ri);
	u64 start = ktime_get_mono_fast_ns();

	preempt_disable_notrace();
	if (hook->ret(hook, (void *)ri->data, regs))
		gomem_hook_count(hook, start);
	preempt_enable_notrace();
	return 0;
}

NOKPROBE_SYMBOL(on_return);

static int plant_kprobe(struct gomem_hook *hook)
{
	hook->kp = (struct kprobe){ .symbol_name = hook->symbol, .pre_handler = on_kprobe };
	return register_kprobe(&hook->kp);
}

static int plant_kretprobe(struct gomem_hook *hook)
{
	hook->rp = (struct kretprobe){ .kp.symbol_name = hook->symbol,
				       .entry_handler = on_entry,
				       .handler = on_return,
				       .data_size = sizeof(struct gomem_call),
				       .maxactive = INSTANCES };
	return register_kretprobe(&hook->rp);
}

/*
 * Without a function in it, a filter passes all of them, and that is what the kernel leaves
 * and calls a success when it has no memory for the one: compare with a filter that is empty.
 */
static int set_filter(struct ftrace_ops *ops, const char *name)
{
	char symbol[KSYM_NAME_LEN];
	const void *empty;
	int err;

	err = ftrace_set_filter(ops, NULL, 0, 1);
	if (err)
		return err;
	empty = rcu_access_pointer(ops->func_hash->filter_hash);
	strscpy(symbol, name, sizeof(symbol));
	err = ftrace_set_filter(ops, symbol, strlen(symbol), 1);
	if (!err && rcu_access_pointer(ops->func_hash->filter_hash) == empty)
		err = -ENOMEM;
	return err;
}

/* No flags that lead through a detour: the handler needs neither recursion checks nor RCU's. */
static int plant_ftrace(struct gomem_hook *hook)
{
	int err;

	hook->ops = (struct ftrace_ops){ .func = hook->ftrace, .flags = GOMEM_FTRACE_FLAGS };
	err = set_filter(&hook->ops, hook->symbol);
	if (!err)
		err = register_ftrace_function(&hook->ops);
	if (err)
		ftrace_set_filter(&hook->ops, NULL, 0, 1);
	return err;
}

static void uproot_ftrace(struct gomem_hook *hook)
{
	unregister_ftrace_function(&hook->ops);
	ftrace_set_filter(&hook->ops, NULL, 0, 1);
}

/* Few tracepoints are exported one by one; all of them can be looked through. */
static void see_tracepoint(struct tracepoint *tp, void *arg)
{
	struct gomem_hook *hook = arg;

	if (!strcmp(tp->name, hook->symbol))
		hook->tp = tp;
}

static int plant_tracepoint(struct gomem_hook *hook)
{
	for_each_kernel_tracepoint(see_tracepoint, hook);
	return hook->tp ? tracepoint_probe_register(hook->tp, hook->tracepoint, hook) : -ENOENT;
}

int gomem_hook_plant(struct gomem_hook *hook)
{
	if (hook->ftrace)
		hook->err = plant_ftrace(hook);
	else if (hook->tracepoint)
		hook->err = plant_tracepoint(hook);
	else
		hook->err = hook->on ? plant_kprobe(hook) : plant_kretprobe(hook);
	return hook->err;
}

/* Probes go in one batch: one by one, each would wait for its own grace period. */
static void uproot_probes(struct gomem_hook *hooks, unsigned int count)
{
	struct kretprobe *rps[GOMEM_HOOKS_MAX];
	struct kprobe *kps[GOMEM_HOOKS_MAX];
	int rp_count = 0, kp_count = 0;
	struct gomem_hook *hook;

	for (hook = hooks; hook < hooks + count; hook++) {
		if (hook->err)
			continue;
		if (hook->on)
			kps[kp_count++] = &hook->kp;
		else if (hook->ret)
			rps[rp_count++] = &hook->rp;
	}
	unregister_kprobes(kps, kp_count);
	unregister_kretprobes(rps, rp_count);
}

static void uproot_others(struct gomem_hook *hooks, unsigned int count)
{
	struct gomem_hook *hook;

	for (hook = hooks; hook < hooks + count; hook++) {
		if (hook->err)
			continue;
		if (hook->ftrace)
			uproot_ftrace(hook);
		else if (hook->tracepoint)
			tracepoint_probe_unregister(hook->tp, hook->tracepoint, hook);
	}
	tracepoint_synchronize_unregister();
}

u64 gomem_hook_missed(const struct gomem_hook *hook)
{
	return hook->err ? 0 : hook->kp.nmissed + hook->rp.kp.nmissed + hook->rp.nmissed;
}

void gomem_hook_uproot(struct gomem_hook *hooks, unsigned int count)
{
	struct gomem_hook *hook;

	uproot_others(hooks, count);
	uproot_probes(hooks, count);
	for (hook = hooks; hook < hooks + count; hook++) {
		if (hook->err)
			continue;
		this_cpu_add(hook->figures->missed, gomem_hook_missed(hook));
		hook->err = 1;
	}
}

const char *gomem_hook_type(const struct gomem_hook *hook)
{
	if (hook->ftrace)
		return "ftrace";
	if (hook->tracepoint)
		return "tracepoint";
	return hook->on ? "kprobe" : "kretprobe";
}
