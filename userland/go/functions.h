/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All Go code of a program: the function tables of its modules (the program itself, plugins,
 * shared libraries), and what a stack walk asks of them, remembered.
 */
#ifndef GM_GO_FUNCTIONS_H
#define GM_GO_FUNCTIONS_H

#include "go/frames.h"

struct gm_go_functions;

/* @program must live as long. ENOENT: no module of it has functions that make sense. Caller
 * destroys.
 */
struct gm_error *gm_go_functions_open(const struct gm_go_program *program,
				      const struct gm_go_layout *layout,
				      struct gm_go_functions **functions) GM_MUST_CHECK;
void gm_go_functions_destroy(struct gm_go_functions *functions);
GM_DEFINE_AUTO(gm_go_functions)

/* As long as @functions. */
const struct gm_go_modules *gm_go_functions_modules(const struct gm_go_functions *functions);

/* What a stack walk does at a function of the runtime. */
enum gm_go_walk {
	GM_GO_WALK_ON,
	GM_GO_WALK_TOP, /* nobody called it: the stack ends */
	GM_GO_WALK_INJECTED, /* a signal made it look called: the caller is at no call */
	GM_GO_WALK_SWITCHES, /* it changes stacks, its caller may lie on another one */
};

/**
 * struct gm_go_function_at - a place in the code
 * @table: of its module
 * @frame_bytes: on the stack there, the return address not among them; -1: not known
 */
struct gm_go_function_at {
	const struct gm_go_pclntab *table;
	struct gm_go_function function;
	int32_t frame_bytes;
	enum gm_go_walk walk;
};

/* NULL: no Go code is there. Valid until the next call. */
const struct gm_go_function_at *gm_go_functions_find(struct gm_go_functions *functions,
						     uint64_t pc);

/* gm_go_frames() in the module of @pc. */
size_t gm_go_functions_frames(struct gm_go_functions *functions, uint64_t pc,
			      struct gm_go_frame *frames, size_t max);

#endif
