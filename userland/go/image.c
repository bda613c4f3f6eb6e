// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUILDINFO ".go.buildinfo"
#define AUXV_MAX 64

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

static struct gm_error *read_globals(struct gm_elf *elf, uint64_t entry, struct gm_go_image *image)
{
	gm_auto(gm_error) struct gm_error *error = NULL;
	struct gm_elf_symbol symbols[GM_GO_GLOBAL_COUNT];
	uint64_t bias = entry - gm_elf_entry(elf);

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

struct gm_error *gm_go_image_read_file(const char *path, uint64_t entry, struct gm_go_image *image)
{
	gm_auto(gm_elf) struct gm_elf *elf = NULL;
	struct gm_error *error;

	memset(image, 0, sizeof(*image));
	error = gm_elf_open(path, &elf);
	if (!error)
		error = gm_go_image_read_version(elf, path, &image->version);
	if (!error)
		error = read_globals(elf, entry, image);
	if (!error)
		error = gm_go_layout_read(elf, &image->version, &image->layout);
	return error;
}

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

struct gm_error *gm_go_image_read(pid_t pid, struct gm_go_image *image)
{
	struct gm_error *error;
	uint64_t entry;
	char path[32];

	error = read_entry(pid, &entry);
	if (error)
		return error;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return gm_go_image_read_file(path, entry, image);
}
