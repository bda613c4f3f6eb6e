// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/image.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "go/buildinfo.h"
#include "go/globals.h"

#define LIBRARIES_MAX 1024 /* a core may name the same file for each of its pages */
#define SCANS_MAX 4

static const struct gm_elf_symbol questions[GM_GO_GLOBAL_COUNT] = {
#define QUESTION(id, symbol, must) { .name = symbol },
	GM_GO_GLOBALS(QUESTION)
#undef QUESTION
};

static const bool musts[GM_GO_GLOBAL_COUNT] = {
#define MUST(id, symbol, must) must,
	GM_GO_GLOBALS(MUST)
#undef MUST
};

static const char *missing_global(const struct gm_go_image *image)
{
	for (size_t i = 0; i < GM_GO_GLOBAL_COUNT; i++)
		if (musts[i] && !image->globals[i].address)
			return questions[i].name;
	return NULL;
}

/* ENOENT: it is stripped, of all its symbols or of some. */
static struct gm_error *read_symbols(struct gm_go_image *image)
{
	struct gm_elf_symbol symbols[GM_GO_GLOBAL_COUNT];
	struct gm_error *error;

	memcpy(symbols, questions, sizeof(symbols));
	error = gm_elf_symbols(image->program.elf, symbols, GM_GO_GLOBAL_COUNT);
	if (error)
		return error;
	for (size_t i = 0; i < GM_GO_GLOBAL_COUNT; i++)
		if (symbols[i].found)
			image->globals[i] = (struct gm_go_variable){
				symbols[i].address + image->program.bias,
				symbols[i].size,
			};
	if (missing_global(image))
		return gm_error_create(ENOENT, "no symbol %s", missing_global(image));
	return NULL;
}

/* Two ways that know nothing of each other must find the same. */
static struct gm_error *find_globals(struct gm_go_image *image)
{
	uint64_t by_code, by_data;
	struct gm_error *error;

	if (!image->modules)
		return gm_error_create(ENOTSUP, "nothing tells where its functions are");
	error = gm_go_globals_by_code(&image->program, image->modules, &image->layout,
				      image->globals);
	if (error)
		return error;
	by_code = image->globals[GM_GO_MHEAP].address;
	by_data = gm_go_globals_scan(&image->program, image->modules, &image->layout);
	if (!by_data)
		return gm_error_create(ENOTSUP, "nothing in its memory looks like a list of spans");
	if (by_code != by_data)
		return gm_error_create(ENOTSUP,
				       "its code has runtime.mheap_ at %" PRIx64
				       ", its data at %" PRIx64,
				       by_code, by_data);
	return NULL;
}

static struct gm_error *read_globals(struct gm_go_image *image)
{
	struct gm_error *error = read_symbols(image);

	image->stripped = error && error->code == ENOENT;
	if (image->stripped) {
		gm_error_destroy(error);
		error = find_globals(image);
	}
	if (!error && missing_global(image))
		error = gm_error_create(ENOTSUP, "%s is nowhere to be found",
					missing_global(image));
	return error;
}

struct gm_error *gm_go_image_read_program(const struct gm_go_program *program,
					  struct gm_go_image *image)
{
	gm_auto(gm_error) struct gm_error *why = NULL;
	struct gm_error *error;

	memset(image, 0, sizeof(*image));
	image->program = *program;
	error = gm_go_buildinfo_read(program, &image->version);
	if (!error)
		error = gm_go_layout_read(program->elf, &image->version, &image->layout);
	if (error)
		return error;
	gm_error_destroy(gm_go_modules_read(program, &image->layout, &image->modules));
	why = read_globals(image);
	if (why)
		return gm_error_create(why->code, "cannot find the heap of this %s%s program: %s",
				       image->stripped ? "stripped " : "", image->version.text,
				       why->message);
	return NULL;
}

void gm_go_image_deinit(struct gm_go_image *image)
{
	gm_go_modules_destroy(image->modules);
	gm_go_program_deinit(&image->program);
	memset(image, 0, sizeof(*image));
}

static bool is_go(const struct gm_go_program *program)
{
	struct gm_go_version version;
	struct gm_error *error = gm_go_buildinfo_read(program, &version);
	bool go = !error || error->code != ENOENT;

	gm_error_destroy(error);
	return go;
}

/* Those without sections have to be searched through. */
static bool may_be_go(const struct gm_go_program *program, size_t *scans)
{
	if (gm_elf_has_sections(program->elf))
		return true;
	if (!*scans)
		return false;
	--*scans;
	return true;
}

bool gm_go_image_find_library(const struct gm_maps *maps, gm_go_opener opener, void *context,
			      struct gm_go_program *program)
{
	size_t left = LIBRARIES_MAX, scans = SCANS_MAX;
	struct gm_go_program library;

	if (is_go(program))
		return false;
	for (size_t i = 0; i < maps->count && left; i++) {
		struct gm_error *error;

		if (!strchr(maps->items[i].perms, 'x') || *maps->items[i].name != '/')
			continue;
		left--;
		error = opener(context, &maps->items[i], &library);
		if (!error && may_be_go(&library, &scans) && is_go(&library)) {
			gm_go_program_deinit(program);
			*program = library;
			return true;
		}
		gm_error_destroy(error);
		gm_go_program_deinit(&library);
	}
	return false;
}

struct process {
	pid_t pid;
	struct gm_mem *mem;
};

static struct gm_error *open_of_process(void *context, const struct gm_vma *vma,
					struct gm_go_program *library)
{
	const struct process *process = context;

	return gm_go_program_open_mapped(process->pid, vma, process->mem, library);
}

struct gm_error *gm_go_image_find(pid_t pid, struct gm_mem *mem, const struct gm_maps *maps,
				  struct gm_go_program *program, bool *is_library)
{
	struct gm_error *error = gm_go_program_open(pid, mem, program);
	struct process process = { pid, mem };

	*is_library = !error && gm_go_image_find_library(maps, open_of_process, &process, program);
	return error;
}

struct gm_error *gm_go_image_read(pid_t pid, struct gm_mem *mem, const struct gm_maps *maps,
				  struct gm_go_image *image)
{
	struct gm_go_program program;
	struct gm_error *error;
	bool is_library;

	memset(image, 0, sizeof(*image));
	error = gm_go_image_find(pid, mem, maps, &program, &is_library);
	if (!error)
		return gm_go_image_read_program(&program, image);
	gm_go_program_deinit(&program);
	return error;
}
