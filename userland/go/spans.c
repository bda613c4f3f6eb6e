// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/spans.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/big.h"
#include "go/order.h"

/* Go src/runtime/mheap.go: mSpanDead, mSpanInUse, mSpanManual. */
enum { STATE_DEAD, STATE_IN_USE, STATE_MANUAL };

#define ELEMS_MAX 65535
#define ELEM_BYTES_MAX (GM_GO_ARENA_SPAN * GM_GO_ARENAS_MAX)

/* gm_go_layout_number(), for records that have slack behind them: this is the inner loop. */
static inline uint64_t number(const struct gm_go_target *target, enum gm_go_field field,
			      const void *record)
{
	const struct gm_go_place *place = &target->image->layout.places[field];
	uint64_t value;

	if (!place->size || place->size > sizeof(value))
		return 0;
	memcpy(&value, (const char *)record + place->offset, sizeof(value));
	return value << (64 - 8 * place->size) >> (64 - 8 * place->size);
}

/* Counts that do not fit their field here are of no span: the largest value is
 * refused later.
 */
static uint32_t narrow(uint64_t value)
{
	return value < UINT32_MAX ? value : UINT32_MAX;
}

struct load {
	const struct gm_go_target *target;
	const uint64_t *at;
	struct gm_go_spans *spans; /* room for all is reserved */
};

static void fill_objects(const struct gm_go_target *target, const void *record,
			 struct gm_go_span *span)
{
	span->alloc_bits = number(target, GM_GO_MSPAN_ALLOC_BITS, record);
	span->mark_bits = number(target, GM_GO_MSPAN_MARK_BITS, record);
	span->elems = narrow(number(target, GM_GO_MSPAN_ELEMS, record));
	span->free_index = narrow(number(target, GM_GO_MSPAN_FREEINDEX, record));
	span->allocated = narrow(number(target, GM_GO_MSPAN_ALLOC_COUNT, record));
	span->size_class = number(target, GM_GO_MSPAN_SPANCLASS, record) >> 1;
	span->noscan = number(target, GM_GO_MSPAN_SPANCLASS, record) & 1;
}

/* False for one that is dead. A state that is none of Go's leaves neither objects nor the mark of
 * a manual span.
 */
static bool parse_span(const struct gm_go_target *target, uint64_t at, const void *record,
		       struct gm_go_span *span)
{
	uint64_t state = record ? number(target, GM_GO_MSPAN_STATE, record) : STATE_DEAD;

	if (state == STATE_DEAD)
		return false;
	*span = (struct gm_go_span){
		.at = at,
		.start = number(target, GM_GO_MSPAN_START, record),
		.pages = number(target, GM_GO_MSPAN_PAGES, record),
		.elem_bytes = number(target, GM_GO_MSPAN_ELEMSIZE, record),
		.sweepgen = number(target, GM_GO_MSPAN_SWEEPGEN, record),
		.manual = state == STATE_MANUAL,
	};
	span->stack = span->manual && span->elem_bytes;
	if (state == STATE_IN_USE)
		fill_objects(target, record, span);
	return true;
}

static void got_span(void *context, uint32_t index, const void *record)
{
	struct load *load = context;
	struct gm_go_spans *spans = load->spans;

	if (parse_span(load->target, load->at[index], record, &spans->items[spans->count]))
		spans->count++;
}

/* Appends the spans at @at that are in use or manual, and where all of them lie themselves. */
static struct gm_error *load(const struct gm_go_target *target, const uint64_t *at, size_t count,
			     struct gm_go_spans *spans, struct gm_go_regions *mspans)
{
	gm_big_autofree struct gm_go_want *wants = gm_big_alloc(count + 1, sizeof(*wants));
	struct load load = { .target = target, .at = at, .spans = spans };
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_MSPAN_BYTES);
	struct gm_error *error;

	if (!wants || !gm_vec_reserve(spans, count))
		return gm_error_errno(ENOMEM, "cannot copy %zu spans", count);
	for (size_t i = 0; i < count; i++)
		wants[i] = (struct gm_go_want){ .address = at[i], .size = size, .index = i };
	error = gm_go_gather(target, wants, count, got_span, &load);
	for (size_t i = 0; i < count && !error; i++)
		if (wants[i].address < GM_GO_ADDRESS_MAX)
			error = gm_go_regions_add(mspans, wants[i].address, wants[i].address + size,
						  GM_GO_MSPAN, GM_GO_NO_SPAN);
	return error;
}

/* Which span starts at each page from the lowest to the highest start; NULL where that takes too
 * much memory, or two start at one: such a list has to be sorted.
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
	index = gm_big_alloc(*pages, sizeof(*index));
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

/* The spans' places in @order, lowest start first. */
static struct gm_error *find_order(const struct gm_go_spans *spans, uint32_t *order)
{
	gm_big_autofree struct gm_go_want *starts = NULL;
	gm_big_autofree uint32_t *index = NULL;
	size_t pages = 0, count = 0;
	struct gm_error *error;

	index = index_pages(spans, &pages);
	for (size_t i = 0; index && i < pages; i++)
		if (index[i] != UINT32_MAX)
			order[count++] = index[i];
	if (index)
		return NULL;
	starts = gm_big_alloc(spans->count + 1, sizeof(*starts));
	if (!starts)
		return gm_error_errno(ENOMEM, "cannot sort %zu spans", spans->count);
	for (size_t i = 0; i < spans->count; i++)
		starts[i] = (struct gm_go_want){ .address = spans->items[i].start, .index = i };
	error = gm_go_wants_sort(starts, spans->count);
	for (size_t i = 0; i < spans->count && !error; i++)
		order[i] = starts[i].index;
	return error;
}

#define AHEAD 16 /* spans to fetch while one is copied: they lie anywhere */

/* By start, which of those loaded last may be anywhere. */
static struct gm_error *sort(struct gm_go_spans *spans)
{
	gm_big_autofree uint32_t *order = gm_big_alloc(spans->count + AHEAD, sizeof(*order));
	struct gm_go_spans sorted = { .count = spans->count, .capacity = spans->count + 1 };
	struct gm_error *error;

	sorted.items = gm_big_alloc(sorted.capacity, sizeof(*sorted.items));
	if (!order || !sorted.items) {
		free(sorted.items);
		return gm_error_errno(ENOMEM, "cannot sort %zu spans", spans->count);
	}
	memset(&order[spans->count], 0, AHEAD * sizeof(*order));
	error = find_order(spans, order);
	for (size_t i = 0; i < spans->count && !error; i++) {
		const struct gm_go_span *ahead = &spans->items[order[i + AHEAD]];

		__builtin_prefetch(ahead);
		__builtin_prefetch((const char *)(ahead + 1) - 1);
		sorted.items[i] = spans->items[order[i]];
	}
	gm_big_free(spans->items);
	*spans = sorted;
	return error;
}

static bool objects_fit(const struct gm_go_span *span)
{
	return span->size_class < GM_GO_SIZE_CLASSES && span->elem_bytes && span->elems &&
	       span->elems <= ELEMS_MAX &&
	       span->elem_bytes <= span->pages * GM_GO_PAGE_BYTES / span->elems &&
	       span->allocated <= span->elems && span->free_index <= span->elems;
}

/* What holds for every span at every moment, whatever the mutator does. */
static bool possible(const struct gm_go_span *span)
{
	if (span->start % GM_GO_PAGE_BYTES || span->start >= GM_GO_ADDRESS_MAX || !span->pages ||
	    span->pages > ELEM_BYTES_MAX / GM_GO_PAGE_BYTES)
		return false;
	if (!span->manual)
		return objects_fit(span);
	return span->elem_bytes <= span->pages * GM_GO_PAGE_BYTES;
}

struct check {
	const struct gm_go_spans *spans;
	bool *bad;
};

static void got_owner(void *context, uint32_t index, const void *record)
{
	struct check *check = context;

	if (!record || memcmp(record, &check->spans->items[index].at, sizeof(uint64_t)))
		check->bad[index] = true;
}

/* Asks the arena index who owns @page; false where there is no such arena. @near: where the last
 * one was found, which mostly is where the next one is; NULL at first.
 */
static bool ask(const struct gm_go_target *target, const struct gm_go_arenas *arenas, uint64_t page,
		uint32_t index, const struct gm_go_arena **near, struct gm_go_want *want)
{
	const struct gm_go_arena *arena = *near;

	if (!arena || page - arena->start >= GM_GO_ARENA_SPAN)
		arena = gm_go_arenas_find(arenas, page);
	if (!arena)
		return false;
	*near = arena;
	*want = (struct gm_go_want){
		.address = arena->at +
			   gm_go_layout_offset(&target->image->layout, GM_GO_ARENA_SPANS) +
			   (page - arena->start) / GM_GO_PAGE_BYTES * sizeof(uint64_t),
		.size = sizeof(uint64_t),
		.index = index,
	};
	return true;
}

static size_t count_long(const struct gm_go_spans *spans)
{
	size_t count = 0;

	for (size_t i = 0; i < spans->count; i++)
		count += spans->items[i].pages > 1;
	return count;
}

/* Each span's first and last page must be its own in the arena index. */
static struct gm_error *check_owners(const struct gm_go_target *target,
				     const struct gm_go_arenas *arenas,
				     const struct gm_go_spans *spans, bool *bad)
{
	gm_big_autofree struct gm_go_want *wants = NULL;
	struct check check = { .spans = spans, .bad = bad };
	const struct gm_go_arena *near = NULL;
	size_t count = 0;

	wants = gm_big_alloc(spans->count + count_long(spans) + 1, sizeof(*wants));
	if (!wants)
		return gm_error_errno(ENOMEM, "cannot check %zu spans", spans->count);
	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *span = &spans->items[i];
		uint64_t last = gm_go_span_end(span) - GM_GO_PAGE_BYTES;
		bool is_long = span->pages > 1;

		bad[i] = !possible(span) ||
			 !ask(target, arenas, span->start, i, &near, &wants[count]);
		if (!bad[i] && is_long)
			bad[i] = !ask(target, arenas, last, i, &near, &wants[count + 1]);
		if (!bad[i])
			count += is_long ? 2 : 1;
	}
	return gm_go_gather(target, wants, count, got_owner, &check);
}

/* Moves the bad ones out; returns how many, their addresses in @again. */
static size_t part(struct gm_go_spans *spans, const bool *bad, uint64_t *again)
{
	size_t kept = 0, parted = 0;

	for (size_t i = 0; i < spans->count; i++) {
		if (bad[i])
			again[parted++] = spans->items[i].at;
		else if (kept++ < i)
			spans->items[kept - 1] = spans->items[i];
	}
	spans->count = kept;
	return parted;
}

/* Loads the spans at @at, by start; the addresses of bad ones are left in @at, and their number
 * in @count.
 */
static struct gm_error *load_good(const struct gm_go_target *target,
				  const struct gm_go_arenas *arenas, uint64_t *at, size_t *count,
				  struct gm_go_spans *spans, struct gm_go_regions *mspans)
{
	gm_autofree bool *bad = calloc(*count + 1, sizeof(*bad));
	struct gm_error *error;

	if (!bad)
		return gm_error_errno(ENOMEM, "cannot check %zu spans", *count);
	error = load(target, at, *count, spans, mspans);
	if (!error)
		error = sort(spans);
	if (!error)
		error = check_owners(target, arenas, spans, bad);
	if (!error)
		*count = part(spans, bad, at);
	return error;
}

/* A second look at the @count that were caught changing. */
static struct gm_error *load_again(const struct gm_go_target *target,
				   const struct gm_go_arenas *arenas, uint64_t *at, size_t *count,
				   struct gm_go_spans *spans)
{
	struct gm_go_regions known = { 0 };
	struct gm_go_spans more = { 0 };
	struct gm_error *error = NULL;

	if (*count)
		error = load_good(target, arenas, at, count, &more, &known);
	if (!error && more.count) {
		if (gm_vec_reserve(spans, more.count)) {
			memcpy(spans->items + spans->count, more.items,
			       more.count * sizeof(*more.items));
			spans->count += more.count;
			error = sort(spans);
		} else {
			error = gm_error_errno(ENOMEM, "cannot copy %zu spans", more.count);
		}
	}
	free(more.items);
	free(known.items);
	return error;
}

/* Go src/runtime/mheap.go: mspan.sweepgen. */
static bool is_unswept(const struct gm_go_span *span, uint32_t sweepgen)
{
	return !span->manual && (span->sweepgen == sweepgen - 2 || span->sweepgen == sweepgen + 1);
}

/* Drops what overlaps, tells which are unswept, and sums up the pages of those in use: all in one
 * pass, since the list is long. Returns how many were dropped.
 */
static uint64_t settle(struct gm_go_spans *spans, uint32_t sweepgen, uint64_t *pages)
{
	uint64_t end = 0, dropped;
	size_t kept = 0;

	*pages = 0;
	for (size_t i = 0; i < spans->count; i++) {
		struct gm_go_span *span = &spans->items[i];

		if (span->start < end)
			continue;
		end = gm_go_span_end(span);
		span->unswept = is_unswept(span, sweepgen);
		*pages += span->manual ? 0 : span->pages;
		if (kept++ < i)
			spans->items[kept - 1] = *span;
	}
	dropped = spans->count - kept;
	spans->count = kept;
	return dropped;
}

/* Of a running program at most 1.7 % of the spans were seen to disagree, before the second look. */
static struct gm_error *check_flux(const struct gm_go_target *target, size_t good, uint64_t flux)
{
	if (flux <= 16 + good / 50)
		return NULL;
	return gm_go_nonsense(target, "%" PRIu64 " of %" PRIu64 " spans contradict the arena index",
			      flux, good + flux);
}

static struct gm_error *read_pages_in_use(const struct gm_go_target *target, uint64_t *pages)
{
	uint64_t at = gm_go_mheap_at(target, GM_GO_MHEAP_PAGES_IN_USE);
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_MHEAP_PAGES_IN_USE);

	return gm_go_read_number(target, at, size, pages);
}

/* Of a quiet program the sum is the runtime's own count. One that runs moves both: by
 * as much again as was seen, and a little.
 */
static struct gm_error *check_pages(const struct gm_go_target *target, uint64_t sum,
				    uint64_t before, uint64_t after)
{
	uint64_t low = before < after ? before : after, high = before < after ? after : before;
	uint64_t slack = 4096 + high / 16 + (high - low);

	if (sum + slack >= low && (sum <= slack || sum - slack <= high))
		return NULL;
	return gm_go_nonsense(target,
			      "its spans have %" PRIu64 " pages, the runtime counts %" PRIu64, sum,
			      after);
}

static struct gm_error *read_all(const struct gm_go_target *target,
				 const struct gm_go_arenas *arenas, struct gm_go_spans *spans,
				 struct gm_go_regions *mspans, uint64_t *flux)
{
	gm_autofree uint64_t *at = NULL;
	struct gm_error *error;
	size_t count;

	error = gm_go_read_items(target, gm_go_mheap_at(target, GM_GO_MHEAP_ALLSPANS), sizeof(*at),
				 GM_GO_SPANS_MAX, (void **)&at, &count);
	if (!error)
		error = load_good(target, arenas, at, &count, spans, mspans);
	if (!error)
		error = load_again(target, arenas, at, &count, spans);
	*flux = count;
	return error;
}

struct gm_error *gm_go_spans_read(const struct gm_go_target *target,
				  const struct gm_go_arenas *arenas, uint32_t sweepgen,
				  struct gm_go_spans *spans, struct gm_go_regions *mspans,
				  uint64_t *flux)
{
	struct gm_error *error;
	uint64_t before, after, pages;

	error = read_pages_in_use(target, &before);
	if (!error)
		error = read_all(target, arenas, spans, mspans, flux);
	if (!error)
		error = read_pages_in_use(target, &after);
	if (error)
		return error;
	*flux += settle(spans, sweepgen, &pages);
	error = check_flux(target, spans->count, *flux);
	return error ?: check_pages(target, pages, before, after);
}

/* Of more spans than that, one in so many is looked at again, in rows of neighbours. */
#define LOOKED_AT_AGAIN 65536
#define NEIGHBOURS 64
/* What lies behind the last member is anything. */
#define SPAN_BYTES (offsetof(struct gm_go_span, unswept) + sizeof(bool))

struct still {
	const struct gm_go_target *target;
	const struct gm_go_spans *spans;
	bool still;
};

static void got_again(void *context, uint32_t index, const void *record)
{
	struct still *still = context;
	const struct gm_go_span *span = &still->spans->items[index];
	struct gm_go_span again = { 0 };

	if (!parse_span(still->target, span->at, record, &again))
		still->still = false;
	again.unswept = span->unswept; /* follows from sweepgen, and the heap's */
	still->still &= !memcmp(span, &again, SPAN_BYTES);
}

struct gm_error *gm_go_spans_still(const struct gm_go_target *target,
				   const struct gm_go_spans *spans, bool *still)
{
	size_t rows = spans->count / NEIGHBOURS + 1;
	size_t step = spans->count / LOOKED_AT_AGAIN + 1;
	gm_big_autofree struct gm_go_want *wants = NULL;
	struct still look = { .target = target, .spans = spans, .still = true };
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_MSPAN_BYTES);
	struct gm_error *error;
	size_t count = 0;

	wants = gm_big_alloc((rows / step + 1) * NEIGHBOURS, sizeof(*wants));
	if (!wants)
		return gm_error_errno(ENOMEM, "cannot look at %zu spans again", spans->count);
	for (size_t i = 0; i < spans->count; i++) {
		if (i / NEIGHBOURS % step)
			continue;
		wants[count++] = (struct gm_go_want){ .address = spans->items[i].at,
						      .size = size,
						      .index = i };
	}
	error = gm_go_gather(target, wants, count, got_again, &look);
	*still = look.still;
	return error;
}
