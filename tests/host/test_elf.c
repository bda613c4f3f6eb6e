// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create, mkdtemp */
/* The ELF room on files made here: right ones, odd ones, broken ones. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/file.h"
#include "elf/debug.h"
#include "elf/tls.h"
#include "elf_make.h"
#include "tap.h"

#define FLIPS 4000

static const char contents[] = "what the section holds";
static const struct made_symbol symbols[] = {
	{ "first", 0x1000, 8, STT_OBJECT },
	{ "second", 0x2000, 24, STT_OBJECT },
};

/* struct thing { u32 number @4; alias number @8; struct thing *next @16; } of 32 bytes */
static void make_types(struct made_bytes *info)
{
	uint32_t u32, alias, pointer;

	made_unit(info, "unit");
	u32 = made_base(info, "u32", 4);
	alias = made_typedef(info, "alias", u32);
	alias = made_typedef(info, "alias of alias", alias);
	pointer = made_pointer(info, u32);
	made_struct(info, "other", 3);
	made_end(info);
	made_struct(info, "thing", 32);
	made_member(info, "number", 4, u32);
	made_member(info, "aliased", 8, alias);
	made_member(info, "next", 16, pointer);
	made_end(info);
	made_unit_end(info);
}

static int make(struct made_bytes *info, bool compressed, char path[32])
{
	const struct made_section sections[] = {
		{ ".contents", contents, sizeof(contents), false },
		{ ".debug_abbrev", made_abbrev, sizeof(made_abbrev), compressed },
		{ ".debug_info", info->at, info->size, compressed },
	};
	const struct made_elf elf = { .entry = 0x401000,
				      .sections = sections,
				      .section_count = 3,
				      .symbols = symbols,
				      .symbol_count = 2 };

	return made_file(&elf, path);
}

static struct gm_elf *must_open(const char *path)
{
	struct gm_elf *elf = NULL;
	struct gm_error *error = gm_elf_open(path, &elf);

	if (error) {
		printf("Bail out! %s\n", error->message);
		exit(1);
	}
	return elf;
}

static void is_error(struct gm_error *error, int code, const char *what)
{
	tap_u64(error ? error->code : 0, code, what, "elf/file.h");
	gm_error_destroy(error);
}

static void test_symbols(void)
{
	struct gm_elf_symbol asked[] = { { .name = "second" }, { .name = "absent" } };
	struct made_bytes info = { .size = 0 };
	const void *data = NULL;
	size_t size = 0;
	char path[32];
	int fd = make(&info, false, path);
	struct gm_elf *elf = must_open(path);

	tap_u64(gm_elf_entry(elf), 0x401000, "entry point", "construction");
	tap_ok(!gm_elf_symbols(elf, asked, 2), "symbols are read");
	tap_u64(asked[0].address, 0x2000, "address of a symbol", "construction");
	tap_u64(asked[0].size, 24, "size of a symbol", "construction");
	tap_ok(asked[0].found && !asked[1].found, "one symbol is there, the other is not");
	tap_ok(!gm_elf_section(elf, ".contents", &data, &size), "a section");
	tap_ok(size == sizeof(contents) && !memcmp(data, contents, size), "and its bytes");
	is_error(gm_elf_section(elf, ".absent", &data, &size), ENOENT,
		 "a section that is not there");
	gm_elf_destroy(elf);
	close(fd);
}

static void test_fields(bool compressed)
{
	struct gm_elf_field asked[] = {
		{ .type = "thing" },
		{ .type = "thing", .member = "aliased" },
		{ .type = "thing", .member = "next" },
		{ .type = "thing", .member = "absent" },
		{ .type = "absent" },
	};
	struct made_bytes info = { .size = 0 };
	struct gm_elf *elf;
	char path[32];
	int fd;

	make_types(&info);
	fd = make(&info, compressed, path);
	elf = must_open(path);
	tap_ok(!gm_elf_fields(elf, "unit", asked, 5),
	       compressed ? "compressed DWARF is read" : "DWARF is read");
	tap_ok(asked[0].found && asked[0].size == 32, "size of a struct");
	tap_ok(asked[1].found && asked[1].offset == 8 && asked[1].size == 4,
	       "a member whose type has two other names");
	tap_ok(asked[2].found && asked[2].offset == 16 && asked[2].size == 8, "a pointer");
	tap_ok(!asked[3].found && !asked[4].found, "no such member, no such struct");
	is_error(gm_elf_fields(elf, "another unit", asked, 5), ENOENT, "no such unit");
	gm_elf_destroy(elf);
	close(fd);
}

#define KIND_ARRAY 17
#define KIND_POINTER 22

static bool is_array(uint64_t kind)
{
	return kind == KIND_ARRAY;
}

/* A pointer at 0x1000 and an array of four at 0x2000; what lies behind them nobody describes. */
static void test_globals(void)
{
	static const struct gm_elf_vendor vendor = { .kind = MADE_AT_KIND, .descend = is_array };
	static const struct {
		uint64_t address;
		bool found;
		uint64_t offset;
	} asked[] = {
		{ 0xff8, false, 0 },  { 0x1000, true, 0 },  { 0x1004, true, 4 },
		{ 0x1008, false, 0 }, { 0x2000, true, 0 },  { 0x201c, true, 4 },
		{ 0x2020, false, 0 }, { 0x3000, false, 0 },
	};
	struct gm_elf_debug *debug = NULL;
	struct made_bytes info = { .size = 0 };
	struct gm_elf *elf;
	uint32_t pointer;
	char path[32];
	int fd;

	made_unit(&info, "unit");
	pointer = made_kind_pointer(&info, KIND_POINTER);
	made_variable(&info, 0x2000, made_kind_array(&info, KIND_ARRAY, 32, pointer));
	made_variable(&info, 0x1000, pointer);
	made_unit_end(&info);
	fd = make(&info, false, path);
	elf = must_open(path);
	tap_ok(!gm_elf_debug_read(elf, &vendor, &debug), "variables are read");
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked) && debug; i++) {
		struct gm_elf_part part = { .offset = 0 };
		char what[64];

		snprintf(what, sizeof(what), "what DWARF says of %" PRIx64, asked[i].address);
		tap_u64(gm_elf_debug_global(debug, asked[i].address, &part), asked[i].found, what,
			"construction");
		if (asked[i].found)
			tap_u64(part.offset, asked[i].offset, "and how far into it",
				"construction");
	}
	gm_elf_debug_destroy(debug);
	gm_elf_destroy(elf);
	close(fd);
}

static struct gm_error *ask(struct made_bytes *info, struct gm_elf_field *asked)
{
	struct gm_error *error;
	struct gm_elf *elf;
	char path[32];
	int fd;

	made_unit_end(info);
	fd = make(info, false, path);
	elf = must_open(path);
	error = gm_elf_fields(elf, "unit", asked, 1);
	gm_elf_destroy(elf);
	close(fd);
	return error;
}

/* Each of these would keep libdw busy for ever. */
static void test_rings(void)
{
	struct gm_elf_field asked = { .type = "thing", .member = "endless" };
	struct made_bytes typedefs = { .size = 0 }, siblings = { .size = 0 };
	struct gm_error *error;
	uint32_t at;

	at = made_unit(&typedefs, "unit");
	at = typedefs.size;
	made_typedef(&typedefs, "itself", at);
	made_struct(&typedefs, "thing", 8);
	made_member(&typedefs, "endless", 0, at);
	made_end(&typedefs);
	error = ask(&typedefs, &asked);
	tap_ok(!error && !asked.found, "a type that is its own other name has no size");
	gm_error_destroy(error);

	made_unit(&siblings, "unit");
	at = siblings.size;
	made_block(&siblings, at);
	made_block(&siblings, at);
	made_end(&siblings);
	made_end(&siblings);
	is_error(ask(&siblings, &asked), EBADMSG, "a sibling that points back");
}

static void test_depth(void)
{
	struct gm_elf_field asked = { .type = "thing" };
	struct made_bytes info = { .size = 0 };

	made_unit(&info, "unit");
	for (int i = 0; i < 1000; i++)
		made_struct(&info, "", 0);
	gm_error_destroy(ask(&info, &asked));
	tap_ok(!asked.found, "a thousand structs in each other");
}

static void test_no_such(void)
{
	const struct made_elf empty = { .entry = 0 };
	struct gm_elf_symbol symbol = { .name = "first" };
	struct gm_elf_field field = { .type = "thing" };
	struct gm_elf *elf = NULL;
	char path[32];
	int fd;

	is_error(gm_elf_open("/nonexistent/file", &elf), ENOENT, "no such file");
	is_error(gm_elf_open("/dev/null", &elf), EBADMSG, "an empty file");
	is_error(gm_elf_open("/proc/self/maps", &elf), EBADMSG, "a text");
	fd = made_file(&empty, path);
	elf = must_open(path);
	is_error(gm_elf_symbols(elf, &symbol, 1), ENOENT, "no symbols");
	is_error(gm_elf_fields(elf, "unit", &field, 1), ENOENT, "no DWARF");
	gm_elf_destroy(elf);
	close(fd);
}

/* Whatever the bytes: an answer or an error, in time, and the sanitizers have no say. */
static void ask_all(const char *path)
{
	struct gm_elf_symbol symbol = { .name = "second" };
	struct gm_elf_field field = { .type = "thing", .member = "number" };
	struct gm_elf *elf = NULL;
	const void *data;
	size_t size;

	gm_error_destroy(gm_elf_open(path, &elf));
	if (!elf)
		return;
	gm_error_destroy(gm_elf_symbols(elf, &symbol, 1));
	gm_error_destroy(gm_elf_section(elf, ".contents", &data, &size));
	gm_error_destroy(gm_elf_fields(elf, "unit", &field, 1));
	gm_elf_destroy(elf);
}

static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void test_broken(bool compressed)
{
	struct made_bytes info = { .size = 0 };
	uint8_t bytes[MADE_BYTES];
	uint32_t state = 1;
	char path[32];
	ssize_t size;
	int fd;

	make_types(&info);
	fd = make(&info, compressed, path);
	size = pread(fd, bytes, sizeof(bytes), 0);
	for (int i = 0; i < FLIPS; i++) {
		uint32_t at = random_next(&state) % size;
		uint8_t flipped = bytes[at] ^ 1 << random_next(&state) % 8;

		if (pwrite(fd, &flipped, 1, at) != 1)
			break;
		ask_all(path);
		if (i % 4 && pwrite(fd, &bytes[at], 1, at) != 1)
			break;
	}
	tap_ok(true, compressed ? "flipped bits in a compressed file" : "flipped bits");
	if (pwrite(fd, bytes, size, 0) != size)
		abort();
	while (size-- && !ftruncate(fd, size))
		ask_all(path);
	tap_ok(size == -1, "every shorter file");
	close(fd);
}

/* Gives the file @count sections more, sparse ones of @bytes that all lie at one place; @claim:
 * how many it says to have, 0: as many as it has.
 */
static void add_sections(int fd, uint32_t type, uint64_t bytes, size_t count, uint64_t claim)
{
	Elf64_Shdr sparse = {
		.sh_type = type, .sh_offset = 1 << 20, .sh_size = bytes, .sh_entsize = 24
	};
	uint64_t table = sparse.sh_offset + bytes;
	Elf64_Shdr sections[16];
	Elf64_Ehdr header;
	ssize_t size;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		abort();
	size = header.e_shnum * sizeof(*sections);
	if (header.e_shnum + count > 16 || pread(fd, sections, size, header.e_shoff) != size)
		abort();
	for (size_t i = 0; i < count; i++)
		sections[header.e_shnum++] = sparse;
	size = header.e_shnum * sizeof(*sections);
	sections[0].sh_size = claim;
	header.e_shoff = table;
	header.e_shnum = claim ? 0 : header.e_shnum;
	if (ftruncate(fd, table + size + claim * sizeof(*sections)) ||
	    pwrite(fd, sections, size, table) != size ||
	    pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		abort();
}

/* Half a GiB for what it claims to have in tables, sections and segments, all of it empty. */
static void test_claims(void)
{
	static const struct {
		uint32_t type;
		uint64_t bytes;
		size_t count;
		uint64_t claim;
		int code;
		const char *what;
	} claims[] = {
		{ SHT_DYNSYM, 24 << 10, 4, 0, 0, "some symbols" },
		{ SHT_DYNSYM, 24 << 23, 3, 0, EBADMSG, "603 MB of symbols" },
		{ SHT_STRTAB, 24 << 23, 3, 0, EBADMSG, "603 MB of names" },
		{ SHT_PROGBITS, 24 << 23, 3, 0, 0, "603 MB of anything else" },
		{ SHT_PROGBITS, 24, 1, 1 << 20, EBADMSG, "a million sections" },
	};

	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		struct made_bytes info = { .size = 0 };
		struct gm_elf *elf = NULL;
		char path[32];
		int fd = make(&info, false, path);

		add_sections(fd, claims[i].type, claims[i].bytes, claims[i].count, claims[i].claim);
		is_error(gm_elf_open(path, &elf), claims[i].code, claims[i].what);
		gm_elf_destroy(elf);
		close(fd);
	}
}

static uint64_t most_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void test_relocations(void)
{
	struct made_bytes info = { .size = 0 };
	struct gm_elf_tls_slot slot;
	struct gm_elf *elf;
	char path[32];
	int fd = make(&info, false, path);
	uint64_t before = most_kib();

	add_sections(fd, SHT_RELA, 24 << 22, 5, 0);
	elf = must_open(path);
	tap_u64(gm_elf_tls_slots(elf, &slot, 1), 0, "20 million relocations of nothing",
		"construction");
	tap_ok(most_kib() - before < 200 << 10, "of which a part is looked at");
	gm_elf_destroy(elf);
	close(fd);
}

/* It says to be a TiB, packed. */
static void test_bomb(void)
{
	static const char bomb[] = "ZLIB\0\0\1\0\0\0\0\0x\234";
	const struct made_section section = { ".zdebug_info", bomb, sizeof(bomb), false };
	const struct made_elf what = { .sections = &section, .section_count = 1 };
	struct gm_elf_field field = { .type = "thing" };
	struct gm_error *error;
	struct gm_elf *elf;
	char path[32];
	int fd = made_file(&what, path);

	elf = must_open(path);
	error = gm_elf_fields(elf, "unit", &field, 1);
	tap_ok(error && strstr(error->message, "more DWARF than"),
	       "old DWARF that would not fit once unpacked");
	gm_error_destroy(error);
	gm_elf_destroy(elf);
	close(fd);
}

#define MEMBERS 700

/* Each question about it costs all of its members. */
static void test_wide(void)
{
	static const struct gm_elf_vendor vendor = { .kind = MADE_AT_KIND, .descend = is_array };
	const uint64_t most = GM_ELF_DEBUG_MEMBERS / MEMBERS;
	struct gm_elf_debug *debug = NULL;
	struct made_bytes info = { .size = 0 };
	struct gm_elf_part part;
	uint64_t answers = 0;
	uint32_t pointer, wide;
	struct gm_elf *elf;
	char path[32];
	int fd;

	made_unit(&info, "unit");
	pointer = made_kind_pointer(&info, KIND_POINTER);
	wide = made_struct(&info, "wide", 8);
	for (int i = 0; i < MEMBERS; i++)
		made_member(&info, "m", 0, pointer);
	made_end(&info);
	made_variable(&info, 0x1000, wide);
	made_unit_end(&info);
	fd = make(&info, false, path);
	elf = must_open(path);
	tap_ok(!gm_elf_debug_read(elf, &vendor, &debug), "a struct of 700 members");
	while (debug && answers <= most && gm_elf_debug_global(debug, 0x1000, &part))
		answers++;
	tap_u64(answers, most, "how often a word of it is asked for", "GM_ELF_DEBUG_MEMBERS");
	gm_elf_debug_destroy(debug);
	gm_elf_destroy(elf);
	close(fd);
}

/* To open one would be to wait for somebody to write. */
static void test_pipe(void)
{
	char directory[] = "/tmp/gomem-elf-XXXXXX", path[64];
	struct gm_elf *elf = NULL;

	if (!mkdtemp(directory))
		abort();
	snprintf(path, sizeof(path), "%s/pipe", directory);
	if (mkfifo(path, 0600))
		abort();
	is_error(gm_elf_open(path, &elf), EBADMSG, "a pipe is not opened");
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	alarm(120); /* a hang is a failure */
	test_symbols();
	test_fields(false);
	test_fields(true);
	test_globals();
	test_wide();
	test_rings();
	test_depth();
	test_no_such();
	test_claims();
	test_relocations();
	test_bomb();
	test_pipe();
	test_broken(false);
	test_broken(true);
	return tap_done();
}
