// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/spans_sort.h"

#include <errno.h>
#include <string.h>

#include "base/big.h"
#include "go/order.h"

#define AHEAD 16 /* spans to fetch while one is copied: they lie anywhere */

/* Which span starts at each page from the lowest to the highest start; NULL where that takes too
 * much memory, or two start at one: such a list has to be sorted. Room for AHEAD more.
 */
static uint32_t *index_pages(const struct gm_go_spans *spans, size_t *pages)
{
	uint64_t low = UINT64_MAX, high = 0;
	uint32_t *index;

	for (size_t i = 0; i < spans->count; i++) {
		low = spans->items[i].start < low ? spans->items[i].start : low;
		high = spans->items[i].start > high ? spans->items[i].start : high;
	}
	if (!spans->count || (high - low) / GM_GO_PAGE_BYTES >= 4 * spans->count)
		return NULL;
	*pages = (high - low) / GM_GO_PAGE_BYTES + 1;
	index = gm_big_alloc(*pages + AHEAD, sizeof(*index));
	if (!index)
		return NULL;
	memset(index, 0xff, *pages * sizeof(*index));
	for (size_t i = 0; i < spans->count; i++) {
		uint32_t *at = &index[(spans->items[i].start - low) / GM_GO_PAGE_BYTES];

		if (*at != UINT32_MAX) {
			gm_big_free(index);
			return NULL;
		}
		*at = i;
	}
	return index;
}

/* What find_order() says, by sorting. */
static uint32_t *sort_starts(const struct gm_go_spans *spans)
{
	gm_big_autofree struct gm_go_want *starts = gm_big_alloc(spans->count + 1, sizeof(*starts));
	uint32_t *order = gm_big_alloc(spans->count + AHEAD, sizeof(*order));
	struct gm_error *error = NULL;

	if (!starts || !order)
		goto failed;
	for (size_t i = 0; i < spans->count; i++)
		starts[i] = (struct gm_go_want){ .address = spans->items[i].start, .index = i };
	error = gm_go_wants_sort(starts, spans->count);
	if (error)
		goto failed;
	for (size_t i = 0; i < spans->count; i++)
		order[i] = starts[i].index;
	return order;
failed:
	gm_error_destroy(error);
	gm_big_free(order);
	return NULL;
}

/* The spans' places, lowest start first, and room for AHEAD more; NULL where memory is out. */
static uint32_t *find_order(const struct gm_go_spans *spans)
{
	size_t pages = 0, count = 0;
	uint32_t *order = index_pages(spans, &pages);

	if (!order)
		return sort_starts(spans);
	for (size_t i = 0; i < pages; i++)
		if (order[i] != UINT32_MAX)
			order[count++] = order[i];
	return order;
}

struct gm_error *gm_go_spans_sort(struct gm_go_spans *spans)
{
	gm_big_autofree uint32_t *order = find_order(spans);
	struct gm_go_spans sorted = { .count = spans->count, .capacity = spans->count + 1 };

	sorted.items = gm_big_alloc(sorted.capacity, sizeof(*sorted.items));
	if (!order || !sorted.items) {
		free(sorted.items);
		return gm_error_errno(ENOMEM, "cannot sort %zu spans", spans->count);
	}
	memset(&order[spans->count], 0, AHEAD * sizeof(*order));
	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *ahead = &spans->items[order[i + AHEAD]];

		__builtin_prefetch(ahead);
		__builtin_prefetch((const char *)(ahead + 1) - 1);
		sorted.items[i] = spans->items[order[i]];
	}
	gm_big_free(spans->items);
	*spans = sorted;
	return NULL;
}
