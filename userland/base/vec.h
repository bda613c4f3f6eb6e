/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing arrays. */
#ifndef GM_BASE_VEC_H
#define GM_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* struct gm_page_runs { GM_VEC(struct gomem_page_run); }; zeroed is empty.
 * The owner frees .items.
 */
#define GM_VEC(type)             \
	__typeof__(type) *items; \
	size_t count;            \
	size_t capacity

/* Room for @extra more items of @size bytes; false when memory or size_t is out. */
bool gm_vec_reserve_raw(void **items, size_t count, size_t *capacity, size_t extra, size_t size);

#define gm_vec_reserve(vec, extra)                                                           \
	(((vec)->count < (vec)->capacity && (extra) <= (vec)->capacity - (vec)->count) ||    \
	 gm_vec_reserve_raw((void **)&(vec)->items, (vec)->count, &(vec)->capacity, (extra), \
			    sizeof(*(vec)->items)))

/* Appends a zeroed item and returns it, NULL when memory is out. */
#define gm_vec_push(vec)                                                                          \
	(gm_vec_reserve(vec, 1) ? (__typeof__((vec)->items))memset(&(vec)->items[(vec)->count++], \
								   0, sizeof(*(vec)->items)) :    \
				  NULL)

#endif
