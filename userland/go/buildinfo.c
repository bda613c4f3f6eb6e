// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/buildinfo.h"

#include <errno.h>
#include <string.h>

#define SECTION ".go.buildinfo"
#define BUILDINFO_BYTES 256 /* more than any version needs */
#define VERSION_MAX 64

static bool find_magic(void *context, uint64_t address, const void *bytes, size_t size)
{
	for (size_t at = 0; at + GM_GO_BUILDINFO_MAGIC_BYTES <= size; at += 8) {
		if (memcmp((const char *)bytes + at, GM_GO_BUILDINFO_MAGIC,
			   GM_GO_BUILDINFO_MAGIC_BYTES))
			continue;
		*(uint64_t *)context = address + at;
		return true;
	}
	return false;
}

/* In a file without sections, it is among the writable data. */
static uint64_t scan_buildinfo(const struct gm_go_program *program)
{
	struct gm_elf_segment segments[GM_ELF_SEGMENTS_MAX];
	size_t count = gm_go_program_segments(program, segments, GM_ELF_SEGMENTS_MAX);
	uint64_t found = 0, left = GM_GO_SCAN_MAX;

	for (size_t i = 0; i < count && !found; i++)
		if (segments[i].writable)
			gm_go_program_scan(program, segments[i].address,
					   segments[i].address + segments[i].file_bytes, &left,
					   GM_GO_BUILDINFO_MAGIC_BYTES + 8, find_magic, &found);
	return found;
}

static bool read_old_version(const struct gm_go_program *program, const void *buildinfo,
			     struct gm_go_version *version)
{
	struct gm_error *error;
	uint64_t at, string[2];
	char text[VERSION_MAX];

	if (!gm_go_version_pointer(buildinfo, BUILDINFO_BYTES, &at))
		return false;
	error = gm_go_program_read(program, at, string, sizeof(string));
	if (!error && string[1] < sizeof(text))
		error = gm_go_program_read(program, string[0], text, string[1]);
	if (!error)
		return string[1] < sizeof(text) && gm_go_version_set(text, string[1], version);
	gm_error_destroy(error);
	return false;
}

/* It may be the last thing in its segment. */
static void read_bytes(const struct gm_go_program *program, uint64_t at,
		       char bytes[BUILDINFO_BYTES])
{
	memset(bytes, 0, BUILDINFO_BYTES);
	for (size_t done = 0; done < BUILDINFO_BYTES; done += 16) {
		struct gm_error *error = gm_go_program_read(program, at + done, bytes + done, 16);

		if (!error)
			continue;
		gm_error_destroy(error);
		break;
	}
}

/* What the section has in the file, and, where it was relocated, in memory. */
static bool read_section(const struct gm_go_program *program, char file[BUILDINFO_BYTES],
			 char memory[BUILDINFO_BYTES])
{
	struct gm_error *error;
	uint64_t at = 0, unused;
	const void *data;
	size_t size;

	error = gm_elf_section(program->elf, SECTION, &data, &size);
	if (error) {
		gm_error_destroy(error);
		return false;
	}
	memset(file, 0, BUILDINFO_BYTES);
	memcpy(file, data, size < BUILDINFO_BYTES ? size : BUILDINFO_BYTES);
	gm_error_destroy(gm_elf_section_place(program->elf, SECTION, &at, &unused));
	read_bytes(program, at + program->bias, memory);
	return true;
}

static bool read_anywhere(const struct gm_go_program *program, char file[BUILDINFO_BYTES],
			  char memory[BUILDINFO_BYTES])
{
	uint64_t at;

	if (gm_elf_has_sections(program->elf))
		return read_section(program, file, memory);
	at = scan_buildinfo(program);
	read_bytes(program, at, memory);
	memcpy(file, memory, BUILDINFO_BYTES);
	return at;
}

struct gm_error *gm_go_buildinfo_read(const struct gm_go_program *program,
				      struct gm_go_version *version)
{
	char file[BUILDINFO_BYTES], memory[BUILDINFO_BYTES];

	if (!read_anywhere(program, file, memory))
		return gm_error_create(ENOENT, "%s is not a Go program: it has no %s",
				       gm_elf_path(program->elf), SECTION);
	if (!gm_go_version_parse(file, sizeof(file), version) &&
	    !read_old_version(program, memory, version))
		return gm_error_create(ENOTSUP,
				       "cannot tell which Go built %s: its %s makes no sense",
				       gm_elf_path(program->elf), SECTION);
	return NULL;
}
