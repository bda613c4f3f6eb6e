// SPDX-License-Identifier: GPL-2.0-or-later
/* The files that a core left out: opened where they are still those that were mapped. */
#define _GNU_SOURCE 1 /* O_CLOEXEC */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/reader.h"
#include "os/core_parts.h"

#define HEAD_BYTES GM_CORE_PAGE_BYTES /* what the kernel dumps of an ELF file, if nothing else */
#define NOTES_MAX 64

/* The ids of GNU's and Go's linkers, with what stands before them. */
static bool is_id(const Elf64_Nhdr *note, const uint8_t *name)
{
	if (note->n_namesz != 4)
		return false;
	return (note->n_type == NT_GNU_BUILD_ID && !memcmp(name, "GNU", 4)) ||
	       (note->n_type == 4 && !memcmp(name, "Go\0", 4));
}

static uint32_t padded(uint32_t size)
{
	return (size + 3) & ~3U;
}

static bool next_note(struct gm_reader *reader, struct gm_build_id *id)
{
	const uint8_t *name, *desc;
	Elf64_Nhdr note;

	if (!gm_reader_u32(reader, &note.n_namesz) || !gm_reader_u32(reader, &note.n_descsz) ||
	    !gm_reader_u32(reader, &note.n_type) || note.n_namesz > HEAD_BYTES ||
	    note.n_descsz > HEAD_BYTES || !gm_reader_bytes(reader, padded(note.n_namesz), &name) ||
	    !gm_reader_bytes(reader, padded(note.n_descsz), &desc))
		return false;
	if (!is_id(&note, name) || note.n_descsz > GM_BUILD_ID_MAX - id->size)
		return true;
	memcpy(id->bytes + id->size, desc, note.n_descsz);
	id->size += note.n_descsz;
	return true;
}

static void read_notes(const uint8_t *head, size_t size, const Elf64_Phdr *header,
		       struct gm_build_id *id)
{
	struct gm_reader reader;

	gm_reader_init(&reader, head, size);
	if (!gm_reader_seek(&reader, header->p_offset) || header->p_filesz > size)
		return;
	if (header->p_filesz < gm_reader_left(&reader))
		reader.size = header->p_offset + header->p_filesz;
	for (int i = 0; i < NOTES_MAX && next_note(&reader, id); i++)
		;
}

/* What the first page of an ELF file says of who built it. */
static void read_id(const uint8_t *head, size_t size, struct gm_build_id *id)
{
	Elf64_Ehdr file;

	*id = (struct gm_build_id){};
	if (size < sizeof(file) || memcmp(head, ELFMAG, SELFMAG) || head[EI_CLASS] != ELFCLASS64 ||
	    head[EI_DATA] != ELFDATA2LSB)
		return;
	memcpy(&file, head, sizeof(file));
	for (size_t i = 0; i < file.e_phnum; i++) {
		Elf64_Phdr header;
		uint64_t at = file.e_phoff + i * sizeof(header);

		if (at < file.e_phoff || at > size || size - at < sizeof(header))
			return;
		memcpy(&header, head + at, sizeof(header));
		if (header.p_type == PT_NOTE)
			read_notes(head, size, &header, id);
	}
}

static size_t read_head(int fd, uint8_t head[HEAD_BYTES])
{
	ssize_t got = pread(fd, head, HEAD_BYTES, 0);

	return got > 0 ? got : 0;
}

static void id_of_file(int fd, struct gm_build_id *id)
{
	uint8_t head[HEAD_BYTES];

	read_id(head, read_head(fd, head), id);
}

static void id_in_core(const struct gm_core *core, uint64_t start, struct gm_build_id *id)
{
	uint8_t head[HEAD_BYTES];

	*id = (struct gm_build_id){};
	if (start != UINT64_MAX)
		read_id(head, gm_core_read_own(core, start, head, sizeof(head)), id);
}

static bool same_id(const struct gm_build_id *a, const struct gm_build_id *b)
{
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

/* A core may name any path: pipes and devices are none. */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;

	if (fd < 0 || (!fstat(fd, &stat) && S_ISREG(stat.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* NULL where the file is the one that was mapped; else why it is not used. */
static const char *open_backing(const struct gm_core *core, struct gm_core_backing *backing)
{
	struct gm_build_id file, memory;

	backing->tried = true;
	backing->fd = open_regular(backing->path);
	if (backing->fd < 0)
		return strerror(errno);
	id_in_core(core, backing->start, &memory);
	id_of_file(backing->fd, &file);
	if (memory.size ? same_id(&file, &memory) : backing->trusted)
		return NULL;
	close(backing->fd);
	backing->fd = -1;
	return memory.size ? "it has another build id than the one that ran" :
			     "the core has no build id to know it by";
}

void gm_core_backing_deinit(struct gm_core_backing *backing)
{
	if (backing->fd >= 0)
		close(backing->fd);
}

size_t gm_core_backing_read(struct gm_core *core, struct gm_core_backing *backing, uint64_t offset,
			    void *buffer, size_t size)
{
	ssize_t got;

	if (!backing->tried)
		open_backing(core, backing);
	if (backing->fd < 0 || offset > INT64_MAX)
		return 0;
	got = pread(backing->fd, buffer, size, offset);
	return got > 0 ? got : 0;
}

struct gm_error *gm_core_mapped(struct gm_core *core, uint64_t address, const char **path)
{
	const struct gm_core_file *file = gm_core_file_at(core, address);
	struct gm_core_backing *backing = file ? &core->backings.items[file->backing] : NULL;
	const char *why = backing ? NULL : "no file was mapped there";

	if (backing && backing->fd < 0)
		why = open_backing(core, backing);
	if (why)
		return gm_error_create(ENOENT, "cannot use %s of the core %s: %s",
				       backing ? backing->path : "an address", core->path, why);
	*path = backing->path;
	return NULL;
}

/* The mapping with the program headers is the program's. */
static size_t find_backing(const struct gm_core *core)
{
	const struct gm_core_file *file = gm_core_file_at(core, core->auxv.headers);

	return file ? file->backing : SIZE_MAX;
}

/* A core whose notes name no files may still have the program's memory. */
static struct gm_error *add_exe(struct gm_core *core, const char *exe)
{
	core->exe_path = strdup(exe);
	if (!core->exe_path)
		return gm_error_create(ENOMEM, "out of memory");
	if (core->exe == SIZE_MAX) {
		struct gm_core_backing *added = gm_vec_push(&core->backings);

		if (!added)
			return gm_error_create(ENOMEM, "out of memory");
		*added = (struct gm_core_backing){ .start = UINT64_MAX, .fd = -1 };
		core->exe = core->backings.count - 1;
	}
	core->backings.items[core->exe].path = core->exe_path;
	core->backings.items[core->exe].trusted = true;
	return NULL;
}

struct gm_error *gm_core_find_exe(struct gm_core *core, const char *exe)
{
	struct gm_error *error;
	const char *why;

	core->exe = find_backing(core);
	if (exe) {
		error = add_exe(core, exe);
		if (error)
			return error;
	}
	if (core->exe == SIZE_MAX) {
		core->exe_problem = gm_error_create(ENOENT,
						    "the core %s does not say which program it is "
						    "of; give --exe FILE",
						    core->path);
		return NULL;
	}
	why = open_backing(core, &core->backings.items[core->exe]);
	if (why && exe)
		return gm_error_create(EINVAL, "cannot use %s as the program of the core %s: %s",
				       exe, core->path, why);
	if (why)
		core->exe_problem = gm_error_create(ENOENT,
						    "cannot use %s, which the core %s is of: %s; "
						    "give --exe FILE",
						    core->backings.items[core->exe].path,
						    core->path, why);
	return NULL;
}
