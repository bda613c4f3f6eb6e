// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "go/program.h"

#define BUILDINFO ".go.buildinfo"

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

struct gm_error *gm_go_image_read_version(struct gm_elf *elf, const char *path,
					  struct gm_go_version *version)
{
	gm_auto(gm_error) struct gm_error *error = NULL;
	const void *data;
	size_t size;

	error = gm_elf_section(elf, BUILDINFO, &data, &size);
	if (error)
		return gm_error_create(ENOENT, "%s is not a Go program: %s", path, error->message);
	if (!gm_go_version_parse(data, size, version))
		return gm_error_create(ENOTSUP,
				       "cannot tell which Go built %s: its %s is not that"
				       " of Go 1.18 or later",
				       path, BUILDINFO);
	return NULL;
}

static struct gm_error *read_globals(struct gm_elf *elf, uint64_t bias, struct gm_go_image *image)
{
	gm_auto(gm_error) struct gm_error *error = NULL;
	struct gm_elf_symbol symbols[GM_GO_GLOBAL_COUNT];

	memcpy(symbols, questions, sizeof(symbols));
	error = gm_elf_symbols(elf, symbols, GM_GO_GLOBAL_COUNT);
	if (error)
		return gm_error_create(ENOTSUP,
				       "cannot find the heap of this %s program: %s; build it"
				       " without -ldflags=-s and do not strip it",
				       image->version.text, error->message);
	for (size_t i = 0; i < GM_GO_GLOBAL_COUNT; i++) {
		if (symbols[i].found)
			image->globals[i] = (struct gm_go_variable){ symbols[i].address + bias,
								     symbols[i].size };
		else if (musts[i])
			return gm_error_create(ENOTSUP,
					       "cannot find the heap of this %s program: it has"
					       " no symbol %s",
					       image->version.text, symbols[i].name);
	}
	return NULL;
}

static struct gm_error *read_image(struct gm_elf *elf, uint64_t bias, const char *path,
				   struct gm_go_image *image)
{
	struct gm_error *error;

	memset(image, 0, sizeof(*image));
	error = gm_go_image_read_version(elf, path, &image->version);
	if (!error)
		error = read_globals(elf, bias, image);
	return error ?: gm_go_layout_read(elf, &image->version, &image->layout);
}

struct gm_error *gm_go_image_read_file(const char *path, uint64_t entry, struct gm_go_image *image)
{
	gm_auto(gm_elf) struct gm_elf *elf = NULL;
	struct gm_error *error = gm_elf_open(path, &elf);

	return error ?: read_image(elf, entry - gm_elf_entry(elf), path, image);
}

struct gm_error *gm_go_image_read(pid_t pid, struct gm_go_image *image)
{
	struct gm_go_program program;
	struct gm_error *error;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	error = gm_go_program_open(pid, NULL, &program);
	if (!error)
		error = read_image(program.elf, program.bias, path, image);
	gm_go_program_deinit(&program);
	return error;
}
