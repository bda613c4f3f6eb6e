// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/functions.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "elf/internal.h"

#define FUNCTIONS_MAX (8U << 20)
#define NAMES_MAX (256U << 20)

/* @address, @size: as linked; a size of 0 reaches to the next one; @name: offset in names */
struct function {
	uint64_t address;
	uint64_t size;
	uint64_t name;
};

/* What of the file is code: [offset, offset + size) is linked at @address. */
struct segment {
	uint64_t offset;
	uint64_t size;
	uint64_t address;
};

struct gm_elf_functions {
	GM_VEC(struct function);
	struct {
		GM_VEC(struct segment);
	} segments;
	struct {
		GM_VEC(char);
	} names;
};

void gm_elf_functions_destroy(struct gm_elf_functions *functions)
{
	if (!functions)
		return;
	free(functions->items);
	free(functions->segments.items);
	free(functions->names.items);
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

static bool add_function(struct gm_elf_functions *functions, const GElf_Sym *symbol,
			 const char *name)
{
	size_t length = strlen(name) + 1;
	struct function *function;

	if (functions->count == FUNCTIONS_MAX || functions->names.count + length > NAMES_MAX ||
	    !gm_vec_reserve(&functions->names, length))
		return false;
	function = gm_vec_push(functions);
	if (!function)
		return false;
	*function = (struct function){ symbol->st_value, symbol->st_size, functions->names.count };
	memcpy(functions->names.items + functions->names.count, name, length);
	functions->names.count += length;
	return true;
}

/* Assembly often gives its functions no type; Go gives all. */
static bool is_function(const GElf_Sym *symbol)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && symbol->st_value &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC ||
		(type == STT_NOTYPE && symbol->st_shndx < SHN_LORESERVE));
}

static struct gm_error *read_table(struct gm_elf *elf, Elf_Scn *section, const GElf_Shdr *header,
				   struct gm_elf_functions *functions)
{
	Elf_Data *table = elf_getdata(section, NULL);
	size_t count = table && table->d_buf ? table->d_size / sizeof(Elf64_Sym) : 0;
	GElf_Sym symbol;
	const char *name;

	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		if (!gelf_getsym(table, i, &symbol) || !is_function(&symbol))
			continue;
		name = elf_strptr(elf->elf, header->sh_link, symbol.st_name);
		if (name && *name && !add_function(functions, &symbol, name))
			return no_memory(elf);
	}
	return NULL;
}

static struct gm_error *read_tables(struct gm_elf *elf, struct gm_elf_functions *functions)
{
	struct gm_error *error = NULL;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while (!error && (section = elf_nextscn(elf->elf, section))) {
		if (!gelf_getshdr(section, &header))
			return gm_error_create(EBADMSG, "cannot read a section header of %s",
					       elf->path);
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			error = read_table(elf, section, &header, functions);
	}
	return error;
}

/* Of two at one address, the one that has a size comes last and is found. */
static int by_address(const void *a, const void *b)
{
	const struct function *one = a, *two = b;

	if (one->address != two->address)
		return one->address < two->address ? -1 : 1;
	return (one->size > two->size) - (one->size < two->size);
}

struct gm_error *gm_elf_functions_read(struct gm_elf *elf, struct gm_elf_functions **out)
{
	struct gm_elf_functions *functions = calloc(1, sizeof(*functions));
	struct gm_error *error = functions ? read_segments(elf, functions) : no_memory(elf);

	if (!error)
		error = read_tables(elf, functions);
	if (error) {
		gm_elf_functions_destroy(functions);
		return error;
	}
	if (functions->count)
		qsort(functions->items, functions->count, sizeof(*functions->items), by_address);
	*out = functions;
	return NULL;
}

/* The last function that does not begin after @address, if it reaches so far. */
static const struct function *find(const struct gm_elf_functions *functions, uint64_t address)
{
	size_t low = 0, high = functions->count;
	const struct function *function;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (functions->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	function = &functions->items[low - 1];
	return !function->size || address - function->address < function->size ? function : NULL;
}

const char *gm_elf_functions_at(const struct gm_elf_functions *functions, uint64_t offset)
{
	for (size_t i = 0; i < functions->segments.count; i++) {
		const struct segment *segment = &functions->segments.items[i];
		const struct function *function;

		if (offset < segment->offset || offset - segment->offset >= segment->size)
			continue;
		function = find(functions, segment->address + (offset - segment->offset));
		return function ? functions->names.items + function->name : NULL;
	}
	return NULL;
}
