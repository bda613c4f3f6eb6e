// SPDX-License-Identifier: GPL-2.0-or-later
/* Small cores, built here: what they hold, what they prove, and what they may not do to us. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "os/core.h"
#include "tap.h"

#define PAGE 4096ULL
#define SEGMENTS_MAX 8
#define SOURCE "what was written"

/**
 * struct plan - a core to be
 * @segments: of memory; .p_offset counted from the end of the notes
 * @notes: NT_FILE's content and others', as they stand in the file
 */
struct plan {
	Elf64_Phdr segments[SEGMENTS_MAX];
	size_t count;
	uint8_t notes[4096];
	size_t notes_size;
	uint64_t data_at;
};

static char path[] = "/tmp/gomem-test-core-XXXXXX";
static char other[] = "/tmp/gomem-test-file-XXXXXX";

static void add_note(struct plan *plan, uint32_t type, const void *desc, uint32_t size)
{
	Elf64_Nhdr header = { 5, size, type };
	uint8_t *at = plan->notes + plan->notes_size;

	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), "CORE\0\0\0", 8);
	memcpy(at + sizeof(header) + 8, desc, size);
	plan->notes_size += sizeof(header) + 8 + (size + 3) / 4 * 4;
}

static void add_auxv(struct plan *plan, uint64_t random, uint64_t headers)
{
	uint64_t auxv[] = { AT_ENTRY, 0x401000, AT_RANDOM, random, AT_PHDR, headers, AT_NULL, 0 };

	add_note(plan, NT_AUXV, auxv, sizeof(auxv));
}

static void add_process(struct plan *plan)
{
	struct elf_prpsinfo process = { .pr_pid = 4711, .pr_fname = "a\nname" };

	add_note(plan, NT_PRPSINFO, &process, sizeof(process));
}

/* One mapping of one file; @claimed: how many the note says it has. */
static void add_file(struct plan *plan, uint64_t start, uint64_t end, const char *file,
		     uint64_t claimed)
{
	uint8_t desc[256] = { 0 };
	uint64_t words[] = { claimed, PAGE, start, end, 0 };

	memcpy(desc, words, sizeof(words));
	strcpy((char *)desc + sizeof(words), file);
	add_note(plan, NT_FILE, desc, sizeof(words) + strlen(file) + 1);
}

static Elf64_Phdr *add_segment(struct plan *plan, uint64_t start, uint64_t pages, uint64_t offset,
			       uint64_t bytes)
{
	Elf64_Phdr *header = &plan->segments[plan->count++];

	*header = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_flags = PF_R | PF_W,
				.p_vaddr = start,
				.p_memsz = pages * PAGE,
				.p_offset = offset,
				.p_filesz = bytes };
	return header;
}

static void put(int fd, const void *bytes, size_t size, uint64_t at)
{
	if (pwrite(fd, bytes, size, at) != (ssize_t)size)
		abort();
}

/* Notes, then at a page's start the data: @data_bytes, of which pages with content at @full. */
static void write_core(struct plan *plan, uint64_t data_bytes, const uint64_t *full, size_t count)
{
	Elf64_Ehdr header = { .e_ident = ELFMAG,
			      .e_type = ET_CORE,
			      .e_machine = EM_X86_64,
			      .e_version = 1,
			      .e_phoff = sizeof(header),
			      .e_ehsize = sizeof(header),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = plan->count + 1 };
	Elf64_Phdr notes = { .p_type = PT_NOTE, .p_filesz = plan->notes_size };
	int fd = open(path, O_RDWR | O_TRUNC);
	char page[PAGE];

	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_ident[EI_VERSION] = 1;
	notes.p_offset = sizeof(header) + (plan->count + 1) * sizeof(notes);
	plan->data_at = (notes.p_offset + plan->notes_size + PAGE - 1) / PAGE * PAGE;
	put(fd, &header, sizeof(header), 0);
	put(fd, &notes, sizeof(notes), sizeof(header));
	for (size_t i = 0; i < plan->count; i++) {
		plan->segments[i].p_offset += plan->data_at;
		put(fd, &plan->segments[i], sizeof(notes),
		    sizeof(header) + (i + 1) * sizeof(notes));
	}
	put(fd, plan->notes, plan->notes_size, notes.p_offset);
	if (ftruncate(fd, plan->data_at + data_bytes))
		abort();
	for (size_t i = 0; i < count; i++) {
		memset(page, 'a' + i, sizeof(page));
		put(fd, page, sizeof(page), plan->data_at + full[i] * PAGE);
	}
	close(fd);
}

static struct gm_core *open_core(void)
{
	struct gm_core *core = NULL;
	struct gm_error *error = gm_core_open(path, NULL, &core);

	if (!tap_ok(!error, "the core opens"))
		printf("# %s\n", error->message);
	gm_error_destroy(error);
	return core;
}

static void refuse(int code, const char *words, const char *what)
{
	struct gm_core *core = NULL;
	struct gm_error *error = gm_core_open(path, NULL, &core);

	tap_u64(error ? error->code : 0, code, what, SOURCE);
	tap_ok(error && strstr(error->message, words), "and the message says why");
	if (error && !strstr(error->message, words))
		printf("# %s\n", error->message);
	gm_error_destroy(error);
	gm_core_destroy(core);
}

static void check_read(struct gm_mem *mem, uint64_t address, size_t size, int first, int last,
		       const char *what)
{
	char buffer[16384];
	struct gm_error *error = gm_mem_read(mem, address, buffer, size);

	if (tap_ok(error ? first < 0 : first >= 0, what) && !error) {
		tap_u64(buffer[0], first, "its first byte", SOURCE);
		tap_u64(buffer[size - 1], last, "and its last", SOURCE);
	}
	gm_error_destroy(error);
}

/* Two segments that touch, the second with holes and an end that was left out, and a stack. */
static void plan_memory(struct plan *plan)
{
	*plan = (struct plan){};
	add_process(plan);
	add_auxv(plan, 0x7f0000000010, 0);
	add_segment(plan, 0x10000, 1, 0, PAGE);
	add_segment(plan, 0x11000, 5, PAGE, 3 * PAGE);
	add_segment(plan, 0x7f0000000000, 1, 4 * PAGE, PAGE);
	add_segment(plan, 0x7f0000001000, 0, 0, 0);
	add_segment(plan, UINT64_MAX - PAGE + 1, 2, 0, PAGE);
	add_segment(plan, 0x11000, 9, 0, PAGE)->p_flags = PF_X;
	write_core(plan, 5 * PAGE, (const uint64_t[]){ 0, 1, 3, 4 }, 4);
}

static void test_mem(struct gm_core *core)
{
	gm_auto(gm_mem) struct gm_mem *mem = NULL;

	if (!tap_ok(!gm_core_mem(core, &mem), "its memory"))
		return;
	check_read(mem, 0x10000, 8, 'a', 'a', "a word");
	check_read(mem, 0x10ffc, 8, 'a', 'b', "across segments");
	check_read(mem, 0x12ffc, 8, 0, 'c', "out of a hole, which is zero");
	check_read(mem, 0x13ffc, 8, -1, 0, "not what was left out");
	check_read(mem, 0xfffc, 8, -1, 0, "nor below");
	check_read(mem, UINT64_MAX - 3, 8, -1, 0, "nor around");
}

static void test_maps(struct gm_core *core)
{
	gm_auto(gm_pages) struct gm_pages *pages = NULL;
	gm_auto(gm_maps) struct gm_maps *maps = NULL;

	if (!tap_ok(!gm_core_maps(core, &maps), "its maps"))
		return;
	if (tap_u64(maps->count, 3, "no empty, no overlapping ones", SOURCE)) {
		tap_u64(maps->items[1].end, 0x16000, "whole, also what was left out", SOURCE);
		tap_str(maps->items[1].perms, "rw-p", "the first of two that overlap", SOURCE);
		tap_u64(maps->items[2].kind, GM_VMA_STACK, "the stack", "AT_RANDOM");
	}
	if (!tap_ok(!gm_core_pages(core, maps, &pages), "its pages"))
		return;
	if (tap_u64(pages->count, 3, "runs: two pages, one, and the stack", SOURCE)) {
		tap_u64(pages->items[0].pages, 2, "one run over two segments", SOURCE);
		tap_u64(pages->items[1].start, 0x13000, "a hole is no page", SOURCE);
	}
	tap_ok(pages->missing && strstr(pages->missing, "huge"), "it says what it cannot tell");
}

static void test_memory(void)
{
	struct gm_process process;
	struct gm_core *core;
	struct plan plan;

	plan_memory(&plan);
	core = open_core();
	if (!core)
		return;
	test_mem(core);
	test_maps(core);
	gm_core_process(core, &process);
	tap_str(process.comm, "a?name", "its name, printable", SOURCE);
	tap_u64(gm_core_pid(core), 4711, "its pid", SOURCE);
	tap_u64(gm_core_entry(core), 0x401000, "its entry", SOURCE);
	tap_str(gm_core_remark(core), NULL, "nothing is wrong with it", SOURCE);
	gm_core_destroy(core);
}

/* Without a hole in it, a page of zeros may as well have been none. */
static void test_no_holes(void)
{
	gm_auto(gm_pages) struct gm_pages *pages = NULL;
	gm_auto(gm_maps) struct gm_maps *maps = NULL;
	gm_auto(gm_core) struct gm_core *core = NULL;
	const char zeros[PAGE] = { 0 };
	struct plan plan;
	int fd;

	plan_memory(&plan);
	fd = open(path, O_WRONLY);
	put(fd, zeros, sizeof(zeros), plan.data_at + 2 * PAGE);
	close(fd);
	core = open_core();
	if (!core || gm_core_maps(core, &maps) || gm_core_pages(core, maps, &pages))
		return;
	tap_u64(pages->count, 3, "zeros prove nothing", SOURCE);
	tap_ok(strstr(pages->missing, "zeros"), "and it says so");
}

static void test_cut(void)
{
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	gm_auto(gm_core) struct gm_core *core = NULL;
	struct plan plan;

	plan_memory(&plan);
	if (truncate(path, plan.data_at + 3 * PAGE + 100))
		abort();
	core = open_core();
	if (!core || gm_core_mem(core, &mem))
		return;
	tap_ok(gm_core_remark(core) && strstr(gm_core_remark(core), " 8092 bytes"),
	       "cut short: it says by how much");
	check_read(mem, 0x13000, 100, 'c', 'c', "what is left is there");
	check_read(mem, 0x13000, 101, -1, 0, "and no more");
	if (truncate(path, plan.data_at - PAGE + 600))
		abort();
	refuse(EBADMSG, "end of its notes", "cut in its notes");
	if (truncate(path, 100))
		abort();
	refuse(EBADMSG, "cut short", "cut in its headers");
	if (truncate(path, 0))
		abort();
	refuse(EBADMSG, "not an ELF file", "empty");
}

static void test_hostile(void)
{
	struct plan plan = {};

	add_file(&plan, 0x10000, 0x12000, "/x", UINT64_MAX / 24);
	add_segment(&plan, 0x10000, 1, 0, PAGE);
	write_core(&plan, PAGE, NULL, 0);
	refuse(EBADMSG, "mapped files is cut short", "files without end");

	plan = (struct plan){};
	add_segment(&plan, 0x10000, 1, UINT64_MAX - 8192, UINT64_MAX)->p_type = PT_NOTE;
	write_core(&plan, PAGE, NULL, 0);
	refuse(EBADMSG, "notes", "notes anywhere");
}

/* An ELF file's first page, with Go's build id. */
static void write_program(const char *file, const char *id)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr note;
		Elf64_Nhdr id;
		char name[4];
		char bytes[8];
	} program = {
		.header = { .e_ident = ELFMAG, .e_phoff = sizeof(Elf64_Ehdr), .e_phnum = 1 },
		.note = { .p_type = PT_NOTE, .p_offset = 120, .p_filesz = 24 },
		.id = { 4, 8, 4 },
		.name = "Go",
	};
	char pages[3 * PAGE] = { 0 };
	int fd = open(file, O_RDWR | O_TRUNC);

	program.header.e_ident[EI_CLASS] = ELFCLASS64;
	program.header.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(program.bytes, id, 8);
	memcpy(pages, &program, sizeof(program));
	pages[2 * PAGE] = 'z';
	put(fd, pages, sizeof(pages), 0);
	close(fd);
}

/* The core has the first page of a file, as the kernel writes it, and not the others. */
static void plan_program(const char *id)
{
	struct plan plan = {};
	char page[PAGE];
	int fd;

	add_file(&plan, 0x400000, 0x403000, other, 1);
	add_auxv(&plan, 0, 0x400040);
	add_segment(&plan, 0x400000, 3, 0, PAGE);
	write_program(other, id);
	write_core(&plan, PAGE, NULL, 0);
	fd = open(other, O_RDONLY);
	if (read(fd, page, sizeof(page)) != sizeof(page))
		abort();
	close(fd);
	fd = open(path, O_WRONLY);
	put(fd, page, sizeof(page), plan.data_at);
	close(fd);
}

static void check_exe(const char *exe, int code, const char *what)
{
	gm_auto(gm_core) struct gm_core *core = NULL;
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	struct gm_error *error = gm_core_open(path, exe, &core);
	const char *its = NULL;

	if (!error)
		error = gm_core_exe(core, &its);
	tap_u64(error ? error->code : 0, code, what, SOURCE);
	gm_error_destroy(error);
	if (!core || gm_core_mem(core, &mem))
		return;
	check_read(mem, 0x402000, 8, code ? -1 : 'z', 0, "what the core left out of it");
}

static void test_program(void)
{
	plan_program("buildid1");
	check_exe(NULL, 0, "the program that the core names");
	check_exe(other, 0, "the same, said");
	check_exe("/bin/ls", EINVAL, "another one");
	write_program(other, "buildid2");
	check_exe(NULL, ENOENT, "built again since");
	check_exe(other, EINVAL, "built again since, said");
	unlink(other);
	check_exe(NULL, ENOENT, "gone");
}

int main(void)
{
	close(mkstemp(path));
	close(mkstemp(other));
	test_memory();
	test_no_holes();
	test_cut();
	test_hostile();
	test_program();
	unlink(path);
	return tap_done();
}
