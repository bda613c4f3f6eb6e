// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/carve.h"

#include <errno.h>

#include "base/big.h"

#define PAGE_BYTES 4096ULL
#define CLASSES (GM_GO_TAIL + 1)

/**
 * struct carving - the list, and the page that objects share at the moment
 * @at: everything below is carved
 * @done: everything below is in @regions
 * @arena, @stack, @meta: the next ones of the plan's lists
 * @bytes: of each class in the shared page, whose carved part ends at @at
 */
struct carving {
	const struct gm_go_plan *plan;
	const struct gm_go_spans *spans;
	const struct gm_go_objects *objects;
	struct gm_go_regions *regions;
	uint64_t at;
	uint64_t done;
	size_t arena;
	size_t stack;
	size_t meta;
	uint32_t bytes[CLASSES];
	struct gm_error *error;
};

static void append(struct carving *carving, uint64_t start, uint64_t end, enum gm_go_class class_,
		   uint32_t span)
{
	if (!carving->error)
		carving->error = gm_go_regions_add(carving->regions, start, end, class_, span);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What the runtime has of its own from carving->done to @end, outside of its arenas. */
static void append_meta(struct carving *carving, uint64_t end)
{
	const struct gm_go_regions *meta = carving->plan->meta;

	for (; carving->meta < meta->count; carving->meta++) {
		const struct gm_go_region *region = &meta->items[carving->meta];

		if (region->start >= end)
			break;
		if (region->end > carving->done)
			append(carving,
			       region->start > carving->done ? region->start : carving->done,
			       lower(region->end, end), region->class_, region->span);
		if (region->end > end)
			break;
	}
	carving->done = end;
}

/* All from carving->done to @end: nothing that was carved lies there. */
static void fill_gap(struct carving *carving, uint64_t end)
{
	const struct gm_go_arenas *arenas = carving->plan->arenas;

	while (carving->done < end) {
		const struct gm_go_arena *arena = NULL;

		if (carving->arena < arenas->count)
			arena = &arenas->items[carving->arena];
		if (!arena || carving->done < arena->start) {
			append_meta(carving, arena ? lower(end, arena->start) : end);
		} else if (carving->done >= arena->start + GM_GO_ARENA_SPAN) {
			carving->arena++;
		} else {
			uint64_t to = lower(end, arena->start + GM_GO_ARENA_SPAN);

			append(carving, carving->done, to, GM_GO_RESERVED, GM_GO_NO_SPAN);
			carving->done = to;
		}
	}
}

static void add(struct carving *carving, uint64_t start, uint64_t end, enum gm_go_class class_,
		uint32_t span)
{
	if (start >= end)
		return;
	if (start > carving->done)
		fill_gap(carving, start);
	append(carving, start, end, class_, span);
	carving->done = end;
}

static void end_page(struct carving *carving, uint32_t span)
{
	uint64_t start = carving->at;

	for (size_t class_ = 0; class_ < CLASSES; class_++)
		start -= carving->bytes[class_];
	for (size_t class_ = 0; class_ < CLASSES; class_++) {
		add(carving, start, start + carving->bytes[class_], class_, span);
		start += carving->bytes[class_];
		carving->bytes[class_] = 0;
	}
}

/* The bytes from carving->at to @end are of one class. */
static void carve_run(struct carving *carving, uint64_t end, enum gm_go_class class_, uint32_t span)
{
	while (carving->at < end) {
		uint64_t page_end = (carving->at | (PAGE_BYTES - 1)) + 1;
		uint64_t whole = end & ~(PAGE_BYTES - 1);

		if (carving->at % PAGE_BYTES == 0 && whole > carving->at) {
			add(carving, carving->at, whole, class_, span);
			carving->at = whole;
			continue;
		}
		if (page_end > end)
			page_end = end;
		carving->bytes[class_] += page_end - carving->at;
		carving->at = page_end;
		if (page_end % PAGE_BYTES == 0)
			end_page(carving, span);
	}
}

/* The objects from @first on and below @end, whole, of one page. */
static void carve_whole(struct carving *carving, uint32_t index, uint32_t first, uint32_t end)
{
	uint32_t counts[CLASSES] = { 0 }, bytes = carving->spans->items[index].elem_bytes;

	gm_go_objects_count(carving->objects, carving->spans, index, first, end, counts);
	for (size_t class_ = 0; class_ < CLASSES; class_++)
		carving->bytes[class_] += counts[class_] * bytes;
	carving->at += (uint64_t)(end - first) * bytes;
	if (carving->at % PAGE_BYTES == 0)
		end_page(carving, index);
}

/* Page by page, since most of them have objects of several classes: those of objects smaller. */
static void carve_small(struct carving *carving, uint32_t index)
{
	const struct gm_go_span *span = &carving->spans->items[index];
	uint32_t object = 0, bytes = span->elem_bytes;

	while (object < span->elems) {
		uint64_t page_end = (carving->at | (PAGE_BYTES - 1)) + 1;
		uint32_t end = (uint32_t)(page_end - span->start) / bytes;

		if (end > span->elems)
			end = span->elems;
		carve_whole(carving, index, object, end);
		/* The next page begins in the middle of an object. */
		if (carving->at < page_end && end < span->elems) {
			carve_run(carving, carving->at + bytes,
				  gm_go_objects_class(carving->objects, carving->spans, index, end),
				  index);
			end++;
		}
		object = end;
	}
	carve_run(carving, gm_go_span_end(span), GM_GO_TAIL, index);
}

/* Run by run: those of large objects, and those of a span that is full, are long. */
static void carve_objects(struct carving *carving, uint32_t index)
{
	const struct gm_go_span *span = &carving->spans->items[index];
	uint32_t object = 0;

	while (object < span->elems) {
		enum gm_go_class class_;

		object =
			gm_go_objects_run(carving->objects, carving->spans, index, object, &class_);
		carve_run(carving, span->start + object * span->elem_bytes, class_, index);
	}
	carve_run(carving, gm_go_span_end(span), GM_GO_TAIL, index);
}

static void carve_stacks(struct carving *carving, const struct gm_go_span *span)
{
	const struct gm_go_regions *stacks = carving->plan->stacks;

	for (; carving->stack < stacks->count; carving->stack++) {
		const struct gm_go_region *stack = &stacks->items[carving->stack];

		if (stack->start >= gm_go_span_end(span))
			break;
		add(carving, stack->start, stack->end, stack->class_, stack->span);
	}
}

static void carve_span(struct carving *carving, uint32_t index)
{
	const struct gm_go_span *span = &carving->spans->items[index];

	carving->at = span->start;
	if (!span->manual) {
		if (span->elem_bytes < PAGE_BYTES && gm_go_objects_mixed(carving->objects, index))
			carve_small(carving, index);
		else
			carve_objects(carving, index);
		return;
	}
	carving->at = gm_go_span_end(span);
	if (span->stack)
		carve_stacks(carving, span);
	else /* Manual spans that are no stacks are GC work buffers. */
		add(carving, span->start, carving->at, GM_GO_OTHER_SYS, index);
}

static enum gm_go_class page_class(const struct gm_go_chunk *chunk, unsigned int page)
{
	bool scavenged = chunk->scavenged[page / 64] >> page % 64 & 1;

	if (chunk->free[page / 64] >> page % 64 & 1)
		return scavenged ? GM_GO_RELEASED : GM_GO_IDLE;
	/* Neither free nor in a span: padding before the heap (Go 1.26), which counts as
	 * released, or a span so young that the copy of the spans does not have it.
	 */
	return scavenged ? GM_GO_RELEASED : GM_GO_LIVE;
}

static void enter(struct carving *carving, const struct gm_go_chunk *chunk)
{
	if (carving->at < chunk->start)
		carving->at = chunk->start;
}

/* The pages of a chunk from carving->at to @end, which no span has. */
static void carve_pages(struct carving *carving, const struct gm_go_chunk *chunk, uint64_t end)
{
	while (carving->at < end) {
		unsigned int page = (carving->at - chunk->start) / GM_GO_PAGE_BYTES;

		add(carving, carving->at, carving->at + GM_GO_PAGE_BYTES, page_class(chunk, page),
		    GM_GO_NO_SPAN);
		carving->at += GM_GO_PAGE_BYTES;
	}
}

static void carve_chunk(struct carving *carving, const struct gm_go_chunk *chunk, size_t *span)
{
	uint64_t end = chunk->start + GM_GO_CHUNK_SPAN;

	for (; *span < carving->spans->count && !carving->error; ++*span) {
		uint64_t start = carving->spans->items[*span].start;

		if (start >= end)
			break;
		if (start > chunk->start) {
			enter(carving, chunk);
			carve_pages(carving, chunk, start);
		}
		carve_span(carving, *span);
	}
	enter(carving, chunk);
	carve_pages(carving, chunk, end);
}

struct gm_error *gm_go_carve(const struct gm_go_plan *plan, struct gm_go_regions *regions)
{
	struct carving carving = {
		.plan = plan, .spans = plan->spans, .objects = plan->objects, .regions = regions
	};
	size_t span = 0;

	/* As many as most heaps have, and no more than the memory takes in which the spans were
	 * sorted: gm_big_alloc() has that.
	 */
	regions->capacity =
		plan->spans->count * sizeof(struct gm_go_span) / sizeof(*regions->items);
	regions->items = gm_big_alloc(regions->capacity, sizeof(*regions->items));
	if (!regions->items)
		return gm_error_errno(ENOMEM, "cannot list the regions of %zu spans",
				      plan->spans->count);
	for (size_t i = 0; i < plan->chunks->count && !carving.error; i++)
		carve_chunk(&carving, &plan->chunks->items[i], &span);
	for (; span < plan->spans->count && !carving.error; span++)
		carve_span(&carving, span);
	fill_gap(&carving, UINT64_MAX);
	return carving.error;
}
