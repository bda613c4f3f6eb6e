/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes small ELF files in memory: sections, symbols, DWARF 4 written entry by entry. */
#ifndef GM_ELF_MAKE_H
#define GM_ELF_MAKE_H

#include <dwarf.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MADE_BYTES (1U << 20)

/* Bytes that grow; too many end the test. */
struct made_bytes {
	uint8_t at[MADE_BYTES];
	size_t size;
};

static inline void made_raw(struct made_bytes *bytes, const void *data, size_t size)
{
	if (size > MADE_BYTES - bytes->size)
		abort();
	memcpy(bytes->at + bytes->size, data, size);
	bytes->size += size;
}

static inline void made_u8(struct made_bytes *bytes, uint8_t value)
{
	made_raw(bytes, &value, sizeof(value));
}

static inline void made_u32(struct made_bytes *bytes, uint32_t value)
{
	made_raw(bytes, &value, sizeof(value));
}

static inline void made_uleb(struct made_bytes *bytes, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		made_u8(bytes, value | 0x80);
	made_u8(bytes, value);
}

static inline void made_string(struct made_bytes *bytes, const char *text)
{
	made_raw(bytes, text, strlen(text) + 1);
}

/* Codes in the one .debug_abbrev that all the entries below use. */
enum made_code {
	MADE_UNIT = 1,
	MADE_BASE,
	MADE_TYPEDEF,
	MADE_POINTER,
	MADE_STRUCT,
	MADE_MEMBER,
	MADE_BLOCK,
	MADE_KIND_POINTER,
	MADE_KIND_ARRAY,
	MADE_VARIABLE,
	MADE_FUNCTION,
	MADE_NAMED_FUNCTION,
	MADE_INLINED,
	MADE_SCOPE,
	MADE_LOCAL,
	MADE_LISTED,
	MADE_CAPTURED,
	MADE_BESIDE,
	MADE_RANGED,
};

#define MADE_AT_KIND 0x2900 /* Go's */
#define MADE_AT_CAPTURED 0x2907

static const uint8_t made_abbrev[] = {
	MADE_UNIT,
	DW_TAG_compile_unit,
	1,
	DW_AT_name,
	DW_FORM_string,
	0,
	0,
	MADE_BASE,
	DW_TAG_base_type,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_byte_size,
	DW_FORM_data1,
	0,
	0,
	MADE_TYPEDEF,
	DW_TAG_typedef,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_type,
	DW_FORM_ref4,
	0,
	0,
	MADE_POINTER,
	DW_TAG_pointer_type,
	0,
	DW_AT_type,
	DW_FORM_ref4,
	0,
	0,
	MADE_STRUCT,
	DW_TAG_structure_type,
	1,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_byte_size,
	DW_FORM_udata,
	0,
	0,
	MADE_MEMBER,
	DW_TAG_member,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_data_member_location,
	DW_FORM_udata,
	DW_AT_type,
	DW_FORM_ref4,
	0,
	0,
	MADE_BLOCK,
	DW_TAG_lexical_block,
	1,
	DW_AT_sibling,
	DW_FORM_ref4,
	0,
	0,
	MADE_KIND_POINTER,
	DW_TAG_pointer_type,
	0,
	(MADE_AT_KIND & 0x7f) | 0x80,
	MADE_AT_KIND >> 7,
	DW_FORM_data1,
	0,
	0,
	MADE_KIND_ARRAY,
	DW_TAG_array_type,
	0,
	(MADE_AT_KIND & 0x7f) | 0x80,
	MADE_AT_KIND >> 7,
	DW_FORM_data1,
	DW_AT_byte_size,
	DW_FORM_data1,
	DW_AT_type,
	DW_FORM_ref4,
	0,
	0,
	MADE_VARIABLE,
	DW_TAG_variable,
	0,
	DW_AT_location,
	DW_FORM_block1,
	DW_AT_type,
	DW_FORM_ref4,
	0,
	0,
	MADE_FUNCTION,
	DW_TAG_subprogram,
	1,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_addr,
	DW_AT_frame_base,
	DW_FORM_block1,
	0,
	0,
	MADE_NAMED_FUNCTION,
	DW_TAG_subprogram,
	0,
	DW_AT_name,
	DW_FORM_string,
	0,
	0,
	MADE_INLINED,
	DW_TAG_inlined_subroutine,
	1,
	DW_AT_abstract_origin,
	DW_FORM_ref4,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_addr,
	0,
	0,
	MADE_SCOPE,
	DW_TAG_lexical_block,
	1,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_addr,
	0,
	0,
	MADE_LOCAL,
	DW_TAG_variable,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_location,
	DW_FORM_block1,
	DW_AT_type,
	DW_FORM_ref4,
	0,
	0,
	MADE_LISTED,
	DW_TAG_formal_parameter,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_location,
	DW_FORM_sec_offset,
	DW_AT_type,
	DW_FORM_ref4,
	0,
	0,
	MADE_CAPTURED,
	DW_TAG_variable,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_type,
	DW_FORM_ref4,
	(MADE_AT_CAPTURED & 0x7f) | 0x80,
	MADE_AT_CAPTURED >> 7,
	DW_FORM_udata,
	0,
	0,
	MADE_BESIDE,
	DW_TAG_lexical_block,
	1,
	DW_AT_sibling,
	DW_FORM_ref4,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_addr,
	0,
	0,
	MADE_RANGED,
	DW_TAG_lexical_block,
	1,
	DW_AT_ranges,
	DW_FORM_sec_offset,
	0,
	0,
	0,
};

/* Each returns the entry's offset in the unit, which is what references are made of. */
static inline uint32_t made_unit(struct made_bytes *info, const char *name)
{
	made_u32(info, 0); /* the length, at the end */
	made_u8(info, 4);
	made_u8(info, 0);
	made_u32(info, 0);
	made_u8(info, 8);
	made_u8(info, MADE_UNIT);
	made_string(info, name);
	return 11;
}

static inline uint32_t made_base(struct made_bytes *info, const char *name, uint8_t size)
{
	uint32_t at = info->size;

	made_u8(info, MADE_BASE);
	made_string(info, name);
	made_u8(info, size);
	return at;
}

static inline uint32_t made_typedef(struct made_bytes *info, const char *name, uint32_t type)
{
	uint32_t at = info->size;

	made_u8(info, MADE_TYPEDEF);
	made_string(info, name);
	made_u32(info, type);
	return at;
}

static inline uint32_t made_pointer(struct made_bytes *info, uint32_t type)
{
	uint32_t at = info->size;

	made_u8(info, MADE_POINTER);
	made_u32(info, type);
	return at;
}

static inline uint32_t made_kind_pointer(struct made_bytes *info, uint8_t kind)
{
	uint32_t at = info->size;

	made_u8(info, MADE_KIND_POINTER);
	made_u8(info, kind);
	return at;
}

static inline uint32_t made_kind_array(struct made_bytes *info, uint8_t kind, uint8_t size,
				       uint32_t type)
{
	uint32_t at = info->size;

	made_u8(info, MADE_KIND_ARRAY);
	made_u8(info, kind);
	made_u8(info, size);
	made_u32(info, type);
	return at;
}

static inline void made_variable(struct made_bytes *info, uint64_t address, uint32_t type)
{
	made_u8(info, MADE_VARIABLE);
	made_u8(info, 1 + sizeof(address));
	made_u8(info, DW_OP_addr);
	made_raw(info, &address, sizeof(address));
	made_u32(info, type);
}

/* Has children, as have the two below. */
static inline void made_function(struct made_bytes *info, uint64_t start, uint64_t end)
{
	made_u8(info, MADE_FUNCTION);
	made_raw(info, &start, sizeof(start));
	made_raw(info, &end, sizeof(end));
	made_u8(info, 1);
	made_u8(info, DW_OP_call_frame_cfa);
}

static inline void made_inlined(struct made_bytes *info, uint32_t function, uint64_t start,
				uint64_t end)
{
	made_u8(info, MADE_INLINED);
	made_u32(info, function);
	made_raw(info, &start, sizeof(start));
	made_raw(info, &end, sizeof(end));
}

static inline void made_scope(struct made_bytes *info, uint64_t start, uint64_t end)
{
	made_u8(info, MADE_SCOPE);
	made_raw(info, &start, sizeof(start));
	made_raw(info, &end, sizeof(end));
}

/* The same, of the range list at @list. */
static inline void made_ranged(struct made_bytes *info, uint32_t list)
{
	made_u8(info, MADE_RANGED);
	made_u32(info, list);
}

/* A scope which says that its first child, the next entry made, is what is beside it. */
static inline void made_beside(struct made_bytes *info, uint64_t start, uint64_t end)
{
	uint32_t next = info->size + 1 + sizeof(next) + sizeof(start) + sizeof(end);

	made_u8(info, MADE_BESIDE);
	made_u32(info, next);
	made_raw(info, &start, sizeof(start));
	made_raw(info, &end, sizeof(end));
}

static inline uint32_t made_named_function(struct made_bytes *info, const char *name)
{
	uint32_t at = info->size;

	made_u8(info, MADE_NAMED_FUNCTION);
	made_string(info, name);
	return at;
}

static inline void made_local(struct made_bytes *info, const char *name, const void *expression,
			      uint8_t size, uint32_t type)
{
	made_u8(info, MADE_LOCAL);
	made_string(info, name);
	made_u8(info, size);
	made_raw(info, expression, size);
	made_u32(info, type);
}

static inline void made_listed(struct made_bytes *info, const char *name, uint32_t list,
			       uint32_t type)
{
	made_u8(info, MADE_LISTED);
	made_string(info, name);
	made_u32(info, list);
	made_u32(info, type);
}

static inline void made_captured(struct made_bytes *info, const char *name, uint32_t type,
				 uint64_t offset)
{
	made_u8(info, MADE_CAPTURED);
	made_string(info, name);
	made_u32(info, type);
	made_uleb(info, offset);
}

static inline uint32_t made_struct(struct made_bytes *info, const char *name, uint64_t size)
{
	uint32_t at = info->size;

	made_u8(info, MADE_STRUCT);
	made_string(info, name);
	made_uleb(info, size);
	return at;
}

static inline void made_member(struct made_bytes *info, const char *name, uint64_t offset,
			       uint32_t type)
{
	made_u8(info, MADE_MEMBER);
	made_string(info, name);
	made_uleb(info, offset);
	made_u32(info, type);
}

/* Has children, and says that its sibling is at @sibling. */
static inline uint32_t made_block(struct made_bytes *info, uint32_t sibling)
{
	uint32_t at = info->size;

	made_u8(info, MADE_BLOCK);
	made_u32(info, sibling);
	return at;
}

/* Of a list of children. */
static inline void made_end(struct made_bytes *info)
{
	made_u8(info, 0);
}

static inline void made_unit_end(struct made_bytes *info)
{
	uint32_t length;

	made_end(info);
	length = info->size - sizeof(length);
	memcpy(info->at, &length, sizeof(length));
}

struct made_section {
	const char *name;
	const void *data;
	size_t size;
	bool compressed;
};

/* @type: STT_..., 0 for one that has none; such a one belongs to no section */
struct made_symbol {
	const char *name;
	uint64_t value;
	uint64_t size;
	uint8_t type;
};

/* What to put into a file; without symbols there is no .symtab. @segments may say anything. */
struct made_elf {
	uint64_t entry;
	const Elf64_Phdr *segments;
	size_t segment_count;
	const Elf64_Rela *relocations;
	size_t relocation_count;
	const struct made_section *sections;
	size_t section_count;
	const struct made_symbol *symbols;
	size_t symbol_count;
};

static inline Elf_Scn *made_scn(Elf *elf, struct made_bytes *names, const char *name,
				const void *data, size_t size, uint32_t type)
{
	Elf_Scn *section = elf_newscn(elf);
	Elf_Data *bytes = elf_newdata(section);
	GElf_Shdr header;

	bytes->d_buf = (void *)data;
	bytes->d_size = size;
	bytes->d_align = 1;
	gelf_getshdr(section, &header);
	header.sh_name = names->size;
	header.sh_type = type;
	made_string(names, name);
	gelf_update_shdr(section, &header);
	return section;
}

/* .symtab and .strtab, in @table and @strings, which must live as long as @elf. */
static inline void made_symbols(Elf *elf, struct made_bytes *names, const struct made_elf *what,
				struct made_bytes *table, struct made_bytes *strings)
{
	Elf64_Sym symbol = { 0 };
	Elf_Scn *section;
	GElf_Shdr header;
	size_t link;

	made_raw(table, &symbol, sizeof(symbol));
	made_string(strings, "");
	for (size_t i = 0; i < what->symbol_count; i++) {
		symbol = (Elf64_Sym){ .st_name = strings->size,
				      .st_info = what->symbols[i].type,
				      .st_shndx = SHN_ABS,
				      .st_value = what->symbols[i].value,
				      .st_size = what->symbols[i].size };
		made_string(strings, what->symbols[i].name);
		made_raw(table, &symbol, sizeof(symbol));
	}
	link = elf_ndxscn(made_scn(elf, names, ".strtab", strings->at, strings->size, SHT_STRTAB));
	section = made_scn(elf, names, ".symtab", table->at, table->size, SHT_SYMTAB);
	elf_getdata(section, NULL)->d_type = ELF_T_SYM;
	gelf_getshdr(section, &header);
	header.sh_link = link;
	header.sh_entsize = sizeof(symbol);
	gelf_update_shdr(section, &header);
}

static inline void made_header(Elf *elf, uint64_t entry, size_t names)
{
	GElf_Ehdr header;

	gelf_getehdr(elf, &header);
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_machine = EM_X86_64;
	header.e_type = ET_EXEC;
	header.e_version = EV_CURRENT;
	header.e_entry = entry;
	header.e_shstrndx = names;
	gelf_update_ehdr(elf, &header);
}

static inline void made_segments(Elf *elf, const struct made_elf *what)
{
	if (!what->segment_count)
		return;
	gelf_newphdr(elf, what->segment_count);
	for (size_t i = 0; i < what->segment_count; i++)
		gelf_update_phdr(elf, i, (GElf_Phdr *)&what->segments[i]);
}

/* A file in memory that has @what; its path goes to @path. The caller closes it. */
static inline int made_file(const struct made_elf *what, char path[32])
{
	static struct made_bytes names, table, strings;
	int fd = memfd_create("made", MFD_CLOEXEC);
	Elf_Scn *section;
	Elf *elf;

	names.size = 0;
	table.size = 0;
	strings.size = 0;
	made_string(&names, "");
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	gelf_newehdr(elf, ELFCLASS64);
	made_header(elf, what->entry, 0);
	made_segments(elf, what);
	for (size_t i = 0; i < what->section_count; i++) {
		const struct made_section *its = &what->sections[i];

		section = made_scn(elf, &names, its->name, its->data, its->size, SHT_PROGBITS);
		if (its->compressed && elf_compress(section, ELFCOMPRESS_ZLIB, ELF_CHF_FORCE) < 0)
			abort();
	}
	if (what->symbol_count)
		made_symbols(elf, &names, what, &table, &strings);
	if (what->relocation_count)
		made_scn(elf, &names, ".rela.dyn", what->relocations,
			 what->relocation_count * sizeof(*what->relocations), SHT_RELA);
	section = made_scn(elf, &names, ".shstrtab", NULL, 0, SHT_STRTAB);
	elf_getdata(section, NULL)->d_buf = names.at;
	elf_getdata(section, NULL)->d_size = names.size;
	made_header(elf, what->entry, elf_ndxscn(section));
	if (elf_update(elf, ELF_C_WRITE) < 0) {
		fprintf(stderr, "cannot make an ELF file: %s\n", elf_errmsg(-1));
		abort();
	}
	elf_end(elf);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
