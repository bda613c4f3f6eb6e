// SPDX-License-Identifier: GPL-2.0-or-later
#include "join/bill.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "join/cursor.h"

/* 8 TiB of huge pages: what bounds the list when the runs are made up. */
#define HUGE_MAX (4UL << 20)

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t subtract(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static struct gm_error *huge_at(struct gm_bill *bill, uint64_t start, struct gm_huge **huge)
{
	size_t count = bill->huge.count;

	if (count && bill->huge.items[count - 1].start == start) {
		*huge = &bill->huge.items[count - 1];
		return NULL;
	}
	if (count == HUGE_MAX)
		return gm_error_create(E2BIG, "cannot join: more than %lu huge pages", HUGE_MAX);
	*huge = gm_vec_push(&bill->huge);
	if (!*huge)
		return gm_error_create(ENOMEM, "cannot list %zu huge pages: out of memory", count);
	(*huge)->start = start;
	return NULL;
}

static struct gm_error *add_huge(struct gm_bill *bill, const struct gm_piece *piece)
{
	struct gm_error *error;
	uint64_t at, next;

	for (at = piece->start; at < piece->end; at = next) {
		uint64_t start = at & ~(GM_HUGE_BYTES - 1);
		struct gm_huge *huge;

		error = huge_at(bill, start, &huge);
		if (error)
			return error;
		next = piece->end - start > GM_HUGE_BYTES ? start + GM_HUGE_BYTES : piece->end;
		huge->bytes[piece->class_] += next - at;
	}
	return NULL;
}

static void add_span(struct gm_bill *bill, const struct gm_go_heap *heap,
		     const struct gm_piece *piece)
{
	const struct gm_go_span *span;

	if (!piece->region || piece->region->span >= heap->spans.count)
		return;
	span = &heap->spans.items[piece->region->span];
	if (!span->manual)
		bill->classes[span->size_class].resident_bytes += piece->end - piece->start;
}

static struct gm_error *add_piece(struct gm_bill *bill, const struct gm_go_heap *heap,
				  const struct gomem_page_run *run, const struct gm_piece *piece)
{
	uint64_t bytes = piece->end - piece->start;
	bool resident = gm_page_resident(run->state);

	if (piece->class_ == GM_NO_CLASS) {
		bill->classless += resident ? bytes : 0;
		return NULL;
	}
	bill->bytes[piece->class_][run->state] += bytes;
	if (!resident)
		return NULL;
	bill->resident[piece->class_] += bytes;
	add_span(bill, heap, piece);
	return heap && run->state == GOMEM_PAGE_THP ? add_huge(bill, piece) : NULL;
}

static struct gm_error *add_runs(struct gm_bill *bill, const struct gm_maps *maps,
				 const struct gm_pages *pages, const struct gm_go_heap *heap)
{
	struct gm_cursor cursor;
	struct gm_error *error = NULL;

	gm_cursor_init(&cursor, maps, heap);
	for (size_t i = 0; i < pages->count && !error; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		uint64_t end = gm_run_end(run), at;
		struct gm_piece piece;

		for (at = run->start; at < end && !error; at = piece.end) {
			piece = gm_cursor_next(&cursor, at, end);
			error = add_piece(bill, heap, run, &piece);
		}
		bill->swap += run->state == GOMEM_PAGE_SWAP ? end - run->start : 0;
		bill->pages_rss += gm_page_resident(run->state) ? end - run->start : 0;
	}
	return error;
}

static void subtract_present(struct gm_bill *bill)
{
	for (size_t class_ = 0; class_ < GM_GO_CLASSES; class_++) {
		uint64_t *states = bill->bytes[class_], *absent = &states[GOMEM_PAGE_ABSENT];

		for (size_t state = GOMEM_PAGE_ABSENT + 1; state < GOMEM_PAGE_STATES; state++)
			*absent = subtract(*absent, states[state]);
	}
}

static void add_address_space(struct gm_bill *bill, const struct gm_maps *maps,
			      const struct gm_go_heap *heap)
{
	struct gm_cursor cursor;

	gm_cursor_init(&cursor, maps, heap);
	for (size_t i = 0; i < maps->count; i++) {
		const struct gm_vma *vma = &maps->items[i];
		struct gm_piece piece;

		if (!strcmp(vma->name, "[vsyscall]"))
			continue; /* the kernel's page, in no VmSize */
		bill->virtual_bytes += vma->end - vma->start;
		for (uint64_t at = vma->start; at < vma->end; at = piece.end) {
			piece = gm_cursor_next(&cursor, at, vma->end);
			bill->bytes[piece.class_][GOMEM_PAGE_ABSENT] += piece.end - piece.start;
		}
	}
	subtract_present(bill);
}

/* Huge pages that hold metadata and stacks of threads only are none of the heap's. */
static void keep_heap_huge(struct gm_bill *bill)
{
	size_t kept = 0;

	for (size_t i = 0; i < bill->huge.count; i++) {
		const struct gm_huge *huge = &bill->huge.items[i];
		bool heap = false;

		for (uint32_t class_ = 0; class_ < GM_GO_CLASSES; class_++)
			heap |= gm_in_go_heap(class_) && huge->bytes[class_];
		if (!heap)
			continue;
		bill->released_huge += huge->bytes[GM_GO_RELEASED] != 0;
		bill->huge.items[kept++] = *huge;
	}
	bill->huge.count = kept;
}

static void add_class_span(struct gm_class_use *use, const struct gm_go_span *span)
{
	uint64_t bytes = multiply(span->pages, GM_GO_PAGE_BYTES);
	uint64_t slots = multiply(span->elems, span->elem_bytes);
	uint64_t objects = multiply(span->allocated, span->elem_bytes);

	use->spans++;
	use->elem_bytes = span->size_class ? span->elem_bytes : 0;
	use->span_bytes = add(use->span_bytes, bytes);
	use->slots = add(use->slots, span->elems);
	use->objects = add(use->objects, span->allocated);
	use->object_bytes = add(use->object_bytes, objects);
	use->free_bytes = add(use->free_bytes, subtract(slots, objects));
	use->tail_bytes = add(use->tail_bytes, subtract(bytes, slots));
}

static struct gm_error *add_classes(struct gm_bill *bill, const struct gm_go_heap *heap)
{
	for (size_t i = 0; i < heap->spans.count; i++) {
		const struct gm_go_span *span = &heap->spans.items[i];

		if (span->size_class >= GM_GO_SIZE_CLASSES)
			return gm_error_create(EINVAL,
					       "cannot join: the span at %" PRIx64
					       " has the unknown size class %u",
					       span->start, span->size_class);
		if (!span->manual)
			add_class_span(&bill->classes[span->size_class], span);
	}
	return NULL;
}

static struct gm_error *fill(struct gm_bill *bill, const struct gm_maps *maps,
			     const struct gm_pages *pages, const struct gm_go_heap *heap)
{
	struct gm_error *error = NULL;

	for (uint8_t i = 0; i < GM_GO_SIZE_CLASSES; i++)
		bill->classes[i].size_class = i;
	if (heap)
		error = add_classes(bill, heap);
	if (!error)
		error = add_runs(bill, maps, pages, heap);
	if (error)
		return error;
	add_address_space(bill, maps, heap);
	keep_heap_huge(bill);
	return NULL;
}

struct gm_error *gm_bill_compute(const struct gm_maps *maps, const struct gm_pages *pages,
				 const struct gm_go_heap *heap, uint64_t rss_again,
				 struct gm_bill **out)
{
	struct gm_error *error = gm_cursor_check(maps, pages, heap);
	struct gm_bill *bill;

	if (error)
		return error;
	bill = calloc(1, sizeof(*bill));
	if (!bill)
		return gm_error_create(ENOMEM, "cannot compute the bill: out of memory");
	error = fill(bill, maps, pages, heap);
	if (error) {
		gm_bill_destroy(bill);
		return error;
	}
	bill->rss = rss_again ? rss_again : bill->pages_rss;
	bill->unexplained = (int64_t)(bill->rss - (bill->pages_rss - bill->classless));
	*out = bill;
	return NULL;
}

void gm_bill_destroy(struct gm_bill *bill)
{
	if (!bill)
		return;
	free(bill->huge.items);
	free(bill);
}
