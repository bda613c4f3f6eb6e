// SPDX-License-Identifier: GPL-2.0-or-later
#include "join/occupancy.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "go/locate.h"
#include "join/cursor.h"

/* Spans of one class that may share objects: with pointers, without. */
struct kind {
	uint64_t live;
	uint64_t elems;
	uint64_t bytes;
	uint64_t spans;
};

static void add_span(struct gm_occupancy *class_, struct kind *kind, const struct gm_go_heap *heap,
		     size_t index)
{
	const struct gm_go_span *span = &heap->spans.items[index];
	uint64_t bytes = span->pages * GM_GO_PAGE_BYTES;
	uint64_t dead = span->unswept ? gm_go_objects_census(heap, index).dead : 0;

	class_->elem = span->size_class ? span->elem_bytes : 0;
	class_->spans++;
	class_->fill[span->allocated * (GM_FILLS - 1) / span->elems]++;
	class_->objects += span->allocated;
	class_->dead += dead;
	class_->slots += span->elems;
	class_->span_bytes += bytes;
	class_->object += span->allocated * span->elem_bytes;
	class_->free += (span->elems - span->allocated) * span->elem_bytes;
	class_->tail += bytes - span->elems * span->elem_bytes;
	kind->live += span->allocated - dead;
	kind->elems = span->elems;
	kind->bytes = bytes;
	kind->spans++;
}

/* A large object has a span of its own whatever is done. */
static void pack(struct gm_occupancy *class_, const struct kind *kind)
{
	uint64_t needed = class_->size_class && kind->elems ?
				  (kind->live + kind->elems - 1) / kind->elems :
				  kind->live;

	class_->packed += needed;
	if (class_->size_class && kind->spans > needed)
		class_->saved += (kind->spans - needed) * kind->bytes;
}

static struct gm_error *check(const struct gm_go_span *span)
{
	if (span->size_class < GM_GO_SIZE_CLASSES && span->elems && span->elem_bytes &&
	    span->allocated <= span->elems &&
	    span->elem_bytes <= span->pages * GM_GO_PAGE_BYTES / span->elems)
		return NULL;
	return gm_error_create(EINVAL, "cannot join: the span at %" PRIx64 " makes no sense",
			       span->start);
}

static struct gm_error *add_spans(const struct gm_go_heap *heap, struct gm_occupancy *classes)
{
	struct kind kinds[GM_GO_SIZE_CLASSES][2] = {};
	struct gm_error *error = NULL;

	for (size_t i = 0; i < heap->spans.count && !error; i++) {
		const struct gm_go_span *span = &heap->spans.items[i];

		if (span->manual)
			continue;
		error = check(span);
		if (!error)
			add_span(&classes[span->size_class], &kinds[span->size_class][span->noscan],
				 heap, i);
	}
	for (size_t i = 0; i < GM_GO_SIZE_CLASSES; i++)
		for (size_t noscan = 0; noscan < 2; noscan++)
			pack(&classes[i], &kinds[i][noscan]);
	return error;
}

static void add_resident(struct gm_occupancy *class_, uint32_t go_class, uint64_t bytes)
{
	class_->resident += bytes;
	if (go_class == GM_GO_LIVE)
		class_->resident_live += bytes;
	else if (go_class == GM_GO_DEAD)
		class_->resident_dead += bytes;
	else if (go_class == GM_GO_FREE_SLOT)
		class_->resident_free += bytes;
	else if (go_class == GM_GO_TAIL)
		class_->resident_tail += bytes;
}

static void add_pages(const struct gm_maps *maps, const struct gm_pages *pages,
		      const struct gm_go_heap *heap, struct gm_occupancy *classes)
{
	struct gm_cursor cursor;

	gm_cursor_init(&cursor, maps, heap);
	for (size_t i = 0; i < pages->count; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		uint64_t end = gm_run_end(run), at;
		struct gm_piece piece;

		if (!gm_page_resident(run->state))
			continue;
		for (at = run->start; at < end; at = piece.end) {
			const struct gm_go_span *span;

			piece = gm_cursor_next(&cursor, at, end);
			if (!piece.region || piece.region->span >= heap->spans.count)
				continue;
			span = &heap->spans.items[piece.region->span];
			if (!span->manual)
				add_resident(&classes[span->size_class], piece.class_,
					     piece.end - piece.start);
		}
	}
}

struct gm_error *gm_occupancy_compute(const struct gm_maps *maps, const struct gm_pages *pages,
				      const struct gm_go_heap *heap,
				      struct gm_occupancy classes[GM_GO_SIZE_CLASSES])
{
	struct gm_error *error = gm_cursor_check(maps, pages, heap);

	memset(classes, 0, GM_GO_SIZE_CLASSES * sizeof(*classes));
	for (size_t i = 0; i < GM_GO_SIZE_CLASSES; i++)
		classes[i].size_class = i;
	if (!error)
		error = add_spans(heap, classes);
	if (!error)
		add_pages(maps, pages, heap, classes);
	return error;
}
