// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd_addr.h"

#include <errno.h>

/* One table a module, in their order. */
struct gm_addr_names {
	struct gm_go_program program;
	struct gm_go_modules *modules;
	struct gm_go_pclntab **tables;
};

void gm_addr_names_destroy(struct gm_addr_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; names->tables && i < names->modules->count; i++)
		gm_go_pclntab_destroy(names->tables[i]);
	free(names->tables);
	gm_go_modules_destroy(names->modules);
	gm_go_program_deinit(&names->program);
	free(names);
}

/* A module whose table cannot be read has no names. */
static struct gm_error *open_tables(struct gm_addr_names *names)
{
	names->tables = calloc(names->modules->count, sizeof(*names->tables));
	if (!names->tables)
		return gm_error_errno(ENOMEM, "cannot read the names of %zu modules",
				      names->modules->count);
	for (size_t i = 0; i < names->modules->count; i++)
		gm_error_destroy(gm_go_pclntab_open(&names->program, &names->modules->items[i],
						    &names->tables[i]));
	return NULL;
}

struct gm_error *gm_addr_names_create(const struct gm_subject *subject, struct gm_addr_names **out)
{
	gm_auto(gm_addr_names) struct gm_addr_names *names = calloc(1, sizeof(*names));
	struct gm_error *error;

	if (!names)
		return gm_error_errno(ENOMEM, "cannot read the names of the program");
	error = gm_go_program_open(subject->pid, subject->mem, &names->program);
	if (!error)
		error = gm_go_modules_read(&names->program, &subject->image.layout,
					   &names->modules);
	if (!error)
		error = open_tables(names);
	if (error)
		return error;
	*out = names;
	names = NULL;
	return NULL;
}

static bool in(const struct gm_go_range *range, uint64_t address)
{
	return address >= range->start && address < range->end;
}

static const char *part_of(const struct gm_go_module *module, uint64_t address)
{
	if (in(&module->data, address))
		return "data (globals with pointers)";
	if (in(&module->noptrdata, address))
		return "noptrdata (globals without pointers)";
	if (in(&module->bss, address))
		return "bss (zeroed globals with pointers)";
	if (in(&module->noptrbss, address))
		return "noptrbss (zeroed globals without pointers)";
	if (in(&module->types, address))
		return "rodata (types, strings)";
	return NULL;
}

static void find_function(struct gm_addr_names *names, const struct gm_go_module *module,
			  uint64_t address, struct gm_addr_symbol *symbol)
{
	const struct gm_go_pclntab *table = names->tables[module - names->modules->items];
	struct gm_go_function function;

	if (!table || !gm_go_pclntab_find(table, address, &function))
		return;
	symbol->offset = address - function.entry;
	symbol->count =
		gm_go_frames(&names->program, table, address, symbol->frames, GM_ADDR_FRAMES_MAX);
}

void gm_addr_names_find(struct gm_addr_names *names, uint64_t address,
			struct gm_addr_symbol *symbol)
{
	const struct gm_go_module *module;

	*symbol = (struct gm_addr_symbol){};
	if (!names)
		return;
	module = gm_go_modules_find(names->modules, address);
	if (module)
		find_function(names, module, address, symbol);
	for (size_t i = 0; i < names->modules->count && !symbol->count && !symbol->part; i++)
		symbol->part = part_of(&names->modules->items[i], address);
}
