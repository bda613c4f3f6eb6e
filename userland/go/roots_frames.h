/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The roots on a goroutine's stack: one part of roots_stacks.c. */
#ifndef GM_GO_ROOTS_FRAMES_H
#define GM_GO_ROOTS_FRAMES_H

#include "go/frame_maps.h"
#include "go/frame_variables.h"
#include "go/roots_parts.h"

/* A frame whose variables may be known: by the number of its map, and where its CFA is. */
struct gm_go_stack_place {
	uint32_t number;
	uint64_t cfa;
};

/* A variable of a frame that lives while something on its stack points to it. */
struct gm_go_stack_local {
	uint64_t start;
	uint64_t bytes;
	const struct gm_go_word_map *map;
	struct gm_go_stack_place place;
	uint32_t holder;
	bool seen;
};

/**
 * struct gm_go_stack_budget - what may still be looked at on all stacks together: it is the
 *	target that says how large they are, and they may lie over each other
 * @bytes: copied; @words: of them, and of what they point to; @frames, @locals, @records: of
 *	deferred calls
 */
struct gm_go_stack_budget {
	uint64_t bytes;
	uint64_t words;
	uint64_t frames;
	uint64_t locals;
	uint64_t records;
};

/**
 * struct gm_go_stack - the stack at hand, and what is kept from one to the next
 * @low, @high: where it lies; @copy: its words from @from to @high
 * @inside: pointers into this very stack
 */
struct gm_go_stack {
	const struct gm_go_rooting *rooting;
	struct gm_go_roots *roots;
	struct gm_go_frame_maps *maps;
	struct gm_go_frame_variables *variables;
	struct gm_go_types *types;
	struct gm_go_stack_budget budget;
	uint64_t low;
	uint64_t high;
	uint64_t from;
	const uint64_t *copy;
	struct {
		GM_VEC(struct gm_go_stack_local);
	} locals;
	struct {
		GM_VEC(uint64_t);
	} inside;
};

/* Takes @want of @left; false: so much is not left. */
static inline bool gm_go_stack_spend(uint64_t *left, uint64_t want)
{
	if (want > *left)
		return false;
	*left -= want;
	return true;
}

/* The holder that stands for the function which goes on at @pc. */
struct gm_error *gm_go_stack_holder(struct gm_go_stack *stack, uint64_t pc,
				    uint32_t *holder) GM_MUST_CHECK;

/* @holder has @word, which may point anywhere. */
struct gm_error *gm_go_stack_word(struct gm_go_stack *stack, uint32_t holder,
				  uint64_t word) GM_MUST_CHECK;

/* The @count words at @words of which @map tells; NULL: each may be a pointer. */
struct gm_error *gm_go_stack_words(struct gm_go_stack *stack, uint32_t holder,
				   const uint64_t *words, uint64_t count,
				   const struct gm_go_word_map *map) GM_MUST_CHECK;

/* The frames from @pc and @sp up; what does not unwind is guessed at as a whole. */
struct gm_error *gm_go_stack_walk(struct gm_go_stack *stack, uint64_t pc,
				  uint64_t sp) GM_MUST_CHECK;

/* All of the copy is guessed at. */
struct gm_error *gm_go_stack_guess(struct gm_go_stack *stack) GM_MUST_CHECK;

/* The locals that something points to: the last that is asked of a stack. */
struct gm_error *gm_go_stack_follow(struct gm_go_stack *stack) GM_MUST_CHECK;

void gm_go_stack_deinit(struct gm_go_stack *stack);

#endif
