// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/stacks.h"

#include <errno.h>

#include "go/goroutines.h"

/* The stacks in use, by address. */
static struct gm_error *read_used(const struct gm_go_target *target, struct gm_go_regions *used)
{
	struct gm_go_goroutines goroutines;
	struct gm_error *error = gm_go_goroutines_read(target, &goroutines);

	for (size_t i = 0; i < goroutines.count && !error; i++)
		error = gm_go_regions_add(used, goroutines.items[i].stack_low,
					  goroutines.items[i].stack_high, GM_GO_STACK,
					  GM_GO_NO_SPAN);
	gm_go_goroutines_deinit(&goroutines);
	gm_go_regions_sort(used);
	return error;
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

struct gm_error *gm_go_stacks_read(const struct gm_go_target *target,
				   const struct gm_go_spans *spans, struct gm_go_regions *regions)
{
	struct gm_go_regions used = { 0 };
	struct gm_error *error = read_used(target, &used);
	bool known = !error;

	/* Goroutines that make no sense are no reason to doubt the heap. */
	if (error && (error->code == EIO || error->code == EFAULT || error->code == ENOTSUP)) {
		gm_error_destroy(error);
		error = NULL;
	}
	if (!error)
		error = split_all(spans, &used, known, regions);
	free(used.items);
	return error;
}
