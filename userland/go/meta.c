// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/meta.h"

#include <errno.h>
#include <string.h>

/* Go src/runtime/malloc.go, mpagealloc.go, mheap.go */
#define INDEX_BYTES ((uint64_t)8 << 22)
#define PERSISTENT_BYTES (256ULL << 10)
#define TABLE_CHUNKS 8192
#define SUMMARY_LEVELS 5
#define SUMMARIES_MAX (1ULL << 36)
#define LIST_MAX (1U << 16)

static struct gm_error *add(struct gm_go_regions *regions, uint64_t start, uint64_t bytes,
			    enum gm_go_class class_)
{
	if (!start || start >= GM_GO_ADDRESS_MAX || bytes >= GM_GO_ADDRESS_MAX)
		return NULL;
	return gm_go_regions_add(regions, start, start + bytes, class_, GM_GO_NO_SPAN);
}

static struct gm_error *add_mspans(const struct gm_go_target *target,
				   const struct gm_go_regions *mspans,
				   struct gm_go_regions *regions)
{
	uint64_t at = gm_go_mheap_at(target, GM_GO_MHEAP_ALLSPANS);
	struct gm_go_slice slice;
	struct gm_error *error;

	error = gm_go_read_slice(target, at, sizeof(uint64_t), GM_GO_SPANS_MAX, &slice);
	if (!error)
		error = add(regions, slice.array, slice.capacity * sizeof(uint64_t), GM_GO_MSPAN);
	for (size_t i = 0; i < mspans->count && !error; i++)
		error = add(regions, mspans->items[i].start,
			    mspans->items[i].end - mspans->items[i].start, GM_GO_MSPAN);
	return error;
}

static struct gm_error *add_arenas(const struct gm_go_target *target,
				   const struct gm_go_arenas *arenas, uint64_t index_at,
				   struct gm_go_regions *regions)
{
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_ARENA_BYTES);
	struct gm_error *error = add(regions, index_at, INDEX_BYTES, GM_GO_HEAP_INDEX);

	for (size_t i = 0; i < arenas->count && !error; i++)
		error = add(regions, arenas->items[i].at, size, GM_GO_HEAP_INDEX);
	return error;
}

static struct gm_error *add_page_alloc(const struct gm_go_target *target,
				       const struct gm_go_tables *tables,
				       struct gm_go_regions *regions)
{
	const struct gm_go_layout *layout = &target->image->layout;
	uint64_t at = gm_go_mheap_at(target, GM_GO_MHEAP_PAGES) +
		      gm_go_layout_offset(layout, GM_GO_PAGES_SUMMARY);
	uint64_t bytes = (uint64_t)gm_go_layout_size(layout, GM_GO_CHUNK_BYTES) * TABLE_CHUNKS;
	struct gm_error *error = NULL;
	struct gm_go_slice slice;

	for (size_t i = 0; i < tables->count && !error; i++)
		error = add(regions, tables->items[i], bytes, GM_GO_PAGE_ALLOC);
	for (size_t i = 0; i < SUMMARY_LEVELS && !error; i++) {
		error = gm_go_read_slice(target, at + i * sizeof(slice), sizeof(uint64_t),
					 SUMMARIES_MAX, &slice);
		if (!error)
			error = add(regions, slice.array, slice.capacity * sizeof(uint64_t),
				    GM_GO_PAGE_ALLOC);
	}
	return error;
}

/* A linked list of blocks; a list that is cut or changed underway ends early. */
static struct gm_error *add_list(const struct gm_go_target *target, uint64_t block,
				 uint64_t next_offset, uint64_t bytes, enum gm_go_class class_,
				 struct gm_go_regions *regions)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; block && i < LIST_MAX && !error; i++) {
		gm_auto(gm_error) struct gm_error *unreadable = NULL;
		uint64_t next;

		unreadable = gm_go_read_number(target, block + next_offset, sizeof(next), &next);
		if (unreadable)
			return NULL;
		error = add(regions, block, bytes, class_);
		block = next;
	}
	return error;
}

/* runtime.gcBitsArenas ends in four heads of lists: free, next, current, previous. */
static struct gm_error *add_gc_bits(const struct gm_go_target *target,
				    struct gm_go_regions *regions)
{
	const struct gm_go_variable *lists = &target->image->globals[GM_GO_GC_BITS_ARENAS];
	const struct gm_go_layout *layout = &target->image->layout;
	struct gm_error *error;
	uint64_t heads[4];

	if (lists->size < sizeof(heads))
		return NULL;
	error = gm_mem_read(target->mem, lists->address + lists->size - sizeof(heads), heads,
			    sizeof(heads));
	for (size_t i = 0; i < 4 && !error; i++)
		error = add_list(target, heads[i], gm_go_layout_offset(layout, GM_GO_GC_BITS_NEXT),
				 gm_go_layout_size(layout, GM_GO_GC_BITS_BYTES), GM_GO_GC_BITS,
				 regions);
	return error;
}

static struct gm_error *add_persistent(const struct gm_go_target *target,
				       struct gm_go_regions *regions)
{
	const struct gm_go_variable *head = &target->image->globals[GM_GO_PERSISTENT_CHUNKS];
	struct gm_error *error;
	uint64_t block;

	if (!head->address)
		return NULL;
	error = gm_go_read_number(target, head->address, sizeof(block), &block);
	return error ?: add_list(target, block, 0, PERSISTENT_BYTES, GM_GO_OTHER_SYS, regions);
}

static bool has_cgo(const struct gm_go_target *target)
{
	gm_auto(gm_error) struct gm_error *error = NULL;
	const struct gm_go_variable *iscgo = &target->image->globals[GM_GO_ISCGO];
	uint64_t value;

	if (!iscgo->address)
		return true;
	error = gm_go_read_number(target, iscgo->address, 1, &value);
	return error || value;
}

/* PR_SET_VMA_ANON_NAME, Go 1.25 on */
static bool named_by_go(const struct gm_vma *vma)
{
	return !strncmp(vma->name, "[anon: Go:", 10);
}

static bool overlaps(const struct gm_go_regions *known, const struct gm_vma *vma)
{
	size_t low = 0, high = known->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gm_go_region *region = &known->items[middle];

		if (vma->end <= region->start)
			high = middle;
		else if (vma->start >= region->end)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

static struct gm_error *add_vmas(const struct gm_go_target *target,
				 const struct gm_go_regions *known, struct gm_go_regions *regions)
{
	bool foreign = has_cgo(target);
	struct gm_error *error = NULL;

	for (size_t i = 0; i < target->maps->count && !error; i++) {
		const struct gm_vma *vma = &target->maps->items[i];

		if (vma->kind != GM_VMA_ANON)
			continue;
		if (named_by_go(vma) || (!foreign && overlaps(known, vma)))
			error = add(regions, vma->start, vma->end - vma->start, GM_GO_OTHER_SYS);
	}
	return error;
}

/* What is known to the byte. */
static struct gm_error *add_exact(const struct gm_go_target *target,
				  const struct gm_go_arenas *arenas, uint64_t index_at,
				  const struct gm_go_regions *mspans,
				  const struct gm_go_tables *tables, struct gm_go_regions *regions)
{
	struct gm_error *error = add_mspans(target, mspans, regions);

	if (!error)
		error = add_arenas(target, arenas, index_at, regions);
	if (!error)
		error = add_page_alloc(target, tables, regions);
	if (!error)
		error = add_gc_bits(target, regions);
	gm_go_regions_sort(regions);
	return error;
}

static struct gm_error *add_rest(const struct gm_go_target *target,
				 const struct gm_go_regions *exact, struct gm_go_regions *rest)
{
	struct gm_error *error = add_persistent(target, rest);

	if (!error)
		error = add_vmas(target, exact, rest);
	gm_go_regions_sort(rest);
	return error;
}

struct gm_error *gm_go_meta_read(const struct gm_go_target *target,
				 const struct gm_go_arenas *arenas, uint64_t index_at,
				 const struct gm_go_regions *mspans,
				 const struct gm_go_tables *tables, struct gm_go_regions *regions)
{
	struct gm_go_regions exact = { 0 }, rest = { 0 };
	struct gm_error *error;

	error = add_exact(target, arenas, index_at, mspans, tables, &exact);
	if (!error)
		error = add_rest(target, &exact, &rest);
	if (!error)
		error = gm_go_regions_overlay(&rest, &exact, regions);
	free(exact.items);
	free(rest.items);
	return error;
}
