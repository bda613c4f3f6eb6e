// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/regions.h"

#include <errno.h>
#include <string.h>

/* A heap of 64 GiB that changes its class at every 4 KiB page has 16 million. */
#define REGIONS_MAX (32U << 20)

struct gm_error *gm_go_regions_add(struct gm_go_regions *regions, uint64_t start, uint64_t end,
				   enum gm_go_class class_, uint32_t span)
{
	struct gm_go_region *last = regions->count ? &regions->items[regions->count - 1] : NULL;

	if (start >= end)
		return NULL;
	if (last && last->end == start && last->class_ == class_ && last->span == span) {
		last->end = end;
		return NULL;
	}
	if (regions->count >= REGIONS_MAX)
		return gm_error_create(E2BIG, "the heap has more than %zu stretches of one class",
				       regions->count);
	if (!gm_vec_reserve(regions, 1))
		return gm_error_errno(ENOMEM, "cannot list %zu regions", regions->count);
	regions->items[regions->count++] =
		(struct gm_go_region){ .start = start, .end = end, .class_ = class_, .span = span };
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct gm_go_region *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

void gm_go_regions_sort(struct gm_go_regions *regions)
{
	uint64_t end = 0;
	size_t kept = 0;

	if (regions->count)
		qsort(regions->items, regions->count, sizeof(*regions->items), by_start);
	for (size_t i = 0; i < regions->count; i++) {
		struct gm_go_region region = regions->items[i];

		if (region.start < end)
			region.start = end;
		if (region.start >= region.end)
			continue;
		end = region.end;
		regions->items[kept++] = region;
	}
	regions->count = kept;
}

static struct gm_error *add(struct gm_go_regions *out, const struct gm_go_region *region,
			    uint64_t start, uint64_t end)
{
	return gm_go_regions_add(out, start, end, region->class_, region->span);
}

/* What @over leaves of @region, from *@at on, with the regions of @over themselves. */
static struct gm_error *add_under(struct gm_go_regions *out, const struct gm_go_region *region,
				  const struct gm_go_regions *over, size_t *at)
{
	struct gm_error *error = NULL;
	uint64_t start = region->start;

	for (; *at < over->count && over->items[*at].start < region->end && !error; ++*at) {
		const struct gm_go_region *top = &over->items[*at];

		if (top->start > start)
			error = add(out, region, start, top->start);
		if (!error)
			error = add(out, top, top->start, top->end);
		if (top->end > start)
			start = top->end;
	}
	return error ?: add(out, region, start, region->end);
}

struct gm_error *gm_go_regions_overlay(const struct gm_go_regions *under,
				       const struct gm_go_regions *over, struct gm_go_regions *out)
{
	struct gm_error *error = NULL;
	size_t at = 0;

	for (size_t i = 0; i < under->count && !error; i++) {
		struct gm_go_region region = under->items[i];
		uint64_t covered = at ? over->items[at - 1].end : 0;

		/* One of @over may reach past the region below it. */
		if (region.start < covered)
			region.start = covered < region.end ? covered : region.end;
		error = add_under(out, &region, over, &at);
	}
	for (; at < over->count && !error; at++)
		error = add(out, &over->items[at], over->items[at].start, over->items[at].end);
	return error;
}
