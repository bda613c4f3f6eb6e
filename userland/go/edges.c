// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/edges.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "go/pointers.h"

#define WORD 8
#define WORDS_AT_ONCE 64
#define BATCH_BYTES (1UL << 20) /* a multiple of WORDS_AT_ONCE words */
#define BATCH_CHUNKS 256
#define KNOWN 4096
/* Where memory is mapped that is neither the program's nor its heap. */
#define MAPPED_MIN 0x7f0000000000ULL
#define PART_BYTES_MIN (16UL << 20) /* less is not worth a thread */

/* A span, or a part of a large one: @bytes from @offset on, at @at of the buffer. */
struct chunk {
	uint32_t span;
	uint64_t offset;
	uint64_t bytes;
	uint64_t at;
	size_t piece;
};

/* What a type or itab says that its data are. */
struct known {
	uint64_t word;
	gm_go_code code;
};

/**
 * struct worker - the spans from @begin to @end, @next of them the next to be copied
 * @progress: of the one whose thread is the caller's, else NULL
 * @offset: of that one, where it was copied up to
 * @filled: nodes below know where their edges start
 * @object: the large one that is looked at, over several chunks
 * @last: the word of its last edge, counted from 1
 * @before: the word before those at hand; @before_is_pointer: it is one
 * @known: what words of interfaces say, by a few of their bits
 * @large_types: by span
 */
struct worker {
	const struct gm_go_target *target;
	const struct gm_go_ids *ids;
	const uint64_t *large_types;
	struct gm_graph *graph;
	struct gm_graph_part *part;
	struct gm_go_pointers *pointers;
	const struct gm_go_progress *progress;
	struct gm_go_edges_count count;
	struct gm_go_object object;
	uint64_t last;
	bool before_is_pointer;
	uint64_t before;
	struct gm_go_typing *typing;
	struct gm_go_steps steps;
	struct known known[KNOWN];
	uint32_t begin;
	uint32_t end;
	uint32_t next;
	uint64_t offset;
	uint32_t filled;
	unsigned char *buffer;
	uint64_t used;
	size_t chunk_count;
	size_t piece_count;
	struct chunk chunks[BATCH_CHUNKS];
	struct gm_mem_piece pieces[BATCH_CHUNKS];
	struct gm_error *error;
	pthread_t thread;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot keep the references of the heap");
}

/* Spans without pointers, and without living objects, are not even copied. */
static bool worth_reading(const struct gm_go_span *span)
{
	return !span->manual && !span->noscan && span->allocated;
}

static uint64_t bytes_of(const struct gm_go_span *span)
{
	return worth_reading(span) ? span->pages * GM_GO_PAGE_BYTES : 0;
}

static void add_chunk(struct worker *worker, const struct gm_go_span *span, uint64_t bytes)
{
	uint64_t address = span->start + worker->offset;
	struct gm_mem_piece *piece = &worker->pieces[worker->piece_count];

	if (worker->piece_count && piece[-1].address + piece[-1].size == address)
		piece[-1].size += bytes;
	else
		worker->pieces[worker->piece_count++] = (struct gm_mem_piece){
			.address = address, .size = bytes, .buffer = worker->buffer + worker->used
		};
	worker->chunks[worker->chunk_count++] = (struct chunk){
		.span = worker->next,
		.offset = worker->offset,
		.bytes = bytes,
		.at = worker->used,
		.piece = worker->piece_count - 1,
	};
	worker->used += bytes;
	worker->offset += bytes;
}

/* Adds the next span, or what of it there is room for; false: the batch is full. */
static bool add_next(struct worker *worker)
{
	const struct gm_go_span *span = &worker->ids->heap->spans.items[worker->next];
	uint64_t left = bytes_of(span) - worker->offset, room = BATCH_BYTES - worker->used;

	if (left) {
		/* Only what fits no batch is split: a large object. */
		if (worker->chunk_count == BATCH_CHUNKS || !room || (left > room && worker->used))
			return false;
		add_chunk(worker, span, left < room ? left : room);
		if (left > room)
			return false;
	}
	worker->next++;
	worker->offset = 0;
	return true;
}

static bool fill_batch(struct worker *worker)
{
	worker->used = 0;
	worker->chunk_count = 0;
	worker->piece_count = 0;
	while (worker->next < worker->end && add_next(worker))
		;
	return worker->chunk_count;
}

/* The nodes below @node have no edges beyond those that were added. */
static void fill_to(struct worker *worker, uint32_t node)
{
	while (worker->filled < node)
		worker->graph->first[worker->filled++] = worker->part->edges.count;
}

/* Whether a word may be that of a type, or of an itab: in the program, or made since. */
static bool plausible(const struct worker *worker, uint64_t word)
{
	const struct gm_go_modules *modules = worker->target->image->modules;

	if (word % WORD || word >> GM_GO_HEAP_BITS)
		return false;
	if (word >= MAPPED_MIN)
		return true;
	for (size_t i = 0; i < modules->count; i++)
		if (word >= modules->items[i].text.start && word < modules->items[i].noptrbss.end)
			return true;
	return false;
}

/* @word stands before a pointer, and is none: of an interface it tells what the pointer is. */
static gm_go_code of_interface(struct worker *worker, uint64_t word)
{
	struct known *known = &worker->known[word / WORD % KNOWN];

	if (!plausible(worker, word))
		return 0;
	if (known->word != word)
		*known = (struct known){ word,
					 gm_go_types_of_interface(worker->typing->types, word) };
	return known->code;
}

/* The allocator's word counts more, and an interface's may be of another moment. */
static void note_code(struct worker *worker, uint32_t id, gm_go_code code, bool sure)
{
	gm_go_code *to = &worker->typing->codes[id];

	if (code && (sure || !__atomic_load_n(to, __ATOMIC_RELAXED)))
		__atomic_store_n(to, code, __ATOMIC_RELAXED);
}

static bool add_step(struct worker *worker, uint64_t word, bool inside)
{
	struct gm_go_steps *steps = &worker->steps;
	uint64_t step = word + 1 - worker->last;

	worker->last = word + 1;
	if (!gm_vec_reserve(steps, 1) || !gm_vec_reserve(&steps->far, 1))
		return false;
	if (step >= GM_GO_STEP_FAR) {
		step = GM_GO_STEP_FAR;
		steps->far.items[steps->far.count++] = (struct gm_go_far){ steps->count, word };
	}
	steps->items[steps->count++] = step | (inside ? GM_GO_STEP_INSIDE : 0);
	return true;
}

/* The @word'th of an object leads to @address; @code: of what it is, where that is known. */
static bool add_edge(struct worker *worker, uint64_t address, uint64_t word, gm_go_code code)
{
	struct gm_go_hit hit = gm_go_ids_find(worker->ids, address);

	worker->count.flux += hit.flux;
	if (hit.id == GM_GO_NO_ID)
		return true;
	if (!gm_vec_reserve(&worker->part->edges, 1) || !add_step(worker, word, hit.inside))
		return false;
	worker->part->edges.items[worker->part->edges.count++] = hit.id;
	if (!hit.inside)
		note_code(worker, hit.id, code, false);
	return true;
}

/* The words from @word on that @mask has, at @words. */
static bool add_edges(struct worker *worker, const struct gm_go_object *object,
		      const uint64_t *words, uint64_t word, uint64_t mask)
{
	for (uint64_t left = mask; left; left &= left - 1) {
		unsigned int at = __builtin_ctzll(left);
		uint64_t before = at ? words[at - 1] : worker->before;
		gm_go_code code = 0;

		if (!words[at])
			continue;
		/* What is before the first word is nothing, or the header. */
		if (word + at != object->skip &&
		    !(at ? mask >> (at - 1) & 1 : worker->before_is_pointer))
			code = of_interface(worker, before);
		if (!add_edge(worker, words[at], word + at - object->skip, code))
			return false;
	}
	return true;
}

/* The words from @word to @end of an object, which are at @words. */
static struct gm_error *scan_words(struct worker *worker, struct gm_go_object *object,
				   const uint64_t *words, uint64_t word, uint64_t end)
{
	for (; word < end && !object->over; word += WORDS_AT_ONCE, words += WORDS_AT_ONCE) {
		uint64_t mask = gm_go_pointers_mask(worker->pointers, object, word);

		if (end - word < WORDS_AT_ONCE)
			mask &= (1ULL << (end - word)) - 1;
		if (!add_edges(worker, object, words, word, mask))
			return no_memory();
		if (end - word < WORDS_AT_ONCE)
			break;
		worker->before = words[WORDS_AT_ONCE - 1];
		worker->before_is_pointer = mask >> (WORDS_AT_ONCE - 1);
	}
	return NULL;
}

/* Begins with object @id, whose type the allocator may have noted. */
static struct gm_error *begin(struct worker *worker, const struct chunk *chunk, uint32_t id,
			      uint64_t address, const void *copy, uint64_t copy_bytes)
{
	const struct gm_go_span *span = &worker->ids->heap->spans.items[chunk->span];
	struct gm_error *error;
	uint32_t type = 0;

	worker->last = 0;
	worker->before = 0;
	error = gm_go_pointers_begin(worker->pointers, span, address, copy, copy_bytes,
				     worker->large_types[chunk->span], &worker->object);
	if (!error && worker->object.type)
		type = gm_go_types_find(worker->typing->types, worker->object.type);
	if (type)
		note_code(worker, id, GM_GO_CODE(GM_GO_FORM_VALUE, type), true);
	return error;
}

static struct gm_error *scan_object(struct worker *worker, const struct chunk *chunk,
				    uint32_t index)
{
	const struct gm_go_span *span = &worker->ids->heap->spans.items[chunk->span];
	const unsigned char *copy = worker->buffer + chunk->at;
	uint64_t offset = index * span->elem_bytes;
	struct gm_error *error;

	error = begin(worker, chunk, worker->ids->spans[chunk->span].first + index,
		      span->start + offset, copy, chunk->bytes);
	if (error || offset + span->elem_bytes > chunk->bytes)
		return error;
	return scan_words(worker, &worker->object, (const uint64_t *)(copy + offset), 0,
			  span->elem_bytes / WORD);
}

/* The living ones of a span that was copied whole. */
static struct gm_error *scan_span(struct worker *worker, const struct chunk *chunk)
{
	const struct gm_go_heap *heap = worker->ids->heap;
	const struct gm_go_span *span = &heap->spans.items[chunk->span];
	uint32_t first = worker->ids->spans[chunk->span].first, index = 0;
	struct gm_error *error = NULL;

	while (index < span->elems && !error) {
		enum gm_go_class class_;
		uint32_t end = gm_go_objects_run(&heap->objects, &heap->spans, chunk->span, index,
						 &class_);

		for (; index < end && class_ == GM_GO_LIVE && !error; index++) {
			fill_to(worker, first + index + 1);
			error = scan_object(worker, chunk, index);
		}
		index = end;
	}
	return error;
}

/* A part of a large object. Spans of several objects are never so large. */
static struct gm_error *scan_large(struct worker *worker, const struct chunk *chunk)
{
	const struct gm_go_span *span = &worker->ids->heap->spans.items[chunk->span];
	uint64_t end = chunk->offset + chunk->bytes;
	struct gm_error *error = NULL;

	if (span->elems != 1 || !gm_go_ids_live(worker->ids, chunk->span, 0))
		return NULL;
	if (!chunk->offset) {
		fill_to(worker, worker->ids->spans[chunk->span].first + 1);
		error = begin(worker, chunk, worker->ids->spans[chunk->span].first, span->start,
			      NULL, 0);
	}
	if (end > span->elem_bytes)
		end = span->elem_bytes;
	if (error || chunk->offset >= end)
		return error;
	return scan_words(worker, &worker->object, (const uint64_t *)(worker->buffer + chunk->at),
			  chunk->offset / WORD, end / WORD);
}

static struct gm_error *scan_chunk(struct worker *worker, const struct chunk *chunk)
{
	const struct gm_go_span *span = &worker->ids->heap->spans.items[chunk->span];

	fill_to(worker, worker->ids->spans[chunk->span].first);
	if (!worker->pieces[chunk->piece].ok) {
		worker->count.unreadable_bytes += chunk->bytes;
		return NULL;
	}
	worker->count.read_bytes += chunk->bytes;
	if (chunk->bytes == span->pages * GM_GO_PAGE_BYTES)
		return scan_span(worker, chunk);
	return scan_large(worker, chunk);
}

static struct gm_error *read_batches(struct worker *worker)
{
	struct gm_error *error = NULL;

	worker->next = worker->begin;
	worker->filled = worker->part->first_node;
	while (!error && fill_batch(worker)) {
		if (worker->progress)
			gm_go_progress(worker->progress, "copying the heap",
				       100ULL * (worker->next - worker->begin) /
					       (worker->end - worker->begin));
		error = gm_mem_read_pieces(worker->target->mem, worker->pieces,
					   worker->piece_count);
		for (size_t i = 0; i < worker->chunk_count && !error; i++)
			error = scan_chunk(worker, &worker->chunks[i]);
	}
	fill_to(worker, worker->part->first_node + worker->part->nodes);
	return error;
}

static void *work(void *context)
{
	struct worker *worker = context;

	worker->buffer = malloc(BATCH_BYTES);
	worker->error = worker->buffer ? gm_go_pointers_create(worker->target, worker->ids->heap,
							       &worker->pointers) :
					 no_memory();
	if (!worker->error)
		worker->error = read_batches(worker);
	if (worker->pointers)
		worker->count.guessed_bytes = gm_go_pointers_guessed(worker->pointers);
	gm_go_pointers_destroy(worker->pointers);
	free(worker->buffer);
	return NULL;
}

static void got_large_type(void *context, uint32_t index, const void *record)
{
	uint64_t *large_types = context;

	if (record)
		memcpy(&large_types[index], record, sizeof(*large_types));
}

/* The types of large objects, which are noted beside their spans since Go 1.22. */
static struct gm_error *read_large_types(const struct gm_go_target *target,
					 const struct gm_go_heap *heap, uint64_t *large_types)
{
	gm_autofree struct gm_go_want *wants = calloc(heap->spans.count + 1, sizeof(*wants));
	uint32_t at = gm_go_layout_offset(&target->image->layout, GM_GO_MSPAN_LARGE_TYPE);
	size_t count = 0;

	if (!wants)
		return no_memory();
	for (size_t i = 0; i < heap->spans.count; i++) {
		const struct gm_go_span *span = &heap->spans.items[i];

		if (!span->size_class && worth_reading(span))
			wants[count++] = (struct gm_go_want){ span->at + at, 8, i };
	}
	return gm_go_gather(target, wants, count, got_large_type, large_types);
}

static size_t worker_count(uint64_t bytes)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = bytes / PART_BYTES_MIN + 1;

	if (cores > 0 && count > (size_t)cores)
		count = cores;
	return count < GM_GO_EDGES_WORKERS_MAX ? count : GM_GO_EDGES_WORKERS_MAX;
}

/* Spans to each worker so that all copy about as much. */
static void share_out(struct worker *workers, size_t count, uint64_t bytes,
		      const struct gm_go_ids *ids)
{
	const struct gm_go_spans *spans = &ids->heap->spans;
	uint64_t done = 0;
	uint32_t next = 0;

	for (size_t i = 0; i < count; i++) {
		struct gm_graph_part *part = workers[i].part;

		workers[i].begin = next;
		part->first_node = next < spans->count ? ids->spans[next].first : ids->count;
		while (next < spans->count && (i + 1 == count || done < bytes / count * (i + 1)))
			done += bytes_of(&spans->items[next++]);
		workers[i].end = next;
		part->nodes = (next < spans->count ? ids->spans[next].first : ids->count) -
			      part->first_node;
	}
}

/* The first one works here; one that gets no thread too. */
static void run(struct worker *workers, size_t count)
{
	bool threads[GM_GO_EDGES_WORKERS_MAX] = {};

	for (size_t i = 1; i < count; i++)
		threads[i] = !pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	for (size_t i = 0; i < count; i++)
		if (!threads[i])
			work(&workers[i]);
	for (size_t i = 1; i < count; i++)
		if (threads[i])
			pthread_join(workers[i].thread, NULL);
}

static struct gm_error *add_up(struct worker *workers, size_t count, struct gm_go_edges_count *sum)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct gm_go_edges_count *one = &workers[i].count;

		sum->read_bytes += one->read_bytes;
		sum->unreadable_bytes += one->unreadable_bytes;
		sum->flux += one->flux;
		sum->guessed_bytes += one->guessed_bytes;
		if (error)
			gm_error_destroy(workers[i].error);
		else
			error = workers[i].error;
	}
	return error;
}

static bool append_steps(struct gm_go_steps *to, const struct gm_go_steps *from)
{
	if (!gm_vec_reserve(to, from->count + 1) || !gm_vec_reserve(&to->far, from->far.count + 1))
		return false;
	for (size_t i = 0; i < from->far.count; i++)
		to->far.items[to->far.count++] =
			(struct gm_go_far){ from->far.items[i].edge + to->count,
					    from->far.items[i].word };
	if (from->count)
		memcpy(to->items + to->count, from->items, from->count);
	to->count += from->count;
	return true;
}

/* The workers' steps become one list; the first and largest need not be copied. */
static struct gm_error *join_steps(struct worker *workers, size_t count,
				   struct gm_go_typing *typing)
{
	bool good = true;

	typing->steps = workers[0].steps;
	for (size_t i = 1; i < count; i++) {
		good = good && append_steps(&typing->steps, &workers[i].steps);
		free(workers[i].steps.items);
		free(workers[i].steps.far.items);
	}
	return good ? NULL : no_memory();
}

static struct gm_error *read_all(const struct gm_go_target *target, const struct gm_go_ids *ids,
				 struct gm_graph *graph, const uint64_t *large_types,
				 struct gm_graph_part *parts, size_t *part_count,
				 struct gm_go_typing *typing, const struct gm_go_progress *progress,
				 struct gm_go_edges_count *count)
{
	gm_autofree struct worker *workers = calloc(GM_GO_EDGES_WORKERS_MAX, sizeof(*workers));
	const struct gm_go_spans *spans = &ids->heap->spans;
	struct gm_error *error;
	uint64_t bytes = 0;

	if (!workers)
		return no_memory();
	for (size_t i = 0; i < spans->count; i++)
		bytes += bytes_of(&spans->items[i]);
	*part_count = worker_count(bytes);
	for (size_t i = 0; i < *part_count; i++) {
		parts[i] = (struct gm_graph_part){};
		workers[i] = (struct worker){
			.target = target,
			.ids = ids,
			.large_types = large_types,
			.graph = graph,
			.part = &parts[i],
			.typing = typing,
		};
	}
	workers[0].progress = progress;
	share_out(workers, *part_count, bytes, ids);
	run(workers, *part_count);
	error = join_steps(workers, *part_count, typing);
	if (!error)
		return add_up(workers, *part_count, count);
	gm_error_destroy(add_up(workers, *part_count, count));
	return error;
}

struct gm_error *gm_go_edges_read(const struct gm_go_target *target, const struct gm_go_ids *ids,
				  struct gm_graph *graph, struct gm_graph_part *parts,
				  size_t *part_count, struct gm_go_typing *typing,
				  const struct gm_go_progress *progress,
				  struct gm_go_edges_count *count)
{
	size_t spans = ids->heap->spans.count;
	gm_autofree uint64_t *large_types = calloc(spans + 1, sizeof(*large_types));
	struct gm_error *error = NULL;

	*count = (struct gm_go_edges_count){};
	*part_count = 0;
	if (!large_types)
		return no_memory();
	if (gm_go_layout_has(&target->image->layout, GM_GO_MSPAN_LARGE_TYPE))
		error = read_large_types(target, ids->heap, large_types);
	return error ?:
		       read_all(target, ids, graph, large_types, parts, part_count, typing,
				progress, count);
}
