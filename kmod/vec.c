// SPDX-License-Identifier: GPL-2.0
#include "vec.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

static int make_slots(struct gomem_vec *vec)
{
	unsigned long slots = max(2 * vec->slots, 64UL);
	void **chunks = kvmalloc_array(slots, sizeof(*chunks), GOMEM_VEC_GFP);

	if (!chunks)
		return -ENOMEM;
	if (vec->slots)
		memcpy(chunks, vec->chunks, vec->slots * sizeof(*chunks));
	kvfree(vec->chunks);
	vec->chunks = chunks;
	vec->slots = slots;
	return 0;
}

/* A page at a time: larger pieces would be cleared twice where init_on_alloc is set. */
static int make_chunk(struct gomem_vec *vec)
{
	unsigned long index = vec->room / vec->per_chunk;
	int err = index < vec->slots ? 0 : make_slots(vec);

	if (err)
		return err;
	vec->chunks[index] = (void *)__get_free_page(GOMEM_VEC_GFP);
	if (!vec->chunks[index])
		return -ENOMEM;
	vec->room += vec->per_chunk;
	return 0;
}

void gomem_vec_init(struct gomem_vec *vec, size_t item_bytes)
{
	*vec = (struct gomem_vec){
		.item_bytes = item_bytes,
		.per_chunk = PAGE_SIZE / item_bytes,
	};
}

int gomem_vec_reserve(struct gomem_vec *vec, unsigned long more)
{
	int err = 0;

	while (!err && vec->room - vec->count < more)
		err = make_chunk(vec);
	return err;
}

void gomem_vec_free(struct gomem_vec *vec)
{
	unsigned long i;

	for (i = 0; i < vec->room / vec->per_chunk; i++)
		free_page((unsigned long)vec->chunks[i]);
	kvfree(vec->chunks);
	gomem_vec_init(vec, vec->item_bytes);
}
