/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which words of the heap's objects hold pointers, as the collector is told.
 *
 * Go src/runtime/mbitmap.go. Up to 1.21 each arena has a bitmap; since 1.22 objects of up to
 * 512 bytes have theirs at the end of their span, larger ones name their type.
 */
#ifndef GM_GO_POINTERS_H
#define GM_GO_POINTERS_H

#include "go/heap.h"
#include "go/target.h"

struct gm_go_pointers;

/* One for each thread: it keeps what it looked up. ENOTSUP: the layout does not say where
 * the bits are. Caller destroys; @target must stay.
 */
struct gm_error *gm_go_pointers_create(const struct gm_go_target *target,
				       const struct gm_go_heap *heap,
				       struct gm_go_pointers **pointers) GM_MUST_CHECK;
void gm_go_pointers_destroy(struct gm_go_pointers *pointers);
GM_DEFINE_AUTO(gm_go_pointers)

/* A type's pointers, over and over: the bits of at least 64 words, and as many zeros behind. */
struct gm_go_tile {
	uint64_t type;
	uint64_t words;
	uint64_t *bits;
};

/**
 * struct gm_go_object - an object being looked at; all but the mask is the caller's
 * @address: where it starts; @bytes: its slot
 * @type: of its type descriptor, 0: not known
 * @skip: words before the first one that @tile tells of
 * @tile: NULL: @bits has all that there is to know, or the arena's bitmap
 * @over: no more pointers
 */
struct gm_go_object {
	uint64_t address;
	uint64_t bytes;
	uint64_t type;
	uint64_t skip;
	uint64_t bits;
	const struct gm_go_tile *tile;
	bool over;
};

/* Begins with the object at @address of @span. @copy: the bytes of the span, @copy_bytes, from
 * its start; @large_type: mspan.largeType, for a span of one large object.
 */
struct gm_error *gm_go_pointers_begin(struct gm_go_pointers *pointers,
				      const struct gm_go_span *span, uint64_t address,
				      const void *copy, uint64_t copy_bytes, uint64_t large_type,
				      struct gm_go_object *object) GM_MUST_CHECK;

/* The pointers among the 64 words from @word on, a multiple of 64; words behind the end of
 * the object have none. To be asked in rising order.
 */
uint64_t gm_go_pointers_mask(struct gm_go_pointers *pointers, struct gm_go_object *object,
			     uint64_t word);

/* Bytes of objects whose type tells no mask: each of their words was taken for a pointer. */
uint64_t gm_go_pointers_guessed(const struct gm_go_pointers *pointers);

#endif
