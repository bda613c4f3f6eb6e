// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "elf/globals.h"
#include "go/typing.h"

/* Go src/cmd/internal/dwarf/dwarf.go: DW_AT_go_kind, DW_AT_go_elem, DW_AT_go_runtime_type. */
#define ATTRIBUTE_KIND 0x2900
#define ATTRIBUTE_ELEM 0x2902
#define ATTRIBUTE_TAG 0x2904
#define WORD 8

static bool has_parts(uint64_t kind)
{
	return kind == GM_GO_KIND_STRUCT || kind == GM_GO_KIND_ARRAY;
}

static const struct gm_elf_vendor vendor = {
	.kind = ATTRIBUTE_KIND,
	.descend = has_parts,
	.elem = ATTRIBUTE_ELEM,
	.tag = ATTRIBUTE_TAG,
};

/* The word before an interface's data says what they are. */
static gm_go_code of_interface(const struct gm_go_rooting *rooting, uint64_t at,
			       struct gm_go_types *types)
{
	struct gm_error *error;
	uint64_t word = 0;

	error = gm_mem_read(rooting->target->mem, at - WORD, &word, sizeof(word));
	gm_error_destroy(error);
	return gm_go_types_of_interface(types, word);
}

static gm_go_code code_at(const struct gm_go_rooting *rooting, struct gm_elf_globals *globals,
			  uint64_t at, struct gm_go_types *types)
{
	struct gm_elf_part part;

	if (!gm_elf_globals_find(globals, at - rooting->program->bias, &part))
		return 0;
	if (part.kind == GM_GO_KIND_INTERFACE)
		return part.offset == WORD ? of_interface(rooting, at, types) : 0;
	if (part.offset)
		return 0;
	return gm_go_types_of_part(types, part.kind, part.tag, part.elem_tag);
}

struct gm_error *gm_go_typing_seeds(const struct gm_go_rooting *rooting,
				    const struct gm_go_roots *roots, struct gm_go_types *types,
				    struct gm_go_seeds *seeds)
{
	gm_auto(gm_elf_globals) struct gm_elf_globals *globals = NULL;
	struct gm_error *error = NULL;

	if (rooting->program->elf)
		error = gm_elf_globals_read(rooting->program->elf, &vendor, &globals);
	if (error && error->code == ENOMEM)
		return error;
	/* Without DWARF there is less to know. */
	gm_error_destroy(error);
	for (size_t i = 0; i < roots->count && globals; i++) {
		const struct gm_go_root *root = &roots->items[i];
		struct gm_go_seed *seed;

		if (!root->at)
			continue;
		seed = gm_vec_push(seeds);
		if (!seed)
			return gm_error_errno(ENOMEM, "cannot tell the types of variables");
		*seed = (struct gm_go_seed){
			.object = root->object,
			.code = code_at(rooting, globals, root->at, types),
			.inside = root->inside,
		};
	}
	return NULL;
}
