// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/heap.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "go/carve.h"
#include "go/chunks.h"
#include "go/meta.h"
#include "go/objects.h"
#include "go/read.h"
#include "go/regions.h"
#include "go/spans.h"
#include "go/stacks.h"
#include "go/totals.h"

#define ATTEMPTS 3

static const char *const class_names[GM_GO_CLASSES] = {
	[GM_GO_LIVE] = "live",
	[GM_GO_DEAD] = "dead",
	[GM_GO_FREE_SLOT] = "free-slot",
	[GM_GO_TAIL] = "tail",
	[GM_GO_IDLE] = "idle",
	[GM_GO_RELEASED] = "released",
	[GM_GO_RESERVED] = "reserved",
	[GM_GO_STACK] = "stack",
	[GM_GO_STACK_FREE] = "stack-free",
	[GM_GO_GC_BITS] = "gc-bits",
	[GM_GO_HEAP_INDEX] = "heap-index",
	[GM_GO_PAGE_ALLOC] = "page-alloc",
	[GM_GO_MSPAN] = "mspan",
	[GM_GO_OTHER_SYS] = "other-sys",
	[GM_GO_BINARY] = "binary",
	[GM_GO_THREAD_STACK] = "thread-stack",
	[GM_GO_CGO_HEAP] = "cgo-heap",
	[GM_GO_ANON_OTHER] = "anon-other",
	[GM_GO_FILE] = "file",
	[GM_GO_SHMEM] = "shmem",
};

const char *gm_go_class_name(enum gm_go_class class_)
{
	return class_ < GM_GO_CLASSES ? class_names[class_] : "unknown";
}

/* Where the collector stands: the same before and after means nothing moved between. */
struct phase {
	uint64_t sweepgen;
	uint64_t gcphase;
};

/* One copy of everything, as Go has it. */
struct copy {
	struct gm_go_arenas arenas;
	uint64_t index_at;
	struct gm_go_mspans mspans;
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
		error = gm_go_mspans_read(target, &copy->arenas, &copy->mspans, &copy->flux);
	/* Right behind the spans: the longer between, the less they agree. */
	if (!error)
		error = gm_go_chunks_read(target, &copy->chunks, &copy->tables);
	if (!error)
		error = gm_go_objects_read(target, &copy->arenas, &copy->mspans,
					   copy->before.sweepgen, &copy->objects);
	if (!error)
		error = gm_go_stacks_read(target, &copy->mspans, &copy->stacks);
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
			error = gm_go_totals_read(target, &copy->mspans, &copy->chunks, totals);
		if (attempt == ATTEMPTS || (error ? !worth_again(error) : !moved(copy)))
			break;
		gm_error_destroy(error);
		copy_deinit(copy);
	}
	/* While the collector works, marks are incomplete, or of another cycle. */
	if (!error && moved(copy))
		gm_go_objects_forget_marks(&copy->objects, copy->mspans.count);
	return error;
}

static struct gm_error *fill_spans(const struct copy *copy, struct gm_go_spans *spans)
{
	if (!gm_vec_reserve(spans, copy->mspans.count))
		return gm_error_errno(ENOMEM, "cannot list %zu spans", copy->mspans.count);
	for (size_t i = 0; i < copy->mspans.count; i++) {
		const struct gm_go_mspan *mspan = &copy->mspans.items[i];
		bool manual = mspan->state == GM_GO_MSPAN_MANUAL;

		spans->items[spans->count++] = (struct gm_go_span){
			.start = mspan->start,
			.pages = mspan->pages,
			.elem_bytes = mspan->elem_bytes,
			.elems = manual ? 0 : mspan->elems,
			.allocated = manual ? 0 : mspan->alloc_count,
			.size_class = manual ? 0 : mspan->spanclass >> 1,
			.noscan = mspan->spanclass & 1,
			.stack = manual && mspan->elem_bytes,
			.manual = manual,
			.unswept = gm_go_mspan_unswept(mspan, copy->before.sweepgen),
		};
	}
	return NULL;
}

/* The arenas are reserved where nothing else is known. */
static struct gm_error *carve_heap(const struct copy *copy, struct gm_go_regions *heap)
{
	struct gm_go_regions reserved = { 0 }, used = { 0 }, all = { 0 };
	struct gm_error *error = NULL;

	for (size_t i = 0; i < copy->arenas.count && !error; i++)
		error = gm_go_regions_add(&reserved, copy->arenas.items[i].start,
					  copy->arenas.items[i].start + GM_GO_ARENA_SPAN,
					  GM_GO_RESERVED, GM_GO_NO_SPAN);
	if (!error)
		error = gm_go_carve(&copy->mspans, &copy->objects, &copy->chunks, &used);
	if (!error)
		error = gm_go_regions_overlay(&reserved, &used, &all);
	if (!error)
		error = gm_go_regions_overlay(&all, &copy->stacks, heap);
	free(reserved.items);
	free(used.items);
	free(all.items);
	return error;
}

static struct gm_error *fill_regions(const struct gm_go_target *target, const struct gm_maps *maps,
				     const struct copy *copy, struct gm_go_regions *regions)
{
	struct gm_go_regions heap = { 0 }, meta = { 0 };
	struct gm_error *error;

	error = gm_go_meta_read(target, maps, &copy->arenas, copy->index_at, &copy->tables, &meta);
	if (!error)
		error = carve_heap(copy, &heap);
	if (!error)
		error = gm_go_regions_overlay(&meta, &heap, regions);
	free(heap.items);
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

static struct gm_error *fill(const struct gm_go_target *target, const struct gm_maps *maps,
			     struct gm_go_heap *heap)
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
		error = fill_spans(&copy, &heap->spans);
	if (!error)
		error = fill_regions(target, maps, &copy, &heap->regions);
	heap->gc_running = moved(&copy);
	heap->flux_spans = copy.flux;
	copy_deinit(&copy);
	return error;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

struct gm_error *gm_go_heap_read_target(const struct gm_go_target *target,
					const struct gm_maps *maps, struct gm_go_heap **out)
{
	uint64_t started = now_ns();
	struct gm_go_heap *heap = calloc(1, sizeof(*heap));
	struct gm_error *error;

	if (!heap)
		return gm_error_errno(ENOMEM, "cannot read the heap");
	error = fill(target, maps, heap);
	if (error) {
		gm_go_heap_destroy(heap);
		return error;
	}
	heap->took_ns = now_ns() - started;
	*out = heap;
	return NULL;
}

struct gm_error *gm_go_heap_read(struct gm_mem *mem, const struct gm_maps *maps, pid_t pid,
				 struct gm_go_heap **heap)
{
	struct gm_go_target target = { .mem = mem };
	struct gm_go_image image;
	struct gm_error *error;

	error = gm_go_image_read(pid, &image);
	if (error)
		return error;
	target.image = &image;
	return gm_go_heap_read_target(&target, maps, heap);
}

void gm_go_heap_destroy(struct gm_go_heap *heap)
{
	if (!heap)
		return;
	free(heap->version);
	free(heap->layout);
	free(heap->spans.items);
	free(heap->regions.items);
	free(heap);
}
