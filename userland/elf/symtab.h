/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The symbols of an ELF file of one kind, by address; for this room. */
#ifndef GM_ELF_SYMTAB_H
#define GM_ELF_SYMTAB_H

#include <stdbool.h>

#include "base/vec.h"
#include "elf/file.h"
#include "elf/internal.h"

/* @address, @size: as linked; a size of 0 reaches to the next one; @name: offset in names */
struct gm_elf_named {
	uint64_t address;
	uint64_t size;
	uint64_t name;
};

struct gm_elf_symtab {
	GM_VEC(struct gm_elf_named);
	struct {
		GM_VEC(char);
	} names;
};

/* Of .symtab and .dynsym what is @wanted; a file that has neither has no symbols. EBADMSG:
 * corrupt, or more of them than any program has. The caller deinits, also after an error.
 */
typedef bool (*gm_elf_wanted)(const GElf_Sym *symbol);
struct gm_error *gm_elf_symtab_read(struct gm_elf *elf, gm_elf_wanted wanted,
				    struct gm_elf_symtab *symtab) GM_MUST_CHECK;
void gm_elf_symtab_deinit(struct gm_elf_symtab *symtab);

/* The last one that does not begin after @address, if it reaches so far; NULL: none does. */
const struct gm_elf_named *gm_elf_symtab_find(const struct gm_elf_symtab *symtab, uint64_t address);

#endif
