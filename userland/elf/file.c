// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* O_PATH */
#include "elf/file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "elf/internal.h"

#define TABLES_MAX (512U << 20) /* symbols and names; those of a 1 GiB program are a tenth */
#define SECTIONS_MAX (1U << 14) /* libelf has some 500 bytes for each that the file claims */
#define SECTION_MAX (1U << 20) /* of what is read whole for its bytes */
#define DWARF_MAX (1ULL << 30) /* all of it, as it is and unpacked */

static struct gm_error *corrupt(const struct gm_elf *elf, const char *what)
{
	return gm_error_create(EBADMSG, "cannot read %s of %s: %s", what, elf->path,
			       elf_errmsg(-1));
}

static struct gm_error *not_elf(const struct gm_elf *elf)
{
	return gm_error_create(EBADMSG, "cannot read %s: it is not an ELF file", elf->path);
}

/* In @root; below 0: in ours. glibc has no openat2(). */
static int open_path(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (root < 0)
		return open(path, O_PATH | O_CLOEXEC);
	return syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* A file that is mapped may go by the name of a pipe or a device by now, which must not even be
 * opened: that may wait for ever, or do something.
 */
static struct gm_error *open_regular(struct gm_elf *elf, int root)
{
	int fd = open_path(root, elf->path), code = fd < 0 ? errno : 0;
	struct stat stat;
	char path[32];

	if (!code && fstat(fd, &stat))
		code = errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!code && S_ISREG(stat.st_mode)) {
		elf->fd = open(path, O_RDONLY | O_CLOEXEC);
		code = elf->fd < 0 ? errno : 0;
	}
	if (fd >= 0)
		close(fd);
	if (code)
		return gm_error_errno(code, "cannot open %s", elf->path);
	return elf->fd < 0 ? not_elf(elf) : NULL;
}

/* Where there are too many sections for the header, the first of them says how many. */
static uint64_t claimed_sections(const struct gm_elf *elf, const Elf64_Ehdr *header)
{
	Elf64_Shdr first;

	if (header->e_shnum || !header->e_shoff || header->e_shoff > INT64_MAX ||
	    pread(elf->fd, &first, sizeof(first), header->e_shoff) != sizeof(first))
		return header->e_shnum;
	return first.sh_size;
}

/* Before libelf sees it, which makes room for all that a file claims: a sparse one is large
 * enough for any number.
 */
static struct gm_error *check_claims(const struct gm_elf *elf)
{
	Elf64_Ehdr header;

	if (pread(elf->fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG))
		return not_elf(elf);
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return gm_error_create(EBADMSG,
				       "cannot read %s: only 64-bit little-endian ELF"
				       " files are supported",
				       elf->path);
	if (claimed_sections(elf, &header) > SECTIONS_MAX || header.e_phnum == PN_XNUM)
		return gm_error_create(EBADMSG,
				       "cannot read %s: it has more sections or segments than a"
				       " program needs",
				       elf->path);
	return NULL;
}

/* Up to Go 1.18: what .zdebug_ sections have before what is packed. */
struct zlib_header {
	char magic[4];
	uint64_t big_endian_bytes;
} __attribute__((packed));

/* What libelf needs memory for, to read it and to unpack it. It must not look at what is packed
 * where that alone is more than @left.
 */
static uint64_t needed_bytes(const struct gm_elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			     uint64_t left)
{
	struct zlib_header old;
	GElf_Chdr packed;
	uint64_t bytes;

	if (header->sh_size > left)
		return header->sh_size;
	if (header->sh_flags & SHF_COMPRESSED)
		bytes = gelf_getchdr(section, &packed) ? packed.ch_size : UINT64_MAX;
	else if (header->sh_offset <= INT64_MAX &&
		 pread(elf->fd, &old, sizeof(old), header->sh_offset) == sizeof(old) &&
		 !memcmp(old.magic, "ZLIB", sizeof(old.magic)))
		bytes = be64toh(old.big_endian_bytes);
	else
		bytes = 0;
	return bytes <= UINT64_MAX - header->sh_size ? bytes + header->sh_size : UINT64_MAX;
}

static bool is_table(const GElf_Shdr *header)
{
	return header->sh_type == SHT_STRTAB || header->sh_type == SHT_SYMTAB ||
	       header->sh_type == SHT_DYNSYM;
}

/* libelf reads a table whole to look at one entry, and keeps it. */
static struct gm_error *check_tables(struct gm_elf *elf)
{
	Elf_Scn *section = NULL;
	uint64_t bytes = 0;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf->elf, section))) {
		uint64_t more;

		if (!gelf_getshdr(section, &header))
			return corrupt(elf, "a section header");
		more = is_table(&header) ? needed_bytes(elf, section, &header, TABLES_MAX - bytes) :
					   0;
		if (more > TABLES_MAX - bytes)
			return gm_error_create(EBADMSG,
					       "cannot read %s: the tables of its symbols and"
					       " names are larger than %u MiB",
					       elf->path, TABLES_MAX >> 20);
		bytes += more;
	}
	return NULL;
}

static struct gm_error *open_file(struct gm_elf *elf, int root)
{
	struct gm_error *error = open_regular(elf, root);

	if (!error)
		error = check_claims(elf);
	if (error)
		return error;
	elf_version(EV_CURRENT);
	/* Not mapped: a file that shrinks under us must be an error, not a SIGBUS. */
	elf->elf = elf_begin(elf->fd, ELF_C_READ, NULL);
	if (!elf->elf || elf_kind(elf->elf) != ELF_K_ELF || !gelf_getehdr(elf->elf, &elf->header))
		return corrupt(elf, "the header");
	gm_elf_note_segments(elf);
	return check_tables(elf);
}

struct gm_error *gm_elf_open_in(int root, const char *path, struct gm_elf **out)
{
	struct gm_elf *elf = calloc(1, sizeof(*elf));
	struct gm_error *error;

	if (!elf)
		return gm_error_errno(ENOMEM, "cannot open %s", path);
	elf->fd = -1;
	elf->path = strdup(path);
	error = elf->path ? open_file(elf, root) : gm_error_errno(ENOMEM, "cannot open %s", path);
	if (error) {
		gm_elf_destroy(elf);
		return error;
	}
	*out = elf;
	return NULL;
}

struct gm_error *gm_elf_open(const char *path, struct gm_elf **elf)
{
	return gm_elf_open_in(-1, path, elf);
}

void gm_elf_destroy(struct gm_elf *elf)
{
	if (!elf)
		return;
	elf_end(elf->elf);
	if (elf->fd >= 0)
		close(elf->fd);
	free(elf->path);
	free(elf);
}

const char *gm_elf_path(const struct gm_elf *elf)
{
	return elf->path;
}

uint16_t gm_elf_machine(const struct gm_elf *elf)
{
	return elf->header.e_machine;
}

bool gm_elf_has_sections(const struct gm_elf *elf)
{
	size_t count;

	return !elf_getshdrnum(elf->elf, &count) && count > 1;
}

uint64_t gm_elf_entry(const struct gm_elf *elf)
{
	return elf->header.e_entry;
}

struct gm_error *gm_elf_find_section(struct gm_elf *elf, const char *name, Elf_Scn **found)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf->elf, &names))
		return corrupt(elf, "the section names");
	while ((section = elf_nextscn(elf->elf, section))) {
		const char *its;

		if (!gelf_getshdr(section, &header))
			return corrupt(elf, "a section header");
		its = elf_strptr(elf->elf, names, header.sh_name);
		if (!its || strcmp(its, name))
			continue;
		*found = section;
		return NULL;
	}
	return gm_error_create(ENOENT, "%s has no section %s", elf->path, name);
}

struct gm_error *gm_elf_section(struct gm_elf *elf, const char *name, const void **data,
				size_t *size)
{
	Elf_Scn *section = NULL;
	struct gm_error *error;
	GElf_Shdr header;
	Elf_Data *bytes;

	error = gm_elf_find_section(elf, name, &section);
	if (error)
		return error;
	if (!gelf_getshdr(section, &header) || header.sh_size > SECTION_MAX)
		return gm_error_create(EBADMSG, "cannot read %s of %s: it is larger than %u MiB",
				       name, elf->path, SECTION_MAX >> 20);
	bytes = elf_rawdata(section, NULL);
	if (!bytes || !bytes->d_buf)
		return corrupt(elf, name);
	*data = bytes->d_buf;
	*size = bytes->d_size;
	return NULL;
}

static void match(struct gm_elf_symbol *symbols, size_t count, const char *name,
		  const GElf_Sym *symbol)
{
	for (size_t i = 0; i < count; i++) {
		if (symbols[i].found || strcmp(symbols[i].name, name))
			continue;
		symbols[i].address = symbol->st_value;
		symbols[i].size = symbol->st_size;
		symbols[i].found = true;
	}
}

static struct gm_error *scan(struct gm_elf *elf, Elf_Data *table, size_t strings,
			     struct gm_elf_symbol *symbols, size_t count)
{
	size_t entries = table->d_size / sizeof(Elf64_Sym);

	if (entries > INT32_MAX)
		return gm_error_create(EBADMSG, "cannot read %s: %zu symbols are too many",
				       elf->path, entries);
	for (size_t i = 0; i < entries; i++) {
		GElf_Sym symbol;
		const char *name;

		if (!gelf_getsym(table, i, &symbol) || symbol.st_shndx == SHN_UNDEF)
			continue;
		name = elf_strptr(elf->elf, strings, symbol.st_name);
		if (name)
			match(symbols, count, name, &symbol);
	}
	return NULL;
}

struct gm_error *gm_elf_symbols(struct gm_elf *elf, struct gm_elf_symbol *symbols, size_t count)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *table;

	while ((section = elf_nextscn(elf->elf, section))) {
		if (!gelf_getshdr(section, &header))
			return corrupt(elf, "a section header");
		if (header.sh_type != SHT_SYMTAB)
			continue;
		table = elf_getdata(section, NULL);
		if (!table || !table->d_buf)
			return corrupt(elf, "the symbols");
		return scan(elf, table, header.sh_link, symbols, count);
	}
	return gm_error_create(ENOENT, "%s is stripped: it has no symbols", elf->path);
}

struct gm_error *gm_elf_check_dwarf(struct gm_elf *elf)
{
	uint64_t bytes = 0, more;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf->elf, &names))
		return corrupt(elf, "the section names");
	while ((section = elf_nextscn(elf->elf, section))) {
		const char *name;

		if (!gelf_getshdr(section, &header))
			return corrupt(elf, "a section header");
		name = elf_strptr(elf->elf, names, header.sh_name) ?: "";
		if (!strcmp(name, ".gnu_debugaltlink") || !strcmp(name, ".debug_sup"))
			return gm_error_create(ENOENT, "the DWARF of %s lies in another file",
					       elf->path);
		if (strncmp(name, ".debug_", 7) && strncmp(name, ".zdebug_", 8))
			continue;
		more = needed_bytes(elf, section, &header, DWARF_MAX - bytes);
		if (more > DWARF_MAX - bytes)
			return gm_error_create(ENOENT, "%s has more DWARF than %llu MiB", elf->path,
					       DWARF_MAX >> 20);
		bytes += more;
	}
	return NULL;
}
