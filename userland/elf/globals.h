/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The global variables that DWARF describes, and of what type the parts of them are. */
#ifndef GM_ELF_GLOBALS_H
#define GM_ELF_GLOBALS_H

#include "elf/file.h"

/**
 * struct gm_elf_vendor - attributes that only one vendor's DWARF has, by their numbers
 * @kind: of a type, a small number; @descend: whether a type of that kind has parts, struct
 *	members or the elements of an array
 * @elem: the type that a value of it leads to, beside DW_AT_type
 * @tag: a number that names the type
 */
struct gm_elf_vendor {
	unsigned int kind;
	bool (*descend)(uint64_t kind);
	unsigned int elem;
	unsigned int tag;
};

/**
 * struct gm_elf_part - a part of a variable that has no parts itself
 * @kind: of its type; @tag: of its type; @elem_tag: of the type it leads to; 0: none
 * @offset: bytes into the part
 */
struct gm_elf_part {
	uint64_t kind;
	uint64_t tag;
	uint64_t elem_tag;
	uint64_t offset;
};

struct gm_elf_globals;

/* ENOENT: no DWARF; EBADMSG: corrupt. Caller destroys, before @elf. */
struct gm_error *gm_elf_globals_read(struct gm_elf *elf, const struct gm_elf_vendor *vendor,
				     struct gm_elf_globals **globals) GM_MUST_CHECK;
void gm_elf_globals_destroy(struct gm_elf_globals *globals);
GM_DEFINE_AUTO(gm_elf_globals)

/* Members of structs that all calls together look at; those of a large program are some thousand
 * for each of its types.
 */
#define GM_ELF_GLOBALS_STEPS (32U << 20)

/* The part at @address, as linked; false: of no variable that is described, or GM_ELF_GLOBALS_STEPS
 * were made.
 */
bool gm_elf_globals_find(struct gm_elf_globals *globals, uint64_t address,
			 struct gm_elf_part *part);

#endif
