// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/heap.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "go/carve.h"
#include "go/chunks.h"
#include "go/meta.h"
#include "go/objects.h"
#include "go/regions.h"
#include "go/spans.h"
#include "go/stacks.h"
#include "go/totals.h"

#define ATTEMPTS 3

/* Where the collector stands: the same before and after means nothing moved between. */
struct phase {
	uint64_t sweepgen;
	uint64_t gcphase;
};

/* One copy of everything, as Go has it. */
struct copy {
	struct gm_go_arenas arenas;
	uint64_t index_at;
	struct gm_go_spans spans;
	struct gm_go_regions mspans;
	struct gm_go_chunks chunks;
	struct gm_go_tables tables;
	struct gm_go_objects objects;
	struct gm_go_regions stacks;
	struct phase before;
	struct phase after;
	uint64_t flux;
};

static void copy_deinit(struct copy *copy)
{
	free(copy->arenas.items);
	free(copy->spans.items);
	free(copy->mspans.items);
	free(copy->chunks.items);
	free(copy->tables.items);
	free(copy->stacks.items);
	gm_go_objects_deinit(&copy->objects);
	memset(copy, 0, sizeof(*copy));
}

static struct gm_error *read_phase(const struct gm_go_target *target, struct phase *phase)
{
	struct gm_error *error;

	error = gm_go_read_number(target, gm_go_mheap_at(target, GM_GO_MHEAP_SWEEPGEN), 4,
				  &phase->sweepgen);
	return error ?:
		       gm_go_read_number(target, target->image->globals[GM_GO_GCPHASE].address, 4,
					 &phase->gcphase);
}

static bool moved(const struct copy *copy)
{
	return copy->before.gcphase || memcmp(&copy->before, &copy->after, sizeof(copy->before));
}

static struct gm_error *read_copy(const struct gm_go_target *target, struct copy *copy)
{
	struct gm_error *error = read_phase(target, &copy->before);

	if (!error)
		error = gm_go_arenas_read(target, &copy->arenas, &copy->index_at);
	if (!error)
		error = gm_go_spans_read(target, &copy->arenas, copy->before.sweepgen, &copy->spans,
					 &copy->mspans, &copy->flux);
	/* Right behind the spans: the longer between, the less they agree. */
	if (!error)
		error = gm_go_chunks_read(target, &copy->chunks, &copy->tables);
	if (!error)
		error = gm_go_objects_read(target, &copy->arenas, &copy->spans, &copy->objects);
	if (!error)
		error = gm_go_stacks_read(target, &copy->spans, &copy->stacks);
	return error ?: read_phase(target, &copy->after);
}

/* Of a program that runs, a copy may come out torn: what a later one need not. */
static bool worth_again(const struct gm_error *error)
{
	return error->code == EIO || error->code == EFAULT;
}

static struct gm_error *read_steady(const struct gm_go_target *target, struct copy *copy,
				    struct gm_go_totals *totals)
{
	struct gm_error *error;

	for (int attempt = 1;; attempt++) {
		error = read_copy(target, copy);
		if (!error)
			error = gm_go_totals_read(target, &copy->spans, &copy->chunks, totals);
		if (attempt == ATTEMPTS || (error ? !worth_again(error) : !moved(copy)))
			break;
		gm_error_destroy(error);
		copy_deinit(copy);
	}
	/* While the collector works, marks are incomplete, or of another cycle. */
	if (!error && (target->torn || moved(copy)))
		gm_go_objects_forget_marks(&copy->objects);
	return error;
}

static struct gm_error *fill_regions(const struct gm_go_target *target, const struct copy *copy,
				     struct gm_go_regions *regions)
{
	struct gm_go_regions meta = { 0 };
	const struct gm_go_plan plan = {
		.arenas = &copy->arenas,
		.spans = &copy->spans,
		.objects = &copy->objects,
		.chunks = &copy->chunks,
		.stacks = &copy->stacks,
		.meta = &meta,
	};
	struct gm_error *error;

	error = gm_go_meta_read(target, &copy->arenas, copy->index_at, &copy->mspans, &copy->tables,
				&meta);
	if (!error)
		error = gm_go_carve(&plan, regions);
	free(meta.items);
	return error;
}

/* Go src/runtime/mgcpacer.go: gcControllerState, 1.19 and later. */
static struct gm_error *read_pacer(const struct gm_go_target *target, struct gm_go_heap *heap)
{
	const struct gm_go_layout *layout = &target->image->layout;
	uint64_t at = target->image->globals[GM_GO_PACER].address;
	uint64_t percent_at = at + gm_go_layout_offset(layout, GM_GO_PACER_GC_PERCENT);
	uint64_t limit_at = at + gm_go_layout_offset(layout, GM_GO_PACER_MEMORY_LIMIT);
	struct gm_error *error;

	heap->gc_percent = GM_GO_GC_UNKNOWN;
	if (!at || !gm_go_layout_has(layout, GM_GO_PACER_GC_PERCENT) ||
	    !gm_go_layout_has(layout, GM_GO_PACER_MEMORY_LIMIT))
		return NULL;
	error = gm_mem_read(target->mem, percent_at, &heap->gc_percent, sizeof(heap->gc_percent));
	if (!error)
		error = gm_mem_read(target->mem, limit_at, &heap->memory_limit,
				    sizeof(heap->memory_limit));
	return error;
}

/* Takes from @copy what the heap is described by. */
static void keep(struct copy *copy, bool torn, struct gm_go_heap *heap)
{
	heap->gc_running = torn || moved(copy);
	heap->flux_spans = copy->flux;
	heap->sweepgen = copy->before.sweepgen;
	heap->arenas = copy->arenas;
	heap->spans = copy->spans;
	heap->objects = copy->objects;
	heap->chunks = copy->chunks;
	memset(&copy->arenas, 0, sizeof(copy->arenas));
	memset(&copy->spans, 0, sizeof(copy->spans));
	memset(&copy->objects, 0, sizeof(copy->objects));
	memset(&copy->chunks, 0, sizeof(copy->chunks));
}

static struct gm_error *fill(const struct gm_go_target *target, struct gm_go_heap *heap)
{
	struct copy copy = { 0 };
	struct gm_error *error;

	heap->version = strdup(target->image->version.text);
	heap->layout = strdup(target->image->layout.source);
	if (!heap->version || !heap->layout)
		return gm_error_errno(ENOMEM, "cannot read the heap");
	error = read_pacer(target, heap);
	if (!error)
		error = read_steady(target, &copy, &heap->totals);
	if (!error)
		error = fill_regions(target, &copy, &heap->regions);
	if (!error)
		keep(&copy, target->torn, heap);
	copy_deinit(&copy);
	return error;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

struct gm_error *gm_go_heap_read(const struct gm_go_target *target, struct gm_go_heap **out)
{
	uint64_t started = now_ns();
	struct gm_go_heap *heap = calloc(1, sizeof(*heap));
	struct gm_error *error;

	if (!heap)
		return gm_error_errno(ENOMEM, "cannot read the heap");
	error = fill(target, heap);
	if (error) {
		gm_go_heap_destroy(heap);
		return error;
	}
	heap->took_ns = now_ns() - started;
	*out = heap;
	return NULL;
}

static struct gm_error *chunks_still(const struct gm_go_target *target,
				     const struct gm_go_heap *heap, bool *still)
{
	struct gm_go_chunks chunks = { 0 };
	struct gm_go_tables tables = { 0 };
	struct gm_error *error = gm_go_chunks_read(target, &chunks, &tables);

	*still = !error && chunks.count == heap->chunks.count &&
		 (!chunks.count ||
		  !memcmp(chunks.items, heap->chunks.items, chunks.count * sizeof(*chunks.items)));
	free(chunks.items);
	free(tables.items);
	return error;
}

struct gm_error *gm_go_heap_still(const struct gm_go_target *target, const struct gm_go_heap *heap,
				  bool *still)
{
	struct gm_error *error;
	struct phase phase;

	*still = false;
	error = read_phase(target, &phase);
	if (error || heap->gc_running || phase.gcphase || phase.sweepgen != heap->sweepgen)
		return error;
	error = chunks_still(target, heap, still);
	if (error || !*still)
		return error;
	return gm_go_spans_still(target, &heap->spans, still);
}

void gm_go_heap_destroy(struct gm_go_heap *heap)
{
	if (!heap)
		return;
	free(heap->version);
	free(heap->layout);
	free(heap->arenas.items);
	free(heap->spans.items);
	free(heap->chunks.items);
	gm_go_objects_deinit(&heap->objects);
	free(heap->regions.items);
	free(heap);
}
