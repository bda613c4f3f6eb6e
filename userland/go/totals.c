// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/totals.h"

#include <errno.h>
#include <string.h>

/* Go src/runtime/mstats.go: consistentHeapStats has three deltas, which sum up. */
#define DELTAS 3

static void add_spans(const struct gm_go_spans *spans, struct gm_go_totals *totals)
{
	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *span = &spans->items[i];
		uint64_t bytes = span->pages * GM_GO_PAGE_BYTES;

		if (!span->manual) {
			totals->heap_inuse += bytes;
			totals->heap_alloc += span->allocated * span->elem_bytes;
			totals->heap_objects += span->allocated;
		} else if (span->stack) {
			totals->stack_inuse += bytes;
		}
	}
}

static void add_chunks(const struct gm_go_chunks *chunks, struct gm_go_totals *totals)
{
	uint64_t idle = 0, released = 0;

	for (size_t i = 0; i < chunks->count; i++) {
		const struct gm_go_chunk *chunk = &chunks->items[i];

		for (size_t word = 0; word < GM_GO_CHUNK_WORDS; word++) {
			/* Padding is scavenged and not free; it counts as released. */
			idle += __builtin_popcountll(chunk->free[word] | chunk->scavenged[word]);
			released += __builtin_popcountll(chunk->scavenged[word]);
		}
	}
	totals->heap_idle = idle * GM_GO_PAGE_BYTES;
	totals->heap_released = released * GM_GO_PAGE_BYTES;
	totals->heap_sys = totals->heap_inuse + totals->heap_idle;
}

static struct gm_error *read_stats(const struct gm_go_target *target, struct gm_go_totals *totals)
{
	const struct gm_go_layout *layout = &target->image->layout;
	const struct {
		enum gm_go_field field;
		uint64_t *to;
	} stats[] = {
		{ GM_GO_STATS_STACKS_SYS, &totals->stack_sys },
		{ GM_GO_STATS_MSPAN_SYS, &totals->mspan_sys },
		{ GM_GO_STATS_MCACHE_SYS, &totals->mcache_sys },
		{ GM_GO_STATS_BUCKHASH_SYS, &totals->buckhash_sys },
		{ gm_go_layout_has_heap_stats(layout) ? GM_GO_STATS_GC_MISC_SYS :
							GM_GO_STATS_GC_SYS,
		  &totals->gc_sys },
		{ GM_GO_STATS_OTHER_SYS, &totals->other_sys },
		{ GM_GO_STATS_NUMGC, &totals->num_gc },
	};
	struct gm_error *error = NULL;

	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]) && !error; i++)
		error = gm_go_read_number(target, gm_go_memstats_at(target, stats[i].field),
					  gm_go_layout_size(layout, stats[i].field), stats[i].to);
	totals->stack_sys += totals->stack_inuse;
	return error;
}

/* Up to Go 1.15 the heap takes an arena whole, and calls released what it has not grown into. */
static struct gm_error *add_current_arena(const struct gm_go_target *target,
					  struct gm_go_totals *totals)
{
	struct gm_error *error;
	uint64_t range[2];

	error = gm_mem_read(target->mem, gm_go_mheap_at(target, GM_GO_MHEAP_CUR_ARENA), range,
			    sizeof(range));
	if (!error && (range[0] > range[1] || range[1] >= GM_GO_ADDRESS_MAX))
		error = gm_go_nonsense(target, "its current arena has an impossible size");
	if (error)
		return error;
	totals->heap_idle += range[1] - range[0];
	totals->heap_released += range[1] - range[0];
	totals->heap_sys += range[1] - range[0];
	return NULL;
}

/* GCSys is what was mapped for the collector, and the spans it uses as buffers. */
static struct gm_error *add_gc_spans(const struct gm_go_target *target, struct gm_go_totals *totals)
{
	const struct gm_go_layout *layout = &target->image->layout;
	uint32_t size = gm_go_layout_size(layout, GM_GO_DELTA_BYTES);
	uint64_t at = gm_go_memstats_at(target, GM_GO_STATS_HEAP_STATS) +
		      gm_go_layout_offset(layout, GM_GO_HEAP_STATS_STATS);
	gm_autofree char *deltas = calloc(DELTAS, size);
	struct gm_error *error;

	if (!deltas)
		return gm_error_errno(ENOMEM, "cannot copy the heap's statistics");
	error = gm_mem_read(target->mem, at, deltas, (size_t)DELTAS * size);
	for (size_t i = 0; i < DELTAS && !error; i++)
		totals->gc_sys +=
			gm_go_layout_number(layout, GM_GO_DELTA_WORK_BUFS, deltas + i * size) +
			gm_go_layout_number(layout, GM_GO_DELTA_PTR_SCALAR, deltas + i * size);
	return error;
}

static struct gm_error *read_inuse(const struct gm_go_target *target, enum gm_go_field fixalloc,
				   uint64_t *bytes)
{
	const struct gm_go_layout *layout = &target->image->layout;

	return gm_go_read_number(target,
				 gm_go_mheap_at(target, fixalloc) +
					 gm_go_layout_offset(layout, GM_GO_FIXALLOC_INUSE),
				 gm_go_layout_size(layout, GM_GO_FIXALLOC_INUSE), bytes);
}

struct gm_error *gm_go_totals_read(const struct gm_go_target *target,
				   const struct gm_go_spans *spans,
				   const struct gm_go_chunks *chunks, struct gm_go_totals *totals)
{
	struct gm_error *error;

	memset(totals, 0, sizeof(*totals));
	add_spans(spans, totals);
	add_chunks(chunks, totals);
	error = read_stats(target, totals);
	if (!error)
		error = gm_go_layout_has_heap_stats(&target->image->layout) ?
				add_gc_spans(target, totals) :
				add_current_arena(target, totals);
	if (!error)
		error = read_inuse(target, GM_GO_MHEAP_SPANALLOC, &totals->mspan_inuse);
	return error ?: read_inuse(target, GM_GO_MHEAP_CACHEALLOC, &totals->mcache_inuse);
}
