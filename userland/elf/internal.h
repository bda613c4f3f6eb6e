/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. */
#ifndef GM_ELF_INTERNAL_H
#define GM_ELF_INTERNAL_H

#include <gelf.h>

#include "elf/segments.h"

/**
 * struct gm_elf - an open file
 * @path: for messages; owned
 * @elf: libelf's; it reads from @fd when asked, so both live as long
 * @segments: those that make sense, @segment_count of them
 */
struct gm_elf {
	char *path;
	int fd;
	Elf *elf;
	GElf_Ehdr header;
	size_t segment_count;
	struct gm_elf_segment segments[GM_ELF_SEGMENTS_MAX];
};

/* Once: a file may have 65,534 headers that are none of a segment. */
void gm_elf_note_segments(struct gm_elf *elf);

/* ENOENT: no section has that name; EBADMSG: corrupt. */
struct gm_error *gm_elf_find_section(struct gm_elf *elf, const char *name,
				     Elf_Scn **found) GM_MUST_CHECK;

/* Before libdw sees the file. ENOENT: its DWARF is too large, or points to another file,
 * which libdw would open by a path that the file names.
 */
struct gm_error *gm_elf_check_dwarf(struct gm_elf *elf) GM_MUST_CHECK;

#endif
