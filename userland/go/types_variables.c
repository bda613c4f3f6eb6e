// SPDX-License-Identifier: GPL-2.0-or-later
/* What DWARF says of variables, in the program's own types. */
#include <errno.h>
#include <string.h>

#include "go/types_parts.h"

/* Go src/cmd/internal/dwarf/dwarf.go: DW_AT_go_kind, DW_AT_go_elem, DW_AT_go_runtime_type;
 * DW_AT_go_closure_offset, since Go 1.23.
 */
#define ATTRIBUTE_KIND 0x2900
#define ATTRIBUTE_ELEM 0x2902
#define ATTRIBUTE_TAG 0x2904
#define ATTRIBUTE_CAPTURED 0x2907
#define WORD 8
#define CAPTURED_MAX (4U << 20)

static bool has_parts(uint64_t kind)
{
	return kind == KIND_STRUCT || kind == KIND_ARRAY;
}

static const struct gm_elf_vendor vendor = {
	.kind = ATTRIBUTE_KIND,
	.descend = has_parts,
	.elem = ATTRIBUTE_ELEM,
	.tag = ATTRIBUTE_TAG,
	.captured = ATTRIBUTE_CAPTURED,
};

struct gm_error *gm_go_types_describe(struct gm_go_types *types)
{
	struct gm_error *error = NULL;

	if (types->program->elf)
		error = gm_elf_debug_read(types->program->elf, &vendor, &types->debug);
	if (error && error->code == ENOMEM)
		return error;
	/* Without DWARF there is less to know. */
	gm_error_destroy(error);
	return NULL;
}

/* DWARF counts from where the program's own types begin, before Go 1.17 from 0. */
static uint64_t tagged(const struct gm_go_types *types, uint64_t tag)
{
	const struct gm_go_range *range = &types->modules->items[0].types;

	if (!tag)
		return 0;
	return tag < range->end - range->start ? range->start + tag : tag + types->program->bias;
}

static gm_go_code code_of(struct gm_go_types *types, enum gm_go_form form, uint64_t tag)
{
	uint32_t type = gm_go_types_described(types, tagged(types, tag));

	return type ? GM_GO_CODE(form, type) : 0;
}

/* Generic code is compiled once for all types that lie alike in memory, and DWARF has it that a
 * variable of any pointer type is a *uint8 there.
 */
static bool is_stand_in(const struct gm_elf_part *part)
{
	return part->name && strstr(part->name, "go.shape.");
}

static gm_go_code of_part(struct gm_go_types *types, const struct gm_elf_part *part)
{
	if (part->offset || is_stand_in(part))
		return 0;
	switch (part->kind) {
	case KIND_POINTER:
		return code_of(types, GM_GO_FORM_VALUE, part->elem_tag);
	case KIND_SLICE:
		return code_of(types, GM_GO_FORM_ARRAY, part->elem_tag);
	case KIND_CHAN:
		return code_of(types, GM_GO_FORM_CHANNEL, part->tag);
	case KIND_MAP:
		return code_of(types, GM_GO_FORM_MAP, part->tag);
	case KIND_STRING:
		return GM_GO_CODE(GM_GO_FORM_TEXT, 0);
	case KIND_FUNC:
		return GM_GO_CODE(GM_GO_FORM_FUNCTION, 0);
	}
	return 0;
}

static bool is_interface(const struct gm_elf_part *part)
{
	return part->kind == KIND_INTERFACE && part->offset == WORD;
}

gm_go_code gm_go_types_of_global(struct gm_go_types *types, uint64_t at)
{
	struct gm_elf_part part;
	gm_go_code code = 0;
	uint64_t word;

	pthread_mutex_lock(&types->lock);
	if (types->debug && gm_elf_debug_global(types->debug, at - types->program->bias, &part)) {
		if (!is_interface(&part))
			code = of_part(types, &part);
		else if (gm_go_types_read_at(types, at - WORD, &word, sizeof(word)))
			code = gm_go_types_interface(types, word);
	}
	pthread_mutex_unlock(&types->lock);
	return code;
}

struct gm_error *gm_go_types_frame(struct gm_go_types *types, uint64_t pc,
				   struct gm_elf_slots *slots)
{
	struct gm_error *error = NULL;

	pthread_mutex_lock(&types->lock);
	if (types->debug)
		error = gm_elf_debug_frame(types->debug, pc - types->program->bias, slots);
	pthread_mutex_unlock(&types->lock);
	return error;
}

gm_go_code gm_go_types_of_slot(struct gm_go_types *types, const struct gm_elf_slot *slot,
			       uint64_t offset, bool *interface)
{
	struct gm_elf_part part;
	gm_go_code code = 0;

	*interface = false;
	pthread_mutex_lock(&types->lock);
	if (types->debug &&
	    gm_elf_debug_part(types->debug, slot->type, slot->offset + offset, &part)) {
		*interface = is_interface(&part);
		code = of_part(types, &part);
	}
	pthread_mutex_unlock(&types->lock);
	return code;
}

/* What closures of the function capture, read once. */
static void read_captured(struct gm_go_types *types, struct gm_go_type_function *function)
{
	struct gm_elf_slots *captured = &types->functions.captured;
	struct gm_error *error = NULL;

	function->captured_read = true;
	function->captured = captured->count;
	if (types->debug && captured->count < CAPTURED_MAX)
		error = gm_elf_debug_closure(types->debug, function->entry - types->program->bias,
					     captured);
	gm_error_destroy(error);
	function->captured_count = captured->count - function->captured;
}

gm_go_code gm_go_types_captured(struct gm_go_types *types, uint32_t number, uint64_t offset)
{
	struct gm_go_type_function *function = &types->functions.items[number];
	struct gm_elf_part part;

	if (!function->captured_read)
		read_captured(types, function);
	for (uint32_t i = 0; i < function->captured_count; i++) {
		const struct gm_elf_slot *slot =
			&types->functions.captured.items[function->captured + i];
		uint64_t inside = offset - (uint64_t)slot->start;

		if (offset >= (uint64_t)slot->start && inside < slot->bytes &&
		    gm_elf_debug_part(types->debug, slot->type, inside, &part))
			return of_part(types, &part);
	}
	return 0;
}
