// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/malloc.go: an address plus the base offset, in units of 64 MiB,
 * is an arena's index; mheap_.arenas[0] points to the array of heapArena pointers.
 */
#include <errno.h>
#include <string.h>

#include "go/spans.h"

#define ARENA_INDEX_MAX (1U << 22)

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void got_pointer(void *context, uint32_t index, const void *record)
{
	struct gm_go_arenas *arenas = context;

	if (record)
		memcpy(&arenas->items[index].at, record, sizeof(arenas->items[index].at));
}

static void drop_empty(struct gm_go_arenas *arenas)
{
	size_t kept = 0;

	for (size_t i = 0; i < arenas->count; i++)
		if (arenas->items[i].at)
			arenas->items[kept++] = arenas->items[i];
	arenas->count = kept;
}

static struct gm_error *read_pointers(const struct gm_go_target *target, const uint64_t *indices,
				      size_t count, uint64_t index_at, struct gm_go_arenas *arenas)
{
	gm_autofree struct gm_go_want *wants = calloc(count + 1, sizeof(*wants));
	uint64_t base = gm_go_layout_arena_base(&target->image->layout);
	struct gm_error *error;

	if (!wants || !gm_vec_reserve(arenas, count))
		return gm_error_errno(ENOMEM, "cannot copy the index of %zu arenas", count);
	for (size_t i = 0; i < count; i++) {
		uint64_t start = indices[i] * GM_GO_ARENA_SPAN + base;

		/* Some indices are those of the kernel's addresses. */
		if (indices[i] >= ARENA_INDEX_MAX || start >= GM_GO_ADDRESS_MAX ||
		    (i && indices[i] == indices[i - 1]))
			continue;
		wants[arenas->count] = (struct gm_go_want){ .address = index_at + indices[i] * 8,
							    .size = 8,
							    .index = arenas->count };
		arenas->items[arenas->count++] = (struct gm_go_arena){ .start = start };
	}
	error = gm_go_gather(target, wants, arenas->count, got_pointer, arenas);
	drop_empty(arenas);
	return error;
}

struct gm_error *gm_go_arenas_read(const struct gm_go_target *target, struct gm_go_arenas *arenas,
				   uint64_t *index_at)
{
	/* Renamed in Go 1.25. */
	enum gm_go_field list = gm_go_layout_has(&target->image->layout, GM_GO_MHEAP_HEAP_ARENAS) ?
					GM_GO_MHEAP_HEAP_ARENAS :
					GM_GO_MHEAP_ALL_ARENAS;
	gm_autofree uint64_t *indices = NULL;
	struct gm_error *error;
	size_t count;

	error = gm_go_read_number(target, gm_go_mheap_at(target, GM_GO_MHEAP_ARENAS), 8, index_at);
	if (!error)
		error = gm_go_read_items(target, gm_go_mheap_at(target, list), 8, GM_GO_ARENAS_MAX,
					 (void **)&indices, &count);
	if (error)
		return error;
	if (count)
		qsort(indices, count, sizeof(*indices), by_value);
	return read_pointers(target, indices, count, *index_at, arenas);
}

const struct gm_go_arena *gm_go_arenas_find(const struct gm_go_arenas *arenas, uint64_t address)
{
	size_t low = 0, high = arenas->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gm_go_arena *arena = &arenas->items[middle];

		if (address < arena->start)
			high = middle;
		else if (address - arena->start >= GM_GO_ARENA_SPAN)
			low = middle + 1;
		else
			return arena;
	}
	return NULL;
}
