// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/functions.h"

#include <errno.h>
#include <string.h>

#define SEEN 8192 /* places remembered: a program blocks at few, however many goroutines it has */

struct seen {
	uint64_t pc;
	bool is_code;
	struct gm_go_function_at at;
};

struct gm_go_functions {
	const struct gm_go_program *program;
	struct gm_go_modules *modules;
	struct gm_go_pclntab **tables;
	struct seen seen[SEEN];
};

/* Go src/runtime/asm_amd64.s, symtab.go: the functions with TOPFRAME, isInjectedCall(), and those
 * with SPWRITE but for cgocallback, whose frame is right on either stack. Up to Go 1.16 the table
 * itself does not tell.
 */
static const struct {
	const char *name;
	enum gm_go_walk walk;
} special[] = {
	{ "goexit", GM_GO_WALK_TOP },
	{ "mstart", GM_GO_WALK_TOP },
	{ "rt0_go", GM_GO_WALK_TOP },
	{ "sigpanic", GM_GO_WALK_INJECTED },
	{ "asyncPreempt", GM_GO_WALK_INJECTED },
	{ "debugCallV1", GM_GO_WALK_INJECTED },
	{ "debugCallV2", GM_GO_WALK_INJECTED },
	{ "asmcgocall", GM_GO_WALK_SWITCHES },
	{ "gogo", GM_GO_WALK_SWITCHES },
	{ "mcall", GM_GO_WALK_SWITCHES },
	{ "morestack", GM_GO_WALK_SWITCHES },
	{ "systemstack", GM_GO_WALK_SWITCHES },
};

static enum gm_go_walk walk_of(const char *name)
{
	const char *own = name && !strncmp(name, "runtime.", 8) ? name + 8 : "";
	size_t length = strcspn(own, ".");

	/* "runtime.goexit.abi0" is the same function. */
	if (own[length] && strcmp(own + length, ".abi0"))
		return GM_GO_WALK_ON;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (strlen(special[i].name) == length && !strncmp(own, special[i].name, length))
			return special[i].walk;
	return GM_GO_WALK_ON;
}

void gm_go_functions_destroy(struct gm_go_functions *functions)
{
	if (!functions)
		return;
	for (size_t i = 0; functions->tables && i < functions->modules->count; i++)
		gm_go_pclntab_destroy(functions->tables[i]);
	free(functions->tables);
	gm_go_modules_destroy(functions->modules);
	free(functions);
}

/* A module whose table makes no sense has no functions; the others still have. */
static struct gm_error *open_tables(struct gm_go_functions *functions)
{
	gm_auto(gm_error) struct gm_error *first = NULL;
	size_t opened = 0;

	functions->tables = calloc(functions->modules->count, sizeof(*functions->tables));
	if (!functions->tables)
		return gm_error_create(ENOMEM, "out of memory");
	for (size_t i = 0; i < functions->modules->count; i++) {
		const struct gm_go_module *module = &functions->modules->items[i];
		struct gm_error *error;

		error = gm_go_pclntab_open(functions->program, module, &functions->tables[i]);
		opened += !error;
		if (first)
			gm_error_destroy(error);
		else
			first = error;
	}
	return opened ? NULL : gm_error_create(ENOENT, "%s", first ? first->message : "no module");
}

struct gm_error *gm_go_functions_open(const struct gm_go_program *program,
				      const struct gm_go_layout *layout,
				      struct gm_go_functions **out)
{
	gm_auto(gm_go_functions) struct gm_go_functions *functions = calloc(1, sizeof(*functions));
	struct gm_error *error;

	if (!functions)
		return gm_error_create(ENOMEM, "out of memory");
	functions->program = program;
	error = gm_go_modules_read(program, layout, &functions->modules);
	if (!error)
		error = open_tables(functions);
	if (error)
		return error;
	*out = functions;
	functions = NULL;
	return NULL;
}

const struct gm_go_modules *gm_go_functions_modules(const struct gm_go_functions *functions)
{
	return functions->modules;
}

static bool look_up(struct gm_go_functions *functions, uint64_t pc, struct gm_go_function_at *at)
{
	for (size_t i = 0; i < functions->modules->count; i++) {
		const struct gm_go_module *module = &functions->modules->items[i];

		if (!functions->tables[i] || pc < module->functions.start ||
		    pc >= module->functions.end ||
		    !gm_go_pclntab_find(functions->tables[i], pc, &at->function))
			continue;
		at->table = functions->tables[i];
		at->frame_bytes = gm_go_pclntab_frame_bytes(at->table, &at->function, pc);
		at->walk = walk_of(at->function.name);
		return true;
	}
	return false;
}

const struct gm_go_function_at *gm_go_functions_find(struct gm_go_functions *functions, uint64_t pc)
{
	struct seen *seen = &functions->seen[(pc ^ pc >> 13) % SEEN];

	if (seen->pc != pc || !pc) {
		seen->pc = pc;
		seen->is_code = look_up(functions, pc, &seen->at);
	}
	return seen->is_code ? &seen->at : NULL;
}

size_t gm_go_functions_frames(struct gm_go_functions *functions, uint64_t pc,
			      struct gm_go_frame *frames, size_t max)
{
	const struct gm_go_function_at *at = gm_go_functions_find(functions, pc);

	return at ? gm_go_frames(functions->program, at->table, pc, frames, max) : 0;
}
