// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/spans.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "go/spans_sort.h"

/* Go src/runtime/mheap.go: mSpanDead, mSpanInUse, mSpanManual. */
enum { STATE_DEAD, STATE_IN_USE, STATE_MANUAL };

#define ELEMS_MAX 65535
#define ELEM_BYTES_MAX (GM_GO_ARENA_SPAN * GM_GO_ARENAS_MAX)

/* The fields of an mspan that are read, enum gm_go_field from this one on. */
#define FIRST_FIELD GM_GO_MSPAN_START
#define FIELDS (GM_GO_MSPAN_ELEMSIZE - FIRST_FIELD + 1)

/**
 * struct places - gm_go_layout_number(), made ready for the inner loop: records have slack behind
 *	them
 * @mask: of the 8 bytes at @offset the field's own; 0 where there is none
 */
struct places {
	struct {
		uint32_t offset;
		uint64_t mask;
	} of[FIELDS];
};

static void prepare(const struct gm_go_target *target, struct places *places)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const struct gm_go_place *place = &target->image->layout.places[FIRST_FIELD + i];
		bool number = place->size && place->size <= sizeof(uint64_t);

		places->of[i].offset = place->offset;
		places->of[i].mask = number ? ~0ULL >> (64 - 8 * place->size) : 0;
	}
}

static inline uint64_t number(const struct places *places, enum gm_go_field field,
			      const void *record)
{
	uint64_t value;

	memcpy(&value, (const char *)record + places->of[field - FIRST_FIELD].offset,
	       sizeof(value));
	return value & places->of[field - FIRST_FIELD].mask;
}

/* Counts that do not fit their field here are of no span: the largest value is
 * refused later.
 */
static uint32_t narrow(uint64_t value)
{
	return value < UINT32_MAX ? value : UINT32_MAX;
}

/**
 * struct load - spans that are read
 * @at: where all of them lie; @size: bytes of each
 * @spans: room for all is reserved
 * @mspans, @error: of adding to it
 */
struct load {
	struct places places;
	const uint64_t *at;
	uint32_t size;
	struct gm_go_spans *spans;
	struct gm_go_regions *mspans;
	struct gm_error *error;
};

static void fill_objects(const struct places *places, const void *record, struct gm_go_span *span)
{
	uint64_t class_ = number(places, GM_GO_MSPAN_SPANCLASS, record);

	span->alloc_bits = number(places, GM_GO_MSPAN_ALLOC_BITS, record);
	span->mark_bits = number(places, GM_GO_MSPAN_MARK_BITS, record);
	span->elems = narrow(number(places, GM_GO_MSPAN_ELEMS, record));
	span->free_index = narrow(number(places, GM_GO_MSPAN_FREEINDEX, record));
	span->allocated = narrow(number(places, GM_GO_MSPAN_ALLOC_COUNT, record));
	span->size_class = class_ >> 1;
	span->noscan = class_ & 1;
}

/* False for one that is dead. A state that is none of Go's leaves neither objects nor the mark of
 * a manual span.
 */
static bool parse_span(const struct places *places, uint64_t at, const void *record,
		       struct gm_go_span *span)
{
	uint64_t state = record ? number(places, GM_GO_MSPAN_STATE, record) : STATE_DEAD;

	if (state == STATE_DEAD)
		return false;
	*span = (struct gm_go_span){
		.at = at,
		.start = number(places, GM_GO_MSPAN_START, record),
		.pages = narrow(number(places, GM_GO_MSPAN_PAGES, record)),
		.elem_bytes = number(places, GM_GO_MSPAN_ELEMSIZE, record),
		.sweepgen = number(places, GM_GO_MSPAN_SWEEPGEN, record),
		.manual = state == STATE_MANUAL,
	};
	span->stack = span->manual && span->elem_bytes;
	if (state == STATE_IN_USE)
		fill_objects(places, record, span);
	return true;
}

static void got_span(void *context, uint32_t index, const void *record)
{
	struct load *load = context;
	struct gm_go_spans *spans = load->spans;
	uint64_t at = load->at[index];

	if (parse_span(&load->places, at, record, &spans->items[spans->count]))
		spans->count++;
	if (!load->error && at < GM_GO_ADDRESS_MAX)
		load->error = gm_go_regions_add(load->mspans, at, at + load->size, GM_GO_MSPAN,
						GM_GO_NO_SPAN);
}

/* Appends the spans at @at that are in use or manual, and where all of them lie themselves. */
static struct gm_error *load(const struct gm_go_target *target, const uint64_t *at, size_t count,
			     struct gm_go_spans *spans, struct gm_go_regions *mspans)
{
	struct load load = { .at = at, .spans = spans, .mspans = mspans };
	struct gm_go_asker asker;
	struct gm_error *error = gm_go_asker_init(target, got_span, &load, &asker);

	prepare(target, &load.places);
	load.size = gm_go_layout_size(&target->image->layout, GM_GO_MSPAN_BYTES);
	if (!error && !gm_vec_reserve(spans, count))
		error = gm_error_errno(ENOMEM, "cannot copy %zu spans", count);
	for (size_t i = 0; i < count && !error; i++)
		error = gm_go_ask(&asker, at[i], load.size, i);
	if (!error)
		error = gm_go_asker_flush(&asker);
	gm_go_asker_deinit(&asker);
	if (!error)
		return load.error;
	gm_error_destroy(load.error);
	return error;
}

static bool objects_fit(const struct gm_go_span *span)
{
	return span->size_class < GM_GO_SIZE_CLASSES && span->elem_bytes && span->elems &&
	       span->elems <= ELEMS_MAX && span->elem_bytes <= ELEM_BYTES_MAX &&
	       span->elem_bytes * span->elems <= span->pages * GM_GO_PAGE_BYTES &&
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

/* Where the arena index says who owns @page; 0 where there is no such arena. @near: where the last
 * one was found, which mostly is where the next one is; NULL at first.
 */
static uint64_t owner_at(const struct gm_go_target *target, const struct gm_go_arenas *arenas,
			 uint64_t page, const struct gm_go_arena **near)
{
	const struct gm_go_arena *arena = *near;

	if (!arena || page - arena->start >= GM_GO_ARENA_SPAN)
		arena = gm_go_arenas_find(arenas, page);
	if (!arena)
		return 0;
	*near = arena;
	return arena->at + gm_go_layout_offset(&target->image->layout, GM_GO_ARENA_SPANS) +
	       (page - arena->start) / GM_GO_PAGE_BYTES * sizeof(uint64_t);
}

/* Each span's first and last page must be its own in the arena index. */
static struct gm_error *ask_owners(struct gm_go_asker *asker, const struct gm_go_arenas *arenas,
				   const struct gm_go_spans *spans, bool *bad)
{
	const struct gm_go_arena *near = NULL;
	struct gm_error *error = NULL;

	for (size_t i = 0; i < spans->count && !error; i++) {
		const struct gm_go_span *span = &spans->items[i];
		uint64_t first, last;

		bad[i] = !possible(span);
		if (bad[i])
			continue;
		first = owner_at(asker->target, arenas, span->start, &near);
		last = first;
		if (span->pages > 1)
			last = owner_at(asker->target, arenas,
					gm_go_span_end(span) - GM_GO_PAGE_BYTES, &near);
		bad[i] = !first || !last;
		if (!bad[i])
			error = gm_go_ask(asker, first, sizeof(uint64_t), i);
		if (!bad[i] && !error && last != first)
			error = gm_go_ask(asker, last, sizeof(uint64_t), i);
	}
	return error ?: gm_go_asker_flush(asker);
}

static struct gm_error *check_owners(const struct gm_go_target *target,
				     const struct gm_go_arenas *arenas,
				     const struct gm_go_spans *spans, bool *bad)
{
	struct check check = { .spans = spans, .bad = bad };
	struct gm_go_asker asker;
	struct gm_error *error = gm_go_asker_init(target, got_owner, &check, &asker);

	if (!error)
		error = ask_owners(&asker, arenas, spans, bad);
	gm_go_asker_deinit(&asker);
	return error;
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
		error = gm_go_spans_sort(spans);
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
			error = gm_go_spans_sort(spans);
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
		spans->unswept += span->unswept;
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

struct still {
	struct places places;
	const struct gm_go_spans *spans;
	bool still;
};

/* Of one mspan. Whether it is swept follows from this, and the heap's sweepgen. */
static bool same(const struct gm_go_span *a, const struct gm_go_span *b)
{
	return a->start == b->start && a->pages == b->pages && a->elem_bytes == b->elem_bytes &&
	       a->alloc_bits == b->alloc_bits && a->mark_bits == b->mark_bits &&
	       a->elems == b->elems && a->free_index == b->free_index &&
	       a->allocated == b->allocated && a->sweepgen == b->sweepgen &&
	       a->size_class == b->size_class && a->noscan == b->noscan && a->stack == b->stack &&
	       a->manual == b->manual;
}

static void got_again(void *context, uint32_t index, const void *record)
{
	struct still *still = context;
	const struct gm_go_span *span = &still->spans->items[index];
	struct gm_go_span again;

	if (!parse_span(&still->places, span->at, record, &again) || !same(span, &again))
		still->still = false;
}

struct gm_error *gm_go_spans_still(const struct gm_go_target *target,
				   const struct gm_go_spans *spans, bool *still)
{
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_MSPAN_BYTES);
	size_t step = NEIGHBOURS * (spans->count / LOOKED_AT_AGAIN + 1);
	struct still look = { .spans = spans, .still = true };
	struct gm_go_asker asker;
	struct gm_error *error = gm_go_asker_init(target, got_again, &look, &asker);

	prepare(target, &look.places);
	for (size_t row = 0; row < spans->count; row += step)
		for (size_t i = row; i < row + NEIGHBOURS && i < spans->count && !error; i++)
			error = gm_go_ask(&asker, spans->items[i].at, size, i);
	if (!error)
		error = gm_go_asker_flush(&asker);
	gm_go_asker_deinit(&asker);
	*still = look.still;
	return error;
}
