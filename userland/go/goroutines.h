/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The goroutines of a process, and the stacks of its threads: what the runtime notes of each. */
#ifndef GM_GO_GOROUTINES_H
#define GM_GO_GOROUTINES_H

#include "base/vec.h"
#include "go/target.h"

#define GM_GO_GOROUTINES_MAX (16U << 20)

/* Go src/runtime/runtime2.go: g.atomicstatus, without the bit of the GC that scans its stack. */
enum gm_go_status {
	GM_GO_IDLE_G, /* just made, not yet set up */
	GM_GO_RUNNABLE,
	GM_GO_RUNNING,
	GM_GO_SYSCALL, /* in the kernel, or in C */
	GM_GO_WAITING,
	GM_GO_MORIBUND, /* not in use */
	GM_GO_DEAD_G, /* ended; kept, perhaps with its stack, for the next to be made */
	GM_GO_ENQUEUE, /* not in use */
	GM_GO_COPYSTACK, /* its stack is being moved */
	GM_GO_PREEMPTED, /* stopped, so that the GC may scan its stack */
	GM_GO_LEAKED, /* waits for what nobody can send any more, the GC found out; Go 1.26 */
	GM_GO_DEAD_EXTRA, /* kept for threads that C made; Go 1.26 */
	GM_GO_STATUSES,
};

enum gm_go_g_kind {
	GM_GO_G_GOROUTINE,
	GM_GO_G_THREAD, /* a thread's own (g0): the scheduler and, with cgo, C run on its stack */
	GM_GO_G_SIGNALS, /* a thread's own for signal handlers (gsignal) */
};

/**
 * struct gm_go_goroutine_state - a copy of a runtime.g
 * @at: its address
 * @id: goid; 0 for the threads' own
 * @parent: goid of the one that created it; 0: the runtime, or not known (before Go 1.21)
 * @kind: enum gm_go_g_kind; @status: enum gm_go_status, or what else stands there
 * @wait_reason: index into runtime.waitReasonStrings, meant only while it waits
 * @wait_since: CLOCK_MONOTONIC of the process, ns: the end of the GC before the one that first
 *	saw it waiting or in the kernel, so that it may have begun later by the time between the
 *	two; 0: none saw it, or none came before
 * @go_pc: of the go statement that created it, as a return address; 0: none
 * @start_pc: the function it began with
 * @pc, @sp: where it will go on; both 0 while it runs, when only the CPU knows
 * @stack_low, @stack_high: [low, high)
 * @m: of the thread that runs it, 0: none does; @locked_m: that it is tied to
 * @labels: of runtime/pprof, for gm_go_labels_read(); 0: none
 */
struct gm_go_goroutine_state {
	uint64_t at;
	uint64_t id;
	uint64_t parent;
	uint8_t kind;
	uint8_t status;
	uint16_t wait_reason;
	int64_t wait_since;
	uint64_t go_pc;
	uint64_t start_pc;
	uint64_t pc;
	uint64_t sp;
	uint64_t stack_low;
	uint64_t stack_high;
	uint64_t m;
	uint64_t locked_m;
	uint64_t labels;
};

/**
 * struct gm_go_goroutines - all that exist, those that ended left out
 * @at: when they were read, as @wait_since
 */
struct gm_go_goroutines {
	GM_VEC(struct gm_go_goroutine_state);
	int64_t at;
};

/* Goroutines in the order of runtime.allgs, then the threads' own. They go on meanwhile: what
 * was read of one belongs together, but see gm_go_goroutines_reread(). ENOTSUP: the program
 * does not say where they are. EIO: it claims more than GM_GO_GOROUTINES_MAX, or than fit into
 * the memory that it has. The caller deinits, also after an error.
 */
struct gm_error *gm_go_goroutines_read(const struct gm_go_target *target,
				       struct gm_go_goroutines *goroutines) GM_MUST_CHECK;
void gm_go_goroutines_deinit(struct gm_go_goroutines *goroutines);

/* Calls @moved for each that has another state, @pc or @sp, or another goroutine in its place,
 * than when it was read: what was read of its stack since may be of any moment between.
 */
struct gm_error *gm_go_goroutines_reread(const struct gm_go_target *target,
					 const struct gm_go_goroutines *goroutines,
					 void (*moved)(void *context, size_t index),
					 void *context) GM_MUST_CHECK;

/* The runtime's word for it in a panic, "waiting"; NULL where there is no such state. */
const char *gm_go_status_name(uint8_t status);

#endif
