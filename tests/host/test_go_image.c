// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
/* A Go program without symbols and without section headers, made here: found by its segments,
 * its function table and its code; and the same with any of its bytes changed.
 */
#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "go/buildinfo.h"
#include "go/frames.h"
#include "go/globals.h"
#include "tap.h"

#define CODE 0x401000
#define TABLE 0x402000
#define DATA 0x500000
#define MODULE (DATA + 0x100)
#define MHEAP (DATA + 0x1000)
#define DATA_BYTES 0x20000
#define MEMSTATS (DATA + 0x800)

/* The file: its headers and code, the table, and the data, one page each but the last. */
static struct {
	union {
		Elf64_Ehdr header;
		uint8_t bytes[0x1000];
	} head;
	uint8_t code[0x1000];
	uint8_t table[0x1000];
	uint8_t data[DATA_BYTES];
} file;

static struct gm_go_layout layout;

static void put(uint64_t address, uint64_t value, size_t size)
{
	uint64_t offset = address >= DATA ? address - DATA + 0x3000 : address - 0x400000;

	memcpy((uint8_t *)&file + offset, &value, size);
}

static void put_string(uint64_t address, const char *text)
{
	for (size_t i = 0; i <= strlen(text); i++)
		put(address + i, (uint8_t)text[i], 1);
}

/* Two segments, no sections. System V ABI, ELF-64. */
static void make_header(void)
{
	Elf64_Phdr *segments = (Elf64_Phdr *)(file.head.bytes + sizeof(Elf64_Ehdr));

	memcpy(file.head.header.e_ident, ELFMAG "\2\1\1", 7);
	file.head.header.e_type = ET_EXEC;
	file.head.header.e_machine = EM_X86_64;
	file.head.header.e_version = EV_CURRENT;
	file.head.header.e_entry = CODE;
	file.head.header.e_phoff = sizeof(Elf64_Ehdr);
	file.head.header.e_ehsize = sizeof(Elf64_Ehdr);
	file.head.header.e_phentsize = sizeof(Elf64_Phdr);
	file.head.header.e_phnum = 2;
	segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				    .p_flags = PF_R | PF_X,
				    .p_vaddr = 0x400000,
				    .p_filesz = 0x3000,
				    .p_memsz = 0x3000 };
	segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				    .p_flags = PF_R | PF_W,
				    .p_offset = 0x3000,
				    .p_vaddr = DATA,
				    .p_filesz = DATA_BYTES,
				    .p_memsz = DATA_BYTES };
}

/* lea mheap(%rip), %rax; call init. Intel SDM volume 2. */
static void make_code(void)
{
	put(CODE, 0x058d48, 3);
	put(CODE + 3, MHEAP - (CODE + 7), 4);
	put(CODE + 7, 0xe8, 1);
	put(CODE + 8, 0x20 - 12, 4);
}

/* As of Go 1.20: Go src/runtime/symtab.go. The names at 80, the records behind the list. */
static void make_table(void)
{
	static const uint32_t list[] = { 0, 20, 0x20, 68, 0x40 };

	put(TABLE, 0x08010000fffffff1, 8);
	put(TABLE + 8, 2, 8);
	put(TABLE + 32, 80, 8);
	put(TABLE + 40, 160, 8);
	put(TABLE + 48, 160, 8);
	put(TABLE + 56, 160, 8);
	put(TABLE + 64, 192, 8);
	put_string(TABLE + 81, "runtime.mallocinit");
	put_string(TABLE + 101, "runtime.(*mheap).init");
	for (size_t i = 0; i < 5; i++)
		put(TABLE + 192 + i * 4, list[i], 4);
	put(TABLE + 192 + 20 + 4, 1, 4);
	put(TABLE + 192 + 68, 0x20, 4);
	put(TABLE + 192 + 68 + 4, 21, 4);
}

static void put_field(enum gm_go_field field, uint64_t value)
{
	put(MODULE + gm_go_layout_offset(&layout, field), value, 8);
}

static void make_module(void)
{
	uint32_t table = gm_go_layout_offset(&layout, GM_GO_MODULE_PCLNTABLE);

	put(MODULE, TABLE, 8);
	put(MODULE + table, TABLE + 192, 8);
	put(MODULE + table + 8, 0x200, 8);
	put(MODULE + table + 16, 0x200, 8);
	put_field(GM_GO_MODULE_MINPC, CODE);
	put_field(GM_GO_MODULE_MAXPC, CODE + 0x40);
	put_field(GM_GO_MODULE_TEXT, CODE);
	put_field(GM_GO_MODULE_ETEXT, CODE + 0x40);
	put_field(GM_GO_MODULE_BSS, DATA);
	put_field(GM_GO_MODULE_EBSS, DATA + DATA_BYTES);
}

static void make_heap(void)
{
	uint64_t spanalloc = MHEAP + gm_go_layout_offset(&layout, GM_GO_MHEAP_SPANALLOC);
	uint64_t allspans = MHEAP + gm_go_layout_offset(&layout, GM_GO_MHEAP_ALLSPANS);
	uint64_t mspan = DATA + 0xa00;

	put(spanalloc, gm_go_layout_size(&layout, GM_GO_MSPAN_BYTES), 8);
	put(spanalloc + gm_go_layout_offset(&layout, GM_GO_FIXALLOC_STAT),
	    MEMSTATS + gm_go_layout_offset(&layout, GM_GO_STATS_MSPAN_SYS), 8);
	put(allspans, DATA + 0xb00, 8);
	put(allspans + 8, 1, 8);
	put(allspans + 16, 1, 8);
	put(DATA + 0xb00, mspan, 8);
	put(mspan + gm_go_layout_offset(&layout, GM_GO_MSPAN_START), 0xc000000000, 8);
	put(mspan + gm_go_layout_offset(&layout, GM_GO_MSPAN_PAGES), 1, 8);
}

/* The form up to Go 1.17: a pointer to a string. Go src/debug/buildinfo/buildinfo.go */
static void make_buildinfo(const char *version)
{
	memcpy(file.data, GM_GO_BUILDINFO_MAGIC, GM_GO_BUILDINFO_MAGIC_BYTES);
	put(DATA + 14, 8, 1);
	put(DATA + 16, DATA + 0x40, 8);
	put(DATA + 0x40, DATA + 0x50, 8);
	put(DATA + 0x48, strlen(version), 8);
	put_string(DATA + 0x50, version);
}

static void make_file(void)
{
	for (size_t i = 0; i < gm_go_layout_rows; i++)
		if (gm_go_layout_table[i].minor == 24 && gm_go_layout_table[i].machine == EM_X86_64)
			memcpy(layout.places, gm_go_layout_table[i].places, sizeof(layout.places));
	layout.machine = EM_X86_64;
	make_header();
	make_code();
	make_table();
	make_module();
	make_heap();
	make_buildinfo("go1.24.4");
}

static struct gm_error *open_made(int fd, struct gm_go_program *program)
{
	char path[32];

	*program = (struct gm_go_program){ 0 };
	if (pwrite(fd, &file, sizeof(file), 0) != sizeof(file))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return gm_elf_open(path, &program->elf);
}

/* All there is to find; what cannot be found is 0. */
struct found {
	struct gm_go_version version;
	struct gm_go_variable globals[GM_GO_GLOBAL_COUNT];
	uint64_t by_data;
	size_t frames;
	struct gm_go_frame frame;
};

static struct gm_error *find_in(const struct gm_go_program *program,
				const struct gm_go_modules *modules, struct found *found)
{
	gm_auto(gm_go_pclntab) struct gm_go_pclntab *table = NULL;
	struct gm_go_frame frames[4] = { 0 };
	struct gm_error *error;

	found->by_data = gm_go_globals_scan(program, modules, &layout);
	error = gm_go_pclntab_open(program, &modules->items[0], &table);
	if (!error)
		found->frames = gm_go_frames(program, table, CODE + 4, frames, 4);
	if (found->frames && !strcmp(frames[0].function, "runtime.mallocinit"))
		found->frame.function = "runtime.mallocinit";
	return error ?: gm_go_globals_by_code(program, modules, &layout, found->globals);
}

static struct gm_error *find_all(int fd, struct found *found)
{
	gm_auto(gm_go_modules) struct gm_go_modules *modules = NULL;
	struct gm_go_program program;
	struct gm_error *error = open_made(fd, &program);

	memset(found, 0, sizeof(*found));
	if (!error)
		error = gm_go_buildinfo_read(&program, &found->version);
	if (!error)
		error = gm_go_modules_read(&program, &layout, &modules);
	if (!error)
		error = find_in(&program, modules, found);
	gm_go_program_deinit(&program);
	return error;
}

static void test_whole(int fd)
{
	struct found found;
	struct gm_error *error = find_all(fd, &found);

	if (!tap_ok(!error, "all is found"))
		printf("# %s\n", error->message);
	gm_error_destroy(error);
	tap_str(found.version.text, "go1.24.4", "the version", "construction");
	tap_u64(found.globals[GM_GO_MHEAP].address, MHEAP, "runtime.mheap_, by code",
		"construction");
	tap_u64(found.by_data, MHEAP, "and by data", "construction");
	tap_u64(found.globals[GM_GO_MEMSTATS].address, MEMSTATS, "runtime.memstats",
		"construction");
	tap_u64(found.globals[GM_GO_ALLP].address, 0, "a global that no code uses", "construction");
	tap_u64(found.frames, 1, "one function there", "construction");
	tap_str(found.frame.function, "runtime.mallocinit", "its name", "construction");
}

static void is_refused(int fd, const char *words)
{
	struct gm_go_program program;
	struct gm_go_image image;
	struct gm_error *error = open_made(fd, &program);

	if (!error)
		error = gm_go_image_read_program(&program, &image);
	tap_ok(error && error->code == ENOTSUP && strstr(error->message, words), words);
	gm_error_destroy(error);
	gm_go_image_deinit(&image);
}

/* It has no more code than for runtime.mheap_. */
static void test_refused(int fd)
{
	is_refused(fd, "runtime.gcphase is nowhere");
	put(CODE + 3, MHEAP + 8 - (CODE + 7), 4);
	is_refused(fd, "its code has runtime.mheap_ at 501008, its data at 501000");
	put(CODE + 3, MHEAP - (CODE + 7), 4);
}

/* Each byte that has a meaning; what comes of it is not asked, only that it ends well. */
static void test_broken(int fd)
{
	static const uint8_t changes[] = { 0x01, 0x80, 0xff };
	uint8_t *bytes = (uint8_t *)&file;
	struct found found;

	for (size_t at = 0; at < sizeof(file); at++) {
		bool means = bytes[at] || at < 0x100 || (at >= 0x3000 && at < 0x3400);

		for (size_t i = 0; i < sizeof(changes) && means; i++) {
			bytes[at] ^= changes[i];
			gm_error_destroy(find_all(fd, &found));
			bytes[at] ^= changes[i];
		}
	}
	tap_ok(true, "a byte that is wrong is borne");
}

static bool count_bytes(void *context, uint64_t address, const void *bytes, size_t size)
{
	(void)address;
	(void)bytes;
	*(uint64_t *)context += size;
	return false;
}

/* All scans together see so much and no more: a file may claim any number of large segments. */
static void test_bounds(int fd)
{
	uint64_t seen = 0, left = DATA_BYTES + 64;
	struct gm_go_program program;

	gm_error_destroy(open_made(fd, &program));
	gm_go_program_scan(&program, DATA, DATA + DATA_BYTES, &left, 0, count_bytes, &seen);
	tap_u64(seen, DATA_BYTES, "a scan sees all", "construction");
	tap_u64(left, 64, "of which the rest is left", "construction");
	gm_go_program_scan(&program, DATA, DATA + DATA_BYTES, &left, 0, count_bytes, &seen);
	gm_go_program_scan(&program, DATA, DATA + DATA_BYTES, &left, 0, count_bytes, &seen);
	tap_u64(seen, DATA_BYTES + 64, "for the next ones", "construction");
	gm_go_program_deinit(&program);
}

int main(void)
{
	int fd = memfd_create("made", MFD_CLOEXEC);

	make_file();
	test_whole(fd);
	test_refused(fd);
	test_bounds(fd);
	test_broken(fd);
	close(fd);
	return tap_done();
}
