// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/tiles.h"

#include <errno.h>
#include <string.h>

/* Go src/internal/abi/type.go, before 1.21 src/runtime/type.go: the same since Go 1.14. */
struct type {
	uint64_t size;
	uint64_t pointer_bytes; /* of the size, how much to the end of the last pointer */
	uint32_t hash;
	uint8_t flags;
	uint8_t align;
	uint8_t field_align;
	uint8_t kind;
	uint64_t equal;
	uint64_t mask;
	int32_t name;
	int32_t pointer_to;
};

#define KIND_PROGRAM 0x40 /* before Go 1.24 */
#define FLAG_ON_DEMAND 0x10 /* since; it had no other use */
#define WORD 8
#define TILES_MAX (1U << 20)
#define TYPE_BYTES_MAX (1ULL << 40)
#define MASK_BYTES_MAX (16U << 20)
#define BYTES_MAX (64U << 20)

/**
 * struct gm_go_tiles - an open hash table
 * @slots: indices into @items and one, 0: none; @mask: their number less one
 * @bytes: of all masks, at most BYTES_MAX
 */
struct gm_go_tiles {
	GM_VEC(struct gm_go_tile);
	const struct gm_go_target *target;
	uint32_t *slots;
	uint32_t mask;
	uint64_t bytes;
};

static uint64_t all_bits[] = { UINT64_MAX, 0 };
static const struct gm_go_tile all = { .words = 64, .bits = all_bits };

const struct gm_go_tile *gm_go_tiles_all(void)
{
	return &all;
}

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot keep the masks of types");
}

struct gm_error *gm_go_tiles_create(const struct gm_go_target *target, struct gm_go_tiles **out)
{
	struct gm_go_tiles *tiles = calloc(1, sizeof(*tiles));

	if (!tiles)
		return no_memory();
	/* Twice as many as there can be tiles; what is not touched costs nothing. */
	tiles->slots = calloc(2UL * TILES_MAX, sizeof(*tiles->slots));
	tiles->mask = 2 * TILES_MAX - 1;
	tiles->target = target;
	*out = tiles;
	if (tiles->slots)
		return NULL;
	free(tiles);
	return no_memory();
}

void gm_go_tiles_destroy(struct gm_go_tiles *tiles)
{
	if (!tiles)
		return;
	for (size_t i = 0; i < tiles->count; i++)
		free(tiles->items[i].bits);
	free(tiles->items);
	free(tiles->slots);
	free(tiles);
}

/* Where @type is, or is to be put. */
static uint32_t *slot_of(const struct gm_go_tiles *tiles, uint64_t type)
{
	uint32_t at = (type * 0x9e3779b97f4a7c15ULL >> 32) & tiles->mask;

	while (tiles->slots[at] && tiles->items[tiles->slots[at] - 1].type != type)
		at = (at + 1) & tiles->mask;
	return &tiles->slots[at];
}

/* Not mapped is no error: anything may stand where a type should. */
static struct gm_error *read_if_there(const struct gm_go_tiles *tiles, uint64_t address,
				      void *buffer, size_t size, bool *there)
{
	struct gm_error *error = gm_mem_read(tiles->target->mem, address, buffer, size);

	*there = !error;
	if (!error || error->code == ESRCH)
		return error;
	gm_error_destroy(error);
	return NULL;
}

static bool possible(const struct type *type)
{
	return type->size >= WORD && type->size % WORD == 0 && type->size <= TYPE_BYTES_MAX &&
	       type->pointer_bytes % WORD == 0 && type->pointer_bytes <= type->size;
}

/* The bytes of the mask, *@mask NULL where there are none to be had. Caller frees. */
static struct gm_error *read_mask(const struct gm_go_tiles *tiles, const struct type *type,
				  size_t size, uint8_t **mask)
{
	uint64_t at = type->mask;
	struct gm_error *error;
	bool there;

	*mask = NULL;
	if (type->kind & KIND_PROGRAM && tiles->target->image->version.minor < 24)
		return NULL;
	if (type->flags & FLAG_ON_DEMAND && tiles->target->image->version.minor >= 24) {
		error = read_if_there(tiles, at, &at, sizeof(at), &there);
		if (error || !there || !at)
			return error;
	}
	*mask = calloc(1, size + WORD);
	if (!*mask)
		return no_memory();
	error = read_if_there(tiles, at, *mask, size, &there);
	if (there)
		return error;
	free(*mask);
	*mask = NULL;
	return error;
}

static void set_bits(uint64_t *bits, uint64_t at, const uint8_t *mask, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (mask[i / 8] >> i % 8 & 1)
			bits[(at + i) / 64] |= 1ULL << (at + i) % 64;
}

/* A small type is repeated until there are at least 64 words. */
static bool lay(struct gm_go_tile *tile, const struct type *type, const uint8_t *mask)
{
	uint64_t words = type->size / WORD, times = words < 64 ? (63 + words) / words : 1;
	uint64_t marked = type->pointer_bytes / WORD;

	tile->words = words * times;
	/* Far behind its last pointer a large type need not be spelt out. */
	tile->bits = calloc(tile->words / 64 + 3, sizeof(*tile->bits));
	if (!tile->bits)
		return false;
	for (uint64_t i = 0; i < times; i++)
		set_bits(tile->bits, i * words, mask, marked);
	return true;
}

static struct gm_error *make(struct gm_go_tiles *tiles, uint64_t address, struct gm_go_tile *tile)
{
	gm_autofree uint8_t *mask = NULL;
	struct gm_error *error;
	struct type type;
	uint64_t size;
	bool there;

	tile->type = address;
	error = read_if_there(tiles, address, &type, sizeof(type), &there);
	if (error || !there || !possible(&type))
		return error;
	size = type.size / WORD / 8 + 3 * WORD;
	if (size > MASK_BYTES_MAX || tiles->bytes + size > BYTES_MAX)
		return NULL;
	error = read_mask(tiles, &type, type.pointer_bytes / WORD / 8 + 1, &mask);
	if (error || !mask)
		return error;
	tiles->bytes += size;
	return lay(tile, &type, mask) ? NULL : no_memory();
}

struct gm_error *gm_go_tiles_find(struct gm_go_tiles *tiles, uint64_t type,
				  const struct gm_go_tile **found)
{
	uint32_t *slot = slot_of(tiles, type);
	struct gm_error *error = NULL;
	struct gm_go_tile *tile;

	*found = NULL;
	if (!*slot) {
		if (tiles->count == TILES_MAX)
			return NULL;
		tile = gm_vec_push(tiles);
		if (!tile)
			return no_memory();
		*slot = tiles->count;
		error = make(tiles, type, tile);
	}
	tile = &tiles->items[*slot - 1];
	if (!error && tile->bits)
		*found = tile;
	return error;
}
