// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* qsort_r */
#include "join/holders.h"

#include <errno.h>
#include <string.h>

#define TYPE_BYTES 600

static const char *const kinds[GM_GO_HOLDER_KINDS] = {
	[GM_GO_HOLDER_VARIABLE] = "variable",
	[GM_GO_HOLDER_STACK] = "stack",
	[GM_GO_HOLDER_SPECIAL] = "runtime",
	[GM_GO_HOLDER_WEAK] = "runtime",
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot list the holders");
}

/* A list in the order that it came in, to be sorted. @at: there */
struct place {
	uint64_t bytes;
	uint64_t retained;
	const char *name;
	size_t at;
};

static int by_bytes(const void *a, const void *b)
{
	const struct place *one = a, *two = b;

	if (one->bytes != two->bytes)
		return one->bytes < two->bytes ? 1 : -1;
	if (one->retained != two->retained)
		return one->retained < two->retained ? 1 : -1;
	return strcmp(one->name, two->name);
}

static uint64_t retained_of(const struct gm_go_refs *refs, size_t holder)
{
	return refs->tree.bytes[refs->tree.number[refs->holder_node[holder]]];
}

static struct gm_error *add_holder(struct gm_holders *holders, uint64_t pid,
				   const struct gm_go_refs *refs, size_t at)
{
	const struct gm_go_holder *holder = &refs->roots.holders.items[at];
	struct gm_holders_row *added = gm_vec_push(holders);

	if (!added)
		return no_memory();
	*added = (struct gm_holders_row){
		.pid = pid,
		.kind = strdup(kinds[holder->kind]),
		.holder = strdup(holder->name),
		.objects = refs->held[at].objects,
		.bytes = refs->held[at].bytes,
		.retained_objects = refs->tree.members[refs->tree.number[refs->holder_node[at]]],
		.retained_bytes = retained_of(refs, at),
	};
	return added->kind && added->holder ? NULL : no_memory();
}

/* @place: where each went, by where it was. */
static struct gm_error *add_holders(struct gm_holders *holders, uint64_t pid,
				    const struct gm_go_refs *refs, uint64_t *place)
{
	gm_autofree struct place *places = NULL;
	size_t count = refs->roots.holders.count;
	struct gm_error *error = NULL;

	places = calloc(count + 1, sizeof(*places));
	if (!places)
		return no_memory();
	for (size_t i = 0; i < count; i++)
		places[i] = (struct place){ refs->held[i].bytes, retained_of(refs, i),
					    refs->roots.holders.items[i].name, i };
	qsort(places, count, sizeof(*places), by_bytes);
	for (size_t i = 0; i < count && !error; i++) {
		error = add_holder(holders, pid, refs, places[i].at);
		place[places[i].at] = i;
	}
	return error;
}

static struct gm_error *add_type(struct gm_holders *holders, uint64_t pid,
				 const struct gm_go_type_sum *sum, const char *name)
{
	struct gm_holders_type *added = gm_vec_push(&holders->types);

	if (!added)
		return no_memory();
	*added = (struct gm_holders_type){
		.pid = pid,
		.type = strdup(name),
		.objects = sum->sum.members,
		.bytes = sum->sum.bytes,
		.retained_bytes = sum->sum.retained,
	};
	return added->type ? NULL : no_memory();
}

/* Where the type went whose code this is. */
struct code_place {
	gm_go_code code;
	uint64_t place;
};

static int by_code(const void *a, const void *b)
{
	const struct code_place *one = a, *two = b;

	return (one->code > two->code) - (one->code < two->code);
}

static struct gm_error *sort_types(struct gm_holders *holders, uint64_t pid,
				   const struct gm_go_refs *refs, struct place *places,
				   struct code_place *codes)
{
	struct gm_error *error = NULL;

	qsort(places, refs->sums.count, sizeof(*places), by_bytes);
	for (size_t i = 0; i < refs->sums.count && !error; i++) {
		const struct gm_go_type_sum *sum = &refs->sums.items[places[i].at];

		error = add_type(holders, pid, sum, places[i].name);
		codes[i] = (struct code_place){ sum->code, i };
	}
	qsort(codes, refs->sums.count, sizeof(*codes), by_code);
	return error;
}

/* @codes: of all, sorted */
static struct gm_error *add_types(struct gm_holders *holders, uint64_t pid,
				  const struct gm_go_refs *refs, struct code_place *codes)
{
	gm_autofree struct place *places = calloc(refs->sums.count + 1, sizeof(*places));
	struct gm_error *error = places ? NULL : no_memory();
	char name[TYPE_BYTES];
	size_t named = 0;

	for (; named < refs->sums.count && !error; named++) {
		const struct gm_go_type_sum *sum = &refs->sums.items[named];
		const char *copy =
			strdup(gm_go_types_name(refs->types, sum->code, name, sizeof(name)));

		places[named] = (struct place){ sum->sum.bytes, 0, copy, named };
		error = copy ? NULL : no_memory();
	}
	if (!error)
		error = sort_types(holders, pid, refs, places, codes);
	for (size_t i = 0; i < named; i++)
		free((char *)places[i].name);
	return error;
}

static struct gm_error *add_parts(struct gm_holders *holders, const struct gm_go_refs *refs,
				  const uint64_t *place, const struct code_place *codes)
{
	if (!gm_vec_reserve(&holders->parts, refs->holdings.count))
		return no_memory();
	for (size_t i = 0; i < refs->holdings.count; i++) {
		const struct gm_go_holding *holding = &refs->holdings.items[i];
		const struct code_place key = { .code = holding->code };
		const struct code_place *found =
			bsearch(&key, codes, refs->sums.count, sizeof(key), by_code);

		if (found)
			*gm_vec_push(&holders->parts) =
				(struct gm_holders_part){ place[holding->holder], found->place,
							  holding->objects, holding->bytes };
	}
	return NULL;
}

static struct gm_error *add_totals(struct gm_holders *holders, uint64_t pid,
				   const struct gm_go_heap *heap, const struct gm_go_refs *refs)
{
	holders->totals = (struct gm_holders_totals){
		.pid = pid,
		.version = strdup(heap->version),
		.layout = strdup(heap->layout),
		.live_objects = refs->live_objects,
		.live_bytes = refs->live_bytes,
		.reached_objects = refs->reached_objects,
		.reached_bytes = refs->reached_bytes,
		.references = refs->edges,
		.goroutines = refs->roots.goroutines,
		.frames = refs->roots.frames,
		.flux_references = refs->count.flux + refs->roots.flux,
		.flux_spans = heap->flux_spans,
		.flux_goroutines = refs->roots.moved,
		.guessed_stack_bytes = refs->roots.guessed_bytes,
		.guessed_heap_bytes = refs->count.guessed_bytes,
		.unreadable_bytes = refs->count.unreadable_bytes + refs->roots.unread_bytes,
		.read_bytes = refs->count.read_bytes,
		.gc_running = heap->gc_running,
		.heap_us = heap->took_ns / 1000,
		.roots_us = refs->roots_ns / 1000,
		.edges_us = refs->edges_ns / 1000,
		.types_us = refs->types_ns / 1000,
		.tree_us = refs->tree_ns / 1000,
	};
	return holders->totals.version && holders->totals.layout ? NULL : no_memory();
}

struct gm_error *gm_holders_compute(uint64_t pid, const struct gm_go_heap *heap,
				    const struct gm_go_refs *refs, struct gm_holders *holders)
{
	gm_autofree uint64_t *place = calloc(refs->roots.holders.count + 1, sizeof(*place));
	gm_autofree struct code_place *codes = calloc(refs->sums.count + 1, sizeof(*codes));
	struct gm_error *error = place && codes ? NULL : no_memory();

	if (!error)
		error = add_totals(holders, pid, heap, refs);
	if (!error)
		error = add_holders(holders, pid, refs, place);
	if (!error)
		error = add_types(holders, pid, refs, codes);
	return error ?: add_parts(holders, refs, place, codes);
}

void gm_holders_deinit(struct gm_holders *holders)
{
	for (size_t i = 0; i < holders->count; i++) {
		free(holders->items[i].kind);
		free(holders->items[i].holder);
	}
	for (size_t i = 0; i < holders->types.count; i++)
		free(holders->types.items[i].type);
	free(holders->items);
	free(holders->types.items);
	free(holders->parts.items);
	free(holders->totals.version);
	free(holders->totals.layout);
	*holders = (struct gm_holders){};
}
