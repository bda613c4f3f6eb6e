// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/functions.h"

#include <errno.h>

#include "elf/symtab.h"

/* What of the file is code: [offset, offset + size) is linked at @address. */
struct segment {
	uint64_t offset;
	uint64_t size;
	uint64_t address;
};

struct gm_elf_functions {
	struct gm_elf_symtab symtab;
	struct {
		GM_VEC(struct segment);
	} segments;
};

void gm_elf_functions_destroy(struct gm_elf_functions *functions)
{
	if (!functions)
		return;
	gm_elf_symtab_deinit(&functions->symtab);
	free(functions->segments.items);
	free(functions);
}

static struct gm_error *no_memory(const struct gm_elf *elf)
{
	return gm_error_create(ENOMEM, "cannot read the functions of %s: out of memory", elf->path);
}

static struct gm_error *read_segments(struct gm_elf *elf, struct gm_elf_functions *functions)
{
	struct segment *segment;
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf->elf, &count) || count > UINT16_MAX)
		return gm_error_create(EBADMSG, "cannot read the segments of %s", elf->path);
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf->elf, i, &header))
			return gm_error_create(EBADMSG, "cannot read the segments of %s",
					       elf->path);
		if (header.p_type != PT_LOAD || !(header.p_flags & PF_X))
			continue;
		segment = gm_vec_push(&functions->segments);
		if (!segment)
			return no_memory(elf);
		*segment = (struct segment){ header.p_offset, header.p_filesz, header.p_vaddr };
	}
	return NULL;
}

/* Assembly often gives its functions no type; Go gives all. */
static bool is_function(const GElf_Sym *symbol)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	return type == STT_FUNC || type == STT_GNU_IFUNC ||
	       (type == STT_NOTYPE && symbol->st_shndx < SHN_LORESERVE);
}

struct gm_error *gm_elf_functions_read(struct gm_elf *elf, struct gm_elf_functions **out)
{
	struct gm_elf_functions *functions = calloc(1, sizeof(*functions));
	struct gm_error *error = functions ? read_segments(elf, functions) : no_memory(elf);

	if (!error)
		error = gm_elf_symtab_read(elf, is_function, &functions->symtab);
	if (error) {
		gm_elf_functions_destroy(functions);
		return error;
	}
	*out = functions;
	return NULL;
}

const char *gm_elf_functions_at(const struct gm_elf_functions *functions, uint64_t offset)
{
	for (size_t i = 0; i < functions->segments.count; i++) {
		const struct segment *segment = &functions->segments.items[i];
		const struct gm_elf_named *function;

		if (offset < segment->offset || offset - segment->offset >= segment->size)
			continue;
		function = gm_elf_symtab_find(&functions->symtab,
					      segment->address + (offset - segment->offset));
		return function ? functions->symtab.names.items + function->name : NULL;
	}
	return NULL;
}
