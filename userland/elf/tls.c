// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/tls.h"

#include "elf/internal.h"

#define RELOCATIONS_MAX (96U << 20) /* bytes, 4 million of them */

uint64_t gm_elf_tls_bytes(const struct gm_elf *elf)
{
	GElf_Phdr header;

	for (int i = 0; i < elf->header.e_phnum; i++) {
		if (!gelf_getphdr(elf->elf, i, &header) || header.p_type != PT_TLS)
			continue;
		if (header.p_memsz > UINT32_MAX || header.p_align > UINT32_MAX)
			return 0;
		if (!header.p_align)
			return header.p_memsz;
		return (header.p_memsz + header.p_align - 1) / header.p_align * header.p_align;
	}
	return 0;
}

/* One without a symbol is the file's own variable. */
static bool is_slot(const GElf_Rela *relocation)
{
	return GELF_R_TYPE(relocation->r_info) == R_X86_64_TPOFF64 &&
	       !GELF_R_SYM(relocation->r_info);
}

static size_t read_section(Elf_Scn *section, struct gm_elf_tls_slot *slots, size_t max)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t total = data && data->d_buf ? data->d_size / sizeof(Elf64_Rela) : 0;
	GElf_Rela relocation;
	size_t count = 0;

	for (size_t i = 0; i < total && count < max; i++) {
		if (!gelf_getrela(data, i, &relocation) || !is_slot(&relocation))
			continue;
		slots[count++] =
			(struct gm_elf_tls_slot){ relocation.r_offset, relocation.r_addend };
	}
	return count;
}

size_t gm_elf_tls_slots(struct gm_elf *elf, struct gm_elf_tls_slot *slots, size_t max)
{
	uint64_t left = RELOCATIONS_MAX;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t count = 0;

	while ((section = elf_nextscn(elf->elf, section)) && gelf_getshdr(section, &header)) {
		/* libelf keeps what it reads. */
		if (header.sh_type != SHT_RELA || header.sh_size > left)
			continue;
		left -= header.sh_size;
		count += read_section(section, slots + count, max - count);
	}
	return count;
}
