// SPDX-License-Identifier: GPL-2.0-or-later
/* Closures begin with the address of their function: Go src/runtime/runtime2.go, funcval. */
#include <errno.h>
#include <stdlib.h>

#include "go/types_parts.h"

#define FUNCTIONS_MAX (1U << 20)

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot keep the program's functions");
}

struct gm_error *gm_go_type_functions_init(struct gm_go_type_functions *functions,
					   const struct gm_go_program *program,
					   const struct gm_go_modules *modules)
{
	functions->slots = calloc(2UL * FUNCTIONS_MAX, sizeof(*functions->slots));
	functions->tables = calloc(modules->count + 1, sizeof(struct gm_go_pclntab *));
	/* Number 0. */
	if (!functions->slots || !functions->tables || !gm_vec_push(functions))
		return no_memory();
	for (size_t i = 0; i < modules->count; i++) {
		struct gm_error *error =
			gm_go_pclntab_open(program, &modules->items[i], &functions->tables[i]);

		/* Without a table the module's functions have no names. */
		gm_error_destroy(error);
	}
	return NULL;
}

void gm_go_type_functions_deinit(struct gm_go_type_functions *functions, size_t modules)
{
	for (size_t i = 0; functions->tables && i < modules; i++)
		gm_go_pclntab_destroy(functions->tables[i]);
	free(functions->tables);
	free(functions->items);
	free(functions->slots);
	free(functions->captured.items);
}

/* The name of what begins at @entry, NULL where no function does. */
static const char *name_at(const struct gm_go_types *types, uint64_t entry)
{
	const struct gm_go_module *module = gm_go_modules_find(types->modules, entry);
	struct gm_go_pclntab *table;
	struct gm_go_function function;

	if (!module)
		return NULL;
	table = types->functions.tables[module - types->modules->items];
	if (!table || !gm_go_pclntab_find(table, entry, &function) || function.entry != entry)
		return NULL;
	return function.name;
}

static uint32_t *slot_of(const struct gm_go_type_functions *functions, uint64_t entry)
{
	uint32_t at = entry * 0x9e3779b97f4a7c15ULL >> 32;

	for (;; at++) {
		uint32_t *slot = &functions->slots[at % (2 * FUNCTIONS_MAX)];

		if (!*slot || functions->items[*slot].entry == entry)
			return slot;
	}
}

static gm_go_code find(struct gm_go_types *types, uint64_t entry)
{
	struct gm_go_type_functions *functions = &types->functions;
	uint32_t *slot = slot_of(functions, entry);
	struct gm_go_type_function *function;
	const char *name;

	if (*slot)
		return GM_GO_CODE(GM_GO_FORM_FUNCTION, *slot);
	name = functions->count < FUNCTIONS_MAX ? name_at(types, entry) : NULL;
	if (!name)
		return 0;
	function = gm_vec_push(functions);
	if (!function)
		return 0;
	*function = (struct gm_go_type_function){ .entry = entry, .name = name };
	*slot = functions->count - 1;
	return GM_GO_CODE(GM_GO_FORM_FUNCTION, *slot);
}

gm_go_code gm_go_types_of_closure(struct gm_go_types *types, uint64_t word)
{
	gm_go_code code;

	pthread_mutex_lock(&types->lock);
	code = find(types, word);
	pthread_mutex_unlock(&types->lock);
	return code;
}
