/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stack of a goroutine that does not run, frame by frame, as the runtime's own traceback
 * walks it (Go src/runtime/traceback.go): by the size of each frame at its pc, from pclntab.
 *
 *	gm_go_unwind_init(&unwind, functions, &words);
 *	for (bool is = gm_go_unwind_first(&unwind, pc, sp); is; is = gm_go_unwind_next(&unwind))
 *		...unwind.frame...
 *	if (unwind.end == GM_GO_UNWIND_WHOLE)
 *		...
 *
 * Promises: frames come innermost first, physical ones (what was inlined into them tells
 * gm_go_functions_frames()); they lie within [low, high), do not overlap, and each begins where the
 * last one ends, so there are at most (high - low) / 8, whatever the stack holds. Nothing but
 * code and stack is read. amd64.
 */
#ifndef GM_GO_UNWIND_H
#define GM_GO_UNWIND_H

#include "go/functions.h"

/**
 * struct gm_go_words - where the words of a stack come from
 * @low, @high: the stack, [low, high)
 * @read: the word at @address, which lies within it; false where it cannot be had
 */
struct gm_go_words {
	uint64_t low;
	uint64_t high;
	bool (*read)(void *context, uint64_t address, uint64_t *word);
	void *context;
};

/**
 * struct gm_go_stack_frame - of one function
 * @function, @table: as gm_go_functions_find() says; strings live as long as the code
 * @pc: where it goes on
 * @at: the instruction it is at: its call, or where a signal came in; what pointer maps, lines
 *	and inlined functions are asked with
 * @sp: its lowest address, as at @pc
 * @fp: its end, which is its caller's @sp; its return address lies at @fp - 8, its arguments,
 *	where they are on the stack, from @fp on
 * @trapped: a signal came in there: pointer maps need not hold
 */
struct gm_go_stack_frame {
	struct gm_go_function function;
	const struct gm_go_pclntab *table;
	uint64_t pc;
	uint64_t at;
	uint64_t sp;
	uint64_t fp;
	bool trapped;
};

enum gm_go_unwind_end {
	GM_GO_UNWIND_ON, /* not at the end */
	GM_GO_UNWIND_WHOLE, /* the last frame was that of the function all goroutines begin with */
	GM_GO_UNWIND_LOST, /* no Go code, or not on this stack: the frames so far are right */
};

struct gm_go_unwind {
	struct gm_go_functions *functions;
	struct gm_go_words words;
	struct gm_go_stack_frame frame;
	enum gm_go_unwind_end end;
};

void gm_go_unwind_init(struct gm_go_unwind *unwind, struct gm_go_functions *functions,
		       const struct gm_go_words *words);

/* False: there is no (further) frame, @end says why. */
bool gm_go_unwind_first(struct gm_go_unwind *unwind, uint64_t pc, uint64_t sp);
bool gm_go_unwind_next(struct gm_go_unwind *unwind);

#endif
