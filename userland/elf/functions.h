/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of an ELF file, by where their code lies in it. */
#ifndef GM_ELF_FUNCTIONS_H
#define GM_ELF_FUNCTIONS_H

#include "elf/file.h"

struct gm_elf_functions;

/* From .symtab and .dynsym; a file that has neither has no functions. EBADMSG: corrupt. Caller
 * destroys; @elf may be destroyed before.
 */
struct gm_error *gm_elf_functions_read(struct gm_elf *elf,
				       struct gm_elf_functions **functions) GM_MUST_CHECK;
void gm_elf_functions_destroy(struct gm_elf_functions *functions);
GM_DEFINE_AUTO(gm_elf_functions)

/* The name of the function whose code lies at @offset bytes in the file, NULL where none is
 * known; valid as long as @functions.
 */
const char *gm_elf_functions_at(const struct gm_elf_functions *functions, uint64_t offset);

#endif
