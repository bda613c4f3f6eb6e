// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/pointers.h"

#include <errno.h>
#include <string.h>

#include "go/tiles.h"

#define WORD 8
/* Go src/runtime/malloc.go: minSizeForMallocHeader, mallocHeaderSize. */
#define IN_SPAN_MAX 512
#define HEADER_WORDS 1
#define ARENA_WORDS (GM_GO_ARENA_SPAN / WORD)

enum scheme {
	TWO_BITS, /* up to 1.19: four words a byte: their pointer bits, then their scan bits */
	ONE_BIT, /* 1.20, 1.21; a second bitmap tells where there are no more */
	HEADERS,
};

/* The bitmap of an arena; one of two that are kept, as an object may lie in two. @none: there is
 * none, or it cannot be read.
 */
struct bitmap {
	uint64_t arena;
	bool none;
	uint8_t *bits;
	uint8_t *no_more;
};

/**
 * struct gm_go_pointers - see the header
 * @inline_bytes: of the mark bits behind those for pointers, in spans that have them
 */
struct gm_go_pointers {
	const struct gm_go_target *target;
	const struct gm_go_heap *heap;
	struct gm_go_tiles *tiles;
	enum scheme scheme;
	uint32_t bits_bytes;
	uint32_t no_more_bytes;
	struct bitmap bitmaps[2];
	bool inline_marks;
	uint64_t guessed;
};

void gm_go_pointers_destroy(struct gm_go_pointers *pointers)
{
	if (!pointers)
		return;
	for (size_t i = 0; i < 2; i++) {
		free(pointers->bitmaps[i].bits);
		free(pointers->bitmaps[i].no_more);
	}
	gm_go_tiles_destroy(pointers->tiles);
	free(pointers);
}

/* Green Tea is the default since Go 1.26, and says so where it was chosen before. */
static bool has_inline_marks(const struct gm_go_image *image)
{
	if (gm_go_version_has(&image->version, "greenteagc"))
		return true;
	return image->version.minor >= 26 && !gm_go_version_has(&image->version, "nogreenteagc");
}

static struct gm_error *choose(struct gm_go_pointers *pointers)
{
	const struct gm_go_image *image = pointers->target->image;
	const struct gm_go_layout *layout = &image->layout;

	pointers->bits_bytes = gm_go_layout_size(layout, GM_GO_ARENA_BITMAP);
	pointers->no_more_bytes = gm_go_layout_size(layout, GM_GO_ARENA_NO_MORE);
	if (gm_go_layout_has(layout, GM_GO_MSPAN_LARGE_TYPE)) {
		pointers->scheme = HEADERS;
		pointers->inline_marks = has_inline_marks(image);
		return NULL;
	}
	pointers->scheme = pointers->no_more_bytes ? ONE_BIT : TWO_BITS;
	if (pointers->bits_bytes == (pointers->no_more_bytes ? ARENA_WORDS / 8 : ARENA_WORDS / 4) &&
	    (!pointers->no_more_bytes || pointers->no_more_bytes == ARENA_WORDS / 64 / 8))
		return NULL;
	return gm_error_create(ENOTSUP, "cannot tell where %s keeps its pointers (layout: %s)",
			       image->version.text, layout->source);
}

struct gm_error *gm_go_pointers_create(const struct gm_go_target *target,
				       const struct gm_go_heap *heap, struct gm_go_pointers **out)
{
	gm_auto(gm_go_pointers) struct gm_go_pointers *pointers = calloc(1, sizeof(*pointers));
	struct gm_error *error;

	if (!pointers)
		return gm_error_errno(ENOMEM, "cannot look for pointers");
	pointers->target = target;
	pointers->heap = heap;
	error = choose(pointers);
	if (!error)
		error = gm_go_tiles_create(target, &pointers->tiles);
	for (size_t i = 0; i < 2 && !error && pointers->scheme != HEADERS; i++) {
		pointers->bitmaps[i].bits = malloc(pointers->bits_bytes + WORD);
		pointers->bitmaps[i].no_more = malloc(pointers->no_more_bytes + WORD);
		if (!pointers->bitmaps[i].bits || !pointers->bitmaps[i].no_more)
			error = gm_error_errno(ENOMEM, "cannot look for pointers");
	}
	if (error)
		return error;
	*out = pointers;
	pointers = NULL;
	return NULL;
}

uint64_t gm_go_pointers_guessed(const struct gm_go_pointers *pointers)
{
	return pointers->guessed;
}

static bool load(struct gm_go_pointers *pointers, const struct gm_go_arena *arena,
		 struct bitmap *bitmap)
{
	const struct gm_go_layout *layout = &pointers->target->image->layout;
	struct gm_error *error;

	error = gm_mem_read(pointers->target->mem,
			    arena->at + gm_go_layout_offset(layout, GM_GO_ARENA_BITMAP),
			    bitmap->bits, pointers->bits_bytes);
	if (!error && pointers->no_more_bytes)
		error = gm_mem_read(pointers->target->mem,
				    arena->at + gm_go_layout_offset(layout, GM_GO_ARENA_NO_MORE),
				    bitmap->no_more, pointers->no_more_bytes);
	gm_error_destroy(error);
	return !error;
}

/* The bitmap for @address; NULL where there is none, or none that can be read. */
static struct bitmap *bitmap_at(struct gm_go_pointers *pointers, uint64_t address)
{
	uint64_t start = address & -GM_GO_ARENA_SPAN;
	struct bitmap *bitmap = &pointers->bitmaps[start / GM_GO_ARENA_SPAN % 2];
	const struct gm_go_arena *arena;

	if (bitmap->arena != start) {
		arena = gm_go_arenas_find(&pointers->heap->arenas, address);
		bitmap->arena = start;
		bitmap->none = !arena || !load(pointers, arena, bitmap);
	}
	return bitmap->none ? NULL : bitmap;
}

static uint64_t word_in_arena(uint64_t address)
{
	return address % GM_GO_ARENA_SPAN / WORD;
}

/* @words from @address on, word by word as scanobject() did: a word that is not to be scanned
 * ends the object, but for the second one, whose bit had another use before Go 1.16.
 */
static uint64_t two_bits_mask(struct gm_go_pointers *pointers, struct gm_go_object *object,
			      uint64_t word, uint64_t words)
{
	uint64_t mask = 0;

	for (uint64_t i = 0; i < words; i++) {
		uint64_t at = object->address + (word + i) * WORD;
		const struct bitmap *bitmap = bitmap_at(pointers, at);
		unsigned int bits;

		if (!bitmap) {
			object->over = true;
			break;
		}
		bits = bitmap->bits[word_in_arena(at) / 4] >> word_in_arena(at) % 4;
		if (!(bits & 0x10) && word + i != 1) {
			object->over = true;
			break;
		}
		mask |= (uint64_t)(bits & 1) << i;
	}
	return mask;
}

/* What one word of the bitmap tells of at most @words; *@told: of how many. */
static uint64_t one_bit_word(struct gm_go_pointers *pointers, struct gm_go_object *object,
			     uint64_t address, uint64_t words, uint64_t *told)
{
	const struct bitmap *bitmap = bitmap_at(pointers, address);
	uint64_t at = word_in_arena(address), bits;

	*told = 64 - at % 64;
	if (!bitmap) {
		object->over = true;
		return 0;
	}
	memcpy(&bits, bitmap->bits + at / 64 * sizeof(bits), sizeof(bits));
	bits >>= at % 64;
	if (*told > words)
		*told = words;
	else if (bitmap->no_more[at / 64 / 8] >> at / 64 % 8 & 1)
		object->over = true;
	return *told < 64 ? bits & ((1ULL << *told) - 1) : bits;
}

static uint64_t one_bit_mask(struct gm_go_pointers *pointers, struct gm_go_object *object,
			     uint64_t word, uint64_t words)
{
	uint64_t mask = 0, done = 0, told;

	for (; done < words && !object->over; done += told)
		mask |= one_bit_word(pointers, object, object->address + (word + done) * WORD,
				     words - done, &told)
			<< done;
	return mask;
}

/* The bits from @word of the tiling on. */
static uint64_t tile_mask(const struct gm_go_tile *tile, uint64_t word)
{
	uint64_t at = word % tile->words, left = tile->words - at;
	uint64_t mask = tile->bits[at / 64] >> at % 64;

	if (at % 64)
		mask |= tile->bits[at / 64 + 1] << (64 - at % 64);
	if (left < 64)
		mask = (mask & ((1ULL << left) - 1)) | tile->bits[0] << left;
	return mask;
}

static uint64_t header_mask(const struct gm_go_object *object, uint64_t word)
{
	if (!object->tile)
		return word ? 0 : object->bits;
	if (word)
		return tile_mask(object->tile, word - object->skip);
	return tile_mask(object->tile, 0) << object->skip;
}

uint64_t gm_go_pointers_mask(struct gm_go_pointers *pointers, struct gm_go_object *object,
			     uint64_t word)
{
	uint64_t words = object->bytes / WORD, mask;

	if (object->over || word >= words)
		return 0;
	words = words - word < 64 ? words - word : 64;
	if (pointers->scheme == TWO_BITS)
		return two_bits_mask(pointers, object, word, words);
	if (pointers->scheme == ONE_BIT)
		return one_bit_mask(pointers, object, word, words);
	mask = header_mask(object, word);
	return words < 64 ? mask & ((1ULL << words) - 1) : mask;
}

/* Go src/runtime/mgcmark_greenteagc.go: gcUsesSpanInlineMarkBits(). */
static uint64_t inline_bytes(const struct gm_go_pointers *pointers, const struct gm_go_span *span)
{
	if (!pointers->inline_marks || span->elem_bytes < 16 || span->elem_bytes > IN_SPAN_MAX)
		return 0;
	return gm_go_layout_size(&pointers->target->image->layout, GM_GO_INLINE_BYTES);
}

/* The bits at the end of a span: one for each of its words. */
static uint64_t in_span_bits(const struct gm_go_pointers *pointers, const struct gm_go_span *span,
			     uint64_t offset, const uint8_t *copy, uint64_t copy_bytes)
{
	uint64_t bits_bytes = copy_bytes / WORD / 8, behind = inline_bytes(pointers, span);
	uint64_t word = offset / WORD, bits = 0, more = 0;
	const uint8_t *at;

	if (bits_bytes + behind > copy_bytes || word / 8 >= bits_bytes)
		return 0;
	at = copy + copy_bytes - bits_bytes - behind + word / 64 * WORD;
	memcpy(&bits, at, WORD);
	bits >>= word % 64;
	if (word % 64 && word / 64 * WORD + WORD < bits_bytes) {
		memcpy(&more, at + WORD, WORD);
		bits |= more << (64 - word % 64);
	}
	return bits;
}

static struct gm_error *begin_typed(struct gm_go_pointers *pointers, uint64_t type,
				    struct gm_go_object *object)
{
	struct gm_error *error;

	/* A slot that was just handed out may not have its type yet. */
	object->over = !type;
	if (!type)
		return NULL;
	error = gm_go_tiles_find(pointers->tiles, type, &object->tile);
	if (error || object->tile)
		object->type = type;
	if (!error && !object->tile) {
		object->tile = gm_go_tiles_all();
		pointers->guessed += object->bytes;
	}
	return error;
}

struct gm_error *gm_go_pointers_begin(struct gm_go_pointers *pointers,
				      const struct gm_go_span *span, uint64_t address,
				      const void *copy, uint64_t copy_bytes, uint64_t large_type,
				      struct gm_go_object *object)
{
	uint64_t offset = address - span->start, type = 0;

	*object = (struct gm_go_object){ .address = address, .bytes = span->elem_bytes };
	if (pointers->scheme != HEADERS)
		return NULL;
	if (span->elem_bytes <= IN_SPAN_MAX) {
		object->bits = in_span_bits(pointers, span, offset, copy, copy_bytes);
		return NULL;
	}
	if (!span->size_class)
		return begin_typed(pointers, large_type, object);
	object->skip = HEADER_WORDS;
	if (offset + WORD <= copy_bytes)
		memcpy(&type, (const char *)copy + offset, WORD);
	return begin_typed(pointers, type, object);
}
