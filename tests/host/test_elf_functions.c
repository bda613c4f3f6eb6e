// SPDX-License-Identifier: GPL-2.0-or-later
/* elf: functions by where they lie in a file, and its thread-local variables, of ELF files made
 * here, some of which lie.
 */
#define _GNU_SOURCE 1 /* memfd_create */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "elf/functions.h"
#include "elf/tls.h"
#include "elf_make.h"
#include "tap.h"

#define FILE_MAX 65536

/* Two parts of code, and one of data between them in the file. */
static const Elf64_Phdr segments[] = {
	{ .p_type = PT_LOAD,
	  .p_flags = PF_R | PF_X,
	  .p_offset = 0x1000,
	  .p_vaddr = 0x401000,
	  .p_filesz = 0x1000,
	  .p_memsz = 0x1000 },
	{ .p_type = PT_LOAD,
	  .p_flags = PF_R,
	  .p_offset = 0x2000,
	  .p_vaddr = 0x402000,
	  .p_filesz = 0x1000,
	  .p_memsz = 0x1000 },
	{ .p_type = PT_LOAD,
	  .p_flags = PF_R | PF_X,
	  .p_offset = 0x3000,
	  .p_vaddr = 0x801000,
	  .p_filesz = 0x1000,
	  .p_memsz = 0x1000 },
};

static const struct made_symbol symbols[] = {
	{ "second", 0x401100, 0x80, STT_FUNC },
	{ "first", 0x401000, 0x100, STT_FUNC },
	{ "assembly", 0x401200, 0, STT_FUNC },
	{ "last", 0x401300, 0x10, STT_FUNC },
	{ "variable", 0x401280, 8, STT_OBJECT },
	{ "absolute", 0x401290, 8, 0 },
	{ "elsewhere", 0x801000, 0x1000, STT_FUNC },
	{ "rodata", 0x402000, 0x1000, STT_FUNC },
	{ "alias", 0x401000, 0, STT_FUNC },
	{ "endless", 0x801800, UINT64_MAX, STT_FUNC },
	{ "", 0x401380, 8, STT_FUNC },
};

static struct gm_error *open_made(const struct made_elf *what, struct gm_elf **elf)
{
	struct gm_error *error;
	char path[32];
	int fd = made_file(what, path);

	error = gm_elf_open(path, elf);
	close(fd);
	return error;
}

static void is_at(const struct gm_elf_functions *functions, uint64_t offset, const char *name,
		  const char *what)
{
	tap_str(gm_elf_functions_at(functions, offset), name, what, "construction");
}

static void test_functions(void)
{
	const struct made_elf what = { .segments = segments,
				       .segment_count = 3,
				       .symbols = symbols,
				       .symbol_count = sizeof(symbols) / sizeof(symbols[0]) };
	struct gm_elf_functions *functions = NULL;
	struct gm_elf *elf = NULL;
	struct gm_error *error = open_made(&what, &elf);

	if (!error)
		error = gm_elf_functions_read(elf, &functions);
	gm_elf_destroy(elf);
	if (!tap_ok(!error, "the functions are read"))
		return;
	is_at(functions, 0x1000, "first", "the start, where two are: that with a size");
	is_at(functions, 0x10ff, "first", "its last byte");
	is_at(functions, 0x1100, "second", "the next");
	is_at(functions, 0x117f, "second", "the last byte of that");
	is_at(functions, 0x1180, NULL, "between two");
	is_at(functions, 0x12ff, "assembly", "one without a size reaches to the next");
	is_at(functions, 0x1310, NULL, "behind the last");
	is_at(functions, 0x2000, NULL, "data");
	is_at(functions, 0x3000, "elsewhere", "another part of the file");
	is_at(functions, 0x3fff, "endless", "one that claims all memory");
	is_at(functions, 0x4000, NULL, "behind the code");
	is_at(functions, UINT64_MAX, NULL, "behind the file");
	gm_elf_functions_destroy(functions);
}

static void test_none(void)
{
	const struct made_elf what = { .segments = segments, .segment_count = 3 };
	struct gm_elf_functions *functions = NULL;
	struct gm_elf *elf = NULL;
	struct gm_error *error = open_made(&what, &elf);

	if (!error)
		error = gm_elf_functions_read(elf, &functions);
	if (tap_ok(!error, "a stripped file has no functions, and no error"))
		is_at(functions, 0x1000, NULL, "so there is none");
	gm_error_destroy(error);
	gm_elf_functions_destroy(functions);
	gm_elf_destroy(elf);
}

static void has_tls(uint64_t bytes, uint64_t align, uint64_t expected, const char *what)
{
	const Elf64_Phdr tls = { .p_type = PT_TLS, .p_memsz = bytes, .p_align = align };
	const struct made_elf made = { .segments = &tls, .segment_count = 1 };
	struct gm_elf *elf = NULL;
	struct gm_error *error = open_made(&made, &elf);

	if (error)
		tap_ok(false, error->message);
	else
		tap_u64(gm_elf_tls_bytes(elf), expected, what, "construction");
	gm_error_destroy(error);
	gm_elf_destroy(elf);
}

static void test_tls(void)
{
	const struct made_elf none = { .segments = segments, .segment_count = 3 };
	struct gm_elf *elf = NULL;
	struct gm_error *error = open_made(&none, &elf);

	if (tap_ok(!error, "a file without thread-local variables"))
		tap_u64(gm_elf_tls_bytes(elf), 0, "has none", "construction");
	gm_elf_destroy(elf);
	has_tls(8, 8, 8, "one pointer");
	has_tls(0x191, 8, 0x198, "rounded up");
	has_tls(0x191, 64, 0x1c0, "to a large alignment");
	has_tls(0x191, 0, 0x191, "no alignment");
	has_tls(0x191, 1, 0x191, "an alignment of one");
	has_tls(1ULL << 63, 8, 0, "2^63 bytes are none");
	has_tls(8, 1ULL << 63, 0, "nor is an alignment of 2^63");
	has_tls(UINT32_MAX, UINT32_MAX, UINT32_MAX, "the most there can be");
}

/* Two slots for variables of its own, one for another file's, and what is no slot. */
static const Elf64_Rela relocations[] = {
	{ 0x5000, ELF64_R_INFO(0, R_X86_64_TPOFF64), 0x18 },
	{ 0x5008, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x401000 },
	{ 0x5010, ELF64_R_INFO(3, R_X86_64_TPOFF64), 0 },
	{ 0x5018, ELF64_R_INFO(0, R_X86_64_TPOFF64), 0 },
};

static void test_slots(void)
{
	const struct made_elf what = { .relocations = relocations, .relocation_count = 4 };
	struct gm_elf_tls_slot slots[2] = {};
	struct gm_elf *elf = NULL;
	struct gm_error *error = open_made(&what, &elf);

	if (tap_ok(!error, "a file with slots for thread-local variables")) {
		tap_u64(gm_elf_tls_slots(elf, slots, 2), 2, "how many", "construction");
		tap_u64(slots[0].address, 0x5000, "the first", "construction");
		tap_u64(slots[0].offset, 0x18, "of a variable", "construction");
		tap_u64(slots[1].address, 0x5018, "the second", "construction");
		tap_u64(gm_elf_tls_slots(elf, slots, 1), 1, "no more than there is room for",
			"construction");
	}
	gm_error_destroy(error);
	gm_elf_destroy(elf);
}

static size_t copy_made(uint8_t *bytes)
{
	const struct made_elf what = { .segments = segments,
				       .segment_count = 3,
				       .relocations = relocations,
				       .relocation_count = 4,
				       .symbols = symbols,
				       .symbol_count = sizeof(symbols) / sizeof(symbols[0]) };
	char path[32];
	int fd = made_file(&what, path);
	ssize_t size = pread(fd, bytes, FILE_MAX, 0);

	close(fd);
	return size > 0 ? size : 0;
}

/* Reads all that there is to be read of a file of these bytes; how it ends does not matter. */
static void read_bytes(const uint8_t *bytes, size_t size)
{
	struct gm_elf_functions *functions = NULL;
	struct gm_elf_tls_slot slots[4];
	int fd = memfd_create("broken", MFD_CLOEXEC);
	struct gm_elf *elf = NULL;
	struct gm_error *error;
	char path[32];

	if (write(fd, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	error = gm_elf_open(path, &elf);
	if (!error) {
		gm_elf_tls_bytes(elf);
		gm_elf_tls_slots(elf, slots, 4);
		error = gm_elf_functions_read(elf, &functions);
	}
	for (uint64_t at = 0; !error && at < 0x5000; at += 0x80)
		gm_elf_functions_at(functions, at);
	gm_error_destroy(error);
	gm_elf_functions_destroy(functions);
	gm_elf_destroy(elf);
	close(fd);
}

#define LONG_NAMES (16U << 20)

/* As if all of its names were one long one: each symbol's begins a byte later. */
static void lengthen_names(int fd)
{
	gm_autofree char *names = malloc(LONG_NAMES);
	Elf64_Shdr section;
	Elf64_Ehdr header;
	uint64_t at;

	if (!names || pread(fd, &header, sizeof(header), 0) != sizeof(header))
		abort();
	memset(names, 'x', LONG_NAMES);
	names[0] = '\0';
	names[LONG_NAMES - 1] = '\0';
	for (int i = 1; i < header.e_shnum; i++) {
		at = header.e_shoff + i * sizeof(section);
		if (pread(fd, &section, sizeof(section), at) != sizeof(section))
			abort();
		if (section.sh_type != SHT_STRTAB || i == header.e_shstrndx)
			continue;
		section.sh_offset = lseek(fd, 0, SEEK_END);
		section.sh_size = LONG_NAMES;
		if (pwrite(fd, names, LONG_NAMES, section.sh_offset) != LONG_NAMES ||
		    pwrite(fd, &section, sizeof(section), at) != sizeof(section))
			abort();
	}
}

/* 17 names of 16 MiB each are more than the 256 MiB that are read. */
static void test_long_names(void)
{
	struct made_symbol many[17];
	const struct made_elf what = {
		.segments = segments, .segment_count = 3, .symbols = many, .symbol_count = 17
	};
	struct gm_elf_functions *functions = NULL;
	struct gm_elf *elf = NULL;
	struct gm_error *error;
	char path[32];
	int fd;

	for (size_t i = 0; i < 17; i++)
		many[i] = (struct made_symbol){ "x", 0x401000 + i, 1, STT_FUNC };
	fd = made_file(&what, path);
	lengthen_names(fd);
	error = gm_elf_open(path, &elf);
	close(fd);
	if (!error)
		error = gm_elf_functions_read(elf, &functions);
	tap_u64(error ? error->code : 0, EBADMSG, "more names than any program has",
		"elf/symtab.h");
	tap_ok(error && strstr(error->message, "256 MiB of their names"), "which is said");
	gm_error_destroy(error);
	gm_elf_functions_destroy(functions);
	gm_elf_destroy(elf);
}

static void test_broken(void)
{
	static uint8_t whole[FILE_MAX], broken[FILE_MAX];
	size_t size = copy_made(whole);

	for (size_t cut = 0; cut < size; cut += 7)
		read_bytes(whole, cut);
	tap_ok(size > 0, "files that are cut are read or refused");
	srand(1);
	for (size_t i = 0; i < 2000; i++) {
		memcpy(broken, whole, size);
		for (int flips = 1 + rand() % 8; flips--;)
			broken[rand() % size] = rand();
		read_bytes(broken, size);
	}
	tap_ok(size > 0, "and so are those with wrong bytes");
}

int main(void)
{
	test_functions();
	test_none();
	test_tls();
	test_slots();
	test_long_names();
	test_broken();
	return tap_done();
}
