// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/mgcmark.go: scanframeworker(). */
#include "go/roots_frames.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORD 8
#define NAME_MAX_BYTES 1024
#define LOCALS_MAX (1U << 20) /* of one stack */

/**
 * struct frame - a frame between @sp and @fp, where its caller's begins
 * @locals_end: there the saved frame pointer or the return address follows
 */
struct frame {
	const struct gm_go_frame_map *map;
	uint64_t sp;
	uint64_t fp;
	uint64_t locals_end;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot read the stacks of goroutines");
}

static struct gm_error *name_holder(struct gm_go_stack *stack, const struct gm_go_frame_map *map,
				    uint32_t *holder)
{
	return gm_go_roots_holder(stack->roots, GM_GO_HOLDER_STACK,
				  map && map->name ? map->name : "stacks not understood", holder);
}

struct gm_error *gm_go_stack_holder(struct gm_go_stack *stack, uint64_t pc, uint32_t *holder)
{
	const struct gm_go_frame_map *map = NULL;
	struct gm_error *error = NULL;

	if (pc)
		error = gm_go_frame_maps_find(stack->maps, pc, &map);
	return error ?: name_holder(stack, map, holder);
}

static bool lies_in(const struct gm_go_stack *stack, uint64_t word)
{
	return word >= stack->low && word < stack->high;
}

static struct gm_error *add_word(struct gm_go_stack *stack, uint32_t holder, uint64_t word,
				 gm_go_code code, bool guessed)
{
	if (lies_in(stack, word)) {
		if (!gm_vec_reserve(&stack->inside, 1))
			return no_memory();
		stack->inside.items[stack->inside.count++] = word;
		return NULL;
	}
	if (!gm_go_roots_plausible(stack->rooting, word))
		return NULL;
	return gm_go_roots_add(stack->roots, &(struct gm_go_root){ .holder = holder,
								   .address = word,
								   .code = code,
								   .guessed = guessed });
}

struct gm_error *gm_go_stack_word(struct gm_go_stack *stack, uint32_t holder, uint64_t word)
{
	return add_word(stack, holder, word, 0, false);
}

static bool spend_words(struct gm_go_stack *stack, uint64_t count)
{
	if (gm_go_stack_spend(&stack->budget.words, count))
		return true;
	stack->roots->unread_bytes += count * WORD;
	return false;
}

struct gm_error *gm_go_stack_words(struct gm_go_stack *stack, uint32_t holder,
				   const uint64_t *words, uint64_t count,
				   const struct gm_go_word_map *map)
{
	struct gm_error *error = NULL;

	if (map && count > map->words)
		count = map->words;
	if (!spend_words(stack, count))
		return NULL;
	if (!map)
		stack->roots->guessed_bytes += count * WORD;
	for (uint64_t i = 0; i < count && !error; i++)
		if (!map || map->bits[i / 8] >> i % 8 & 1)
			error = add_word(stack, holder, words[i], 0, !map);
	return error;
}

/* Those from @start to @end that were copied. */
static struct gm_error *guess(struct gm_go_stack *stack, uint32_t holder, uint64_t start,
			      uint64_t end)
{
	if (start < stack->from)
		start = stack->from;
	if (end > stack->high)
		end = stack->high;
	if (start >= end)
		return NULL;
	return gm_go_stack_words(stack, holder, stack->copy + (start - stack->from) / WORD,
				 (end - start) / WORD, NULL);
}

/* "main.serve req". What stands for type arguments is left out, as it is of functions that have a
 * frame.
 */
static void name_variable(const char *function, const char *variable, char name[NAME_MAX_BYTES])
{
	const char *open = strchr(function, '['), *close = strrchr(function, ']');

	if (open && close > open)
		snprintf(name, NAME_MAX_BYTES, "%.*s[...]%s %s", (int)(open - function), function,
			 close + 1, variable);
	else
		snprintf(name, NAME_MAX_BYTES, "%s %s", function, variable);
}

/* The holder that stands for @variable, of the function that @function stands for. */
static struct gm_error *find_holder(struct gm_go_stack *stack, uint32_t function,
				    struct gm_go_frame_variable *variable, uint32_t *holder)
{
	const char *of = variable->function ?: stack->roots->holders.items[function].name;
	struct gm_error *error = NULL;
	char name[NAME_MAX_BYTES];

	if (variable->holder == GM_GO_NO_HOLDER && variable->name) {
		name_variable(of, variable->name, name);
		error = gm_go_roots_holder(stack->roots, GM_GO_HOLDER_STACK, name,
					   &variable->holder);
	}
	*holder = variable->name ? variable->holder : function;
	return error;
}

/* What the variable says that it points to. */
static gm_go_code code_of(const struct gm_go_stack *stack, const struct gm_go_stack_place *place,
			  const struct gm_go_frame_variable *variable)
{
	uint64_t before = place->cfa + (uint64_t)variable->before;

	if (!variable->interface)
		return variable->code;
	if (before < stack->from || before >= stack->high || before % WORD)
		return 0;
	return gm_go_types_of_interface(stack->types, stack->copy[(before - stack->from) / WORD]);
}

/* The word at @at, of a frame of the function that @holder stands for. */
static struct gm_error *add_known(struct gm_go_stack *stack, uint32_t holder,
				  const struct gm_go_stack_place *place, uint64_t at)
{
	uint64_t word = stack->copy[(at - stack->from) / WORD];
	struct gm_go_frame_variable *variable = NULL;
	struct gm_error *error = NULL;
	gm_go_code code = 0;

	if (gm_go_roots_plausible(stack->rooting, word) && !lies_in(stack, word))
		variable = gm_go_frame_variables_find(stack->variables, place->number,
						      (int64_t)(at - place->cfa));
	if (variable) {
		error = find_holder(stack, holder, variable, &holder);
		code = code_of(stack, place, variable);
	}
	return error ?: add_word(stack, holder, word, code, false);
}

/* @map's words, which start at @start, of the frame at @place. */
static struct gm_error *add_mapped(struct gm_go_stack *stack, uint32_t holder,
				   const struct gm_go_stack_place *place, uint64_t start,
				   const struct gm_go_word_map *map)
{
	struct gm_error *error = NULL;
	uint64_t count;

	if (!map->words || start < stack->from || start >= stack->high || start % WORD)
		return NULL;
	count = (stack->high - start) / WORD;
	count = count < map->words ? count : map->words;
	if (!spend_words(stack, count))
		return NULL;
	for (uint64_t i = 0; i < count && !error; i++)
		if (map->bits[i / 8] >> i % 8 & 1)
			error = add_known(stack, holder, place, start + i * WORD);
	return error;
}

static bool room_for_locals(struct gm_go_stack *stack, uint32_t count)
{
	return stack->locals.count + count <= LOCALS_MAX &&
	       gm_go_stack_spend(&stack->budget.locals, count);
}

static struct gm_error *note_locals(struct gm_go_stack *stack, const struct frame *frame,
				    uint32_t holder)
{
	const struct gm_go_frame_map *map = frame->map;

	if (!room_for_locals(stack, map->object_count)) {
		stack->roots->unread_bytes += frame->locals_end - frame->sp;
		return NULL;
	}
	if (!gm_vec_reserve(&stack->locals, map->object_count))
		return no_memory();
	for (uint32_t i = 0; i < map->object_count; i++) {
		const struct gm_go_stack_object *object = &map->objects[i];

		stack->locals.items[stack->locals.count++] = (struct gm_go_stack_local){
			.start = (object->offset < 0 ? frame->locals_end : frame->fp) +
				 object->offset,
			.bytes = object->bytes,
			.map = &object->map,
			.place = { map->number, frame->fp },
			.holder = holder,
		};
	}
	return NULL;
}

/* A map of more words than there are is another frame's. */
static bool fits(const struct gm_go_stack *stack, const struct frame *frame)
{
	return frame->map->locals.words <= (frame->locals_end - frame->sp) / WORD &&
	       frame->map->args.words <= (stack->high - frame->fp) / WORD;
}

static struct gm_error *add_frame(struct gm_go_stack *stack, const struct frame *frame,
				  bool anywhere)
{
	const struct gm_go_frame_map *map = frame->map;
	const struct gm_go_stack_place place = { map->number, frame->fp };
	struct gm_error *error;
	uint32_t holder;

	error = name_holder(stack, map, &holder);
	if (error)
		return error;
	if (anywhere || map->anywhere || !fits(stack, frame)) {
		error = guess(stack, holder, frame->sp, frame->locals_end);
		return error ?: guess(stack, holder, frame->fp, frame->fp + map->args_bytes);
	}
	stack->roots->frames++;
	error = gm_go_frame_variables_enter(stack->variables, map);
	if (!error)
		error = add_mapped(stack, holder, &place,
				   frame->locals_end - (uint64_t)map->locals.words * WORD,
				   &map->locals);
	if (!error)
		error = add_mapped(stack, holder, &place, frame->fp, &map->args);
	return error ?: note_locals(stack, frame, holder);
}

struct gm_error *gm_go_stack_walk(struct gm_go_stack *stack, uint64_t pc, uint64_t sp)
{
	struct gm_error *error = NULL;
	bool anywhere = false;
	uint32_t holder;

	while (pc && !error && gm_go_stack_spend(&stack->budget.frames, 1)) {
		struct frame frame = { .sp = sp };

		error = gm_go_frame_maps_find(stack->maps, pc, &frame.map);
		if (error || frame.map->outermost)
			return error;
		if (frame.map->bytes < 0 || frame.map->bytes % WORD ||
		    (uint64_t)frame.map->bytes + WORD > stack->high - sp)
			break;
		frame.fp = sp + frame.map->bytes + WORD;
		/* The return address, and the caller's frame pointer where there is a frame. */
		frame.locals_end = frame.fp - WORD - (frame.map->bytes ? WORD : 0);
		error = add_frame(stack, &frame, anywhere);
		anywhere = frame.map->stops_anywhere;
		pc = stack->copy[(frame.fp - WORD - stack->from) / WORD];
		sp = frame.fp;
	}
	if (error || !pc)
		return error;
	error = name_holder(stack, NULL, &holder);
	return error ?: guess(stack, holder, sp, stack->high);
}

struct gm_error *gm_go_stack_guess(struct gm_go_stack *stack)
{
	uint32_t holder;
	struct gm_error *error = name_holder(stack, NULL, &holder);

	return error ?: guess(stack, holder, stack->from, stack->high);
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct gm_go_stack_local *)a)->start;
	uint64_t y = ((const struct gm_go_stack_local *)b)->start;

	return x < y ? -1 : x > y;
}

static struct gm_go_stack_local *find_local(const struct gm_go_stack *stack, uint64_t address)
{
	size_t low = 0, high = stack->locals.count;
	struct gm_go_stack_local *local;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stack->locals.items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	local = &stack->locals.items[low - 1];
	return address - local->start < local->bytes ? local : NULL;
}

/* Each local once: what it points to may be another. */
struct gm_error *gm_go_stack_follow(struct gm_go_stack *stack)
{
	struct gm_error *error = NULL;

	if (stack->locals.count)
		qsort(stack->locals.items, stack->locals.count, sizeof(struct gm_go_stack_local),
		      by_start);
	while (stack->inside.count && !error) {
		struct gm_go_stack_local *local =
			find_local(stack, stack->inside.items[--stack->inside.count]);

		if (!local || local->seen)
			continue;
		local->seen = true;
		error = add_mapped(stack, local->holder, &local->place, local->start, local->map);
	}
	return error;
}

void gm_go_stack_deinit(struct gm_go_stack *stack)
{
	free(stack->locals.items);
	free(stack->inside.items);
}
