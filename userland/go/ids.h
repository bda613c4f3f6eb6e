/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for the objects of a heap: those of a span follow each other, spans by address. */
#ifndef GM_GO_IDS_H
#define GM_GO_IDS_H

#include "base/fetch.h"
#include "go/heap.h"

#define GM_GO_NO_ID UINT32_MAX
/* User addresses have 47 bits: the heap of amd64 is cut off there. */
#define GM_GO_HEAP_BITS 47
#define GM_GO_ARENA_BITS 26
#define GM_GO_PAGE_BITS 13

/**
 * struct gm_go_id_span - what of a span the way from an address to a number takes
 * @magic: 2^32 / object size, rounded up: Go src/runtime/mheap.go, mspan.divMul
 * @first: number of the first object
 * @elems: 0 for a manual span
 * @plain: objects below are alive, those of the others gm_go_objects_class() tells
 * @bytes: of an object; only meant where there are several
 * @skip: bytes before what a pointer to the whole object points to: its header
 */
struct gm_go_id_span {
	uint64_t start;
	uint32_t magic;
	uint32_t first;
	uint32_t elems;
	uint32_t plain;
	uint32_t bytes;
	uint32_t skip;
};

/**
 * struct gm_go_ids - the numbers 0 to @count - 1
 * @heap: not owned
 * @spans: beside those of @heap
 * @arenas: by address / 64 MiB, an arena's place in @pages, 0: no arena
 * @pages: by place and page, the number of a span and one, 0: none
 */
struct gm_go_ids {
	const struct gm_go_heap *heap;
	struct gm_go_id_span *spans;
	uint32_t *arenas;
	uint32_t *pages;
	uint32_t count;
};

/* @headers: larger objects with pointers begin with their type, as since Go 1.22. E2BIG: more
 * than 4 billion objects. Deinit either way; @heap must stay.
 */
struct gm_error *gm_go_ids_init(const struct gm_go_heap *heap, bool headers,
				struct gm_go_ids *ids) GM_MUST_CHECK;
void gm_go_ids_deinit(struct gm_go_ids *ids);

/* The span that @address lies in, and one; 0: none; UINT32_MAX: not even an arena. */
static inline uint32_t gm_go_ids_span(const struct gm_go_ids *ids, uint64_t address)
{
	uint32_t arena;

	if (address >> GM_GO_HEAP_BITS)
		return UINT32_MAX;
	arena = ids->arenas[address >> GM_GO_ARENA_BITS];
	if (!arena)
		return UINT32_MAX;
	return ids->pages[(uint64_t)arena << (GM_GO_ARENA_BITS - GM_GO_PAGE_BITS) |
			  (address >> GM_GO_PAGE_BITS &
			   ((1 << (GM_GO_ARENA_BITS - GM_GO_PAGE_BITS)) - 1))];
}

/* Has what gm_go_ids_find() will want of @address come into the caches. */
static inline void gm_go_ids_fetch(const struct gm_go_ids *ids, uint64_t address)
{
	uint32_t index = address ? gm_go_ids_span(ids, address) : 0;

	if (index && index != UINT32_MAX)
		gm_fetch(&ids->spans[index - 1]);
}

/* The object of @span that @address, which lies in it, is part of; at least @elems: none. */
static inline uint32_t gm_go_id_span_object(const struct gm_go_id_span *span, uint64_t address)
{
	return (address - span->start) * span->magic >> 32;
}

/* Whether @object of span @index is alive, as far as the last GC and the allocator know. */
static inline bool gm_go_ids_live(const struct gm_go_ids *ids, uint32_t index, uint32_t object)
{
	return object < ids->spans[index].plain ||
	       gm_go_objects_class(&ids->heap->objects, &ids->heap->spans, index, object) ==
		       GM_GO_LIVE;
}

/**
 * struct gm_go_hit - what an address points to
 * @id: a living object, or GM_GO_NO_ID
 * @inside: not to its start
 * @flux: it points into the heap, but to nothing that lives there: the pointer and what is
 *	known of the heap are not of one moment
 */
struct gm_go_hit {
	uint32_t id;
	bool inside;
	bool flux;
};

struct gm_go_hit gm_go_ids_find(const struct gm_go_ids *ids, uint64_t address);

/* The index of the span that object @id is of. */
uint32_t gm_go_ids_span_of(const struct gm_go_ids *ids, uint32_t id);
uint64_t gm_go_ids_address(const struct gm_go_ids *ids, uint32_t id);
uint64_t gm_go_ids_bytes(const struct gm_go_ids *ids, uint32_t id);

#endif
