// SPDX-License-Identifier: GPL-2.0
#include "unwind.h"

#include <linux/kprobes.h>
#include <linux/nospec.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>

#include <asm/fsgsbase.h>

#define WORD sizeof(unsigned long)

/**
 * struct goroutine - what runs on this thread
 * @sched_pc: where it left its stack for the runtime's own, 0 when it is on it
 * @sched_bp: its frame pointer then
 * @lo: its stack is [lo, hi)
 * @hi: see @lo
 */
struct goroutine {
	unsigned long sched_pc;
	unsigned long sched_bp;
	unsigned long lo;
	unsigned long hi;
};

/**
 * struct reader - of current's memory, between user_access_begin() and user_access_end()
 * @limit: user addresses end here
 * @trace: is told what could not be read
 */
struct reader {
	unsigned long limit;
	struct gomem_trace *trace;
};

/* What user space says is an address may be anything: this is one of two words of its own. */
static __always_inline bool may_be_stack(const struct reader *reader, unsigned long addr)
{
	return addr >= PAGE_SIZE && addr < reader->limit - 2 * WORD && addr % WORD == 0;
}

/*
 * At an address that may_be_stack(), or the word behind it. The processor does not get past
 * that check by guessing either.
 */
static __always_inline bool load(const struct reader *reader, unsigned long addr,
				 unsigned long *value)
{
	addr = array_index_nospec(addr, reader->limit);
	unsafe_get_user(*value, (const unsigned long __user *)addr, unreadable);
	return true;
unreadable:
	reader->trace->is_unreadable = true;
	return false;
}

static __always_inline bool peek(const struct reader *reader, unsigned long addr,
				 unsigned long *value)
{
	return may_be_stack(reader, addr) && load(reader, addr, value);
}

/*
 * The live one: what the thread structure has is older where user space may set it itself,
 * and where it may not, it is the same.
 */
static __always_inline unsigned long thread_pointer(void)
{
	return cpu_feature_enabled(X86_FEATURE_FSGSBASE) ? rdfsbase() : current->thread.fsbase;
}

/* On another stack than @curg's: from where to go on when that one's frames end. */
static __always_inline bool find_stack(const struct gomem_go *go, const struct reader *reader,
				       unsigned long curg, struct goroutine *goroutine)
{
	return peek(reader, curg + go->stack, &goroutine->lo) &&
	       peek(reader, curg + go->stack + WORD, &goroutine->hi) &&
	       peek(reader, curg + go->sched_bp, &goroutine->sched_bp) &&
	       peek(reader, curg + go->sched_pc, &goroutine->sched_pc);
}

static __always_inline void find_goroutine(const struct gomem_go *go, const struct pt_regs *regs,
					   const struct reader *reader, struct goroutine *goroutine)
{
	unsigned long g = regs->r14, m, curg, goid, labels;

	if (!go->in_r14 && !peek(reader, thread_pointer() + go->tls, &g))
		return;
	if (!peek(reader, g + go->m, &m) || !peek(reader, m + go->curg, &curg) || !curg ||
	    !peek(reader, curg + go->goid, &goid) || !peek(reader, curg + go->labels, &labels))
		return;
	reader->trace->goid = goid;
	reader->trace->labels = labels;
	if (g != curg && !find_stack(go, reader, curg, goroutine))
		goroutine->sched_pc = 0;
}

static __always_inline bool is_on(const struct goroutine *goroutine, unsigned long frame)
{
	return frame - goroutine->lo < goroutine->hi - goroutine->lo;
}

/* By a pointer: some kernels check the bounds of an array by a call, which may not be here. */
static __always_inline void push(struct gomem_trace *trace, unsigned long pc)
{
	typeof(trace->frames[0]) *frames = trace->frames;

	frames[trace->count++] = pc;
}

/* Return: whether the frames from @frame on reached the goroutine's stack. */
static __always_inline bool follow(const struct reader *reader, unsigned long frame,
				   const struct goroutine *goroutine)
{
	struct gomem_trace *trace = reader->trace;
	unsigned long next, pc;
	bool is_reached = false;

	while (trace->count < GOMEM_UNWIND_FRAMES && may_be_stack(reader, frame)) {
		if (!load(reader, frame, &next) || !load(reader, frame + WORD, &pc))
			break;
		if (pc < PAGE_SIZE || pc >= reader->limit)
			break;
		push(trace, pc);
		is_reached |= is_on(goroutine, frame);
		if (next == frame)
			break;
		frame = next;
	}
	return is_reached;
}

static __always_inline void trace_user(const struct gomem_go *go, const struct pt_regs *regs,
				       const struct reader *reader)
{
	struct gomem_trace *trace = reader->trace;
	struct goroutine goroutine = {};

	if (go)
		find_goroutine(go, regs, reader, &goroutine);
	if (follow(reader, regs->bp, &goroutine) || !goroutine.sched_pc ||
	    trace->count == GOMEM_UNWIND_FRAMES)
		return;
	push(trace, goroutine.sched_pc);
	follow(reader, goroutine.sched_bp, &goroutine);
}

bool gomem_unwind(const struct gomem_go *go, struct gomem_trace *trace)
{
	struct reader reader = { .limit = TASK_SIZE_MAX, .trace = trace };
	struct pt_regs *regs = task_pt_regs(current);

	if (!user_64bit_mode(regs))
		return false;
	trace->goid = 0;
	trace->labels = 0;
	trace->is_unreadable = false;
	trace->count = 1;
	trace->frames[0] = regs->ip;
	/* In a register: some kernels' array_index_nospec() cannot take it as a constant. */
	OPTIMIZER_HIDE_VAR(reader.limit);
	pagefault_disable();
	if (user_access_begin((void __user *)PAGE_SIZE, WORD)) {
		trace_user(go, regs, &reader);
		user_access_end();
	}
	pagefault_enable();
	return true;
}

NOKPROBE_SYMBOL(gomem_unwind);
