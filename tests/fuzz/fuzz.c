// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
#include "fuzz.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/reader.h"
#include "os/mem_source.h"

static int file = -1;

void fuzz_accept(struct gm_error *error)
{
	gm_error_destroy(error);
}

int fuzz_file(const void *data, size_t size)
{
	if (file < 0)
		file = memfd_create("fuzz", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size ||
	    lseek(file, 0, SEEK_SET))
		abort();
	return file;
}

const char *fuzz_file_path(void)
{
	static char path[FUZZ_FILE_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return path;
}

struct flat {
	struct gm_mem mem;
	uint64_t address;
	const uint8_t *data;
	size_t size;
};

static struct gm_error *read_flat(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	const struct flat *flat = (const struct flat *)mem;

	for (size_t i = 0; i < count; i++) {
		uint64_t skip = pieces[i].address - flat->address;

		pieces[i].ok = skip <= flat->size && pieces[i].size <= flat->size - skip;
		if (pieces[i].ok && pieces[i].size)
			memcpy(pieces[i].buffer, flat->data + skip, pieces[i].size);
	}
	return NULL;
}

static void destroy_flat(struct gm_mem *mem)
{
	free(mem);
}

static void say_flat(const struct gm_mem *mem, char *text, size_t size)
{
	(void)mem;
	snprintf(text, size, "of the fuzzer");
}

struct gm_mem *fuzz_mem(uint64_t address, const void *data, size_t size)
{
	static const struct gm_mem_operations operations = { read_flat, destroy_flat, say_flat,
							     NULL };
	struct flat *flat = malloc(sizeof(*flat));

	if (!flat)
		abort();
	*flat = (struct flat){ { &operations }, address, data, size };
	return &flat->mem;
}

const char *fuzz_base_path(const char *name)
{
	static char path[FUZZ_BASE_MAX];
	const char *directory = getenv("FUZZ_BASE");

	snprintf(path, sizeof(path), "%s/%s", directory ? directory : "build/fuzz/base", name);
	if (access(path, R_OK)) {
		fprintf(stderr, "fuzz: no %s: run tests/fuzz/seeds.sh\n", path);
		exit(1);
	}
	return path;
}

void fuzz_add_place(struct fuzz_places *places, uint64_t start, uint64_t size)
{
	if (size && places->count < FUZZ_PLACES_MAX)
		places->items[places->count++] = (struct fuzz_place){ start, size };
}

enum { SET, ADD, COPY, OPERATIONS };

static void read_change(struct gm_reader *reader, const struct fuzz_places *places,
			uint64_t (*read)(void *context, uint64_t at), void *context,
			struct fuzz_change *change)
{
	const struct fuzz_place *place;
	uint8_t what = 0, where = 0;
	uint16_t word = 0;
	uint64_t from;

	gm_reader_u8(reader, &what);
	gm_reader_u8(reader, &where);
	gm_reader_u16(reader, &word);
	gm_reader_u64(reader, &change->value);
	place = &places->items[where % places->count];
	/* 512 KiB of it, aligned or not. */
	change->at = place->start + (word * 8ULL + (what >> 5)) % place->size;
	change->size = 1ULL << (what >> 2) % 4;
	switch (what % OPERATIONS) {
	case ADD:
		change->value += read(context, change->at);
		break;
	case COPY:
		from = change->value / 256 * 8;
		place = &places->items[change->value % 256 % places->count];
		change->value = read(context, place->start + from % place->size);
		break;
	}
}

void fuzz_read_changes(const uint8_t *data, size_t size, const struct fuzz_places *places,
		       uint64_t (*read)(void *context, uint64_t at), void *context,
		       struct fuzz_changes *changes)
{
	struct gm_reader reader;

	gm_reader_init(&reader, data, size);
	changes->count = 0;
	while (gm_reader_left(&reader) >= 12 && changes->count < FUZZ_CHANGES_MAX)
		read_change(&reader, places, read, context, &changes->items[changes->count++]);
}
