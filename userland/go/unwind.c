// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/unwind.h"

#define WORD 8

void gm_go_unwind_init(struct gm_go_unwind *unwind, struct gm_go_functions *functions,
		       const struct gm_go_words *words)
{
	*unwind = (struct gm_go_unwind){ .functions = functions, .words = *words };
}

static bool is_lost(struct gm_go_unwind *unwind)
{
	unwind->end = GM_GO_UNWIND_LOST;
	return false;
}

static bool read_word(struct gm_go_unwind *unwind, uint64_t address, uint64_t *word)
{
	const struct gm_go_words *words = &unwind->words;

	return address >= words->low && address < words->high && words->high - address >= WORD &&
	       words->read(words->context, address, word);
}

/* A frame that nobody called may end above the stack, whose last words the runtime leaves. */
static bool set_end(struct gm_go_unwind *unwind, const struct gm_go_function_at *at)
{
	struct gm_go_stack_frame *frame = &unwind->frame;
	uint64_t left = unwind->words.high - frame->sp;
	uint64_t bytes = (uint64_t)at->frame_bytes + WORD;

	if (at->frame_bytes >= 0 && bytes <= left)
		frame->fp = frame->sp + bytes;
	else if (at->walk == GM_GO_WALK_TOP)
		frame->fp = unwind->words.high;
	else
		return is_lost(unwind);
	return true;
}

/* The innermost frame mostly called what stopped it; a goroutine that never ran did not. */
static bool set_frame(struct gm_go_unwind *unwind, uint64_t pc, uint64_t sp, bool trapped)
{
	const struct gm_go_function_at *at = gm_go_functions_find(unwind->functions, pc);

	if (!at || sp < unwind->words.low || sp >= unwind->words.high || sp % WORD)
		return is_lost(unwind);
	unwind->frame = (struct gm_go_stack_frame){
		.function = at->function,
		.table = at->table,
		.pc = pc,
		.at = trapped || pc == at->function.entry ? pc : pc - 1,
		.sp = sp,
		.trapped = trapped,
	};
	return set_end(unwind, at);
}

bool gm_go_unwind_first(struct gm_go_unwind *unwind, uint64_t pc, uint64_t sp)
{
	unwind->end = GM_GO_UNWIND_ON;
	/* It called a function that is nil. */
	if (!pc && read_word(unwind, sp, &pc))
		sp += WORD;
	return set_frame(unwind, pc, sp, false);
}

bool gm_go_unwind_next(struct gm_go_unwind *unwind)
{
	const struct gm_go_stack_frame *frame = &unwind->frame;
	const struct gm_go_function_at *at = gm_go_functions_find(unwind->functions, frame->pc);
	uint64_t pc;

	if (!at || unwind->end != GM_GO_UNWIND_ON)
		return false;
	if (at->walk == GM_GO_WALK_TOP) {
		unwind->end = GM_GO_UNWIND_WHOLE;
		return false;
	}
	if (at->walk == GM_GO_WALK_SWITCHES || !read_word(unwind, frame->fp - WORD, &pc))
		return is_lost(unwind);
	return set_frame(unwind, pc, frame->fp, at->walk == GM_GO_WALK_INJECTED);
}
