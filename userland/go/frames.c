// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/frames.h"

#define DEPTH_MAX 1024 /* of inlining; a tree that is a circle ends there */

/**
 * struct node - what was inlined, and where. Go src/runtime/symtab.go: inlinedCall
 * @name: offset in the table's names
 * @call: of the instruction that stands for the call, from the function's entry
 */
struct node {
	int32_t name;
	int32_t call;
};

/* Up to Go 1.19 it holds its parent, file, line, name, call; from 1.20 on its kind, name, call,
 * first line.
 */
static bool read_node(const struct gm_go_program *program, const struct gm_go_pclntab *table,
		      uint64_t tree, int32_t index, struct node *node)
{
	bool old = gm_go_pclntab_form(table) < GM_GO_PCLNTAB_1_20;
	uint64_t at = tree + (uint64_t)index * (old ? 20 : 16) + (old ? 12 : 4);
	struct gm_error *error;
	int32_t words[2];

	error = gm_go_program_read(program, at, words, sizeof(words));
	if (error) {
		gm_error_destroy(error);
		return false;
	}
	*node = (struct node){ words[0], words[1] };
	return true;
}

/* Name the frame at @pc; false where it is the function itself, or cannot be followed. */
static bool add_inlined(const struct gm_go_program *program, const struct gm_go_pclntab *table,
			const struct gm_go_function *function, uint64_t *pc,
			struct gm_go_frame *frame)
{
	uint64_t tree = gm_go_pclntab_funcdata(table, function, GM_GO_FUNCDATA_INLINE);
	int32_t index = gm_go_pclntab_pcdata(table, function, GM_GO_PCDATA_INLINE, *pc);
	struct node node;
	const char *name;

	if (!tree || index < 0 || !read_node(program, table, tree, index, &node))
		return false;
	name = gm_go_pclntab_name(table, node.name);
	if (!name || node.call < 0 || (uint64_t)node.call >= function->end - function->entry)
		return false;
	frame->function = name;
	frame->inlined = true;
	*pc = function->entry + node.call;
	return true;
}

size_t gm_go_frames(const struct gm_go_program *program, const struct gm_go_pclntab *table,
		    uint64_t pc, struct gm_go_frame *frames, size_t max)
{
	struct gm_go_function function;
	size_t count = 0;
	bool more = true;

	if (!gm_go_pclntab_find(table, pc, &function))
		return 0;
	for (size_t depth = 0; more && count < max && depth < DEPTH_MAX; depth++) {
		struct gm_go_frame *frame = &frames[count++];

		*frame = (struct gm_go_frame){ .function = function.name };
		gm_go_pclntab_line(table, &function, pc, &frame->file, &frame->line);
		more = add_inlined(program, table, &function, &pc, frame);
	}
	return count;
}
