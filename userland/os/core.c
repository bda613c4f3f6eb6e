// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* O_CLOEXEC */
#include "os/core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/core_parts.h"
#include "os/mem_source.h"

static struct gm_error *open_file(struct gm_core *core)
{
	struct stat stat;

	/* A pipe in its place must not make us wait. */
	core->fd = open(core->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (core->fd < 0 || fstat(core->fd, &stat))
		return gm_error_errno(errno, "cannot open %s", core->path);
	if (!S_ISREG(stat.st_mode))
		return gm_error_create(EBADMSG, "cannot read %s: it is not a file", core->path);
	core->size = stat.st_size;
	return NULL;
}

static struct gm_error *open_core(struct gm_core *core, const char *exe)
{
	struct gm_error *error;

	if (!core->path)
		return gm_error_create(ENOMEM, "out of memory");
	error = open_file(core);
	if (!error)
		error = gm_core_parse(core);
	return error ?: gm_core_find_exe(core, exe);
}

struct gm_error *gm_core_open(const char *path, const char *exe, struct gm_core **out)
{
	gm_auto(gm_core) struct gm_core *core = calloc(1, sizeof(*core));
	struct gm_error *error;

	if (!core)
		return gm_error_create(ENOMEM, "out of memory");
	core->fd = -1;
	core->exe = SIZE_MAX;
	core->path = strdup(path);
	error = open_core(core, exe);
	if (error)
		return error;
	*out = core;
	core = NULL;
	return NULL;
}

void gm_core_destroy(struct gm_core *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	for (size_t i = 0; i < core->backings.count; i++)
		gm_core_backing_deinit(&core->backings.items[i]);
	for (size_t i = 0; i < core->notes.count; i++)
		free(core->notes.items[i]);
	free(core->backings.items);
	free(core->notes.items);
	free(core->segments.items);
	free(core->files.items);
	gm_error_destroy(core->exe_problem);
	free(core->exe_path);
	free(core->remark);
	free(core->path);
	free(core);
}

void gm_core_process(const struct gm_core *core, struct gm_process *process)
{
	*process = (struct gm_process){
		.threads = core->threads,
		.vm_rss_bytes = GM_UNKNOWN,
		.start_ticks = GM_UNKNOWN,
		.cgroup_current_bytes = GM_UNKNOWN,
		.cgroup_max_bytes = GM_UNKNOWN,
	};
	for (size_t i = 0; i < core->segments.count; i++)
		process->vm_size_bytes +=
			core->segments.items[i].end - core->segments.items[i].start;
	for (size_t i = 0; core->comm[i]; i++)
		process->comm[i] = core->comm[i] >= ' ' && core->comm[i] <= '~' ? core->comm[i] :
										  '?';
}

pid_t gm_core_pid(const struct gm_core *core)
{
	return core->pid;
}

uint64_t gm_core_entry(const struct gm_core *core)
{
	return core->auxv.entry;
}

struct gm_error *gm_core_exe(const struct gm_core *core, const char **path)
{
	if (core->exe_problem)
		return gm_error_create(core->exe_problem->code, "%s", core->exe_problem->message);
	*path = core->backings.items[core->exe].path;
	return NULL;
}

const char *gm_core_remark(const struct gm_core *core)
{
	return core->remark;
}

/* The last whose start is not above @address, of @count that are @size bytes, the start first. */
static const void *find(const void *items, size_t count, size_t size, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (*(const uint64_t *)((const char *)items + middle * size) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? (const char *)items + (low - 1) * size : NULL;
}

const struct gm_core_segment *gm_core_segment_at(const struct gm_core *core, uint64_t address)
{
	const struct gm_core_segment *segment =
		find(core->segments.items, core->segments.count, sizeof(*segment), address);

	return segment && address < segment->end ? segment : NULL;
}

const struct gm_core_file *gm_core_file_at(const struct gm_core *core, uint64_t address)
{
	const struct gm_core_file *file =
		find(core->files.items, core->files.count, sizeof(*file), address);

	return file && address < file->end ? file : NULL;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

size_t gm_core_read_own(const struct gm_core *core, uint64_t address, void *buffer, size_t size)
{
	const struct gm_core_segment *segment = gm_core_segment_at(core, address);
	ssize_t got;

	if (!segment || address - segment->start >= segment->bytes)
		return 0;
	size = lower(size, segment->bytes - (address - segment->start));
	got = pread(core->fd, buffer, size, segment->offset + (address - segment->start));
	return got > 0 ? got : 0;
}

size_t gm_core_read(struct gm_core *core, uint64_t address, void *buffer, size_t size)
{
	size_t got = gm_core_read_own(core, address, buffer, size);
	const struct gm_core_segment *segment;
	const struct gm_core_file *file;
	uint64_t end;

	if (got)
		return got;
	file = gm_core_file_at(core, address);
	if (!file)
		return 0;
	segment = gm_core_segment_at(core, address);
	end = segment ? lower(segment->end, file->end) : file->end;
	return gm_core_backing_read(core, &core->backings.items[file->backing],
				    file->offset + (address - file->start), buffer,
				    lower(size, end - address));
}

struct core_mem {
	struct gm_mem mem;
	struct gm_core *core;
};

static bool read_piece(struct gm_core *core, const struct gm_mem_piece *piece)
{
	size_t done = 0, got;
	uint64_t end;

	if (__builtin_add_overflow(piece->address, piece->size, &end))
		return false;
	for (; done < piece->size; done += got) {
		got = gm_core_read(core, piece->address + done, (char *)piece->buffer + done,
				   piece->size - done);
		if (!got)
			return false;
	}
	return true;
}

static struct gm_error *read_pieces(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	const struct core_mem *own = (const struct core_mem *)mem;

	for (size_t i = 0; i < count; i++) {
		pieces[i].ok = read_piece(own->core, &pieces[i]);
		if (!pieces[i].ok)
			memset(pieces[i].buffer, 0, pieces[i].size);
	}
	return NULL;
}

static void destroy_mem(struct gm_mem *mem)
{
	free(mem);
}

static void say_mem(const struct gm_mem *mem, char *text, size_t size)
{
	snprintf(text, size, "of the core %s", ((const struct core_mem *)mem)->core->path);
}

struct gm_error *gm_core_mem(struct gm_core *core, struct gm_mem **mem)
{
	static const struct gm_mem_operations operations = { read_pieces, destroy_mem, say_mem,
							     NULL };
	struct core_mem *own = malloc(sizeof(*own));

	if (!own)
		return gm_error_create(ENOMEM, "out of memory");
	*own = (struct core_mem){ { &operations }, core };
	*mem = &own->mem;
	return NULL;
}
