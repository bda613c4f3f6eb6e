// SPDX-License-Identifier: GPL-2.0-or-later
/* What holds a block, in words, and what the module saw of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/plural.h"
#include "cmd_huge.h"
#include "out/bytes.h"

#define KINDS_MAX 3

const uint32_t gm_huge_page_buckets[GM_HUGE_BUCKETS] = {
	0, 1, 32, 64, 96, 128, 160, 192, 224, 256,
};

const uint32_t gm_huge_span_buckets[GM_HUGE_BUCKETS] = { 0, 1, 2, 4, 8, 16, 32, 64, 128, 256 };

static void add_to(struct gm_huge_bucket *counts, const uint32_t *buckets, uint32_t value,
		   bool huge)
{
	size_t bucket = GM_HUGE_BUCKETS - 1;

	while (bucket && value < buckets[bucket])
		bucket--;
	counts[bucket].blocks++;
	counts[bucket].huge += huge;
}

bool gm_huge_known(const struct gm_huge_look *look)
{
	return gm_pages_know_huge(look->subject.pages->source, look->sum.huge);
}

void gm_huge_add(struct gm_huge_sum *sum, const struct gm_block *block)
{
	const uint32_t *resident = block->resident;

	sum->blocks++;
	sum->huge += block->huge;
	sum->resident += gm_block_resident(block);
	sum->live += resident[GM_GO_LIVE];
	sum->waste += gm_block_waste(block);
	sum->free += resident[GM_GO_IDLE] + resident[GM_GO_RELEASED];
	sum->slots += resident[GM_GO_FREE_SLOT] + resident[GM_GO_TAIL];
	sum->dead += resident[GM_GO_DEAD];
	sum->stacks += resident[GM_GO_STACK_FREE];
	add_to(sum->spread.free_pages, gm_huge_page_buckets, block->free_pages, block->huge);
	add_to(sum->spread.longest_free, gm_huge_page_buckets, block->longest_free, block->huge);
	add_to(sum->spread.spans, gm_huge_span_buckets, block->spans, block->huge);
}

/* Sums of a block that two VMAs share; the newest word on who made it huge. */
static void add_history(struct gm_huge_history *history, const struct gm_module_block *row)
{
	if (history->collapses == GM_OUT_NONE)
		*history = (struct gm_huge_history){ .since_ms = GM_OUT_NONE };
	history->collapses += row->collapses;
	history->refills += row->refills;
	history->churn += row->churn << 10;
	if (row->last_huge >= history->since_ms)
		return;
	history->since_ms = row->last_huge;
	history->by = strcmp(row->by, "-") ? row->by : NULL;
}

struct gm_huge_history gm_huge_history_of(const struct gm_module_blocks *blocks,
					  const struct gm_block *block)
{
	struct gm_huge_history history = { GM_OUT_NONE, GM_OUT_NONE, GM_OUT_NONE, NULL,
					   GM_OUT_NONE };
	size_t low = 0, high = blocks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (blocks->items[middle].end <= block->start)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < blocks->count && blocks->items[low].start < block->start + GM_HUGE_BYTES;
	     low++)
		add_history(&history, &blocks->items[low]);
	return history;
}

/* Spans of one kind: object size, large ones, stacks, buffers. */
struct kind {
	const struct gm_go_span *span;
	uint32_t spans;
};

static bool same_kind(const struct gm_go_span *a, const struct gm_go_span *b)
{
	return a->manual == b->manual && a->stack == b->stack &&
	       (a->manual || a->size_class == b->size_class);
}

static size_t add_kind(struct kind *kinds, size_t count, const struct gm_go_span *span)
{
	size_t i = 0;

	while (i < count && !same_kind(kinds[i].span, span))
		i++;
	if (i == count)
		kinds[i] = (struct kind){ .span = span };
	kinds[i].spans++;
	return i == count ? count + 1 : count;
}

static int by_spans(const void *a, const void *b)
{
	uint32_t x = ((const struct kind *)a)->spans, y = ((const struct kind *)b)->spans;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void print_kind(FILE *stream, const struct gm_go_span *span)
{
	char bytes[GM_OUT_BYTES_MAX];

	if (span->stack)
		fputs("stacks", stream);
	else if (span->manual)
		fputs("GC buffers", stream);
	else if (!span->size_class)
		fputs("one large object", stream);
	else
		fprintf(stream, "%s objects", gm_out_bytes(span->elem_bytes, bytes));
}

static void print_one(FILE *stream, const struct gm_holder *holder, const struct gm_go_span *span)
{
	char bytes[GM_OUT_BYTES_MAX];

	fprintf(stream, "%s in one span of ", gm_out_bytes(holder->bytes, bytes));
	fprintf(stream, "%s, ", gm_out_bytes(span->pages * GM_GO_PAGE_BYTES, bytes));
	print_kind(stream, span);
}

static void print_many(FILE *stream, const struct gm_holder *holders, size_t count,
		       const struct gm_go_heap *heap)
{
	struct kind kinds[GM_GO_SIZE_CLASSES + 2] = { 0 };
	char text[GM_OUT_BYTES_MAX];
	uint64_t bytes = 0;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		bytes += holders[i].bytes;
		found = add_kind(kinds, found, &heap->spans.items[holders[i].span]);
	}
	qsort(kinds, found, sizeof(*kinds), by_spans);
	fprintf(stream, "%s in %zu span%s: ", gm_out_bytes(bytes, text), count, gm_plural(count));
	for (size_t i = 0; i < found && i < KINDS_MAX; i++) {
		fprintf(stream, "%s%u of ", i ? ", " : "", kinds[i].spans);
		print_kind(stream, kinds[i].span);
	}
	fputs(found > KINDS_MAX ? ", ..." : "", stream);
}

char *gm_huge_held_by(const struct gm_block *block, const struct gm_go_heap *heap)
{
	struct gm_holder holders[GM_BLOCK_PAGES];
	size_t count = gm_block_holders(block, heap, holders, GM_BLOCK_PAGES);
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	if (!count)
		fputs(block->others ? "the runtime's own memory" : "nothing", stream);
	else if (count == 1)
		print_one(stream, holders, &heap->spans.items[holders[0].span]);
	else
		print_many(stream, holders, count, heap);
	return fclose(stream) ? NULL : text;
}
