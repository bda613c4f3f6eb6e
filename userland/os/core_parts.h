/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind os/core.h share. */
#ifndef GM_OS_CORE_PARTS_H
#define GM_OS_CORE_PARTS_H

#include <stdbool.h>

#include "os/core.h"

#define GM_CORE_PAGE_BYTES 4096
#define GM_BUILD_ID_MAX 256

/**
 * struct gm_core_segment - memory, [start, end), whole pages
 * @offset, @bytes: in the core, at most end - start; what is beyond it left out
 */
struct gm_core_segment {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t bytes;
	bool readable;
	bool writable;
	bool executable;
};

/**
 * struct gm_core_file - a file that was mapped, [start, end), whole pages
 * @offset: into the file; @path: in the core's notes
 * @backing: the one in gm_core.backings
 */
struct gm_core_file {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	const char *path;
	size_t backing;
};

/* The notes of a file's builder: the ids of GNU's and of Go's linker; @size 0: none. */
struct gm_build_id {
	uint8_t bytes[GM_BUILD_ID_MAX];
	size_t size;
};

/**
 * struct gm_core_backing - a file that was mapped, once
 * @path: to open; in the notes, or the caller's
 * @start: where its first page was mapped, UINT64_MAX: it was not
 * @fd: -1 where it is not open
 * @tried: it was opened, or cannot be
 * @trusted: the caller said that it is the one
 */
struct gm_core_backing {
	const char *path;
	uint64_t start;
	int fd;
	bool tried;
	bool trusted;
};

/**
 * struct gm_core - an open core
 * @size: of the file; @note_bytes: of all PT_NOTE so far
 * @segments, @files: by address, never overlapping
 * @notes: all notes with names of files in them; owned
 * @auxv: what was found there, 0 without: the kernel entered at @entry, the program headers lie
 *	at @headers, random bytes on the main stack at @random, the vdso at @vdso
 * @exe: index in @backings, SIZE_MAX: none
 * @exe_problem: why there is no @exe, or it is not to be used
 */
struct gm_core {
	char *path;
	int fd;
	uint64_t size;
	uint64_t note_bytes;
	struct {
		GM_VEC(struct gm_core_segment);
	} segments;
	struct {
		GM_VEC(struct gm_core_file);
	} files;
	struct {
		GM_VEC(struct gm_core_backing);
	} backings;
	struct {
		GM_VEC(char *);
	} notes;
	struct {
		uint64_t entry;
		uint64_t headers;
		uint64_t random;
		uint64_t vdso;
	} auxv;
	pid_t pid;
	char comm[17];
	uint64_t threads;
	char *exe_path;
	size_t exe;
	struct gm_error *exe_problem;
	char *remark;
};

/* Fills in what the notes and segments of the core say, from libelf. */
struct gm_error *gm_core_parse(struct gm_core *core) GM_MUST_CHECK;

/* The segment that holds @address, NULL: none; the same of files. */
const struct gm_core_segment *gm_core_segment_at(const struct gm_core *core, uint64_t address);
const struct gm_core_file *gm_core_file_at(const struct gm_core *core, uint64_t address);

/* Of [address, address + size) the first bytes, from one place: the core or a file that it names.
 * Returns how many; 0: the first is nowhere.
 */
size_t gm_core_read(struct gm_core *core, uint64_t address, void *buffer, size_t size);

/* The same from the core alone. */
size_t gm_core_read_own(const struct gm_core *core, uint64_t address, void *buffer, size_t size);

/* Finds the core's program: @exe, or NULL. Leaves gm_core.exe and .exe_problem; EINVAL where
 * @exe is none or another one.
 */
struct gm_error *gm_core_find_exe(struct gm_core *core, const char *exe) GM_MUST_CHECK;

/* Of @backing, bytes from @offset on: those of the file the process had mapped, or none. */
size_t gm_core_backing_read(struct gm_core *core, struct gm_core_backing *backing, uint64_t offset,
			    void *buffer, size_t size);
void gm_core_backing_deinit(struct gm_core_backing *backing);

#endif
