// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/edges_copy.h"

#include <errno.h>

#define WORD 8
#define BATCH_BYTES (1UL << 20) /* a multiple of 64 words */
#define BATCH_CHUNKS 256

/* A span, or a part of a large one: @bytes from @offset on, at @at of the buffer. */
struct chunk {
	uint32_t span;
	uint64_t offset;
	uint64_t bytes;
	uint64_t at;
	size_t piece;
};

/**
 * struct batch - what is copied at a time
 * @next: of the spans the next to be copied, @offset: where it was copied up to
 */
struct batch {
	struct gm_go_edges_copy *copy;
	uint32_t next;
	uint64_t offset;
	unsigned char *buffer;
	uint64_t used;
	size_t chunk_count;
	size_t piece_count;
	struct chunk chunks[BATCH_CHUNKS];
	struct gm_mem_piece pieces[BATCH_CHUNKS];
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot copy the heap");
}

uint64_t gm_go_edges_span_bytes(const struct gm_go_span *span)
{
	return span->manual || span->noscan || !span->allocated ? 0 :
								  span->pages * GM_GO_PAGE_BYTES;
}

static void add_chunk(struct batch *batch, const struct gm_go_span *span, uint64_t bytes)
{
	uint64_t address = span->start + batch->offset;
	struct gm_mem_piece *piece = &batch->pieces[batch->piece_count];

	if (batch->piece_count && piece[-1].address + piece[-1].size == address)
		piece[-1].size += bytes;
	else
		batch->pieces[batch->piece_count++] = (struct gm_mem_piece){
			.address = address, .size = bytes, .buffer = batch->buffer + batch->used
		};
	batch->chunks[batch->chunk_count++] = (struct chunk){
		.span = batch->next,
		.offset = batch->offset,
		.bytes = bytes,
		.at = batch->used,
		.piece = batch->piece_count - 1,
	};
	batch->used += bytes;
	batch->offset += bytes;
}

/* Adds the next span, or what of it there is room for; false: the batch is full. */
static bool add_next(struct batch *batch)
{
	const struct gm_go_span *span = &batch->copy->scan.ids->heap->spans.items[batch->next];
	uint64_t left = gm_go_edges_span_bytes(span) - batch->offset,
		 room = BATCH_BYTES - batch->used;

	if (left) {
		/* Only what fits no batch is split: a large object. */
		if (batch->chunk_count == BATCH_CHUNKS || !room || (left > room && batch->used))
			return false;
		add_chunk(batch, span, left < room ? left : room);
		if (left > room)
			return false;
	}
	batch->next++;
	batch->offset = 0;
	return true;
}

static bool fill(struct batch *batch)
{
	batch->used = 0;
	batch->chunk_count = 0;
	batch->piece_count = 0;
	while (batch->next < batch->copy->end && add_next(batch))
		;
	return batch->chunk_count;
}

/* The living ones of a span that was copied whole. */
static struct gm_error *scan_span(struct batch *batch, const struct chunk *chunk)
{
	struct gm_go_scan *scan = &batch->copy->scan;
	const struct gm_go_heap *heap = scan->ids->heap;
	const struct gm_go_span *span = &heap->spans.items[chunk->span];
	const unsigned char *copy = batch->buffer + chunk->at;
	uint64_t large_type = batch->copy->large_types[chunk->span];
	struct gm_error *error = NULL;
	uint32_t index = 0;

	while (index < span->elems && !error) {
		enum gm_go_class class_;
		uint32_t end = gm_go_objects_run(&heap->objects, &heap->spans, chunk->span, index,
						 &class_);

		for (; index < end && class_ == GM_GO_LIVE && !error; index++) {
			uint64_t offset = index * span->elem_bytes;

			error = gm_go_scan_begin(scan, chunk->span, index, copy, chunk->bytes,
						 large_type);
			if (!error && offset + span->elem_bytes <= chunk->bytes)
				error = gm_go_scan_words(scan, (const uint64_t *)(copy + offset), 0,
							 span->elem_bytes / WORD);
		}
		index = end;
	}
	return error;
}

/* A part of a large object. Spans of several objects are never so large. What tells where its
 * pointers are is not in it, so that parts can be missing.
 */
static struct gm_error *scan_part(struct batch *batch, const struct chunk *chunk, bool copied)
{
	struct gm_go_scan *scan = &batch->copy->scan;
	const struct gm_go_span *span = &scan->ids->heap->spans.items[chunk->span];
	uint64_t end = chunk->offset + chunk->bytes;
	struct gm_error *error = NULL;

	if (span->elems != 1 || !gm_go_ids_live(scan->ids, chunk->span, 0))
		return NULL;
	if (!chunk->offset)
		error = gm_go_scan_begin(scan, chunk->span, 0, NULL, 0,
					 batch->copy->large_types[chunk->span]);
	if (end > span->elem_bytes)
		end = span->elem_bytes;
	if (error || chunk->offset >= end)
		return error;
	if (copied)
		return gm_go_scan_words(scan, (const uint64_t *)(batch->buffer + chunk->at),
					chunk->offset / WORD, end / WORD);
	gm_go_scan_skip(scan, end - chunk->offset);
	return NULL;
}

/* A piece may fail for what one of its chunks lacks. */
static struct gm_error *read_alone(struct batch *batch, const struct chunk *chunk, bool *copied)
{
	const struct gm_go_scan *scan = &batch->copy->scan;
	struct gm_mem_piece piece = {
		.address = scan->ids->heap->spans.items[chunk->span].start + chunk->offset,
		.size = chunk->bytes,
		.buffer = batch->buffer + chunk->at,
	};
	struct gm_error *error = gm_mem_read_pieces(scan->target->mem, &piece, 1);

	*copied = !error && piece.ok;
	return error;
}

static struct gm_error *scan_chunk(struct batch *batch, const struct chunk *chunk)
{
	struct gm_go_scan *scan = &batch->copy->scan;
	const struct gm_go_span *span = &scan->ids->heap->spans.items[chunk->span];
	bool copied = batch->pieces[chunk->piece].ok;
	struct gm_error *error = NULL;

	gm_go_scan_fill_to(scan, scan->ids->spans[chunk->span].first);
	if (!copied && batch->pieces[chunk->piece].size > chunk->bytes)
		error = read_alone(batch, chunk, &copied);
	if (error)
		return error;
	scan->count.read_bytes += copied ? chunk->bytes : 0;
	if (chunk->bytes != gm_go_edges_span_bytes(span))
		return scan_part(batch, chunk, copied);
	if (copied)
		return scan_span(batch, chunk);
	gm_go_scan_skip(scan, chunk->bytes);
	return NULL;
}

static void report(const struct batch *batch)
{
	const struct gm_go_edges_copy *copy = batch->copy;

	if (copy->progress)
		gm_go_progress(copy->progress, "copying the heap",
			       100ULL * (batch->next - copy->begin) / (copy->end - copy->begin));
}

static struct gm_error *copy_all(struct batch *batch)
{
	struct gm_go_scan *scan = &batch->copy->scan;
	struct gm_error *error = NULL;

	batch->next = batch->copy->begin;
	scan->filled = scan->part->first_node;
	while (!error && fill(batch)) {
		report(batch);
		error = gm_mem_read_pieces(scan->target->mem, batch->pieces, batch->piece_count);
		for (size_t i = 0; i < batch->chunk_count && !error; i++)
			error = scan_chunk(batch, &batch->chunks[i]);
	}
	gm_go_scan_fill_to(scan, scan->part->first_node + scan->part->nodes);
	return error;
}

struct gm_error *gm_go_edges_copy(struct gm_go_edges_copy *copy)
{
	gm_autofree struct batch *batch = calloc(1, sizeof(*batch));
	gm_autofree unsigned char *buffer = malloc(BATCH_BYTES);
	struct gm_go_scan *scan = &copy->scan;
	struct gm_error *error;

	if (!batch || !buffer)
		return no_memory();
	batch->copy = copy;
	batch->buffer = buffer;
	error = gm_go_pointers_create(scan->target, scan->ids->heap, &scan->pointers);
	if (!error)
		error = copy_all(batch);
	if (scan->pointers)
		scan->count.guessed_bytes = gm_go_pointers_guessed(scan->pointers);
	gm_go_pointers_destroy(scan->pointers);
	return error;
}
