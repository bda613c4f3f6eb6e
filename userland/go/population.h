/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All goroutines of a program at one moment: their states, where they are, and their labels. */
#ifndef GM_GO_POPULATION_H
#define GM_GO_POPULATION_H

#include "go/functions.h"
#include "go/goroutines.h"
#include "go/label_sets.h"
#include "go/wait_reasons.h"

#define GM_GO_TRACE_MAX 128 /* frames of one stack; those further out are left out */
#define GM_GO_TRACES_MAX (64U << 20) /* frames of all stacks together, 512 MiB */

/* Why there is no stack, or not all of it. */
enum gm_go_lack {
	GM_GO_LACK_NONE,
	GM_GO_LACK_RUNS, /* only the CPU knows where */
	GM_GO_LACK_MOVED, /* it ran while it was read */
	GM_GO_LACK_LONG, /* frames beyond GM_GO_TRACE_MAX */
	GM_GO_LACK_LOST, /* what is below the last frame is no Go code */
	GM_GO_LACK_UNREADABLE,
	GM_GO_LACKS,
};

/**
 * struct gm_go_trace - the frames of a goroutine, innermost first
 * @first: where they begin in the pcs; @count: of them
 * @lack: enum gm_go_lack
 */
struct gm_go_trace {
	size_t first;
	uint32_t count;
	uint8_t lack;
};

/**
 * struct gm_go_population - zeroed is nobody
 * @states: goroutines, then the threads' own; a trace for each of the former, in their order
 * @pcs: the instruction that each frame is at
 * @moved: goroutines that ran while they were read
 * @reasons: what the numbers in @states mean
 * @labels: that the goroutines of @states have
 */
struct gm_go_population {
	GM_VEC(struct gm_go_trace);
	struct gm_go_goroutines states;
	struct {
		GM_VEC(uint64_t);
	} pcs;
	uint64_t moved;
	struct gm_go_wait_reasons reasons;
	struct gm_go_label_sets labels;
};

/* Of @target, whose code @functions are. They go on meanwhile; what moves fast is read first.
 * Stacks are read of amd64 programs only. Caller deinits, also after an error.
 */
struct gm_error *gm_go_population_read(const struct gm_go_target *target,
				       struct gm_go_functions *functions,
				       struct gm_go_population *population) GM_MUST_CHECK;
void gm_go_population_deinit(struct gm_go_population *population);

/* Its stack pointer lies on its stack. */
static inline bool gm_go_is_on_stack(const struct gm_go_goroutine_state *state)
{
	return state->sp >= state->stack_low && state->sp < state->stack_high;
}

#endif
