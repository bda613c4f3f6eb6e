// SPDX-License-Identifier: GPL-2.0-or-later
/* The regions of random spans against a byte by byte count of each of their pages. */
#include <stdlib.h>
#include <unistd.h>

#include "go/carve.h"
#include "random.h"
#include "tap.h"

#define ROUNDS 300
#define SPANS 6
#define PAGES_MAX 3 /* of 8 KiB, a span */
#define PAGE 4096
#define PAGES (SPANS * PAGES_MAX * 2)
#define OBJECTS_MAX (PAGES_MAX * GM_GO_PAGE_BYTES / 8)
#define CLASSES (GM_GO_TAIL + 1)
#define BASE 0xc000000000ULL

/**
 * struct world - spans side by side, and what each page of theirs has
 * @bytes: by page and class; @span: by page
 */
struct world {
	struct gm_go_span spans[SPANS];
	uint32_t alloc[SPANS];
	uint32_t marks[SPANS];
	uint8_t bits[2 * SPANS * OBJECTS_MAX / 8 + 8];
	size_t size;
	uint64_t end;
	uint32_t bytes[PAGES][CLASSES];
	uint32_t span[PAGES];
};

static void count(struct world *world, uint64_t start, uint64_t bytes, enum gm_go_class class_,
		  uint32_t span)
{
	for (uint64_t at = start - BASE; at < start - BASE + bytes; at++) {
		world->bytes[at / PAGE][class_]++;
		world->span[at / PAGE] = span;
	}
}

/* Sets a bit of those at @at, or not. */
static bool toss(struct world *world, uint32_t at, uint32_t object)
{
	if (!random_below(3))
		return false;
	world->bits[at + object / 8] |= 1 << object % 8;
	return true;
}

static uint32_t make_bits(struct world *world, uint32_t elems)
{
	uint32_t at = world->size;

	if (!random_below(3))
		return GM_GO_NO_BITS;
	world->size += (elems + 7) / 8;
	return at;
}

static void make_objects(struct world *world, uint32_t index)
{
	struct gm_go_span *span = &world->spans[index];
	uint32_t alloc = make_bits(world, span->elems), marks = make_bits(world, span->elems);
	uint32_t full = random_below(span->elems + 1);

	span->free_index = full;
	for (uint32_t object = 0; object < span->elems; object++) {
		bool allocated = object < full;
		bool live = true;

		if (!allocated && alloc != GM_GO_NO_BITS)
			allocated = toss(world, alloc, object);
		if (marks != GM_GO_NO_BITS)
			live = toss(world, marks, object);
		span->allocated += allocated;
		count(world, span->start + object * span->elem_bytes, span->elem_bytes,
		      !allocated ? GM_GO_FREE_SLOT :
		      live	 ? GM_GO_LIVE :
				   GM_GO_DEAD,
		      index);
	}
	world->alloc[index] = alloc;
	world->marks[index] = marks;
}

static void make_span(struct world *world, uint32_t index)
{
	struct gm_go_span *span = &world->spans[index];
	uint64_t bytes, most = random_below(4) ? PAGE : 2 * GM_GO_PAGE_BYTES;

	span->start = world->end;
	span->pages = 1 + random_below(PAGES_MAX);
	bytes = span->pages * GM_GO_PAGE_BYTES;
	world->end += bytes;
	span->elem_bytes = 8 * (1 + random_below((most < bytes ? most : bytes) / 8));
	span->elems = bytes / span->elem_bytes;
	span->elems -= random_below(span->elems);
	make_objects(world, index);
	count(world, span->start + span->elems * span->elem_bytes,
	      bytes - span->elems * span->elem_bytes, GM_GO_TAIL, index);
}

static struct world *make_world(void)
{
	struct world *world = calloc(1, sizeof(*world));

	world->end = BASE;
	for (uint32_t i = 0; i < SPANS; i++)
		make_span(world, i);
	return world;
}

/* Takes what a region has of each page off the count. */
static bool take(struct world *world, const struct gm_go_region *region)
{
	for (uint64_t at = region->start; at < region->end; at++) {
		uint64_t page = (at - BASE) / PAGE;

		if (at >= world->end || region->span != world->span[page] ||
		    region->class_ >= CLASSES || !world->bytes[page][region->class_]--)
			return false;
	}
	return true;
}

static bool same(struct world *world, const struct gm_go_regions *regions)
{
	uint64_t end = BASE;

	for (size_t i = 0; i < regions->count; i++) {
		const struct gm_go_region *region = &regions->items[i];

		if (region->start != end || region->end <= end || !take(world, region))
			return false;
		end = region->end;
	}
	return end == world->end;
}

static bool carves(struct world *world, bool marks)
{
	const struct gm_go_spans spans = { .items = world->spans, .count = SPANS };
	const struct gm_go_objects objects = { .alloc = world->alloc,
					       .marks = marks ? world->marks : NULL,
					       .bytes = world->bits,
					       .size = world->size };
	const struct gm_go_plan plan = { .arenas = &(struct gm_go_arenas){ 0 },
					 .spans = &spans,
					 .objects = &objects,
					 .chunks = &(struct gm_go_chunks){ 0 },
					 .stacks = &(struct gm_go_regions){ 0 },
					 .meta = &(struct gm_go_regions){ 0 } };
	struct gm_go_regions regions = { 0 };
	struct gm_error *error = gm_go_carve(&plan, &regions);
	bool good = !error && same(world, &regions);

	gm_error_destroy(error);
	free(regions.items);
	return good;
}

/* Where no span has marks, what is allocated lives. */
static void forget_marks(struct world *world)
{
	for (size_t page = 0; page < PAGES; page++) {
		world->bytes[page][GM_GO_LIVE] += world->bytes[page][GM_GO_DEAD];
		world->bytes[page][GM_GO_DEAD] = 0;
	}
}

int main(void)
{
	int marked = 0, unmarked = 0;

	alarm(60);
	for (int round = 0; round < ROUNDS; round++) {
		struct world *world = make_world();

		marked += carves(world, true);
		free(world);
		world = make_world();
		forget_marks(world);
		unmarked += carves(world, false);
		free(world);
	}
	tap_u64(marked, ROUNDS, "pages of random spans", "a byte by byte count");
	tap_u64(unmarked, ROUNDS, "of spans without marks", "a byte by byte count");
	return tap_done();
}
