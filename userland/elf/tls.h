/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the thread-local variables of an ELF file are. amd64. */
#ifndef GM_ELF_TLS_H
#define GM_ELF_TLS_H

#include "elf/file.h"

/* Bytes of a thread's block of thread-local variables (PT_TLS), rounded up to its alignment;
 * 0 where the file has none.
 */
uint64_t gm_elf_tls_bytes(const struct gm_elf *elf);

/**
 * struct gm_elf_tls_slot - a word that the loader fills with the distance from the thread pointer
 *	of one of the file's own variables (R_X86_64_TPOFF64)
 * @address: of the word, as linked
 * @offset: of the variable in the block
 */
struct gm_elf_tls_slot {
	uint64_t address;
	uint64_t offset;
};

/* At most @max of them; returns how many. None where the file cannot be read. */
size_t gm_elf_tls_slots(struct gm_elf *elf, struct gm_elf_tls_slot *slots, size_t max);

#endif
