// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd_addr.h"

#include <errno.h>

#include "elf/variables.h"
#include "go/functions.h"
#include "go/types.h"

/* Go src/runtime/mbitmap.go: from 1.22 on the first word of larger objects with pointers is the
 * address of their type.
 */
#define HEADERS_SINCE 22
#define HEADERS_ABOVE 512

/**
 * struct gm_addr_names - what of these the program has; NULL where it has none
 */
struct gm_addr_names {
	const struct gm_go_image *image;
	struct gm_go_functions *functions;
	struct gm_elf_variables *variables;
	struct gm_go_types *types;
};

void gm_addr_names_destroy(struct gm_addr_names *names)
{
	if (!names)
		return;
	gm_go_types_destroy(names->types);
	gm_elf_variables_destroy(names->variables);
	gm_go_functions_destroy(names->functions);
	free(names);
}

struct gm_error *gm_addr_names_create(const struct gm_subject *subject, struct gm_addr_names **out)
{
	const struct gm_go_image *image = &subject->image;
	struct gm_addr_names *names = calloc(1, sizeof(*names));

	if (!names)
		return gm_error_errno(ENOMEM, "cannot read the names of the program");
	names->image = image;
	gm_error_destroy(gm_go_functions_open(&image->program, &image->layout, &names->functions));
	if (image->program.elf)
		gm_error_destroy(gm_elf_variables_read(image->program.elf, &names->variables));
	if (image->modules)
		gm_error_destroy(gm_go_types_create(&image->program, image->modules,
						    image->version.minor, &names->types));
	*out = names;
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

static void find_function(struct gm_addr_names *names, uint64_t address,
			  struct gm_addr_symbol *symbol)
{
	const struct gm_go_function_at *at = gm_go_functions_find(names->functions, address);

	if (!at)
		return;
	symbol->offset = address - at->function.entry;
	symbol->count = gm_go_functions_frames(names->functions, address, symbol->frames,
					       GM_ADDR_FRAMES_MAX);
}

static void find_variable(const struct gm_addr_names *names, uint64_t address,
			  struct gm_addr_symbol *symbol)
{
	const struct gm_go_modules *modules = names->image->modules;
	uint64_t linked = address - names->image->program.bias, start;

	for (size_t i = 0; modules && i < modules->count && !symbol->part; i++)
		symbol->part = part_of(&modules->items[i], address);
	if (!symbol->part || !names->variables)
		return;
	symbol->variable = gm_elf_variables_at(names->variables, linked, &start);
	if (symbol->variable)
		symbol->offset = linked - start;
}

void gm_addr_names_find(struct gm_addr_names *names, uint64_t address,
			struct gm_addr_symbol *symbol)
{
	*symbol = (struct gm_addr_symbol){};
	if (!names)
		return;
	if (names->functions)
		find_function(names, address, symbol);
	if (!symbol->count)
		find_variable(names, address, symbol);
}

static bool is_object(const struct gm_go_location *location)
{
	return location->span && !location->span->manual &&
	       (location->class_ == GM_GO_LIVE || location->class_ == GM_GO_DEAD);
}

/* Whether it has its type before it. */
static bool has_header(const struct gm_addr_names *names, const struct gm_go_span *span)
{
	return names->image->version.minor >= HEADERS_SINCE && !span->noscan && span->size_class &&
	       span->elem_bytes > HEADERS_ABOVE;
}

/* Its first word may be its type, or the function whose closure it is. */
static gm_go_code code_of(struct gm_addr_names *names, const struct gm_go_location *location)
{
	struct gm_error *error;
	uint64_t word = 0;
	uint32_t type;

	error = gm_go_program_read(&names->image->program, location->base, &word, sizeof(word));
	gm_error_destroy(error);
	if (!has_header(names, location->span))
		return gm_go_types_of_closure(names->types, word);
	type = gm_go_types_find(names->types, word);
	return type ? GM_GO_CODE(GM_GO_FORM_VALUE, type) : 0;
}

const char *gm_addr_names_type(struct gm_addr_names *names, const struct gm_go_location *location,
			       char *text, size_t size)
{
	gm_go_code code = 0;

	if (names && names->types && is_object(location))
		code = code_of(names, location);
	return code ? gm_go_types_name(names->types, code, text, size) : NULL;
}
