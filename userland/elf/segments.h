/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of an ELF file is loaded, and where. Addresses are as linked. */
#ifndef GM_ELF_SEGMENTS_H
#define GM_ELF_SEGMENTS_H

#include "elf/file.h"

/**
 * struct gm_elf_segment - a PT_LOAD, [address, address + bytes)
 * @file_bytes: of these, how many the file has, at @offset; the others are zero
 */
struct gm_elf_segment {
	uint64_t address;
	uint64_t bytes;
	uint64_t offset;
	uint64_t file_bytes;
	bool writable;
	bool executable;
};

#define GM_ELF_SEGMENTS_MAX 64

/* Those that make sense, at most @max, in the file's order; returns how many. */
size_t gm_elf_segments(const struct gm_elf *elf, struct gm_elf_segment *segments, size_t max);

/* All of [address, address + size) from the file. EFAULT: not in one segment's file bytes. */
struct gm_error *gm_elf_read(const struct gm_elf *elf, uint64_t address, void *buffer,
			     size_t size) GM_MUST_CHECK;

/* Where the first loaded section called @name lies; its address and size may be anything.
 * ENOENT: there is none.
 */
struct gm_error *gm_elf_section_place(struct gm_elf *elf, const char *name, uint64_t *address,
				      uint64_t *size) GM_MUST_CHECK;

#endif
