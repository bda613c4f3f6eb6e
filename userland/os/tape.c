// SPDX-License-Identifier: GPL-2.0-or-later
#include "os/tape.h"

#include <errno.h>
#include <stdio.h>

#include "os/mem_source.h"

/* A log of more than this is folded once it is longer than what is kept already. */
#define FOLD_BYTES ((size_t)64 << 20)

/**
 * struct recorder - the source that remembers
 * @kept: what was folded
 * @log: what was read since, in that order; its ranges may overlap
 * @problem: what was met on the way
 */
struct recorder {
	struct gm_mem mem;
	struct gm_mem *behind;
	struct gm_tape kept;
	struct gm_tape log;
	size_t room;
	struct gm_error *problem;
};

struct player {
	struct gm_mem mem;
	const struct gm_tape *tape;
};

void gm_tape_deinit(struct gm_tape *tape)
{
	free(tape->items);
	free(tape->bytes);
	*tape = (struct gm_tape){};
}

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct gm_tape_range *)a)->address;
	uint64_t y = ((const struct gm_tape_range *)b)->address;

	return x < y ? -1 : x > y;
}

/* Joins ranges, by address, that overlap or touch; gives each its place. */
static void join(struct gm_tape *tape)
{
	size_t kept = 0;

	for (size_t i = 0; i < tape->count; i++) {
		const struct gm_tape_range *range = &tape->items[i];
		struct gm_tape_range *last = kept ? &tape->items[kept - 1] : NULL;
		uint64_t end = range->address + range->size;

		if (!last || last->address + last->size < range->address)
			tape->items[kept++] = *range;
		else if (end > last->address + last->size)
			last->size = end - last->address;
	}
	tape->count = kept;
	tape->size = 0;
	for (size_t i = 0; i < kept; i++) {
		tape->items[i].at = tape->size;
		tape->size += tape->items[i].size;
	}
}

/* The last range that begins at or below @address; NULL: none. */
static const struct gm_tape_range *find(const struct gm_tape *tape, uint64_t address)
{
	size_t low = 0, high = tape->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tape->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &tape->items[low - 1] : NULL;
}

static void copy_ranges(struct gm_tape *to, const struct gm_tape *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct gm_tape_range *range = &from->items[i];
		const struct gm_tape_range *place = find(to, range->address);

		memcpy(to->bytes + place->at + (range->address - place->address),
		       from->bytes + range->at, range->size);
	}
}

/* @kept and, above it, @log become @kept. */
static struct gm_error *fold(struct gm_tape *kept, struct gm_tape *log)
{
	struct gm_tape both = {};

	if (!gm_vec_reserve(&both, kept->count + log->count))
		return no_memory();
	if (kept->count)
		memcpy(both.items, kept->items, kept->count * sizeof(*both.items));
	if (log->count)
		memcpy(both.items + kept->count, log->items, log->count * sizeof(*both.items));
	both.count = kept->count + log->count;
	qsort(both.items, both.count, sizeof(*both.items), by_address);
	join(&both);
	both.bytes = malloc(both.size + 1);
	if (!both.bytes || both.size > GM_TAPE_BYTES_MAX) {
		gm_tape_deinit(&both);
		return gm_error_create(E2BIG, "cannot keep more than %zu MiB of a process",
				       GM_TAPE_BYTES_MAX >> 20);
	}
	copy_ranges(&both, kept);
	copy_ranges(&both, log);
	gm_tape_deinit(kept);
	gm_tape_deinit(log);
	*kept = both;
	return NULL;
}

static bool grow(struct recorder *recorder, size_t size)
{
	size_t room = recorder->room ? recorder->room * 2 : FOLD_BYTES / 64;
	uint8_t *grown;

	if (recorder->log.size + size <= recorder->room)
		return true;
	if (room < recorder->log.size + size)
		room = recorder->log.size + size;
	grown = realloc(recorder->log.bytes, room);
	if (!grown)
		return false;
	recorder->log.bytes = grown;
	recorder->room = room;
	return true;
}

static struct gm_error *remember(struct recorder *recorder, const struct gm_mem_piece *piece)
{
	struct gm_tape *log = &recorder->log;
	struct gm_tape_range *range;
	struct gm_error *error;

	if (piece->size > GM_TAPE_BYTES_MAX)
		return gm_error_create(E2BIG, "cannot keep %zu bytes of a process", piece->size);
	if (log->size > FOLD_BYTES && log->size > recorder->kept.size) {
		error = fold(&recorder->kept, log);
		recorder->room = 0;
		if (error)
			return error;
	}
	range = gm_vec_push(log);
	if (!range || !grow(recorder, piece->size))
		return no_memory();
	*range = (struct gm_tape_range){ piece->address, piece->size, log->size };
	memcpy(log->bytes + log->size, piece->buffer, piece->size);
	log->size += piece->size;
	return NULL;
}

static struct gm_error *record_pieces(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	struct recorder *recorder = (struct recorder *)mem;
	struct gm_error *error = gm_mem_read_pieces(recorder->behind, pieces, count);

	for (size_t i = 0; i < count && !error; i++)
		if (pieces[i].ok && pieces[i].size && pieces[i].address <= INT64_MAX)
			error = remember(recorder, &pieces[i]);
	return error;
}

static void destroy_recorder(struct gm_mem *mem)
{
	struct recorder *recorder = (struct recorder *)mem;

	gm_tape_deinit(&recorder->kept);
	gm_tape_deinit(&recorder->log);
	free(recorder);
}

static void say_recorder(const struct gm_mem *mem, char *text, size_t size)
{
	const struct gm_mem *behind = ((const struct recorder *)mem)->behind;

	behind->operations->where(behind, text, size);
}

static uint64_t recorded_bytes(const struct gm_mem *mem)
{
	return gm_mem_bytes(((const struct recorder *)mem)->behind);
}

struct gm_error *gm_tape_record(struct gm_mem *mem, struct gm_mem **out)
{
	static const struct gm_mem_operations operations = { record_pieces, destroy_recorder,
							     say_recorder, recorded_bytes };
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return no_memory();
	recorder->mem.operations = &operations;
	recorder->behind = mem;
	*out = &recorder->mem;
	return NULL;
}

struct gm_error *gm_tape_take(struct gm_mem *mem, struct gm_tape *tape)
{
	struct recorder *recorder = (struct recorder *)mem;
	struct gm_error *error = fold(&recorder->kept, &recorder->log);

	recorder->room = 0;
	*tape = recorder->kept;
	recorder->kept = (struct gm_tape){};
	return error;
}

static bool play(const struct gm_tape *tape, const struct gm_mem_piece *piece)
{
	const struct gm_tape_range *range = find(tape, piece->address);
	uint64_t skip;

	if (!piece->size)
		return true;
	skip = range ? piece->address - range->address : 0;
	if (!range || skip > range->size || piece->size > range->size - skip)
		return false;
	memcpy(piece->buffer, tape->bytes + range->at + skip, piece->size);
	return true;
}

static struct gm_error *play_pieces(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		pieces[i].ok = play(((const struct player *)mem)->tape, &pieces[i]);
		if (!pieces[i].ok)
			memset(pieces[i].buffer, 0, pieces[i].size);
	}
	return NULL;
}

static void destroy_player(struct gm_mem *mem)
{
	free(mem);
}

static void say_player(const struct gm_mem *mem, char *text, size_t size)
{
	(void)mem;
	snprintf(text, size, "of the recording");
}

struct gm_error *gm_tape_play(const struct gm_tape *tape, struct gm_mem **mem)
{
	static const struct gm_mem_operations operations = { play_pieces, destroy_player,
							     say_player, NULL };
	struct player *player = calloc(1, sizeof(*player));

	if (!player)
		return no_memory();
	*player = (struct player){ { &operations }, tape };
	*mem = &player->mem;
	return NULL;
}
