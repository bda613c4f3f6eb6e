/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which variable a word of a frame is of, and what it points to: by DWARF, each place in the
 * program looked up once, however many goroutines wait there.
 */
#ifndef GM_GO_FRAME_VARIABLES_H
#define GM_GO_FRAME_VARIABLES_H

#include "go/frame_maps.h"
#include "go/types.h"

#define GM_GO_NO_HOLDER UINT32_MAX

/**
 * struct gm_go_frame_variable - of a word at a place
 * @name: NULL: none is known, or several that do not agree
 * @function: of the inlined function whose variable it is, NULL: the frame's own
 * @code: what it points to, 0: not known
 * @interface: the word @before says it, an offset from the CFA
 * @holder: the caller's, GM_GO_NO_HOLDER at first
 */
struct gm_go_frame_variable {
	const char *name;
	const char *function;
	gm_go_code code;
	bool interface;
	int64_t before;
	uint32_t holder;
};

struct gm_go_frame_variables;

/* @types must stay. Caller destroys. */
struct gm_error *gm_go_frame_variables_create(struct gm_go_types *types,
					      struct gm_go_frame_variables **out) GM_MUST_CHECK;
void gm_go_frame_variables_destroy(struct gm_go_frame_variables *variables);
GM_DEFINE_AUTO(gm_go_frame_variables)

/* To be called before words of frames of @map are asked for. */
struct gm_error *gm_go_frame_variables_enter(struct gm_go_frame_variables *variables,
					     const struct gm_go_frame_map *map) GM_MUST_CHECK;

/* Of the word @offset bytes from the CFA of a frame of map @number, which was entered; valid until
 * the next call. NULL: nothing is known.
 */
struct gm_go_frame_variable *gm_go_frame_variables_find(struct gm_go_frame_variables *variables,
							uint32_t number, int64_t offset);

#endif
