/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The variables that DWARF describes: globals, those of frames, those that closures capture; and
 * of what type the parts of them are.
 */
#ifndef GM_ELF_DEBUG_H
#define GM_ELF_DEBUG_H

#include "base/vec.h"
#include "elf/file.h"

/**
 * struct gm_elf_vendor - attributes that only one vendor's DWARF has, by their numbers
 * @kind: of a type, a small number; @descend: whether a type of that kind has parts, struct
 *	members or the elements of an array
 * @elem: the type that a value of it leads to, beside DW_AT_type
 * @tag: a number that names the type
 * @captured: of a variable of a function, where in the function's closures it lies
 */
struct gm_elf_vendor {
	unsigned int kind;
	bool (*descend)(uint64_t kind);
	unsigned int elem;
	unsigned int tag;
	unsigned int captured;
};

/**
 * struct gm_elf_part - a part of a variable that has no parts itself
 * @name: of its type, NULL: none; it lives as long as the DWARF
 * @kind: of its type; @tag: of its type; @elem_tag: of the type it leads to; 0: none
 * @offset: bytes into the part
 */
struct gm_elf_part {
	const char *name;
	uint64_t kind;
	uint64_t tag;
	uint64_t elem_tag;
	uint64_t offset;
};

/**
 * struct gm_elf_slot - bytes of a frame or a closure that are a variable's
 * @start: offset from the frame's CFA, or into the closure; @bytes: how many
 * @variable: its number, @offset: bytes into it
 * @type: of the variable, for gm_elf_debug_part()
 * @name: of the variable
 * @function: of a frame, the inlined function whose variable it is; NULL: the frame's own
 *
 * Names live as long as the DWARF that they are from.
 */
struct gm_elf_slot {
	int64_t start;
	uint64_t bytes;
	uint64_t variable;
	uint64_t offset;
	uint64_t type;
	const char *name;
	const char *function;
};

struct gm_elf_slots {
	GM_VEC(struct gm_elf_slot);
};

struct gm_elf_debug;

/* ENOENT: no DWARF; EBADMSG: corrupt. Caller destroys, before @elf. */
struct gm_error *gm_elf_debug_read(struct gm_elf *elf, const struct gm_elf_vendor *vendor,
				   struct gm_elf_debug **debug) GM_MUST_CHECK;
void gm_elf_debug_destroy(struct gm_elf_debug *debug);
GM_DEFINE_AUTO(gm_elf_debug)

/* Members of structs that all calls together look at; those of a large program are some thousand
 * for each of its types.
 */
#define GM_ELF_DEBUG_MEMBERS (32U << 20)

/* The part at @address, as linked; false: of no variable that is described, or GM_ELF_DEBUG_MEMBERS
 * were looked at.
 */
bool gm_elf_debug_global(struct gm_elf_debug *debug, uint64_t address, struct gm_elf_part *part);

/* The part at @offset of a variable of @type, as a slot has it. */
bool gm_elf_debug_part(struct gm_elf_debug *debug, uint64_t type, uint64_t offset,
		       struct gm_elf_part *part);

/* Appends what variables have of a frame that goes on at @address, as linked: of a function the
 * own ones before those of functions inlined there. All calls together look at so much of the
 * DWARF and no more; what is beyond that is not described.
 */
struct gm_error *gm_elf_debug_frame(struct gm_elf_debug *debug, uint64_t address,
				    struct gm_elf_slots *slots) GM_MUST_CHECK;

/* The same of the closures of the function that begins at @address. */
struct gm_error *gm_elf_debug_closure(struct gm_elf_debug *debug, uint64_t address,
				      struct gm_elf_slots *slots) GM_MUST_CHECK;

#endif
