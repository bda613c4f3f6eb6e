// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/stacks.h"

#include <errno.h>
#include <string.h>

#define GS_MAX (16U << 20)
#define MS_MAX (1U << 16)
#define G_DEAD 6 /* Go src/runtime/runtime2.go, _Gdead: it may keep a stack for the next */
#define G_SCAN 0x1000

struct gs {
	GM_VEC(uint64_t);
};

/* Of Go: [lo, hi) */
struct stack {
	uint64_t lo;
	uint64_t hi;
};

static const enum gm_go_field needed[] = { GM_GO_G_BYTES, GM_GO_G_STACK,   GM_GO_G_STATUS,
					   GM_GO_M_G0,	  GM_GO_M_GSIGNAL, GM_GO_M_ALLLINK };

static bool known(const struct gm_go_target *target)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!gm_go_layout_has(&target->image->layout, needed[i]))
			return false;
	return gm_go_layout_size(&target->image->layout, GM_GO_G_STACK) == sizeof(struct stack) &&
	       target->image->globals[GM_GO_ALLGS].address &&
	       target->image->globals[GM_GO_ALLM].address;
}

static struct gm_error *add_g(const struct gm_go_target *target, uint64_t at, struct gs *gs)
{
	uint64_t *g = gm_vec_push(gs);

	if (!g)
		return gm_error_errno(ENOMEM, "cannot list %zu goroutines", gs->count);
	return gm_go_read_number(target, at, sizeof(*g), g);
}

/* The two stacks of each thread, down the list of them. */
static struct gm_error *add_threads(const struct gm_go_target *target, struct gs *gs)
{
	const struct gm_go_layout *layout = &target->image->layout;
	struct gm_error *error;
	uint64_t m;

	error = gm_go_read_number(target, target->image->globals[GM_GO_ALLM].address, sizeof(m),
				  &m);
	for (size_t i = 0; m && i < MS_MAX && !error; i++) {
		error = add_g(target, m + gm_go_layout_offset(layout, GM_GO_M_G0), gs);
		if (!error)
			error = add_g(target, m + gm_go_layout_offset(layout, GM_GO_M_GSIGNAL), gs);
		if (!error)
			error = gm_go_read_number(target,
						  m + gm_go_layout_offset(layout, GM_GO_M_ALLLINK),
						  sizeof(m), &m);
	}
	return error;
}

static struct gm_error *list_gs(const struct gm_go_target *target, struct gs *gs)
{
	struct gm_error *error;

	error = gm_go_read_items(target, target->image->globals[GM_GO_ALLGS].address,
				 sizeof(uint64_t), GS_MAX, (void **)&gs->items, &gs->count);
	gs->capacity = gs->count;
	return error ?: add_threads(target, gs);
}

struct stacks {
	const struct gm_go_layout *layout;
	struct gm_go_regions *used;
	struct gm_error *error;
};

static void got_g(void *context, uint32_t index, const void *record)
{
	struct stacks *stacks = context;
	struct stack stack;

	(void)index;
	if (!record || stacks->error ||
	    (gm_go_layout_number(stacks->layout, GM_GO_G_STATUS, record) & ~G_SCAN) == G_DEAD)
		return;
	memcpy(&stack, (const char *)record + gm_go_layout_offset(stacks->layout, GM_GO_G_STACK),
	       sizeof(stack));
	stacks->error =
		gm_go_regions_add(stacks->used, stack.lo, stack.hi, GM_GO_STACK, GM_GO_NO_SPAN);
}

/* The stacks in use, by address. */
static struct gm_error *read_used(const struct gm_go_target *target, const struct gs *gs,
				  struct gm_go_regions *used)
{
	gm_autofree struct gm_go_want *wants = calloc(gs->count + 1, sizeof(*wants));
	struct stacks stacks = { .layout = &target->image->layout, .used = used };
	uint32_t size = gm_go_layout_size(stacks.layout, GM_GO_G_BYTES);
	struct gm_error *error;

	if (!wants)
		return gm_error_errno(ENOMEM, "cannot copy %zu goroutines", gs->count);
	for (size_t i = 0; i < gs->count; i++)
		wants[i] = (struct gm_go_want){ .address = gs->items[i], .size = size };
	error = gm_go_gather(target, wants, gs->count, got_g, &stacks);
	gm_go_regions_sort(used);
	return error ?: stacks.error;
}

/* A stack span: what of it is in @used, from *@at on, and what is left. */
static struct gm_error *split(struct gm_go_regions *regions, const struct gm_go_regions *used,
			      size_t *at, const struct gm_go_span *span, uint32_t index)
{
	uint64_t start = span->start, end = gm_go_span_end(span);
	struct gm_error *error = NULL;

	while (*at < used->count && used->items[*at].end <= start)
		++*at;
	for (; *at < used->count && used->items[*at].start < end && !error; ++*at) {
		const struct gm_go_region *stack = &used->items[*at];
		uint64_t low = stack->start > start ? stack->start : start;
		uint64_t high = stack->end < end ? stack->end : end;

		error = gm_go_regions_add(regions, start, low, GM_GO_STACK_FREE, index);
		if (!error)
			error = gm_go_regions_add(regions, low, high, GM_GO_STACK, index);
		start = high;
		if (stack->end > end)
			break;
	}
	return error ?: gm_go_regions_add(regions, start, end, GM_GO_STACK_FREE, index);
}

static struct gm_error *split_all(const struct gm_go_spans *spans, const struct gm_go_regions *used,
				  bool known_used, struct gm_go_regions *regions)
{
	struct gm_error *error = NULL;
	size_t at = 0;

	for (size_t i = 0; i < spans->count && !error; i++) {
		const struct gm_go_span *span = &spans->items[i];

		if (!span->stack)
			continue;
		if (known_used)
			error = split(regions, used, &at, span, i);
		else
			error = gm_go_regions_add(regions, span->start, gm_go_span_end(span),
						  GM_GO_STACK, i);
	}
	return error;
}

static struct gm_error *read_all_used(const struct gm_go_target *target, struct gm_go_regions *used)
{
	struct gm_error *error;
	struct gs gs = { 0 };

	error = list_gs(target, &gs);
	if (!error)
		error = read_used(target, &gs, used);
	free(gs.items);
	return error;
}

struct gm_error *gm_go_stacks_read(const struct gm_go_target *target,
				   const struct gm_go_spans *spans, struct gm_go_regions *regions)
{
	struct gm_go_regions used = { 0 };
	struct gm_error *error = NULL;
	bool ask = known(target);

	if (ask)
		error = read_all_used(target, &used);
	/* Goroutines that make no sense are no reason to doubt the heap. */
	if (error && (error->code == EIO || error->code == EFAULT)) {
		gm_error_destroy(error);
		error = NULL;
		ask = false;
	}
	if (!error)
		error = split_all(spans, &used, ask, regions);
	free(used.items);
	return error;
}
