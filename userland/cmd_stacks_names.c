// SPDX-License-Identifier: GPL-2.0-or-later
/* Code addresses to functions: those of Go by its own table, which no stripping takes away, others
 * by what is mapped there and the symbols of that file.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd_stacks.h"
#include "elf/functions.h"
#include "go/functions.h"
#include "go/image.h"
#include "os/maps.h"

/* @maps: NULL where the process is gone; @go: NULL where it runs no Go */
struct process {
	pid_t pid;
	struct gm_maps *maps;
	struct gm_mem *mem;
	struct gm_go_image *image;
	struct gm_go_functions *go;
};

/* A file by what the kernel says of it; @functions: NULL where it could not be read. */
struct file {
	uint64_t inode;
	char *name;
	struct gm_elf_functions *functions;
};

struct gm_stacks_names {
	GM_VEC(struct process);
	const struct gm_sample_codes *codes;
	struct {
		GM_VEC(struct file);
	} files;
};

struct gm_error *gm_stacks_names_create(const struct gm_sample_codes *codes,
					struct gm_stacks_names **names)
{
	*names = calloc(1, sizeof(**names));
	if (!*names)
		return gm_error_create(ENOMEM, "out of memory");
	(*names)->codes = codes;
	return NULL;
}

static void process_deinit(struct process *process)
{
	gm_go_functions_destroy(process->go);
	if (process->image)
		gm_go_image_deinit(process->image);
	free(process->image);
	gm_mem_destroy(process->mem);
	gm_maps_destroy(process->maps);
}

void gm_stacks_names_destroy(struct gm_stacks_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->count; i++)
		process_deinit(&names->items[i]);
	for (size_t i = 0; i < names->files.count; i++) {
		gm_elf_functions_destroy(names->files.items[i].functions);
		free(names->files.items[i].name);
	}
	free(names->items);
	free(names->files.items);
	free(names);
}

/* Its functions are known also where its heap is not found. */
static struct gm_error *read_go(struct process *process)
{
	struct gm_error *error;

	process->image = calloc(1, sizeof(*process->image));
	if (!process->image)
		return gm_error_create(ENOMEM, "out of memory");
	error = gm_mem_open_pid(process->pid, &process->mem);
	if (error)
		return error;
	error = gm_go_image_read(process->pid, process->mem, process->maps, process->image);
	gm_error_destroy(error);
	return gm_go_functions_open(&process->image->program, &process->image->layout,
				    &process->go);
}

static const struct process *process_of(struct gm_stacks_names *names, pid_t pid)
{
	struct process *process;

	for (size_t i = 0; i < names->count; i++) {
		if (names->items[i].pid == pid)
			return &names->items[i];
	}
	process = gm_vec_push(names);
	if (!process)
		return NULL;
	process->pid = pid;
	gm_error_destroy(gm_maps_read(pid, &process->maps));
	if (process->maps)
		gm_error_destroy(read_go(process));
	return process;
}

static struct gm_elf_functions *read_functions(pid_t pid, const struct gm_vma *vma)
{
	struct gm_elf_functions *functions = NULL;
	struct gm_go_program program;
	struct gm_error *error = gm_go_program_open_mapped(pid, vma, NULL, &program);

	if (!error)
		error = gm_elf_functions_read(program.elf, &functions);
	gm_error_destroy(error);
	gm_go_program_deinit(&program);
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

static void name_by_symbols(struct gm_stacks_names *names, pid_t pid, const struct gm_vma *vma,
			    uint64_t address, struct gm_stacks_frame *frame)
{
	const struct gm_elf_functions *functions = functions_of(names, pid, vma);

	if (functions)
		frame->function =
			gm_elf_functions_at(functions, address - vma->start + vma->offset);
}

/* By Go's table: one frame, and one more for each function inlined there. Returns how many. */
static size_t name_by_go(const struct process *process, uint64_t address,
			 struct gm_stacks_frame *frame, size_t max)
{
	struct gm_go_frame found[GM_GO_FRAMES_MAX];
	size_t count = process->go ? gm_go_functions_frames(process->go, address, found,
							    GM_GO_FRAMES_MAX) :
				     0;

	for (size_t i = 0; i < count && i < max; i++) {
		frame[i] = frame[0];
		frame[i].function = found[i].function;
		frame[i].source = found[i].file;
		frame[i].line = found[i].line;
		frame[i].inlined = found[i].inlined;
	}
	return count < max ? count : max;
}

static size_t name_by_codes(const struct gm_sample_codes *codes, uint64_t address,
			    struct gm_stacks_frame *frames, size_t max)
{
	const struct gm_sample_code *code;
	size_t count;

	code = gm_sample_codes_at(codes, address, &count);
	for (size_t i = 0; i < count && i < max; i++)
		frames[i] = (struct gm_stacks_frame){
			.address = frames[0].address,
			.function = code[i].function,
			.file = code[i].mapped,
			.source = code[i].source,
			.line = code[i].line,
			.inlined = code[i].inlined,
		};
	return count < max ? count : max;
}

/* The address of @frames[0] may be another than that of the instruction: then it stays. */
size_t gm_stacks_names_at(struct gm_stacks_names *names, pid_t pid, uint64_t address,
			  struct gm_stacks_frame *frames, size_t max)
{
	const struct process *process;
	const struct gm_vma *vma;
	const char *slash;
	size_t count;

	if (names->codes)
		return name_by_codes(names->codes, address, frames, max) ?: 1;
	process = process_of(names, pid);
	vma = process && process->maps ? gm_maps_find(process->maps, address) : NULL;
	if (!vma || !*vma->name)
		return 1;
	slash = strrchr(vma->name, '/');
	frames->file = slash ? slash + 1 : vma->name;
	count = name_by_go(process, address, frames, max);
	if (!count && vma->inode)
		name_by_symbols(names, pid, vma, address, frames);
	return count ?: 1;
}

size_t gm_stacks_addresses(const struct gm_module_stack *stack,
			   uint64_t addresses[GM_STACKS_FRAMES_MAX])
{
	const char *text = stack->frames;
	size_t count = 0;
	char *end;

	for (; count < GM_STACKS_FRAMES_MAX; text = end + 1) {
		addresses[count] = strtoull(text, &end, 16);
		if (end == text)
			break;
		count++;
		if (*end != ',')
			break;
	}
	return count;
}

/* A return address may be the first of the next function: what called lies before it. */
size_t gm_stacks_names_frames(struct gm_stacks_names *names, const struct gm_module_stack *stack,
			      struct gm_stacks_frame *frames)
{
	uint64_t addresses[GM_STACKS_FRAMES_MAX];
	size_t addressed = gm_stacks_addresses(stack, addresses), count = 0;

	for (size_t i = 0; i < addressed && count < GM_STACKS_FRAMES_MAX; i++) {
		frames[count] = (struct gm_stacks_frame){ .address = addresses[i] };
		count += gm_stacks_names_at(names, stack->pid, addresses[i] - !!i, &frames[count],
					    GM_STACKS_FRAMES_MAX - count);
	}
	return count;
}
