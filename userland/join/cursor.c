// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "join/cursor.h"

#define PAGE_BYTES 4096
/* glibc's HEAP_MAX_SIZE: malloc/arena.c, 64-bit */
#define ARENA_BYTES (64ULL << 20)

static struct gm_error *check_range(const char *what, uint64_t start, uint64_t end, uint64_t *last)
{
	if (start >= end || start < *last)
		return gm_error_create(EINVAL,
				       "cannot join: %s %" PRIx64 "-%" PRIx64
				       " is empty or not above the one before it; read again",
				       what, start, end);
	*last = end;
	return NULL;
}

static struct gm_error *check_pages(const struct gm_pages *pages)
{
	uint64_t last = 0;

	for (size_t i = 0; i < pages->count; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		struct gm_error *error =
			check_range("page run", run->start, gm_run_end(run), &last);

		if (error)
			return error;
		if (run->start % PAGE_BYTES || run->state >= GOMEM_PAGE_STATES)
			return gm_error_create(EINVAL,
					       "cannot join: page run %" PRIx64
					       " is not aligned or has the unknown state %u",
					       (uint64_t)run->start, run->state);
	}
	return NULL;
}

static struct gm_error *check_regions(const struct gm_go_heap *heap)
{
	uint64_t last = 0;

	for (size_t i = 0; i < heap->regions.count; i++) {
		const struct gm_go_region *region = &heap->regions.items[i];
		struct gm_error *error =
			check_range("Go region", region->start, region->end, &last);

		if (error)
			return error;
		if (region->class_ >= GM_GO_CLASSES)
			return gm_error_create(EINVAL,
					       "cannot join: Go region %" PRIx64
					       " has the unknown class %u",
					       region->start, region->class_);
	}
	return NULL;
}

struct gm_error *gm_cursor_check(const struct gm_maps *maps, const struct gm_pages *pages,
				 const struct gm_go_heap *heap)
{
	struct gm_error *error = NULL;
	uint64_t last = 0;

	for (size_t i = 0; i < maps->count && !error; i++)
		error = check_range("VMA", maps->items[i].start, maps->items[i].end, &last);
	if (!error)
		error = check_pages(pages);
	if (!error && heap)
		error = check_regions(heap);
	return error;
}

/* The kernel maps the program it executes below what that program maps later. */
static const struct gm_vma *find_binary(const struct gm_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->items[i].kind == GM_VMA_FILE)
			return &maps->items[i];
	return NULL;
}

void gm_cursor_init(struct gm_cursor *cursor, const struct gm_maps *maps,
		    const struct gm_go_heap *heap)
{
	*cursor = (struct gm_cursor){ .maps = maps, .go = heap, .binary = find_binary(maps) };
	if (!heap || !heap->regions.count)
		return;
	cursor->region = heap->regions.items;
	cursor->regions_end = heap->regions.items + heap->regions.count;
}

static bool is_binary(const struct gm_cursor *cursor, const struct gm_vma *vma)
{
	const struct gm_vma *binary = cursor->binary;

	return binary && vma->kind == GM_VMA_FILE && vma->inode == binary->inode &&
	       !strcmp(vma->name, binary->name);
}

static bool is_guard(const struct gm_vma *vma)
{
	return vma->kind == GM_VMA_ANON && !strncmp(vma->perms, "---", 3);
}

/* pthread_create() maps a stack above one page without access. */
static bool is_thread_stack(const struct gm_vma *vma, const struct gm_vma *below)
{
	return below && below->end == vma->start && is_guard(below) &&
	       below->end - below->start == PAGE_BYTES;
}

/* A glibc arena opens on a multiple of its full size; what it has not grown into
 * has no access, if anything is left. A Go arena looks the same, so this needs the Go regions
 * known.
 */
static bool is_glibc_arena(const struct gm_vma *vma, const struct gm_vma *above)
{
	bool has_guard = above && above->start == vma->end && is_guard(above);

	return vma->start % ARENA_BYTES == 0 && (vma->end - vma->start == ARENA_BYTES ||
						 (has_guard && above->end % ARENA_BYTES == 0));
}

static enum gm_go_class anon_class(const struct gm_cursor *cursor, const struct gm_vma *vma)
{
	const struct gm_maps *maps = cursor->maps;
	const struct gm_vma *below = cursor->vma ? vma - 1 : NULL;
	const struct gm_vma *above = cursor->vma + 1 < maps->count ? vma + 1 : NULL;

	if (vma->name[0] || strncmp(vma->perms, "rw", 2))
		return GM_GO_ANON_OTHER;
	if (below && below->end == vma->start && is_binary(cursor, below))
		return GM_GO_BINARY; /* .bss */
	if (is_thread_stack(vma, below))
		return GM_GO_THREAD_STACK;
	if (cursor->go && is_glibc_arena(vma, above))
		return GM_GO_CGO_HEAP;
	return GM_GO_ANON_OTHER;
}

static enum gm_go_class vma_class(const struct gm_cursor *cursor)
{
	const struct gm_vma *vma = &cursor->maps->items[cursor->vma];

	switch (vma->kind) {
	case GM_VMA_HEAP:
		return GM_GO_CGO_HEAP;
	case GM_VMA_STACK:
		return GM_GO_THREAD_STACK;
	case GM_VMA_FILE:
		return is_binary(cursor, vma) ? GM_GO_BINARY : GM_GO_FILE;
	case GM_VMA_VDSO:
		return GM_GO_FILE;
	case GM_VMA_SHMEM:
	case GM_VMA_HUGETLB:
		return GM_GO_SHMEM;
	default:
		return anon_class(cursor, vma);
	}
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct gm_piece gm_cursor_vma(struct gm_cursor *cursor, uint64_t start, uint64_t end)
{
	struct gm_piece piece = { start, end, GM_NO_CLASS, NULL };
	const struct gm_maps *maps = cursor->maps;
	const struct gm_vma *vma;

	while (cursor->vma < maps->count && maps->items[cursor->vma].end <= start)
		cursor->vma++;
	if (cursor->vma == maps->count)
		return piece;
	vma = &maps->items[cursor->vma];
	if (vma->start > start) {
		piece.end = lower(end, vma->start);
		return piece;
	}
	piece.end = lower(end, vma->end);
	piece.class_ = vma_class(cursor);
	return piece;
}
