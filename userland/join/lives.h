/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap's address space by where it stands in its life, and what became of it between two
 * looks. Pure.
 */
#ifndef GM_JOIN_LIVES_H
#define GM_JOIN_LIVES_H

#include "base/error.h"
#include "go/heap.h"
#include "go/life.h"
#include "go/locate.h"
#include "os/pages.h"

/**
 * struct gm_stretch - a span, or free pages in a row: [start, end)
 * @life: enum gm_go_life; @sweep: enum gm_go_sweep
 * @span: NULL of free pages; points into the heap
 * @census: of its objects
 * @resident: bytes
 */
struct gm_stretch {
	uint64_t start;
	uint64_t end;
	uint32_t life;
	uint32_t sweep;
	const struct gm_go_span *span;
	struct gm_go_census census;
	uint64_t resident;
};

/* By address. */
struct gm_lives {
	GM_VEC(struct gm_stretch);
};

/* The owner frees lives->items either way. */
struct gm_error *gm_lives_list(const struct gm_go_heap *heap, const struct gm_pages *pages,
			       struct gm_lives *lives) GM_MUST_CHECK;

/* What memory can be before and after: a life, or no part of the heap. */
#define GM_LIFE_NONE GM_GO_LIVES
#define GM_LIFE_STATES (GM_GO_LIVES + 1)

/**
 * struct gm_move - memory that was one thing and is another, [start, end)
 * @from, @to: enum gm_go_life, or GM_LIFE_NONE
 * @replaced: another span is there now, or one of another class
 */
struct gm_move {
	uint64_t start;
	uint64_t end;
	uint32_t from;
	uint32_t to;
	bool replaced;
};

struct gm_moves {
	GM_VEC(struct gm_move);
};

/* What became of @before in @after: a move for each stretch of address space that either has, also
 * where all stayed as it was. By address. The owner frees moves->items either way.
 */
struct gm_error *gm_lives_compare(const struct gm_lives *before, const struct gm_lives *after,
				  struct gm_moves *moves) GM_MUST_CHECK;

/* "none" for GM_LIFE_NONE. */
const char *gm_life_state_name(uint32_t state);

#endif
