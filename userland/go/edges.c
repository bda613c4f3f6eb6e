// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/edges.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "go/edges_copy.h"

#define PART_BYTES_MIN (16UL << 20) /* less is not worth a thread */
#define BYTES_AN_EDGE 16

struct worker {
	struct gm_go_edges_copy copy;
	struct gm_error *error;
	pthread_t thread;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot keep the references of the heap");
}

static void *work(void *context)
{
	struct worker *worker = context;

	worker->error = gm_go_edges_copy(&worker->copy);
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

		if (!span->size_class && gm_go_edges_span_bytes(span))
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
		struct gm_graph_part *part = workers[i].copy.scan.part;

		workers[i].copy.begin = next;
		part->first_node = next < spans->count ? ids->spans[next].first : ids->count;
		while (next < spans->count && (i + 1 == count || done < bytes / count * (i + 1)))
			done += gm_go_edges_span_bytes(&spans->items[next++]);
		workers[i].copy.end = next;
		part->nodes = (next < spans->count ? ids->spans[next].first : ids->count) -
			      part->first_node;
	}
}

/* The most there can be of what has few words without pointers. What is not touched costs nothing,
 * and what need not grow need not be moved, which huge pages would not survive; the first one's
 * takes the others' when all are done.
 */
static void make_room(struct worker *workers, size_t count, uint64_t bytes)
{
	for (size_t i = 0; i < count; i++) {
		struct gm_go_scan *scan = &workers[i].copy.scan;
		uint64_t edges = bytes / (i ? count : 1) / BYTES_AN_EDGE;

		/* Without, they grow. */
		if (!gm_vec_reserve(&scan->part->edges, edges) ||
		    !gm_vec_reserve(&scan->steps, edges))
			break;
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
		const struct gm_go_edges_count *one = &workers[i].copy.scan.count;

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

	typing->steps = workers[0].copy.scan.steps;
	for (size_t i = 1; i < count; i++) {
		good = good && append_steps(&typing->steps, &workers[i].copy.scan.steps);
		free(workers[i].copy.scan.steps.items);
		free(workers[i].copy.scan.steps.far.items);
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
		bytes += gm_go_edges_span_bytes(&spans->items[i]);
	*part_count = worker_count(bytes);
	for (size_t i = 0; i < *part_count; i++) {
		parts[i] = (struct gm_graph_part){};
		workers[i].copy = (struct gm_go_edges_copy){
			.scan = {
				.target = target,
				.ids = ids,
				.graph = graph,
				.part = &parts[i],
				.typing = typing,
			},
			.large_types = large_types,
		};
	}
	workers[0].copy.progress = progress;
	share_out(workers, *part_count, bytes, ids);
	make_room(workers, *part_count, bytes);
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
