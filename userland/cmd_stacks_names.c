// SPDX-License-Identifier: GPL-2.0-or-later
/* Code addresses to functions: what is mapped there, and the symbols of that file. */
#define _GNU_SOURCE 1 /* asprintf */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd_stacks.h"
#include "elf/functions.h"
#include "os/maps.h"

/* @maps: NULL where the process is gone */
struct process {
	pid_t pid;
	struct gm_maps *maps;
};

/* A file by what the kernel says of it; @functions: NULL where it could not be read. */
struct file {
	uint64_t inode;
	char *name;
	struct gm_elf_functions *functions;
};

struct gm_stacks_names {
	GM_VEC(struct process);
	struct {
		GM_VEC(struct file);
	} files;
};

struct gm_error *gm_stacks_names_create(struct gm_stacks_names **names)
{
	*names = calloc(1, sizeof(**names));
	return *names ? NULL : gm_error_create(ENOMEM, "out of memory");
}

void gm_stacks_names_destroy(struct gm_stacks_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->count; i++)
		gm_maps_destroy(names->items[i].maps);
	for (size_t i = 0; i < names->files.count; i++) {
		gm_elf_functions_destroy(names->files.items[i].functions);
		free(names->files.items[i].name);
	}
	free(names->items);
	free(names->files.items);
	free(names);
}

static const struct gm_maps *maps_of(struct gm_stacks_names *names, pid_t pid)
{
	struct process *process;

	for (size_t i = 0; i < names->count; i++) {
		if (names->items[i].pid == pid)
			return names->items[i].maps;
	}
	process = gm_vec_push(names);
	if (!process)
		return NULL;
	process->pid = pid;
	gm_error_destroy(gm_maps_read(pid, &process->maps));
	return process->maps;
}

/* By the mapping itself, which is right when the file was deleted or lies in another mount
 * namespace; some kernels want a capability for that, then by its path there.
 */
static struct gm_error *open_mapped(pid_t pid, const struct gm_vma *vma, struct gm_elf **elf)
{
	gm_autofree char *path = NULL;
	struct gm_error *error;

	if (asprintf(&path, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, vma->start,
		     vma->end) < 0) {
		path = NULL;
		return gm_error_create(ENOMEM, "out of memory");
	}
	error = gm_elf_open(path, elf);
	if (!error)
		return NULL;
	gm_error_destroy(error);
	free(path);
	if (asprintf(&path, "/proc/%d/root%s", (int)pid, vma->name) < 0) {
		path = NULL;
		return gm_error_create(ENOMEM, "out of memory");
	}
	return gm_elf_open(path, elf);
}

static struct gm_elf_functions *read_functions(pid_t pid, const struct gm_vma *vma)
{
	gm_auto(gm_elf) struct gm_elf *elf = NULL;
	struct gm_elf_functions *functions = NULL;
	struct gm_error *error = open_mapped(pid, vma, &elf);

	if (!error)
		error = gm_elf_functions_read(elf, &functions);
	gm_error_destroy(error);
	return functions;
}

static const struct gm_elf_functions *functions_of(struct gm_stacks_names *names, pid_t pid,
						   const struct gm_vma *vma)
{
	struct file *file;

	for (size_t i = 0; i < names->files.count; i++) {
		file = &names->files.items[i];
		if (file->inode == vma->inode && !strcmp(file->name, vma->name))
			return file->functions;
	}
	file = gm_vec_push(&names->files);
	if (!file)
		return NULL;
	file->inode = vma->inode;
	file->name = strdup(vma->name);
	if (!file->name) {
		names->files.count--;
		return NULL;
	}
	file->functions = read_functions(pid, vma);
	return file->functions;
}

/* A return address may be the first of the next function: what called lies before it. */
static void name_frame(struct gm_stacks_names *names, pid_t pid, bool is_return,
		       struct gm_stacks_frame *frame)
{
	const struct gm_maps *maps = maps_of(names, pid);
	uint64_t address = frame->address - is_return;
	const struct gm_elf_functions *functions;
	const struct gm_vma *vma;
	const char *slash;

	vma = maps ? gm_maps_find(maps, address) : NULL;
	if (!vma || !*vma->name)
		return;
	slash = strrchr(vma->name, '/');
	frame->file = slash ? slash + 1 : vma->name;
	if (!vma->inode)
		return;
	functions = functions_of(names, pid, vma);
	if (functions)
		frame->function =
			gm_elf_functions_at(functions, address - vma->start + vma->offset);
}

size_t gm_stacks_names_frames(struct gm_stacks_names *names, const struct gm_module_stack *stack,
			      struct gm_stacks_frame *frames)
{
	const char *text = stack->frames;
	size_t count = 0;
	char *end;

	for (; count < GM_STACKS_FRAMES_MAX; text = end + 1) {
		frames[count] = (struct gm_stacks_frame){ .address = strtoull(text, &end, 16) };
		if (end == text)
			break;
		name_frame(names, stack->pid, count, &frames[count]);
		count++;
		if (*end != ',')
			break;
	}
	return count;
}
