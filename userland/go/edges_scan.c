// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/edges_scan.h"

#include <errno.h>

#define WORD 8
#define WORDS_AT_ONCE 64
/* Where memory is mapped that is neither the program's nor its heap. */
#define MAPPED_MIN 0x7f0000000000ULL

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot keep the references of the heap");
}

void gm_go_scan_fill_to(struct gm_go_scan *scan, uint32_t node)
{
	while (scan->filled < node)
		scan->graph->first[scan->filled++] = scan->part->edges.count;
}

/* Whether a word may be that of a type, or of an itab: in the program, or made since. */
static bool plausible(const struct gm_go_scan *scan, uint64_t word)
{
	const struct gm_go_modules *modules = scan->target->image->modules;

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
static gm_go_code of_interface(struct gm_go_scan *scan, uint64_t word)
{
	struct gm_go_scan_known *known = &scan->known[word / WORD % GM_GO_SCAN_KNOWN];

	if (!plausible(scan, word))
		return 0;
	if (known->word != word) {
		known->word = word;
		known->code = gm_go_types_of_interface(scan->typing->types, word);
	}
	return known->code;
}

/* The allocator's word counts more, and an interface's may be of another moment. */
static void note_code(struct gm_go_scan *scan, uint32_t id, gm_go_code code, bool sure)
{
	gm_go_code *to = &scan->typing->codes[id], was;

	if (!code)
		return;
	was = __atomic_load_n(to, __ATOMIC_RELAXED);
	if (sure || !was || GM_GO_CODE_FORM(was) == GM_GO_FORM_FUNCTION)
		__atomic_store_n(to, code, __ATOMIC_RELAXED);
}

/* Closures begin with where their function does, which is no pointer for the collector. Anything
 * else counts more.
 */
static void note_closure(struct gm_go_scan *scan, uint64_t word)
{
	struct gm_go_scan_known *known = &scan->closures[word / 16 % GM_GO_SCAN_CLOSURES];

	if (!gm_go_modules_find(scan->target->image->modules, word))
		return;
	if (known->word != word) {
		known->word = word;
		known->code = gm_go_types_of_closure(scan->typing->types, word);
	}
	note_code(scan, scan->id, known->code, false);
}

static bool add_step(struct gm_go_scan *scan, uint64_t word, bool inside)
{
	struct gm_go_steps *steps = &scan->steps;
	uint64_t step = word + 1 - scan->last;

	scan->last = word + 1;
	if (step >= GM_GO_STEP_FAR) {
		if (!gm_vec_reserve(&steps->far, 1))
			return false;
		step = GM_GO_STEP_FAR;
		steps->far.items[steps->far.count++] = (struct gm_go_far){ steps->count, word };
	}
	steps->items[steps->count++] = step | (inside ? GM_GO_STEP_INSIDE : 0);
	return true;
}

/* The @word'th of an object leads to @address; @code: of what it is, where that is known. There is
 * room for it.
 */
static bool add_edge(struct gm_go_scan *scan, uint64_t address, uint64_t word, gm_go_code code)
{
	struct gm_go_hit hit = gm_go_ids_find(scan->ids, address);

	scan->count.flux += hit.flux;
	if (hit.id == GM_GO_NO_ID)
		return true;
	if (!add_step(scan, word, hit.inside))
		return false;
	scan->part->edges.items[scan->part->edges.count++] = hit.id;
	if (!hit.inside)
		note_code(scan, hit.id, code, false);
	return true;
}

/* The words from @word on that @mask has, at @words. */
static bool add_edges(struct gm_go_scan *scan, const struct gm_go_object *object,
		      const uint64_t *words, uint64_t word, uint64_t mask)
{
	if (!gm_vec_reserve(&scan->part->edges, WORDS_AT_ONCE) ||
	    !gm_vec_reserve(&scan->steps, WORDS_AT_ONCE))
		return false;
	for (uint64_t left = mask; left; left &= left - 1)
		gm_go_ids_fetch(scan->ids, words[__builtin_ctzll(left)]);
	for (uint64_t left = mask; left; left &= left - 1) {
		unsigned int at = __builtin_ctzll(left);
		uint64_t before = at ? words[at - 1] : scan->before;
		gm_go_code code = 0;

		if (!words[at])
			continue;
		/* What is before the first word is nothing, or the header. */
		if (word + at != object->skip &&
		    !(at ? mask >> (at - 1) & 1 : scan->before_is_pointer))
			code = of_interface(scan, before);
		if (!add_edge(scan, words[at], word + at - object->skip, code))
			return false;
	}
	return true;
}

struct gm_error *gm_go_scan_words(struct gm_go_scan *scan, const uint64_t *words, uint64_t word,
				  uint64_t end)
{
	struct gm_go_object *object = &scan->object;

	for (; word < end && !object->over; word += WORDS_AT_ONCE, words += WORDS_AT_ONCE) {
		uint64_t mask = gm_go_pointers_mask(scan->pointers, object, word);

		if (end - word < WORDS_AT_ONCE)
			mask &= (1ULL << (end - word)) - 1;
		if (!word && !(mask & 1) && words[0])
			note_closure(scan, words[0]);
		if (!add_edges(scan, object, words, word, mask))
			return no_memory();
		if (end - word < WORDS_AT_ONCE)
			break;
		scan->before = words[WORDS_AT_ONCE - 1];
		scan->before_is_pointer = mask >> (WORDS_AT_ONCE - 1);
	}
	return NULL;
}

void gm_go_scan_skip(struct gm_go_scan *scan, uint64_t bytes)
{
	scan->count.unreadable_bytes += bytes;
	scan->before = 0;
	scan->before_is_pointer = false;
}

/* The allocator may have noted its type. */
struct gm_error *gm_go_scan_begin(struct gm_go_scan *scan, uint32_t span_index, uint32_t index,
				  const void *copy, uint64_t copy_bytes, uint64_t large_type)
{
	const struct gm_go_span *span = &scan->ids->heap->spans.items[span_index];
	uint32_t id = scan->ids->spans[span_index].first + index, type = 0;
	struct gm_error *error;

	gm_go_scan_fill_to(scan, id + 1);
	scan->id = id;
	scan->last = 0;
	scan->before = 0;
	error = gm_go_pointers_begin(scan->pointers, span, span->start + index * span->elem_bytes,
				     copy, copy_bytes, large_type, &scan->object);
	if (!error && scan->object.type)
		type = gm_go_types_find(scan->typing->types, scan->object.type);
	if (type)
		note_code(scan, id, GM_GO_CODE(GM_GO_FORM_VALUE, type), true);
	return error;
}
