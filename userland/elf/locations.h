/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where DWARF says that a variable lies at an instruction, as far as that is in a frame, and what
 * instructions a scope is of: DWARF 5, 2.5, 2.6, 2.17.3, 7.7.3 and 7.25; DWARF 4, 2.6.2 and 2.17.3.
 * All bytes are hostile.
 */
#ifndef GM_ELF_LOCATIONS_H
#define GM_ELF_LOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GM_ELF_PIECES_MAX 64

/**
 * struct gm_elf_piece - of a variable
 * @in_frame: it lies @offset bytes from the frame's CFA; else in a register, or nowhere
 * @bytes: how many; 0: all of the variable
 */
struct gm_elf_piece {
	bool in_frame;
	int64_t offset;
	uint64_t bytes;
};

/* The pieces that the expression of @size bytes at @bytes says a variable has, in the order of
 * the variable's bytes; its frame base must be the CFA. 0 where it says anything else, or has more
 * than GM_ELF_PIECES_MAX.
 */
size_t gm_elf_expression(const uint8_t *bytes, size_t size,
			 struct gm_elf_piece pieces[GM_ELF_PIECES_MAX]);

/**
 * struct gm_elf_lists - the location lists of a unit, or its range lists
 * @lists: .debug_loclists or .debug_rnglists; .debug_loc or .debug_ranges where @version is less
 *	than 5; @lists_bytes: its size
 * @ranges: they are range lists, whose entries have no expressions
 * @addresses: .debug_addr; @addresses_at: offset of the unit's own in it
 * @base: the address that offsets are from unless a list says another
 */
struct gm_elf_lists {
	const uint8_t *lists;
	size_t lists_bytes;
	bool ranges;
	const uint8_t *addresses;
	size_t addresses_bytes;
	uint64_t addresses_at;
	uint64_t base;
	unsigned int version;
};

/* The expression of the first entry, of the list at @offset, that is for @address; NULL of a range.
 * Each entry takes one of *@left. False: none is.
 */
bool gm_elf_lists_find(const struct gm_elf_lists *lists, uint64_t offset, uint64_t address,
		       uint64_t *left, const uint8_t **expression, size_t *bytes);

#endif
