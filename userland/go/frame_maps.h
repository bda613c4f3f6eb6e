/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where on the stack a function keeps pointers, at an instruction; each looked up once. */
#ifndef GM_GO_FRAME_MAPS_H
#define GM_GO_FRAME_MAPS_H

#include "go/moduledata.h"
#include "go/program.h"

/* A bit for each of @words words; @bits NULL: there are none. */
struct gm_go_word_map {
	uint32_t words;
	uint8_t *bits;
};

/**
 * struct gm_go_stack_object - a local variable whose address is taken: it is alive while
 *	something points to it
 * @offset: from the end of the locals, where negative; else from the start of the arguments
 * @bytes: its size; @map: of its first words
 */
struct gm_go_stack_object {
	int64_t offset;
	uint64_t bytes;
	struct gm_go_word_map map;
};

/**
 * struct gm_go_frame_map - of the frame of a function that will go on at @pc
 * @number: of the map, from 0
 * @bytes: of the frame below the return address; -1: not known, and nothing else either
 * @args_bytes: of its arguments, 0 where not known
 * @name: of the function, NULL: none is there
 * @outermost: it was called by none
 * @anywhere: it was stopped at any instruction, or knows not where: @locals and @args tell
 *	nothing of it
 * @stops_anywhere: its caller was
 * @locals: they end at the end of the locals; @args: they start at the first argument
 */
struct gm_go_frame_map {
	uint64_t pc;
	uint32_t number;
	int32_t bytes;
	uint32_t args_bytes;
	const char *name;
	bool outermost;
	bool anywhere;
	bool stops_anywhere;
	struct gm_go_word_map locals;
	struct gm_go_word_map args;
	struct gm_go_stack_object *objects;
	uint32_t object_count;
};

struct gm_go_frame_maps;

/* @program and @modules must stay. Caller destroys. */
struct gm_error *gm_go_frame_maps_create(const struct gm_go_program *program,
					 const struct gm_go_modules *modules,
					 const struct gm_go_layout *layout, unsigned int minor,
					 struct gm_go_frame_maps **maps) GM_MUST_CHECK;
void gm_go_frame_maps_destroy(struct gm_go_frame_maps *maps);
GM_DEFINE_AUTO(gm_go_frame_maps)

/* Of the frame that goes on at @pc; valid until the next call. */
struct gm_error *gm_go_frame_maps_find(struct gm_go_frame_maps *maps, uint64_t pc,
				       const struct gm_go_frame_map **map) GM_MUST_CHECK;

#endif
