/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz harnesses share. Each is a program of libFuzzer's: it calls
 * LLVMFuzzerTestOneInput() with bytes that it makes up; all that may come of them is an error.
 *
 * Small inputs a harness takes as they are. A large one, an ELF file or the memory of a process,
 * would drown the few bytes that matter: there the input is a list of changes to one that is
 * whole, at places that the harness says matter.
 */
#ifndef GM_FUZZ_H
#define GM_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "os/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An error is an answer as good as any; what did not come of it is a bug of ours. */
void fuzz_accept(struct gm_error *error);

/* A file of @size bytes at @data, and nothing else: its descriptor, at its start, the same one
 * each time; @path of it. It belongs to the next call.
 */
int fuzz_file(const void *data, size_t size);
#define FUZZ_FILE_PATH_MAX 32
const char *fuzz_file_path(void);

/* Target memory that has @data at @address; the caller destroys it. */
struct gm_mem *fuzz_mem(uint64_t address, const void *data, size_t size);

/* A file that tests/fuzz/seeds.sh made; the harness ends where it is not there. */
#define FUZZ_BASE_MAX 4096
const char *fuzz_base_path(const char *name);

/* A stretch that matters, [start, start + size). */
struct fuzz_place {
	uint64_t start;
	uint64_t size;
};

#define FUZZ_PLACES_MAX 256
#define FUZZ_CHANGES_MAX 32

/**
 * struct fuzz_places - where to change things
 * @count: at least one
 */
struct fuzz_places {
	struct fuzz_place items[FUZZ_PLACES_MAX];
	size_t count;
};

void fuzz_add_place(struct fuzz_places *places, uint64_t start, uint64_t size);

/* 8 bytes, of which @size from the first on, to be put at @at. */
struct fuzz_change {
	uint64_t at;
	uint64_t value;
	uint64_t size;
};

struct fuzz_changes {
	struct fuzz_change items[FUZZ_CHANGES_MAX];
	size_t count;
};

/* Reads the changes that the input is: 12 bytes each, one for what to do and its size, one for
 * the place, two for where in it in words, eight to do it with. @read: 8 bytes that stand at an
 * address before, for changes by a little and copies.
 */
void fuzz_read_changes(const uint8_t *data, size_t size, const struct fuzz_places *places,
		       uint64_t (*read)(void *context, uint64_t at), void *context,
		       struct fuzz_changes *changes);

#endif
