// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* O_PATH */
#include "go/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

#define AUXV_MAX 64
#define PAGE_BYTES 4096
#define PIECE_BYTES (256U << 10)

/* Where the kernel entered the program: with the file's e_entry, the load bias. */
static struct gm_error *read_entry(pid_t pid, uint64_t *entry)
{
	Elf64_auxv_t auxv[AUXV_MAX];
	char path[32];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return gm_error_errno(errno, "cannot open %s", path);
	size = read(fd, auxv, sizeof(auxv));
	close(fd);
	for (ssize_t i = 0; i < size / (ssize_t)sizeof(auxv[0]); i++) {
		if (auxv[i].a_type != AT_ENTRY)
			continue;
		*entry = auxv[i].a_un.a_val;
		return NULL;
	}
	return gm_error_create(EIO, "cannot tell where %d was loaded: %s names no entry point", pid,
			       path);
}

struct gm_error *gm_go_program_open_file(const char *path, uint64_t entry, struct gm_mem *mem,
					 struct gm_go_program *program)
{
	struct gm_error *error;

	*program = (struct gm_go_program){ .mem = mem };
	error = gm_elf_open(path, &program->elf);
	if (!error)
		program->bias = entry - gm_elf_entry(program->elf);
	return error;
}

struct gm_error *gm_go_program_open(pid_t pid, struct gm_mem *mem, struct gm_go_program *program)
{
	struct gm_error *error;
	uint64_t entry;
	char path[32];

	*program = (struct gm_go_program){};
	error = read_entry(pid, &entry);
	if (error)
		return error;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return gm_go_program_open_file(path, entry, mem, program);
}

/* By its path as the process sees it: it chose what lies there. */
static struct gm_error *open_in_root(pid_t pid, const char *name, struct gm_elf **elf)
{
	gm_autoclose int root = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root = open(path, O_PATH | O_CLOEXEC);
	return root < 0 ? gm_proc_error(pid, "root", errno) : gm_elf_open_in(root, name, elf);
}

/* By the mapping itself, which is right when the file was deleted or lies in another mount
 * namespace; some kernels want a capability for that.
 */
static struct gm_error *open_mapped(pid_t pid, const struct gm_vma *vma, struct gm_elf **elf)
{
	struct gm_error *error;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid,
		 vma->start, vma->end);
	error = gm_elf_open(path, elf);
	if (!error)
		return NULL;
	gm_error_destroy(error);
	return open_in_root(pid, vma->name, elf);
}

/* A segment is mapped by whole pages of the file. */
static bool find_bias(const struct gm_elf *elf, const struct gm_vma *vma, uint64_t *bias)
{
	struct gm_elf_segment segments[GM_ELF_SEGMENTS_MAX];
	size_t count = gm_elf_segments(elf, segments, GM_ELF_SEGMENTS_MAX);

	for (size_t i = 0; i < count; i++) {
		const struct gm_elf_segment *segment = &segments[i];
		uint64_t start = segment->offset & -PAGE_BYTES;

		if (!segment->executable || vma->offset < start ||
		    vma->offset - start >= segment->file_bytes + (segment->offset - start))
			continue;
		*bias = vma->start - (segment->address + vma->offset - segment->offset);
		return true;
	}
	return false;
}

static struct gm_error *set_bias(struct gm_go_program *program, const struct gm_vma *vma)
{
	if (find_bias(program->elf, vma, &program->bias))
		return NULL;
	return gm_error_create(EBADMSG, "%s has no code where it is mapped", vma->name);
}

struct gm_error *gm_go_program_open_mapped(pid_t pid, const struct gm_vma *vma, struct gm_mem *mem,
					   struct gm_go_program *program)
{
	struct gm_error *error;

	*program = (struct gm_go_program){ .mem = mem };
	error = open_mapped(pid, vma, &program->elf);
	return error ?: set_bias(program, vma);
}

struct gm_error *gm_go_program_open_file_mapped(const char *path, const struct gm_vma *vma,
						struct gm_mem *mem, struct gm_go_program *program)
{
	struct gm_error *error;

	*program = (struct gm_go_program){ .mem = mem };
	error = gm_elf_open(path, &program->elf);
	return error ?: set_bias(program, vma);
}

void gm_go_program_deinit(struct gm_go_program *program)
{
	gm_elf_destroy(program->elf);
	memset(program, 0, sizeof(*program));
}

struct gm_error *gm_go_program_read(const struct gm_go_program *program, uint64_t address,
				    void *buffer, size_t size)
{
	struct gm_error *error = NULL;

	if (program->mem) {
		error = gm_mem_read(program->mem, address, buffer, size);
		if (!error || !program->elf)
			return error;
	}
	gm_error_destroy(error);
	if (!program->elf)
		return gm_error_create(EFAULT, "nothing is known of %" PRIx64, address);
	return gm_elf_read(program->elf, address - program->bias, buffer, size);
}

size_t gm_go_program_segments(const struct gm_go_program *program, struct gm_elf_segment *segments,
			      size_t max)
{
	size_t count = program->elf ? gm_elf_segments(program->elf, segments, max) : 0;

	for (size_t i = 0; i < count; i++)
		segments[i].address += program->bias;
	return count;
}

static bool scan_piece(const struct gm_go_program *program, uint64_t address, size_t size,
		       void *buffer, gm_go_scanner scanner, void *context)
{
	struct gm_error *error = gm_go_program_read(program, address, buffer, size);

	if (error) {
		gm_error_destroy(error);
		return false;
	}
	return scanner(context, address, buffer, size);
}

bool gm_go_program_scan(const struct gm_go_program *program, uint64_t start, uint64_t end,
			uint64_t *left, size_t overlap, gm_go_scanner scanner, void *context)
{
	gm_autofree void *buffer = malloc(PIECE_BYTES);
	bool found = false;

	start = (start + 7) & ~7ULL;
	overlap = (overlap + 7) & ~7ULL;
	while (buffer && !found && start < end) {
		size_t size = end - start < PIECE_BYTES ? end - start : PIECE_BYTES;

		size = size < *left ? size : *left;
		found = scan_piece(program, start, size, buffer, scanner, context);
		*left -= size;
		if (size < PIECE_BYTES)
			break;
		start += size - overlap;
	}
	return found;
}
