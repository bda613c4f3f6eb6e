/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays of many MiB, which small pages would be slow to come by: a page fault for each 4 KiB. */
#ifndef GM_BASE_BIG_H
#define GM_BASE_BIG_H

#include <stddef.h>

/* Asks the kernel for huge pages under @bytes at @memory, where that is worth a call. */
void gm_big_advise(void *memory, size_t bytes);

/* malloc() of @count items, with that; NULL when memory or size_t is out. Memory that
 * gm_big_free() kept comes first. To be freed by that, or by free().
 */
void *gm_big_alloc(size_t count, size_t item_bytes);

/* Keeps some such blocks for the next one who asks: the kernel has cleared them already, which is
 * most of what they cost. One thread alone may call these. NULL-safe.
 */
void gm_big_free(void *memory);

static inline void gm_big_autofree_cleanup(void *pointer)
{
	gm_big_free(*(void **)pointer);
}

#define gm_big_autofree __attribute__((cleanup(gm_big_autofree_cleanup)))

#endif
