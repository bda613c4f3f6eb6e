// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/symtab.h"

#include <errno.h>
#include <string.h>

#define SYMBOLS_MAX (8U << 20)
#define NAMES_MAX (256U << 20)

static struct gm_error *no_memory(const struct gm_elf *elf)
{
	return gm_error_create(ENOMEM, "cannot read the symbols of %s: out of memory", elf->path);
}

static struct gm_error *too_many(const struct gm_elf *elf)
{
	return gm_error_create(EBADMSG,
			       "cannot read the symbols of %s: it has more than %u, or more than"
			       " %u MiB of their names",
			       elf->path, SYMBOLS_MAX, NAMES_MAX >> 20);
}

void gm_elf_symtab_deinit(struct gm_elf_symtab *symtab)
{
	free(symtab->items);
	free(symtab->names.items);
	*symtab = (struct gm_elf_symtab){};
}

static struct gm_error *add(const struct gm_elf *elf, struct gm_elf_symtab *symtab,
			    const GElf_Sym *symbol, const char *name)
{
	size_t length = strlen(name) + 1;
	struct gm_elf_named *named;

	if (symtab->count == SYMBOLS_MAX || symtab->names.count + length > NAMES_MAX)
		return too_many(elf);
	named = gm_vec_reserve(&symtab->names, length) ? gm_vec_push(symtab) : NULL;
	if (!named)
		return no_memory(elf);
	*named = (struct gm_elf_named){ symbol->st_value, symbol->st_size, symtab->names.count };
	memcpy(symtab->names.items + symtab->names.count, name, length);
	symtab->names.count += length;
	return NULL;
}

static struct gm_error *read_table(struct gm_elf *elf, Elf_Scn *section, const GElf_Shdr *header,
				   gm_elf_wanted wanted, struct gm_elf_symtab *symtab)
{
	Elf_Data *table = elf_getdata(section, NULL);
	size_t count = table && table->d_buf ? table->d_size / sizeof(Elf64_Sym) : 0;
	struct gm_error *error = NULL;
	GElf_Sym symbol;
	const char *name;

	for (size_t i = 0; i < count && i < INT32_MAX && !error; i++) {
		if (!gelf_getsym(table, i, &symbol) || symbol.st_shndx == SHN_UNDEF ||
		    !symbol.st_value || !wanted(&symbol))
			continue;
		name = elf_strptr(elf->elf, header->sh_link, symbol.st_name);
		if (name && *name)
			error = add(elf, symtab, &symbol, name);
	}
	return error;
}

/* Of two at one address, the one that has a size comes last and is found. */
static int by_address(const void *a, const void *b)
{
	const struct gm_elf_named *one = a, *two = b;

	if (one->address != two->address)
		return one->address < two->address ? -1 : 1;
	return (one->size > two->size) - (one->size < two->size);
}

struct gm_error *gm_elf_symtab_read(struct gm_elf *elf, gm_elf_wanted wanted,
				    struct gm_elf_symtab *symtab)
{
	struct gm_error *error = NULL;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	*symtab = (struct gm_elf_symtab){};
	while (!error && (section = elf_nextscn(elf->elf, section))) {
		if (!gelf_getshdr(section, &header))
			return gm_error_create(EBADMSG, "cannot read a section header of %s",
					       elf->path);
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			error = read_table(elf, section, &header, wanted, symtab);
	}
	if (symtab->count)
		qsort(symtab->items, symtab->count, sizeof(*symtab->items), by_address);
	return error;
}

const struct gm_elf_named *gm_elf_symtab_find(const struct gm_elf_symtab *symtab, uint64_t address)
{
	size_t low = 0, high = symtab->count;
	const struct gm_elf_named *named;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symtab->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	named = &symtab->items[low - 1];
	return !named->size || address - named->address < named->size ? named : NULL;
}
