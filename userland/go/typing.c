// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/typing.h"

#include <errno.h>
#include <string.h>

#include "base/fetch.h"

#define WORD 8
#define FOLLOWED 65536
#define CLOSURES_AT_ONCE 65536
#define FETCHED_MAX 8 /* edges of an object */

/* What a word of a code's object points to, once it was found out. */
struct followed {
	uint64_t key;
	gm_go_code code;
};

/**
 * struct spread - objects whose types are known, but not yet those they refer to
 * @begun: by object, a bit: those it refers to were told once
 * @followed: by a few bits of code and offset
 */
struct spread {
	GM_VEC(uint32_t);
	struct gm_go_typing *typing;
	const struct gm_graph *graph;
	uint64_t *begun;
	struct followed *followed;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot tell the types of the heap");
}

static gm_go_code follow(struct spread *spread, gm_go_code code, uint64_t offset)
{
	uint64_t key = (uint64_t)code << 32 | offset;
	struct followed *followed;

	if (offset > UINT32_MAX)
		return gm_go_types_follow(spread->typing->types, code, offset);
	followed = &spread->followed[(key * 0x9e3779b97f4a7c15ULL >> 32) % FOLLOWED];
	if (followed->key != key)
		*followed = (struct followed){ key, gm_go_types_follow(spread->typing->types, code,
								       offset) };
	return followed->code;
}

/* A map's directory is an array of pointers; a group begins with what is none. */
static gm_go_code settle(const struct spread *spread, uint32_t object, gm_go_code code)
{
	uint32_t edge = spread->graph->first[object];

	if (GM_GO_CODE_FORM(code) != GM_GO_FORM_MAP_TOP)
		return code;
	if (edge < spread->graph->first[object + 1] &&
	    (spread->typing->steps.items[edge] & GM_GO_STEP_MASK) == 1)
		return code;
	return GM_GO_CODE(GM_GO_FORM_MAP_GROUPS, GM_GO_CODE_TYPE(code));
}

/* A pointer to the middle tells of a part only, unless all parts are alike. */
static bool tells(gm_go_code code, bool inside)
{
	enum gm_go_form form = GM_GO_CODE_FORM(code);

	return code && (!inside || form == GM_GO_FORM_ARRAY || form == GM_GO_FORM_TEXT ||
			form == GM_GO_FORM_MAP_BUCKETS);
}

/* What is known gives way to what is more: that it is a slice's, or inside a map. What looks like
 * a closure is one unless it is said to be something else that has pointers, as it has.
 */
static bool tells_more(struct gm_go_types *types, gm_go_code known, gm_go_code code)
{
	enum gm_go_form was = GM_GO_CODE_FORM(known), form = GM_GO_CODE_FORM(code);

	if (!known)
		return true;
	if (was == GM_GO_FORM_FUNCTION)
		return form == GM_GO_FORM_VALUE && gm_go_types_has_pointers(types, code);
	if (was == GM_GO_FORM_VALUE && form == GM_GO_FORM_ARRAY)
		return GM_GO_CODE_TYPE(known) == GM_GO_CODE_TYPE(code);
	return (was == GM_GO_FORM_VALUE || was == GM_GO_FORM_ARRAY) &&
	       form >= GM_GO_FORM_MAP_BUCKETS;
}

static bool push(struct spread *spread, uint32_t object)
{
	if (spread->graph->first[object] == spread->graph->first[object + 1])
		return true;
	if (!gm_vec_reserve(spread, 1))
		return false;
	spread->items[spread->count++] = object;
	return true;
}

static bool set(struct spread *spread, uint32_t object, gm_go_code code, bool inside)
{
	gm_go_code *known = &spread->typing->codes[object];

	if (!tells(code, inside))
		return true;
	code = settle(spread, object, code);
	if (!tells_more(spread->typing->types, *known, code))
		return true;
	*known = code;
	return push(spread, object);
}

/* Of an edge whose step is too far: the number of its word, from 1. */
static uint64_t far_words(const struct gm_go_steps *steps, uint32_t edge)
{
	size_t low = 0, high = steps->far.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (steps->far.items[middle].edge < edge)
			low = middle + 1;
		else
			high = middle;
	}
	return low < steps->far.count ? (uint64_t)steps->far.items[low].word + 1 : 1;
}

/* What edges lead to is wanted soon. */
static void fetch_objects(const struct spread *spread, uint32_t object)
{
	const struct gm_graph *graph = spread->graph;
	uint32_t at = graph->first[object], end = graph->first[object + 1];

	end = end - at > FETCHED_MAX ? at + FETCHED_MAX : end;
	for (; at < end; at++) {
		gm_fetch(&spread->typing->codes[graph->to[at]]);
		gm_fetch(&graph->first[graph->to[at]]);
	}
}

static bool spread_from(struct spread *spread, uint32_t object)
{
	const struct gm_graph *graph = spread->graph;
	gm_go_code code = spread->typing->codes[object];
	uint64_t words = 0;

	spread->begun[object / 64] |= 1ULL << object % 64;
	fetch_objects(spread, object);
	for (uint32_t i = graph->first[object]; i < graph->first[object + 1]; i++) {
		uint8_t step = spread->typing->steps.items[i];

		if ((step & GM_GO_STEP_MASK) == GM_GO_STEP_FAR)
			words = far_words(&spread->typing->steps, i);
		else
			words += step & GM_GO_STEP_MASK;
		if (!set(spread, graph->to[i], follow(spread, code, (words - 1) * WORD),
			 step & GM_GO_STEP_INSIDE))
			return false;
	}
	return true;
}

/* What the allocator made several of, it does not say; slots are never twice too large. */
static gm_go_code count_values(struct gm_go_typing *typing, gm_go_code code, uint64_t bytes)
{
	uint64_t one;

	if (GM_GO_CODE_FORM(code) != GM_GO_FORM_VALUE)
		return code;
	one = gm_go_types_bytes(typing->types, code);
	return one && one <= bytes / 2 ? GM_GO_CODE(GM_GO_FORM_ARRAY, GM_GO_CODE_TYPE(code)) : code;
}

static void name_rest(struct gm_go_typing *typing, const struct gm_go_ids *ids)
{
	for (size_t i = 0; i < ids->heap->spans.count; i++) {
		const struct gm_go_span *span = &ids->heap->spans.items[i];
		gm_go_code code = gm_go_types_of_size(span->elem_bytes, !span->noscan);
		gm_go_code *codes = typing->codes + ids->spans[i].first;

		for (uint32_t object = 0; object < span->elems; object++)
			codes[object] = codes[object] ? count_values(typing, codes[object],
								     span->elem_bytes) :
							code;
	}
}

static bool spread_all(struct spread *spread)
{
	while (spread->count)
		if (!spread_from(spread, spread->items[--spread->count]))
			return false;
	return true;
}

/* From what the allocator and interfaces told of, one after the other, so that few ever wait. */
static bool spread_known(struct spread *spread, uint32_t count)
{
	for (uint32_t object = 0; object < count; object++) {
		if (!spread->typing->codes[object] || spread->begun[object / 64] >> object % 64 & 1)
			continue;
		if (!push(spread, object) || !spread_all(spread))
			return false;
	}
	return true;
}

struct gm_error *gm_go_typing_spread(struct gm_go_typing *typing, const struct gm_graph *graph,
				     const struct gm_go_ids *ids, const struct gm_go_seeds *seeds)
{
	struct spread spread = { .typing = typing, .graph = graph };
	bool good;

	spread.followed = calloc(FOLLOWED, sizeof(*spread.followed));
	spread.begun = calloc(ids->count / 64 + 1, sizeof(*spread.begun));
	good = spread.followed && spread.begun && spread_known(&spread, ids->count);
	for (size_t i = 0; i < seeds->count && good; i++)
		good = set(&spread, seeds->items[i].object, seeds->items[i].code,
			   seeds->items[i].inside) &&
		       spread_all(&spread);
	free(spread.items);
	free(spread.begun);
	free(spread.followed);
	name_rest(typing, ids);
	return good ? NULL : no_memory();
}

/* Objects that are read together. */
struct naming {
	struct gm_go_typing *typing;
	struct gm_go_want *wants;
	size_t count;
};

static void got_closure(void *context, uint32_t index, const void *record)
{
	struct naming *naming = context;
	gm_go_code code = 0;
	uint64_t word;

	if (record) {
		memcpy(&word, record, sizeof(word));
		code = gm_go_types_of_closure(naming->typing->types, word);
	}
	if (code)
		naming->typing->codes[index] = code;
}

static struct gm_error *read_closures(struct naming *naming, const struct gm_go_target *target)
{
	size_t count = naming->count;

	naming->count = 0;
	return gm_go_gather(target, naming->wants, count, got_closure, naming);
}

static struct gm_error *name_span(struct naming *naming, const struct gm_go_target *target,
				  const struct gm_go_ids *ids, size_t index)
{
	const struct gm_go_span *span = &ids->heap->spans.items[index];
	uint32_t first = ids->spans[index].first;
	struct gm_error *error = NULL;

	for (uint32_t i = 0; i < span->elems && !error; i++) {
		if (naming->typing->codes[first + i] != GM_GO_CODE(GM_GO_FORM_FUNCTION, 0))
			continue;
		naming->wants[naming->count++] =
			(struct gm_go_want){ span->start + i * span->elem_bytes, WORD, first + i };
		if (naming->count == CLOSURES_AT_ONCE)
			error = read_closures(naming, target);
	}
	return error;
}

struct gm_error *gm_go_typing_closures(struct gm_go_typing *typing,
				       const struct gm_go_target *target,
				       const struct gm_go_ids *ids)
{
	gm_autofree struct gm_go_want *wants = calloc(CLOSURES_AT_ONCE, sizeof(*wants));
	struct naming naming = { .typing = typing, .wants = wants };
	struct gm_error *error = NULL;

	if (!wants)
		return no_memory();
	for (size_t i = 0; i < ids->heap->spans.count && !error; i++)
		error = name_span(&naming, target, ids, i);
	return error ?: read_closures(&naming, target);
}
