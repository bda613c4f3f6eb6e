/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects of the spans are allocated, and which the last GC marked. */
#ifndef GM_GO_OBJECTS_H
#define GM_GO_OBJECTS_H

#include "go/spans.h"

#define GM_GO_NO_BITS UINT32_MAX

/**
 * struct gm_go_objects - bit arrays, one bit an object, beside a list of spans
 * @alloc: by span, where its allocation bits start in @bytes; GM_GO_NO_BITS where
 *	the first allocated objects are the allocated ones
 * @bytes: @size of them, and 8 more that tell nothing but may be read
 * @marks: the same for mark bits; GM_GO_NO_BITS where each allocated object lives, NULL where
 *	they do in all spans
 */
struct gm_go_objects {
	uint32_t *alloc;
	uint32_t *marks;
	uint8_t *bytes;
	size_t size;
};

/* EIO: the bits contradict the spans' counts, so the layout is
 * not the right one.
 */
struct gm_error *gm_go_objects_read(const struct gm_go_target *target,
				    const struct gm_go_arenas *arenas,
				    const struct gm_go_spans *spans,
				    struct gm_go_objects *objects) GM_MUST_CHECK;

/* From now on each allocated object lives. */
void gm_go_objects_forget_marks(struct gm_go_objects *objects);
void gm_go_objects_deinit(struct gm_go_objects *objects);

/* The class of @object, which is below the elems of span @index: GM_GO_LIVE, GM_GO_DEAD or
 * GM_GO_FREE_SLOT.
 */
enum gm_go_class gm_go_objects_class(const struct gm_go_objects *objects,
				     const struct gm_go_spans *spans, size_t index,
				     uint32_t object);

/* Adds to the @counts of these classes how many of the objects from @first on and below @end, which
 * is at most the elems of span @index, are of each.
 */
void gm_go_objects_count(const struct gm_go_objects *objects, const struct gm_go_spans *spans,
			 size_t index, uint32_t first, uint32_t end, uint32_t *counts);

/* Where the mark bits of span @index start in the bytes, or GM_GO_NO_BITS. */
static inline uint32_t gm_go_objects_marks(const struct gm_go_objects *objects, size_t index)
{
	return objects->marks ? objects->marks[index] : GM_GO_NO_BITS;
}

/* Whether span @index has bits; else the first allocated objects live, and the others are free. */
static inline bool gm_go_objects_mixed(const struct gm_go_objects *objects, size_t index)
{
	return objects->alloc[index] != GM_GO_NO_BITS ||
	       gm_go_objects_marks(objects, index) != GM_GO_NO_BITS;
}

/* The same; returns the first object behind it whose class may differ. */
uint32_t gm_go_objects_run(const struct gm_go_objects *objects, const struct gm_go_spans *spans,
			   size_t index, uint32_t object, enum gm_go_class *class_);

#endif
