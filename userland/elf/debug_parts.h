/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DWARF of debug.c, and what its parts, each in a file of its own, ask of it. */
#ifndef GM_ELF_DEBUG_PARTS_H
#define GM_ELF_DEBUG_PARTS_H

#include <elfutils/libdw.h>

#include "elf/debug.h"

#define GM_ELF_TYPEDEFS_MAX 16

/* Begins with its address, as struct gm_elf_code does; @type: where in the DWARF its type is */
struct gm_elf_global {
	uint64_t address;
	Dwarf_Off type;
};

/* Of a function from @start to @end, as linked, the entry at @entry, with all that is in it. */
struct gm_elf_code {
	uint64_t start;
	uint64_t end;
	Dwarf_Off entry;
	uint64_t entry_bytes;
};

/* A section's bytes, NULL: there is none. */
struct gm_elf_bytes {
	const uint8_t *at;
	size_t size;
};

/**
 * struct gm_elf_debug - see the header
 * @functions: by address
 * @left: entries, each for several where they are long, ranges and the like that may still be
 *	looked at for frames and closures
 * @members_left: of structs, for all
 * @lists: .debug_loclists, @old_lists: .debug_loc
 * @ranges: .debug_rnglists, @old_ranges: .debug_ranges, @addresses: .debug_addr
 */
struct gm_elf_debug {
	struct {
		GM_VEC(struct gm_elf_global);
	} globals;
	struct {
		GM_VEC(struct gm_elf_code);
	} functions;
	struct gm_elf_vendor vendor;
	Dwarf *dwarf;
	uint64_t left;
	uint64_t members_left;
	struct gm_elf_bytes lists;
	struct gm_elf_bytes old_lists;
	struct gm_elf_bytes ranges;
	struct gm_elf_bytes old_ranges;
	struct gm_elf_bytes addresses;
};

/* Of @count records of @size bytes, sorted by the address that each begins with, the last at or
 * before @address; NULL: none.
 */
const void *gm_elf_debug_before(const void *records, size_t count, size_t size, uint64_t address);

/* A number, or an address; *@value is 0 where there is none. */
bool gm_elf_debug_number(Dwarf_Die *die, unsigned int name, uint64_t *value);

/* The type that attribute @name refers to. */
bool gm_elf_debug_type(Dwarf_Die *die, unsigned int name, Dwarf_Die *type);

/* Of a value of @type. */
uint64_t gm_elf_debug_bytes(const Dwarf_Die *type);

#endif
