/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The global variables of an ELF file, by address. */
#ifndef GM_ELF_VARIABLES_H
#define GM_ELF_VARIABLES_H

#include "elf/file.h"

struct gm_elf_variables;

/* From .symtab and .dynsym; a file that has neither has no variables. EBADMSG: corrupt. Caller
 * destroys; @elf may be destroyed before.
 */
struct gm_error *gm_elf_variables_read(struct gm_elf *elf,
				       struct gm_elf_variables **variables) GM_MUST_CHECK;
void gm_elf_variables_destroy(struct gm_elf_variables *variables);
GM_DEFINE_AUTO(gm_elf_variables)

/* The name of the variable that holds @address, as linked, and in *@start where it begins; NULL
 * where none is known. Valid as long as @variables.
 */
const char *gm_elf_variables_at(const struct gm_elf_variables *variables, uint64_t address,
				uint64_t *start);

#endif
