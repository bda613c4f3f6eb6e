// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/spans.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Go src/runtime/mheap.go: mSpanDead, mSpanInUse, mSpanManual. */
enum { STATE_DEAD, STATE_IN_USE, STATE_MANUAL };

#define ELEMS_MAX 65535
#define ELEM_BYTES_MAX (GM_GO_ARENA_SPAN * GM_GO_ARENAS_MAX)

static uint64_t number(const struct gm_go_target *target, enum gm_go_field field,
		       const void *record)
{
	return gm_go_layout_number(&target->image->layout, field, record);
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

/* A state that is none of Go's leaves neither objects nor the mark of a manual span. */
static void got_span(void *context, uint32_t index, const void *record)
{
	struct load *load = context;
	const struct gm_go_target *target = load->target;
	struct gm_go_span *span;
	uint64_t state;

	state = record ? number(target, GM_GO_MSPAN_STATE, record) : STATE_DEAD;
	if (state == STATE_DEAD)
		return;
	span = &load->spans->items[load->spans->count++];
	*span = (struct gm_go_span){
		.at = load->at[index],
		.start = number(target, GM_GO_MSPAN_START, record),
		.pages = number(target, GM_GO_MSPAN_PAGES, record),
		.elem_bytes = number(target, GM_GO_MSPAN_ELEMSIZE, record),
		.sweepgen = number(target, GM_GO_MSPAN_SWEEPGEN, record),
		.manual = state == STATE_MANUAL,
	};
	span->stack = span->manual && span->elem_bytes;
	if (state == STATE_IN_USE)
		fill_objects(target, record, span);
}

/* Appends the spans at @at that are in use or manual. */
static struct gm_error *load(const struct gm_go_target *target, const uint64_t *at, size_t count,
			     struct gm_go_spans *spans)
{
	gm_autofree struct gm_go_want *wants = calloc(count + 1, sizeof(*wants));
	struct load load = { .target = target, .at = at, .spans = spans };
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_MSPAN_BYTES);

	if (!wants || !gm_vec_reserve(spans, count))
		return gm_error_errno(ENOMEM, "cannot copy %zu spans", count);
	for (size_t i = 0; i < count; i++)
		wants[i] = (struct gm_go_want){ .address = at[i], .size = size, .index = i };
	return gm_go_gather(target, wants, count, got_span, &load);
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

/* Asks the arena index who owns @page; false where there is no such arena. */
static bool ask(const struct gm_go_target *target, const struct gm_go_arenas *arenas, uint64_t page,
		uint32_t index, struct gm_go_want *want)
{
	const struct gm_go_arena *arena = gm_go_arenas_find(arenas, page);

	if (!arena)
		return false;
	*want = (struct gm_go_want){
		.address = arena->at +
			   gm_go_layout_offset(&target->image->layout, GM_GO_ARENA_SPANS) +
			   (page - arena->start) / GM_GO_PAGE_BYTES * sizeof(uint64_t),
		.size = sizeof(uint64_t),
		.index = index,
	};
	return true;
}

/* Each span's first and last page must be its own in the arena index. */
static struct gm_error *check_owners(const struct gm_go_target *target,
				     const struct gm_go_arenas *arenas,
				     const struct gm_go_spans *spans, bool *bad)
{
	gm_autofree struct gm_go_want *wants = calloc(2 * spans->count + 1, sizeof(*wants));
	struct check check = { .spans = spans, .bad = bad };
	size_t count = 0;

	if (!wants)
		return gm_error_errno(ENOMEM, "cannot check %zu spans", spans->count);
	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *span = &spans->items[i];
		uint64_t last = gm_go_span_end(span) - GM_GO_PAGE_BYTES;

		bad[i] = !possible(span) || !ask(target, arenas, span->start, i, &wants[count]);
		if (!bad[i])
			bad[i] = !ask(target, arenas, last, i, &wants[count + 1]);
		if (!bad[i])
			count += span->pages > 1 ? 2 : 1;
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
		else
			spans->items[kept++] = spans->items[i];
	}
	spans->count = kept;
	return parted;
}

/* Loads the spans at @at and appends the good ones; the addresses of the others
 * are left in @at, and their number in @count.
 */
static struct gm_error *load_good(const struct gm_go_target *target,
				  const struct gm_go_arenas *arenas, uint64_t *at, size_t *count,
				  struct gm_go_spans *spans)
{
	struct gm_go_spans loaded = { 0 };
	gm_autofree bool *bad = calloc(*count + 1, sizeof(*bad));
	struct gm_error *error;

	if (!bad)
		return gm_error_errno(ENOMEM, "cannot check %zu spans", *count);
	error = load(target, at, *count, &loaded);
	if (!error)
		error = check_owners(target, arenas, &loaded, bad);
	if (!error && !gm_vec_reserve(spans, loaded.count))
		error = gm_error_errno(ENOMEM, "cannot copy %zu spans", loaded.count);
	if (!error) {
		*count = part(&loaded, bad, at);
		if (loaded.count)
			memcpy(spans->items + spans->count, loaded.items,
			       loaded.count * sizeof(*loaded.items));
		spans->count += loaded.count;
	}
	free(loaded.items);
	return error;
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct gm_go_span *)a)->start;
	uint64_t y = ((const struct gm_go_span *)b)->start;

	return x < y ? -1 : x > y;
}

static uint64_t drop_overlapping(struct gm_go_spans *spans)
{
	uint64_t end = 0, dropped;
	size_t kept = 0;

	for (size_t i = 0; i < spans->count; i++) {
		if (spans->items[i].start < end)
			continue;
		end = gm_go_span_end(&spans->items[i]);
		spans->items[kept++] = spans->items[i];
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
static struct gm_error *check_pages(const struct gm_go_target *target,
				    const struct gm_go_spans *spans, uint64_t before,
				    uint64_t after)
{
	uint64_t low = before < after ? before : after, high = before < after ? after : before;
	uint64_t slack = 4096 + high / 16 + (high - low), sum = 0;

	for (size_t i = 0; i < spans->count; i++)
		if (!spans->items[i].manual)
			sum += spans->items[i].pages;
	if (sum + slack >= low && (sum <= slack || sum - slack <= high))
		return NULL;
	return gm_go_nonsense(target,
			      "its spans have %" PRIu64 " pages, the runtime counts %" PRIu64, sum,
			      after);
}

static struct gm_error *read_all(const struct gm_go_target *target,
				 const struct gm_go_arenas *arenas, struct gm_go_spans *spans,
				 uint64_t *flux)
{
	gm_autofree uint64_t *at = NULL;
	struct gm_error *error;
	size_t count;

	error = gm_go_read_items(target, gm_go_mheap_at(target, GM_GO_MHEAP_ALLSPANS), sizeof(*at),
				 GM_GO_SPANS_MAX, (void **)&at, &count);
	if (!error)
		error = load_good(target, arenas, at, &count, spans);
	/* A second look at those that were caught changing. */
	if (!error)
		error = load_good(target, arenas, at, &count, spans);
	*flux = count;
	return error;
}

/* Go src/runtime/mheap.go: mspan.sweepgen. */
static void tell_unswept(struct gm_go_spans *spans, uint32_t sweepgen)
{
	for (size_t i = 0; i < spans->count; i++) {
		struct gm_go_span *span = &spans->items[i];

		span->unswept = !span->manual &&
				(span->sweepgen == sweepgen - 2 || span->sweepgen == sweepgen + 1);
	}
}

struct gm_error *gm_go_spans_read(const struct gm_go_target *target,
				  const struct gm_go_arenas *arenas, uint32_t sweepgen,
				  struct gm_go_spans *spans, uint64_t *flux)
{
	struct gm_error *error;
	uint64_t before, after;

	error = read_pages_in_use(target, &before);
	if (!error)
		error = read_all(target, arenas, spans, flux);
	if (!error)
		error = read_pages_in_use(target, &after);
	if (error)
		return error;
	if (spans->count)
		qsort(spans->items, spans->count, sizeof(*spans->items), by_start);
	*flux += drop_overlapping(spans);
	tell_unswept(spans, sweepgen);
	error = check_flux(target, spans->count, *flux);
	return error ?: check_pages(target, spans, before, after);
}
