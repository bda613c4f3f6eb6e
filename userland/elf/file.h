/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF file: sections, symbols, and the DWARF in it. Knows no language. Every byte is hostile. */
#ifndef GM_ELF_FILE_H
#define GM_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct gm_elf;

/* Opens a 64-bit little-endian ELF file. errno's code where it cannot be opened,
 * EBADMSG where it is no such file, is corrupt, or has more sections, symbols and names than any
 * program: 512 MiB of tables. What is no regular file is not opened. Caller destroys.
 */
struct gm_error *gm_elf_open(const char *path, struct gm_elf **elf) GM_MUST_CHECK;

/* The same of @path as somebody sees it whose root directory is open as @root: symbolic links and
 * dots do not lead out of there, and those of /proc that jump are not followed.
 */
struct gm_error *gm_elf_open_in(int root, const char *path, struct gm_elf **elf) GM_MUST_CHECK;
void gm_elf_destroy(struct gm_elf *elf);
GM_DEFINE_AUTO(gm_elf)

/* As it was opened; for messages. */
const char *gm_elf_path(const struct gm_elf *elf);

/* e_machine, EM_X86_64 and the like. */
uint16_t gm_elf_machine(const struct gm_elf *elf);

/* False: only segments tell what is where. */
bool gm_elf_has_sections(const struct gm_elf *elf);

/* e_entry, as linked. */
uint64_t gm_elf_entry(const struct gm_elf *elf);

/* The bytes of the first section called @name, valid as long as @elf.
 * ENOENT: no such section; EBADMSG: its bytes are not in the file.
 */
struct gm_error *gm_elf_section(struct gm_elf *elf, const char *name, const void **data,
				size_t *size) GM_MUST_CHECK;

/**
 * struct gm_elf_symbol - a question and its answer
 * @name: asked for
 * @address: st_value, as linked; @size: st_size
 * @found: false where no defined symbol has that name
 */
struct gm_elf_symbol {
	const char *name;
	uint64_t address;
	uint64_t size;
	bool found;
};

/* Answers all @symbols in one pass over .symtab. ENOENT: the file has none (stripped);
 * EBADMSG: corrupt. A symbol that is not there is no error.
 */
struct gm_error *gm_elf_symbols(struct gm_elf *elf, struct gm_elf_symbol *symbols,
				size_t count) GM_MUST_CHECK;

/**
 * struct gm_elf_field - a question about a struct type in DWARF, and its answer
 * @type: the struct's name; @member: of it, NULL asks for the size of the struct
 * @offset: bytes into the struct; @size: of the member or struct, both below 2^31
 */
struct gm_elf_field {
	const char *type;
	const char *member;
	uint32_t offset;
	uint32_t size;
	bool found;
};

/* Answers all @fields from the compile units called @unit, and stops as soon as each
 * struct asked for was seen; adjacent fields of one type cost one comparison.
 * ENOENT: no DWARF, or no such unit; EBADMSG: corrupt. A field that is not there
 * is no error.
 */
struct gm_error *gm_elf_fields(struct gm_elf *elf, const char *unit, struct gm_elf_field *fields,
			       size_t count) GM_MUST_CHECK;

#endif
