// SPDX-License-Identifier: GPL-2.0-or-later
/* The program headers and notes of a core, read by libelf. */
#define _GNU_SOURCE 1 /* asprintf */
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/procfs.h>

#include "base/reader.h"
#include "os/core_parts.h"

#define SEGMENTS_MAX (1U << 21) /* beyond any vm.max_map_count that serves */
#define FILES_MAX (1U << 21)
#define NOTES_MAX (256ULL << 20) /* 12 KiB a thread, and the names of files */

static struct gm_error *corrupt(const struct gm_core *core, const char *what)
{
	return gm_error_create(EBADMSG, "cannot read the core %s: %s", core->path, what);
}

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static struct gm_error *check_header(const struct gm_core *core, Elf *elf)
{
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return corrupt(core, "it is not an ELF file");
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return corrupt(core, "only those of 64-bit little-endian processes are supported");
	if (header.e_type != ET_CORE)
		return corrupt(core, "it is an ELF file, but not a core");
	return NULL;
}

/* Empty ones and those that no process can have are none. */
static struct gm_error *add_segment(struct gm_core *core, const GElf_Phdr *header)
{
	uint64_t end, floor = ~(uint64_t)(GM_CORE_PAGE_BYTES - 1);
	struct gm_core_segment *added;

	if (__builtin_add_overflow(header->p_vaddr, header->p_memsz, &end) || !header->p_memsz ||
	    (header->p_vaddr | end) & ~floor)
		return NULL;
	added = gm_vec_push(&core->segments);
	if (!added)
		return no_memory();
	*added = (struct gm_core_segment){
		.start = header->p_vaddr,
		.end = end,
		.offset = header->p_offset,
		.bytes = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz,
		.readable = header->p_flags & PF_R,
		.writable = header->p_flags & PF_W,
		.executable = header->p_flags & PF_X,
	};
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* By address; of two that overlap, the one that begins first. */
static void sort_segments(struct gm_core *core)
{
	size_t kept = 0;
	uint64_t floor = 0;

	if (core->segments.count)
		qsort(core->segments.items, core->segments.count, sizeof(*core->segments.items),
		      by_start);
	for (size_t i = 0; i < core->segments.count; i++) {
		const struct gm_core_segment *segment = &core->segments.items[i];

		if (segment->start < floor)
			continue;
		floor = segment->end;
		core->segments.items[kept++] = *segment;
	}
	core->segments.count = kept;
}

static void sort_files(struct gm_core *core)
{
	size_t kept = 0;
	uint64_t floor = 0;

	if (core->files.count)
		qsort(core->files.items, core->files.count, sizeof(*core->files.items), by_start);
	for (size_t i = 0; i < core->files.count; i++) {
		const struct gm_core_file *file = &core->files.items[i];

		if (file->start < floor)
			continue;
		floor = file->end;
		core->files.items[kept++] = *file;
	}
	core->files.count = kept;
}

/* A file that ends before its segments do has lost their ends. */
static struct gm_error *cut_segments(struct gm_core *core)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < core->segments.count; i++) {
		struct gm_core_segment *segment = &core->segments.items[i];
		uint64_t left = segment->offset < core->size ? core->size - segment->offset : 0;

		if (segment->bytes <= left)
			continue;
		lost = __builtin_add_overflow(lost, segment->bytes - left, &lost) ? UINT64_MAX :
										    lost;
		segment->bytes = left;
	}
	if (lost && asprintf(&core->remark,
			     "the core %s was cut short: %" PRIu64 " bytes of memory are missing "
			     "at its end, and count as not there",
			     core->path, lost) < 0) {
		core->remark = NULL;
		return no_memory();
	}
	return NULL;
}

static void take_process(struct gm_core *core, const void *desc, size_t size)
{
	struct elf_prpsinfo process;

	if (size < sizeof(process))
		return;
	memcpy(&process, desc, sizeof(process));
	core->pid = process.pr_pid;
	memcpy(core->comm, process.pr_fname, sizeof(process.pr_fname));
}

static void take_auxv(struct gm_core *core, const void *desc, size_t size)
{
	struct gm_reader reader;
	uint64_t type, value;

	gm_reader_init(&reader, desc, size);
	while (gm_reader_u64(&reader, &type) && gm_reader_u64(&reader, &value)) {
		if (type == AT_ENTRY)
			core->auxv.entry = value;
		else if (type == AT_PHDR)
			core->auxv.headers = value;
		else if (type == AT_RANDOM)
			core->auxv.random = value;
		else if (type == AT_SYSINFO_EHDR)
			core->auxv.vdso = value;
	}
}

/* The paths follow the ranges, each ended by a NUL; the last one by the copy's, if need be. */
static const char *next_path(const char **at, const char *end)
{
	const char *path = *at;

	if (path >= end)
		return "";
	*at = path + strlen(path) + 1;
	return path;
}

static struct gm_error *add_file(struct gm_core *core, const uint64_t range[3], uint64_t page,
				 const char *path)
{
	uint64_t floor = ~(uint64_t)(GM_CORE_PAGE_BYTES - 1), offset;
	struct gm_core_file *added;

	if (range[0] >= range[1] || (range[0] | range[1]) & ~floor ||
	    __builtin_mul_overflow(range[2], page, &offset) ||
	    __builtin_add_overflow(offset, range[1] - range[0], &(uint64_t){ 0 }))
		return NULL;
	added = gm_vec_push(&core->files);
	if (!added)
		return no_memory();
	*added = (struct gm_core_file){ range[0], range[1], offset, path, 0 };
	return NULL;
}

/* NT_FILE: how many, the unit of offsets; start, end and offset of each; then their paths.
 * Linux fs/binfmt_elf.c: fill_files_note().
 */
static struct gm_error *take_files(struct gm_core *core, const void *desc, size_t size)
{
	char *copy = malloc(size + 1), **kept = gm_vec_push(&core->notes);
	const char *path;
	struct gm_error *error = NULL;
	struct gm_reader reader;
	uint64_t count, page;

	if (!copy || !kept) {
		free(copy);
		return no_memory();
	}
	*kept = copy;
	memcpy(copy, desc, size);
	copy[size] = '\0';
	gm_reader_init(&reader, copy, size);
	if (!gm_reader_u64(&reader, &count) || !gm_reader_u64(&reader, &page) ||
	    count > gm_reader_left(&reader) / 24 || count > FILES_MAX - core->files.count)
		return corrupt(core, "its list of mapped files is cut short");
	path = copy + 16 + count * 24;
	while (count-- && !error) {
		uint64_t range[3];

		for (size_t i = 0; i < 3; i++)
			if (!gm_reader_u64(&reader, &range[i]))
				return corrupt(core, "its list of mapped files is cut short");
		error = add_file(core, range, page, next_path(&path, copy + size));
	}
	return error;
}

static struct gm_error *take_note(struct gm_core *core, uint32_t type, const void *desc,
				  size_t size)
{
	switch (type) {
	case NT_PRSTATUS:
		core->threads++;
		break;
	case NT_PRPSINFO:
		take_process(core, desc, size);
		break;
	case NT_AUXV:
		take_auxv(core, desc, size);
		break;
	case NT_FILE:
		return take_files(core, desc, size);
	}
	return NULL;
}

static struct gm_error *read_notes(struct gm_core *core, Elf *elf, const GElf_Phdr *header)
{
	struct gm_error *error = NULL;
	size_t at = 0, name, desc;
	Elf_Data *data;
	GElf_Nhdr note;

	if (header->p_filesz > NOTES_MAX - core->note_bytes)
		return corrupt(core, "its notes are larger than 256 MiB");
	core->note_bytes += header->p_filesz;
	if (header->p_offset > core->size || header->p_filesz > core->size - header->p_offset)
		return corrupt(core, "it was cut short before the end of its notes, without which "
				     "nothing can be told");
	data = elf_getdata_rawchunk(elf, header->p_offset, header->p_filesz, ELF_T_NHDR);
	if (!data)
		return corrupt(core, elf_errmsg(-1));
	while (!error && (at = gelf_getnote(data, at, &note, &name, &desc))) {
		const char *bytes = data->d_buf;

		if (note.n_namesz == 5 && !memcmp(bytes + name, "CORE", 5))
			error = take_note(core, note.n_type, bytes + desc, note.n_descsz);
	}
	return error;
}

static struct gm_error *read_headers(struct gm_core *core, Elf *elf)
{
	struct gm_error *error = check_header(core, elf);
	GElf_Phdr header;
	size_t count;

	if (error)
		return error;
	if (elf_getphdrnum(elf, &count) || !count)
		return corrupt(core,
			       "it has no program headers, or was cut short before their end");
	if (count > SEGMENTS_MAX)
		return corrupt(core, "it has too many program headers");
	for (size_t i = 0; i < count && !error; i++) {
		if (!gelf_getphdr(elf, i, &header))
			return corrupt(core, "it was cut short before the end of its headers");
		if (header.p_type == PT_LOAD)
			error = add_segment(core, &header);
		else if (header.p_type == PT_NOTE)
			error = read_notes(core, elf, &header);
	}
	return error;
}

/* Neighbours of one path are one backing. */
static struct gm_error *add_backings(struct gm_core *core)
{
	for (size_t i = 0; i < core->files.count; i++) {
		struct gm_core_file *file = &core->files.items[i];
		struct gm_core_backing *backing;
		size_t last = core->backings.count;

		if (!last || strcmp(core->backings.items[last - 1].path, file->path)) {
			backing = gm_vec_push(&core->backings);
			if (!backing)
				return no_memory();
			*backing = (struct gm_core_backing){ file->path, UINT64_MAX, -1, false,
							     false };
			last++;
		}
		backing = &core->backings.items[last - 1];
		if (!file->offset && backing->start == UINT64_MAX)
			backing->start = file->start;
		file->backing = last - 1;
	}
	return NULL;
}

struct gm_error *gm_core_parse(struct gm_core *core)
{
	struct gm_error *error;
	Elf *elf;

	elf_version(EV_CURRENT);
	/* Not mapped: a file that shrinks under us must be an error, not a SIGBUS. */
	elf = elf_begin(core->fd, ELF_C_READ, NULL);
	if (!elf)
		return corrupt(core, elf_errmsg(-1));
	error = read_headers(core, elf);
	elf_end(elf);
	if (error)
		return error;
	sort_segments(core);
	sort_files(core);
	error = cut_segments(core);
	return error ?: add_backings(core);
}
