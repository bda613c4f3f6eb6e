// SPDX-License-Identifier: GPL-2.0-or-later
#include "os/mem_cache.h"

#include <errno.h>
#include <string.h>

#include "os/mem_source.h"

#define PAGE_BYTES 4096
#define SLOTS 4096
/* What is longer is no little thing. */
#define PIECE_MAX (16 * PAGE_BYTES)

/**
 * struct slot - where one page of those that share it is kept
 * @page: its address; @used: there is one
 * @ok: all of it could be read
 */
struct slot {
	uint64_t page;
	bool used;
	bool ok;
};

struct cache {
	struct gm_mem mem;
	struct gm_mem *under;
	struct slot slots[SLOTS];
	uint8_t bytes[SLOTS][PAGE_BYTES];
};

/* *@bytes: NULL where not all of it can be read. */
static struct gm_error *get_page(struct cache *cache, uint64_t page, const uint8_t **bytes)
{
	size_t index = page / PAGE_BYTES % SLOTS;
	struct slot *slot = &cache->slots[index];
	struct gm_mem_piece piece = { page, PAGE_BYTES, cache->bytes[index], false };
	struct gm_error *error = NULL;

	if (!slot->used || slot->page != page) {
		error = gm_mem_read_pieces(cache->under, &piece, 1);
		*slot = (struct slot){ page, !error, piece.ok };
	}
	*bytes = !error && slot->ok ? cache->bytes[index] : NULL;
	return error;
}

/* @piece->ok: false also where parts of its pages cannot be read that it does not need. */
static struct gm_error *copy(struct cache *cache, struct gm_mem_piece *piece)
{
	struct gm_error *error = NULL;
	size_t done = 0;

	piece->ok = piece->size <= PIECE_MAX && piece->address <= UINT64_MAX - PIECE_MAX;
	while (piece->ok && done < piece->size) {
		uint64_t at = piece->address + done;
		size_t offset = at % PAGE_BYTES, size = PAGE_BYTES - offset;
		const uint8_t *bytes;

		if (size > piece->size - done)
			size = piece->size - done;
		error = get_page(cache, at - offset, &bytes);
		piece->ok = !error && bytes;
		if (piece->ok)
			memcpy((uint8_t *)piece->buffer + done, bytes + offset, size);
		done += size;
	}
	return error;
}

static struct gm_error *read_cached(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	struct cache *cache = (struct cache *)mem;
	struct gm_error *error = NULL;

	for (size_t i = 0; i < count && !error; i++) {
		error = copy(cache, &pieces[i]);
		if (!error && !pieces[i].ok)
			error = gm_mem_read_pieces(cache->under, &pieces[i], 1);
	}
	return error;
}

static void destroy_cache(struct gm_mem *mem)
{
	free(mem);
}

static void say_cached(const struct gm_mem *mem, char *text, size_t size)
{
	const struct cache *cache = (const struct cache *)mem;

	cache->under->operations->where(cache->under, text, size);
}

static uint64_t cached_bytes(const struct gm_mem *mem)
{
	return gm_mem_bytes(((const struct cache *)mem)->under);
}

struct gm_error *gm_mem_cache(struct gm_mem *under, struct gm_mem **mem)
{
	static const struct gm_mem_operations operations = { read_cached, destroy_cache, say_cached,
							     cached_bytes };
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return gm_error_create(ENOMEM, "out of memory");
	cache->mem.operations = &operations;
	cache->under = under;
	*mem = &cache->mem;
	return NULL;
}
