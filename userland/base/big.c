// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* MADV_HUGEPAGE */
#include "base/big.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096
#define WORTH_BYTES (4U << 20)
#define KEPT_MAX 4

void gm_big_advise(void *memory, size_t bytes)
{
	uintptr_t start = ((uintptr_t)memory + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
	uintptr_t end = ((uintptr_t)memory + bytes) & ~(uintptr_t)(PAGE_BYTES - 1);

	/* Where there are none, small pages serve as well. */
	if (bytes >= WORTH_BYTES)
		(void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

/* The blocks that wait for another use. */
static void *kept[KEPT_MAX];

/* One that suffices, and is not much too large. */
static void *take_kept(size_t bytes)
{
	for (size_t i = 0; i < KEPT_MAX; i++) {
		size_t usable = kept[i] ? malloc_usable_size(kept[i]) : 0;
		void *memory = kept[i];

		if (usable < bytes || usable / 2 > bytes)
			continue;
		kept[i] = NULL;
		return memory;
	}
	return NULL;
}

void *gm_big_alloc(size_t count, size_t item_bytes)
{
	size_t bytes;
	void *memory;

	if (__builtin_mul_overflow(count, item_bytes, &bytes))
		return NULL;
	if (bytes < WORTH_BYTES)
		return malloc(bytes);
	memory = take_kept(bytes);
	if (memory)
		return memory;
	memory = malloc(bytes);
	if (memory)
		gm_big_advise(memory, bytes);
	return memory;
}

void gm_big_free(void *memory)
{
	if (memory && malloc_usable_size(memory) >= WORTH_BYTES) {
		for (size_t i = 0; i < KEPT_MAX; i++) {
			if (kept[i])
				continue;
			kept[i] = memory;
			return;
		}
	}
	free(memory);
}
