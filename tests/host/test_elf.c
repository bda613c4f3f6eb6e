// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
/* The ELF room on files made here: right ones, odd ones, broken ones. */
#include <errno.h>
#include <unistd.h>

#include "elf/file.h"
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

int main(void)
{
	alarm(120); /* a hang is a failure */
	test_symbols();
	test_fields(false);
	test_fields(true);
	test_rings();
	test_depth();
	test_no_such();
	test_broken(false);
	test_broken(true);
	return tap_done();
}
