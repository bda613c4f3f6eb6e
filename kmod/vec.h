/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arrays that grow by chunks, so that what is in them stays where it is. Room is made where
 * one may sleep, and taken where one may not.
 */
#ifndef GOMEM_VEC_H
#define GOMEM_VEC_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/types.h>

/* No look at memory is worth that somebody is killed for want of it. */
#define GOMEM_VEC_GFP (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/**
 * struct gomem_vec - see gomem_vec_init()
 * @item_bytes: size of an item, at most a page
 * @count: items in use
 * @room: items there is memory for
 * @per_chunk: items in a chunk, a page
 * @slots: chunks that @chunks has slots for
 * @chunks: their memory
 */
struct gomem_vec {
	size_t item_bytes;
	unsigned long count;
	unsigned long room;
	unsigned int per_chunk;
	unsigned long slots;
	void **chunks;
};

/** gomem_vec_init() - an empty one; frees nothing */
void gomem_vec_init(struct gomem_vec *vec, size_t item_bytes);

/** gomem_vec_reserve() - make room for @more items; may sleep. Return: 0 or -ENOMEM */
int gomem_vec_reserve(struct gomem_vec *vec, unsigned long more);

/** gomem_vec_free() - free all items; leaves it empty */
void gomem_vec_free(struct gomem_vec *vec);

/** gomem_vec_at() - the item at @index, below the room */
static inline void *gomem_vec_at(const struct gomem_vec *vec, unsigned long index)
{
	unsigned int chunk = index / vec->per_chunk;

	return (char *)vec->chunks[chunk] + (index - chunk * vec->per_chunk) * vec->item_bytes;
}

/** gomem_vec_has_before() - is the one before @item beside it in memory? */
static inline bool gomem_vec_has_before(const void *item)
{
	return (unsigned long)item & ~PAGE_MASK;
}

/** gomem_vec_has_room() - can one more be pushed? */
static inline bool gomem_vec_has_room(const struct gomem_vec *vec)
{
	return vec->count < vec->room;
}

/** gomem_vec_push() - a new item, not initialised; there must be room */
static inline void *gomem_vec_push(struct gomem_vec *vec)
{
	return gomem_vec_at(vec, vec->count++);
}

#endif /* GOMEM_VEC_H */
