// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/objects.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/big.h"

#define BITS_MAX ((size_t)1 << 30)

static size_t bit_bytes(const struct gm_go_span *span)
{
	return (span->elems + 7) / 8;
}

static bool bit(const struct gm_go_objects *objects, uint64_t at, uint32_t index)
{
	return objects->bytes[at + index / 8] >> index % 8 & 1;
}

static bool needs_marks(const struct gm_go_span *span)
{
	return span->allocated && span->unswept;
}

static bool needs_alloc(const struct gm_go_span *span)
{
	return !span->manual && span->allocated && span->allocated < span->elems &&
	       span->allocated != span->free_index;
}

/* Takes the room for the bits of @span. */
static uint32_t take(struct gm_go_objects *objects, const struct gm_go_span *span)
{
	size_t at = objects->size;

	objects->size += bit_bytes(span);
	return at;
}

/* Room for the bits of each span that needs them. Most of the time all is swept. */
static struct gm_error *plan(const struct gm_go_spans *spans, struct gm_go_objects *objects)
{
	objects->alloc = gm_big_alloc(spans->count + 1, sizeof(*objects->alloc));
	if (spans->unswept)
		objects->marks = gm_big_alloc(spans->count + 1, sizeof(*objects->marks));
	if (!objects->alloc || (spans->unswept && !objects->marks))
		return gm_error_errno(ENOMEM, "cannot list the objects of %zu spans", spans->count);
	for (size_t i = 0; i < spans->count && objects->size <= BITS_MAX; i++) {
		const struct gm_go_span *span = &spans->items[i];

		objects->alloc[i] = needs_alloc(span) ? take(objects, span) : GM_GO_NO_BITS;
		if (objects->marks)
			objects->marks[i] = needs_marks(span) ? take(objects, span) : GM_GO_NO_BITS;
	}
	if (objects->size > BITS_MAX)
		return gm_error_create(E2BIG,
				       "cannot tell the objects of %zu spans apart: they"
				       " have more than %zu bytes of bits",
				       spans->count, BITS_MAX);
	objects->bytes = calloc(objects->size + sizeof(uint64_t), 1);
	if (!objects->bytes)
		return gm_error_errno(ENOMEM, "cannot copy %zu bytes of bits", objects->size);
	return NULL;
}

#define WORD_OBJECTS 56 /* what 8 bytes tell of, from any bit of the first on */

/* Bits from that of @object on, the lowest first. */
static uint64_t word_at(const struct gm_go_objects *objects, uint64_t at, uint32_t object)
{
	uint64_t word;

	memcpy(&word, objects->bytes + at + object / 8, sizeof(word));
	return word >> object % 8;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The lowest @count bits, 1 to 64. */
static uint64_t lowest(uint32_t count)
{
	return ~0ULL >> (64 - count);
}

/* How many of the bits from @first on and below @end are set. */
static uint32_t count_bits(const struct gm_go_objects *objects, uint64_t at, uint32_t first,
			   uint32_t end)
{
	uint32_t count = 0, step;

	for (; first < end; first += step) {
		step = lower(end - first, WORD_OBJECTS);
		count += __builtin_popcountll(word_at(objects, at, first) & lowest(step));
	}
	return count;
}

/* free_index + popcount(alloc bits from there on) == allocated, for every span at rest. */
static bool count_holds(const struct gm_go_span *span, const struct gm_go_objects *objects,
			uint64_t at)
{
	return span->free_index + count_bits(objects, at, span->free_index, span->elems) ==
	       span->allocated;
}

/**
 * struct copying - where records go
 * @offsets: alloc or marks of @objects; what cannot be read becomes GM_GO_NO_BITS
 * @asked: how many allocation bits, @wrong: those that contradict the span's count
 */
struct copying {
	const struct gm_go_spans *spans;
	struct gm_go_objects *objects;
	uint32_t *offsets;
	uint64_t asked;
	uint64_t wrong;
};

static void got_bits(void *context, uint32_t index, const void *record)
{
	struct copying *copying = context;
	uint32_t *offset = &copying->offsets[index];

	if (record)
		memcpy(copying->objects->bytes + *offset, record,
		       bit_bytes(&copying->spans->items[index]));
	else
		*offset = GM_GO_NO_BITS;
}

static void got_alloc(void *context, uint32_t index, const void *record)
{
	struct copying *copying = context;
	const struct gm_go_span *span = &copying->spans->items[index];

	got_bits(context, index, record);
	copying->asked++;
	copying->wrong += !record || !count_holds(span, copying->objects, copying->offsets[index]);
}

static struct gm_error *ask_bits(struct gm_go_asker *asker, const struct copying *copying,
				 bool marks)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < copying->spans->count && !error; i++) {
		const struct gm_go_span *span = &copying->spans->items[i];

		if (copying->offsets[i] != GM_GO_NO_BITS)
			error = gm_go_ask(asker, marks ? span->mark_bits : span->alloc_bits,
					  bit_bytes(span), i);
	}
	return error ?: gm_go_asker_flush(asker);
}

static struct gm_error *copy_bits(const struct gm_go_target *target, struct copying *copying,
				  bool marks)
{
	struct gm_go_asker asker;
	struct gm_error *error;

	error = gm_go_asker_init(target, marks ? got_bits : got_alloc, copying, &asker);
	if (!error)
		error = ask_bits(&asker, copying, marks);
	gm_go_asker_deinit(&asker);
	return error;
}

/* Each P may be allocating from one span a class while it is copied. */
static struct gm_error *check_counts(const struct gm_go_target *target,
				     const struct copying *copying)
{
	if (copying->wrong <= 16 + copying->asked / 50)
		return NULL;
	return gm_go_nonsense(target,
			      "the object counts of %" PRIu64 " of %" PRIu64
			      " spans contradict their bits",
			      copying->wrong, copying->asked);
}

/* Green Tea (Go 1.25 on): the marks of a span of small objects lie in its own last
 * 128 bytes until it is swept; a bit per page in the arena says which spans do so.
 */
struct inline_marks {
	struct copying copying;
	const struct gm_go_layout *layout;
	bool *used;
};

static uint64_t page_of(const struct gm_go_span *span)
{
	return span->start % GM_GO_ARENA_SPAN / GM_GO_PAGE_BYTES;
}

static void got_use(void *context, uint32_t index, const void *record)
{
	struct inline_marks *marks = context;
	uint64_t page = page_of(&marks->copying.spans->items[index]);

	marks->used[index] = record && *(const uint8_t *)record >> page % 8 & 1;
}

static void got_inline(void *context, uint32_t index, const void *record)
{
	struct inline_marks *marks = context;
	const uint8_t *from = record;
	size_t bytes = bit_bytes(&marks->copying.spans->items[index]);
	uint8_t *to = marks->copying.objects->bytes + marks->copying.offsets[index];

	if (!record)
		return;
	from += gm_go_layout_offset(marks->layout, GM_GO_INLINE_MARKS);
	if (bytes > gm_go_layout_size(marks->layout, GM_GO_INLINE_MARKS))
		bytes = gm_go_layout_size(marks->layout, GM_GO_INLINE_MARKS);
	for (size_t i = 0; i < bytes; i++)
		to[i] |= from[i];
}

static struct gm_error *find_inline(struct gm_go_asker *asker, const struct gm_go_arenas *arenas,
				    const struct inline_marks *marks)
{
	uint32_t use = gm_go_layout_offset(marks->layout, GM_GO_ARENA_INLINE_MARKS);
	const struct gm_go_spans *spans = marks->copying.spans;
	struct gm_error *error = NULL;

	for (size_t i = 0; i < spans->count && !error; i++) {
		const struct gm_go_span *span = &spans->items[i];
		const struct gm_go_arena *arena = NULL;

		if (marks->copying.offsets[i] != GM_GO_NO_BITS)
			arena = gm_go_arenas_find(arenas, span->start);
		if (arena)
			error = gm_go_ask(asker, arena->at + use + page_of(span) / 8, 1, i);
	}
	return error ?: gm_go_asker_flush(asker);
}

static struct gm_error *copy_inline(struct gm_go_asker *asker, const struct inline_marks *marks)
{
	uint32_t size = gm_go_layout_size(marks->layout, GM_GO_INLINE_BYTES);
	const struct gm_go_spans *spans = marks->copying.spans;
	struct gm_error *error = NULL;

	asker->got = got_inline;
	for (size_t i = 0; i < spans->count && !error; i++)
		if (marks->used[i])
			error = gm_go_ask(asker, spans->items[i].start + GM_GO_PAGE_BYTES - size,
					  size, i);
	return error ?: gm_go_asker_flush(asker);
}

static struct gm_error *add_inline(const struct gm_go_target *target,
				   const struct gm_go_arenas *arenas, const struct copying *copying)
{
	gm_autofree bool *used = calloc(copying->spans->count + 1, sizeof(*used));
	struct inline_marks marks = {
		.copying = *copying,
		.layout = &target->image->layout,
		.used = used,
	};
	struct gm_go_asker asker;
	struct gm_error *error;

	if (!gm_go_layout_has(marks.layout, GM_GO_ARENA_INLINE_MARKS) ||
	    !gm_go_layout_has(marks.layout, GM_GO_INLINE_MARKS))
		return NULL;
	if (!used)
		return gm_error_errno(ENOMEM, "cannot copy the marks of %zu spans",
				      copying->spans->count);
	error = gm_go_asker_init(target, got_use, &marks, &asker);
	if (!error)
		error = find_inline(&asker, arenas, &marks);
	if (!error)
		error = copy_inline(&asker, &marks);
	gm_go_asker_deinit(&asker);
	return error;
}

static struct gm_error *read_marks(const struct gm_go_target *target,
				   const struct gm_go_arenas *arenas,
				   const struct gm_go_spans *spans, struct gm_go_objects *objects)
{
	struct copying copying = { .spans = spans, .objects = objects, .offsets = objects->marks };
	struct gm_error *error = copy_bits(target, &copying, true);

	return error ?: add_inline(target, arenas, &copying);
}

static struct gm_error *read_alloc(const struct gm_go_target *target,
				   const struct gm_go_spans *spans, struct gm_go_objects *objects)
{
	struct copying copying = { .spans = spans, .objects = objects, .offsets = objects->alloc };
	struct gm_error *error = copy_bits(target, &copying, false);

	return error ?: check_counts(target, &copying);
}

struct gm_error *gm_go_objects_read(const struct gm_go_target *target,
				    const struct gm_go_arenas *arenas,
				    const struct gm_go_spans *spans, struct gm_go_objects *objects)
{
	struct gm_error *error = plan(spans, objects);

	if (!error)
		error = read_alloc(target, spans, objects);
	if (!error && objects->marks)
		error = read_marks(target, arenas, spans, objects);
	return error;
}

void gm_go_objects_forget_marks(struct gm_go_objects *objects)
{
	free(objects->marks);
	objects->marks = NULL;
}

void gm_go_objects_deinit(struct gm_go_objects *objects)
{
	free(objects->alloc);
	free(objects->marks);
	free(objects->bytes);
}

static bool allocated(const struct gm_go_objects *objects, const struct gm_go_span *span,
		      size_t index, uint32_t object)
{
	uint32_t at = objects->alloc[index];

	if (at == GM_GO_NO_BITS)
		return object < span->allocated;
	return object < span->free_index || bit(objects, at, object);
}

enum gm_go_class gm_go_objects_class(const struct gm_go_objects *objects,
				     const struct gm_go_spans *spans, size_t index, uint32_t object)
{
	const struct gm_go_span *span = &spans->items[index];
	uint32_t marks = gm_go_objects_marks(objects, index);

	if (!allocated(objects, span, index, object))
		return GM_GO_FREE_SLOT;
	return marks == GM_GO_NO_BITS || bit(objects, marks, object) ? GM_GO_LIVE : GM_GO_DEAD;
}

/* As word_at() for whether they are allocated; *@count: how many of them are told, at most. */
static uint64_t allocated_word(const struct gm_go_objects *objects, const struct gm_go_span *span,
			       size_t index, uint32_t object, uint32_t *count)
{
	uint32_t at = objects->alloc[index];
	uint32_t full = at == GM_GO_NO_BITS ? span->allocated : span->free_index;

	if (object < full) {
		*count = lower(full - object, *count);
		return ~0ULL;
	}
	return at == GM_GO_NO_BITS ? 0 : word_at(objects, at, object);
}

/* How many objects from @object on, at most @count, are surely of @class_. */
static uint32_t same_class(const struct gm_go_objects *objects, const struct gm_go_span *span,
			   size_t index, uint32_t object, enum gm_go_class class_, uint32_t *count)
{
	uint64_t allocated = allocated_word(objects, span, index, object, count);
	uint32_t marks_at = gm_go_objects_marks(objects, index);
	uint64_t marks = ~0ULL, other;

	if (marks_at != GM_GO_NO_BITS)
		marks = word_at(objects, marks_at, object);
	if (class_ == GM_GO_FREE_SLOT)
		other = allocated;
	else
		other = ~(allocated & (class_ == GM_GO_LIVE ? marks : ~marks));
	return other ? (uint32_t)__builtin_ctzll(other) : 64;
}

uint32_t gm_go_objects_run(const struct gm_go_objects *objects, const struct gm_go_spans *spans,
			   size_t index, uint32_t object, enum gm_go_class *class_)
{
	const struct gm_go_span *span = &spans->items[index];

	/* Most spans are full, or were never freed from: no bits to look at. */
	if (!gm_go_objects_mixed(objects, index)) {
		*class_ = object < span->allocated ? GM_GO_LIVE : GM_GO_FREE_SLOT;
		return object < span->allocated ? span->allocated : span->elems;
	}
	*class_ = gm_go_objects_class(objects, spans, index, object);
	for (object++; object < span->elems;) {
		uint32_t count = WORD_OBJECTS;
		uint32_t same = same_class(objects, span, index, object, *class_, &count);

		if (same < count) {
			object += same;
			break;
		}
		object += count;
	}
	return object < span->elems ? object : span->elems;
}

void gm_go_objects_count(const struct gm_go_objects *objects, const struct gm_go_spans *spans,
			 size_t index, uint32_t first, uint32_t end, uint32_t *counts)
{
	const struct gm_go_span *span = &spans->items[index];
	uint32_t marks_at = gm_go_objects_marks(objects, index);

	while (first < end) {
		uint32_t count = lower(end - first, WORD_OBJECTS);
		uint64_t allocated = allocated_word(objects, span, index, first, &count);
		uint64_t marks = ~0ULL;
		uint32_t all, live;

		if (marks_at != GM_GO_NO_BITS)
			marks = word_at(objects, marks_at, first);
		allocated &= lowest(count);
		all = __builtin_popcountll(allocated);
		live = __builtin_popcountll(allocated & marks);
		counts[GM_GO_LIVE] += live;
		counts[GM_GO_DEAD] += all - live;
		counts[GM_GO_FREE_SLOT] += count - all;
		first += count;
	}
}
