// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/variables.h"

#include <errno.h>

#include "elf/symtab.h"

struct gm_elf_variables {
	struct gm_elf_symtab symtab;
};

void gm_elf_variables_destroy(struct gm_elf_variables *variables)
{
	if (!variables)
		return;
	gm_elf_symtab_deinit(&variables->symtab);
	free(variables);
}

/* Without a size it is the mark of a place. */
static bool is_variable(const GElf_Sym *symbol)
{
	return GELF_ST_TYPE(symbol->st_info) == STT_OBJECT && symbol->st_size;
}

struct gm_error *gm_elf_variables_read(struct gm_elf *elf, struct gm_elf_variables **out)
{
	struct gm_elf_variables *variables = calloc(1, sizeof(*variables));
	struct gm_error *error;

	if (!variables)
		return gm_error_create(ENOMEM, "cannot read the variables of %s: out of memory",
				       elf->path);
	error = gm_elf_symtab_read(elf, is_variable, &variables->symtab);
	if (error) {
		gm_elf_variables_destroy(variables);
		return error;
	}
	*out = variables;
	return NULL;
}

const char *gm_elf_variables_at(const struct gm_elf_variables *variables, uint64_t address,
				uint64_t *start)
{
	const struct gm_elf_named *named = gm_elf_symtab_find(&variables->symtab, address);

	if (!named)
		return NULL;
	*start = named->address;
	return variables->symtab.names.items + named->name;
}
