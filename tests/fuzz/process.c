// SPDX-License-Identifier: GPL-2.0-or-later
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/mem_source.h"

/* Memory over memory: @behind, with changes. */
struct changed {
	struct gm_mem mem;
	struct gm_mem *behind;
	struct fuzz_changes changes;
};

struct core {
	struct fuzz_process process;
	struct gm_core *core;
	struct changed changed;
	struct fuzz_places places;
};

static const char *const names[] = { "core-go1.24", "core-go1.27" };

#define CORES (sizeof(names) / sizeof(names[0]))

static struct core cores[CORES];

static void must(struct gm_error *error)
{
	if (!error)
		return;
	fprintf(stderr, "fuzz: %s\n", error->message);
	exit(1);
}

/* The bytes of @change that lie in @piece. */
static void overlay(const struct gm_mem_piece *piece, const struct fuzz_change *change)
{
	for (uint64_t i = 0; i < change->size; i++) {
		uint64_t at = change->at + i - piece->address;

		if (at < piece->size)
			((uint8_t *)piece->buffer)[at] = change->value >> 8 * i;
	}
}

static struct gm_error *read_changed(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	const struct changed *changed = (const struct changed *)mem;
	struct gm_error *error = gm_mem_read_pieces(changed->behind, pieces, count);

	for (size_t i = 0; i < count && !error; i++)
		for (size_t j = 0; pieces[i].ok && j < changed->changes.count; j++)
			overlay(&pieces[i], &changed->changes.items[j]);
	return error;
}

static void no_destroy(struct gm_mem *mem)
{
	(void)mem;
}

static void say(const struct gm_mem *mem, char *text, size_t size)
{
	(void)mem;
	snprintf(text, size, "of the fuzzer");
}

static uint64_t read_word(void *context, uint64_t at)
{
	uint64_t word = 0;

	gm_error_destroy(gm_mem_read(((struct core *)context)->changed.behind, at, &word, 8));
	return word;
}

/* What the globals point to in one or two steps, and the memory at large. */
static void add_places(struct core *core)
{
	const struct gm_go_image *image = &core->process.image;

	for (size_t i = 0; i < GM_GO_GLOBAL_COUNT; i++) {
		uint64_t at = image->globals[i].address, first, second;

		if (!at)
			continue;
		fuzz_add_place(&core->places, at, 256);
		first = read_word(core, at);
		fuzz_add_place(&core->places, first, 4096);
		second = read_word(core, first);
		fuzz_add_place(&core->places, second, 4096);
	}
	fuzz_add_place(&core->places, image->globals[GM_GO_MHEAP].address, 100000);
	fuzz_add_place(&core->places, image->globals[GM_GO_MEMSTATS].address, 16384);
	for (size_t i = 0; i < core->process.maps->count; i++) {
		const struct gm_vma *vma = &core->process.maps->items[i];

		if (vma->perms[0] == 'r' && vma->end - vma->start < 1 << 28)
			fuzz_add_place(&core->places, vma->start, vma->end - vma->start);
	}
}

static void load(struct core *core, const char *name)
{
	static const struct gm_mem_operations operations = { read_changed, no_destroy, say, NULL };
	struct fuzz_process *process = &core->process;
	struct gm_go_program program;
	char exe[FUZZ_BASE_MAX], its[64];

	snprintf(its, sizeof(its), "%s.exe", name);
	strcpy(exe, fuzz_base_path(its));
	must(gm_core_open(fuzz_base_path(name), exe, &core->core));
	must(gm_core_mem(core->core, &core->changed.behind));
	must(gm_core_maps(core->core, &process->maps));
	must(gm_core_pages(core->core, process->maps, &process->pages));
	core->changed.mem.operations = &operations;
	must(gm_go_program_open_file(exe, gm_core_entry(core->core), &core->changed.mem, &program));
	must(gm_go_image_read_program(&program, &process->image));
	process->target = (struct gm_go_target){ .mem = &core->changed.mem,
						 .maps = process->maps,
						 .image = &process->image };
	add_places(core);
}

struct fuzz_process *fuzz_process(const uint8_t *data, size_t size)
{
	size_t which = size ? data[0] % CORES : 0;
	struct core *core = &cores[which];

	if (!core->core)
		load(core, names[which]);
	core->changed.changes.count = 0;
	fuzz_read_changes(data + !!size, size - !!size, &core->places, read_word, core,
			  &core->changed.changes);
	return &core->process;
}
