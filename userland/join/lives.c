// SPDX-License-Identifier: GPL-2.0-or-later
#include "join/lives.h"

#include <errno.h>

#include "join/cursor.h"

static struct gm_error *add(struct gm_lives *lives, const struct gm_stretch *stretch)
{
	struct gm_stretch *added = gm_vec_push(lives);

	if (!added)
		return gm_error_errno(ENOMEM, "cannot list %zu spans", lives->count);
	*added = *stretch;
	return NULL;
}

static struct gm_error *add_span(const struct gm_go_heap *heap, size_t index,
				 struct gm_lives *lives)
{
	const struct gm_go_span *span = &heap->spans.items[index];
	struct gm_stretch stretch = {
		.start = span->start,
		.end = gm_go_span_end(span),
		.life = gm_go_span_life(span, heap->sweepgen),
		.sweep = gm_go_span_sweep(span, heap->sweepgen),
		.span = span,
	};

	if (!span->manual)
		stretch.census = gm_go_objects_census(heap, index);
	return add(lives, &stretch);
}

static bool is_free(const struct gm_go_region *region)
{
	return region->span == GM_GO_NO_SPAN &&
	       (region->class_ == GM_GO_IDLE || region->class_ == GM_GO_RELEASED);
}

static struct gm_error *add_free(const struct gm_go_region *region, struct gm_lives *lives)
{
	return add(lives, &(struct gm_stretch){
				  .start = region->start,
				  .end = region->end,
				  .life = region->class_ == GM_GO_IDLE ? GM_GO_LIFE_IDLE :
									 GM_GO_LIFE_RELEASED,
			  });
}

/* Two lists by address become one. */
static struct gm_error *merge(const struct gm_go_heap *heap, struct gm_lives *lives)
{
	struct gm_error *error = NULL;
	size_t span = 0;

	for (size_t i = 0; i < heap->regions.count && !error; i++) {
		const struct gm_go_region *region = &heap->regions.items[i];

		if (!is_free(region))
			continue;
		while (!error && span < heap->spans.count &&
		       heap->spans.items[span].start < region->start)
			error = add_span(heap, span++, lives);
		if (!error)
			error = add_free(region, lives);
	}
	while (!error && span < heap->spans.count)
		error = add_span(heap, span++, lives);
	return error;
}

static uint64_t overlap(const struct gm_stretch *stretch, uint64_t start, uint64_t end)
{
	uint64_t low = stretch->start > start ? stretch->start : start;
	uint64_t high = stretch->end < end ? stretch->end : end;

	return high > low ? high - low : 0;
}

static void add_resident(const struct gm_pages *pages, struct gm_lives *lives)
{
	size_t at = 0;

	for (size_t i = 0; i < pages->count; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		uint64_t end = gm_run_end(run);

		if (!gm_page_resident(run->state))
			continue;
		while (at < lives->count && lives->items[at].end <= run->start)
			at++;
		for (size_t j = at; j < lives->count && lives->items[j].start < end; j++)
			lives->items[j].resident += overlap(&lives->items[j], run->start, end);
	}
}

struct gm_error *gm_lives_list(const struct gm_go_heap *heap, const struct gm_pages *pages,
			       struct gm_lives *lives)
{
	struct gm_error *error;

	*lives = (struct gm_lives){};
	error = merge(heap, lives);
	if (!error)
		add_resident(pages, lives);
	return error;
}

/* A place in one of the two lists. */
struct place {
	const struct gm_lives *lives;
	size_t next;
};

/* What is at @at, NULL for nothing; *@end becomes where that ends, if it is lower. */
static const struct gm_stretch *look(struct place *place, uint64_t at, uint64_t *end)
{
	const struct gm_lives *lives = place->lives;
	const struct gm_stretch *stretch;

	while (place->next < lives->count && lives->items[place->next].end <= at)
		place->next++;
	if (place->next == lives->count)
		return NULL;
	stretch = &lives->items[place->next];
	if (stretch->start > at) {
		*end = stretch->start < *end ? stretch->start : *end;
		return NULL;
	}
	*end = stretch->end < *end ? stretch->end : *end;
	return stretch;
}

static bool same_span(const struct gm_go_span *a, const struct gm_go_span *b)
{
	return a->start == b->start && a->pages == b->pages && a->elem_bytes == b->elem_bytes &&
	       a->noscan == b->noscan && a->manual == b->manual;
}

static struct gm_error *add_move(struct gm_moves *moves, uint64_t start, uint64_t end,
				 const struct gm_stretch *from, const struct gm_stretch *to)
{
	struct gm_move *move = gm_vec_push(moves);

	if (!move)
		return gm_error_errno(ENOMEM, "cannot list what became of %zu spans", moves->count);
	*move = (struct gm_move){
		.start = start,
		.end = end,
		.from = from ? from->life : GM_LIFE_NONE,
		.to = to ? to->life : GM_LIFE_NONE,
		.replaced = from && to && from->span && to->span &&
			    !same_span(from->span, to->span),
	};
	return NULL;
}

struct gm_error *gm_lives_compare(const struct gm_lives *before, const struct gm_lives *after,
				  struct gm_moves *moves)
{
	struct place old = { .lives = before }, new = { .lives = after };
	struct gm_error *error = NULL;
	uint64_t at = 0, end;

	*moves = (struct gm_moves){};
	for (; !error && at < UINT64_MAX; at = end) {
		const struct gm_stretch *from, *to;

		end = UINT64_MAX;
		from = look(&old, at, &end);
		to = look(&new, at, &end);
		if (from || to)
			error = add_move(moves, at, end, from, to);
	}
	return error;
}

const char *gm_life_state_name(uint32_t state)
{
	return state == GM_LIFE_NONE ? "none" : gm_go_life_name(state);
}
