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

/* Room for the bits of each span that needs them. */
static struct gm_error *plan(const struct gm_go_spans *spans, struct gm_go_objects *objects)
{
	objects->alloc = gm_big_alloc(spans->count + 1, sizeof(*objects->alloc));
	objects->marks = gm_big_alloc(spans->count + 1, sizeof(*objects->marks));
	if (!objects->alloc || !objects->marks)
		return gm_error_errno(ENOMEM, "cannot list the objects of %zu spans", spans->count);
	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *span = &spans->items[i];
		bool marks = needs_marks(span);

		objects->alloc[i] = needs_alloc(span) ? objects->size : GM_GO_NO_BITS;
		objects->size += needs_alloc(span) ? bit_bytes(span) : 0;
		objects->marks[i] = marks ? objects->size : GM_GO_NO_BITS;
		objects->size += marks ? bit_bytes(span) : 0;
	}
	if (objects->size > BITS_MAX)
		return gm_error_create(E2BIG,
				       "cannot tell the objects of %zu spans apart: they"
				       " have %zu bytes of bits",
				       spans->count, objects->size);
	objects->bytes = calloc(objects->size + sizeof(uint64_t), 1);
	if (!objects->bytes)
		return gm_error_errno(ENOMEM, "cannot copy %zu bytes of bits", objects->size);
	return NULL;
}

/**
 * struct copying - where records go
 * @offsets: alloc or marks of @objects; what cannot be read becomes GM_GO_NO_BITS
 */
struct copying {
	const struct gm_go_spans *spans;
	struct gm_go_objects *objects;
	uint64_t *offsets;
};

static void got_bits(void *context, uint32_t index, const void *record)
{
	struct copying *copying = context;
	uint64_t *offset = &copying->offsets[index];

	if (record)
		memcpy(copying->objects->bytes + *offset, record,
		       bit_bytes(&copying->spans->items[index]));
	else
		*offset = GM_GO_NO_BITS;
}

static struct gm_error *copy_bits(const struct gm_go_target *target,
				  const struct gm_go_spans *spans, bool marks,
				  struct gm_go_want *wants, struct gm_go_objects *objects)
{
	struct copying copying = { .spans = spans,
				   .objects = objects,
				   .offsets = marks ? objects->marks : objects->alloc };
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *span = &spans->items[i];

		if (copying.offsets[i] != GM_GO_NO_BITS)
			wants[count++] = (struct gm_go_want){
				.address = marks ? span->mark_bits : span->alloc_bits,
				.size = bit_bytes(span),
				.index = i,
			};
	}
	return gm_go_gather(target, wants, count, got_bits, &copying);
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

static struct gm_error *find_inline(const struct gm_go_target *target,
				    const struct gm_go_arenas *arenas, struct gm_go_want *wants,
				    struct inline_marks *marks)
{
	uint32_t use = gm_go_layout_offset(marks->layout, GM_GO_ARENA_INLINE_MARKS);
	const struct gm_go_spans *spans = marks->copying.spans;
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *span = &spans->items[i];
		const struct gm_go_arena *arena = gm_go_arenas_find(arenas, span->start);

		if (arena && marks->copying.offsets[i] != GM_GO_NO_BITS)
			wants[count++] = (struct gm_go_want){
				.address = arena->at + use + page_of(span) / 8,
				.size = 1,
				.index = i,
			};
	}
	return gm_go_gather(target, wants, count, got_use, marks);
}

static struct gm_error *copy_inline(const struct gm_go_target *target, struct gm_go_want *wants,
				    struct inline_marks *marks)
{
	uint32_t size = gm_go_layout_size(marks->layout, GM_GO_INLINE_BYTES);
	const struct gm_go_spans *spans = marks->copying.spans;
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++)
		if (marks->used[i])
			wants[count++] = (struct gm_go_want){
				.address = spans->items[i].start + GM_GO_PAGE_BYTES - size,
				.size = size,
				.index = i,
			};
	return gm_go_gather(target, wants, count, got_inline, marks);
}

static struct gm_error *add_inline(const struct gm_go_target *target,
				   const struct gm_go_arenas *arenas,
				   const struct gm_go_spans *spans, struct gm_go_want *wants,
				   struct gm_go_objects *objects)
{
	gm_autofree bool *used = calloc(spans->count + 1, sizeof(*used));
	struct inline_marks marks = {
		.copying = { .spans = spans, .objects = objects, .offsets = objects->marks },
		.layout = &target->image->layout,
		.used = used,
	};
	struct gm_error *error;

	if (!gm_go_layout_has(marks.layout, GM_GO_ARENA_INLINE_MARKS) ||
	    !gm_go_layout_has(marks.layout, GM_GO_INLINE_MARKS))
		return NULL;
	if (!used)
		return gm_error_errno(ENOMEM, "cannot copy the marks of %zu spans", spans->count);
	error = find_inline(target, arenas, wants, &marks);
	return error ?: copy_inline(target, wants, &marks);
}

/* How many of the bits from @first on and below @end are set. */
static uint32_t count_bits(const struct gm_go_objects *objects, uint64_t at, uint32_t first,
			   uint32_t end)
{
	uint32_t count = 0;

	for (; first < end && first % 64; first++)
		count += bit(objects, at, first);
	for (; end - first >= 64 && first < end; first += 64) {
		uint64_t word;

		memcpy(&word, objects->bytes + at + first / 8, sizeof(word));
		count += __builtin_popcountll(word);
	}
	for (; first < end; first++)
		count += bit(objects, at, first);
	return count;
}

/* free_index + popcount(alloc bits from there on) == allocated, for every span at rest. */
static bool count_holds(const struct gm_go_span *span, const struct gm_go_objects *objects,
			uint64_t at)
{
	return span->free_index + count_bits(objects, at, span->free_index, span->elems) ==
	       span->allocated;
}

static struct gm_error *check_counts(const struct gm_go_target *target,
				     const struct gm_go_spans *spans,
				     const struct gm_go_objects *objects)
{
	uint64_t asked = 0, wrong = 0;

	for (size_t i = 0; i < spans->count; i++) {
		if (!needs_alloc(&spans->items[i]))
			continue;
		asked++;
		wrong += objects->alloc[i] == GM_GO_NO_BITS ||
			 !count_holds(&spans->items[i], objects, objects->alloc[i]);
	}
	/* Each P may be allocating from one span a class while it is copied. */
	if (wrong <= 16 + asked / 50)
		return NULL;
	return gm_go_nonsense(target,
			      "the object counts of %" PRIu64 " of %" PRIu64
			      " spans contradict their bits",
			      wrong, asked);
}

static bool any_marks(const struct gm_go_spans *spans)
{
	for (size_t i = 0; i < spans->count; i++)
		if (needs_marks(&spans->items[i]))
			return true;
	return false;
}

/* Most of the time all is swept. */
static struct gm_error *read_marks(const struct gm_go_target *target,
				   const struct gm_go_arenas *arenas,
				   const struct gm_go_spans *spans, struct gm_go_want *wants,
				   struct gm_go_objects *objects)
{
	struct gm_error *error;

	if (!any_marks(spans))
		return NULL;
	error = copy_bits(target, spans, true, wants, objects);
	return error ?: add_inline(target, arenas, spans, wants, objects);
}

struct gm_error *gm_go_objects_read(const struct gm_go_target *target,
				    const struct gm_go_arenas *arenas,
				    const struct gm_go_spans *spans, struct gm_go_objects *objects)
{
	gm_big_autofree struct gm_go_want *wants = gm_big_alloc(spans->count + 1, sizeof(*wants));
	struct gm_error *error;

	if (!wants)
		return gm_error_errno(ENOMEM, "cannot copy the bits of %zu spans", spans->count);
	error = plan(spans, objects);
	if (!error)
		error = copy_bits(target, spans, false, wants, objects);
	if (!error)
		error = read_marks(target, arenas, spans, wants, objects);
	return error ?: check_counts(target, spans, objects);
}

void gm_go_objects_forget_marks(struct gm_go_objects *objects, size_t spans)
{
	for (size_t i = 0; i < spans; i++)
		objects->marks[i] = GM_GO_NO_BITS;
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
	uint64_t at = objects->alloc[index];

	if (at == GM_GO_NO_BITS)
		return object < span->allocated;
	return object < span->free_index || bit(objects, at, object);
}

enum gm_go_class gm_go_objects_class(const struct gm_go_objects *objects,
				     const struct gm_go_spans *spans, size_t index, uint32_t object)
{
	const struct gm_go_span *span = &spans->items[index];
	uint64_t marks = objects->marks[index];

	if (!allocated(objects, span, index, object))
		return GM_GO_FREE_SLOT;
	return marks == GM_GO_NO_BITS || bit(objects, marks, object) ? GM_GO_LIVE : GM_GO_DEAD;
}

#define WORD_OBJECTS 56 /* what 8 bytes tell of, from any bit of the first on */

/* Bits from that of @object on, the lowest first. */
static uint64_t word_at(const struct gm_go_objects *objects, uint64_t at, uint32_t object)
{
	uint64_t word;

	memcpy(&word, objects->bytes + at + object / 8, sizeof(word));
	return word >> object % 8;
}

/* The same for whether they are allocated; *@count: how many of them are told, at most. */
static uint64_t allocated_word(const struct gm_go_objects *objects, const struct gm_go_span *span,
			       size_t index, uint32_t object, uint32_t *count)
{
	uint64_t at = objects->alloc[index];
	uint32_t full = at == GM_GO_NO_BITS ? span->allocated : span->free_index;

	if (object < full) {
		*count = full - object < *count ? full - object : *count;
		return ~0ULL;
	}
	return at == GM_GO_NO_BITS ? 0 : word_at(objects, at, object);
}

/* How many objects from @object on, at most @count, are surely of @class_. */
static uint32_t same_class(const struct gm_go_objects *objects, const struct gm_go_span *span,
			   size_t index, uint32_t object, enum gm_go_class class_, uint32_t *count)
{
	uint64_t allocated = allocated_word(objects, span, index, object, count);
	uint64_t marks = objects->marks[index];
	uint64_t other;

	marks = marks == GM_GO_NO_BITS ? ~0ULL : word_at(objects, marks, object);
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

	*class_ = gm_go_objects_class(objects, spans, index, object);
	/* Most spans are full, or were never freed from: no bits to look at. */
	if (objects->alloc[index] == GM_GO_NO_BITS && objects->marks[index] == GM_GO_NO_BITS)
		return object < span->allocated ? span->allocated : span->elems;
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
