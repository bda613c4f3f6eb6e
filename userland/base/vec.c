// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/big.h"

#define FIRST_CAPACITY 16

bool gm_vec_reserve_raw(void **items, size_t count, size_t *capacity, size_t extra, size_t size)
{
	size_t want, bytes;
	void *grown;

	if (__builtin_add_overflow(count, extra, &want))
		return false;
	if (want <= *capacity)
		return true;
	if (want < FIRST_CAPACITY)
		want = FIRST_CAPACITY;
	/* Doubling, so that a million pushes copy each item about once. */
	if (*capacity <= SIZE_MAX / 2 && want < *capacity * 2)
		want = *capacity * 2;
	if (__builtin_mul_overflow(want, size, &bytes))
		return false;
	grown = realloc(*items, bytes);
	if (!grown)
		return false;
	gm_big_advise(grown, bytes);
	*items = grown;
	*capacity = want;
	return true;
}
