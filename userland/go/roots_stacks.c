// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/mgcmark.go: scanstack(). */
#include <errno.h>
#include <string.h>

#include "go/frame_maps.h"
#include "go/goroutines.h"
#include "go/roots_parts.h"

#define WORD 8
#define STACK_MAX (1ULL << 30) /* Go's own default limit is 1 GB */
#define COPY_MAX (64ULL << 20)
#define GATHERED_MAX (64U << 10)
#define FRAMES_MAX (16U << 20)
#define DEFERS_MAX 65536
#define LOCALS_MAX (1U << 20)

/* A variable of a frame that lives while something on this stack points to it. */
struct local {
	uint64_t start;
	uint64_t bytes;
	const struct gm_go_word_map *map;
	uint32_t holder;
	bool seen;
};

/**
 * struct stacks - the goroutine at hand, and what is kept from one to the next
 * @low, @high: of its stack; @copy: its words from @from to @high
 * @defers: by goroutine, its first record of a deferred call, 0: none
 * @inside: pointers into this very stack
 */
struct stacks {
	const struct gm_go_rooting *rooting;
	struct gm_go_roots *roots;
	struct gm_go_frame_maps *maps;
	uint64_t low;
	uint64_t high;
	uint64_t from;
	const uint64_t *copy;
	struct gm_go_goroutines goroutines;
	uint64_t *defers;
	struct gm_error *error;
	struct {
		GM_VEC(struct local);
	} locals;
	struct {
		GM_VEC(uint64_t);
	} inside;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot read the stacks of goroutines");
}

static struct gm_error *add_word(struct stacks *stacks, uint32_t holder, uint64_t word)
{
	if (word >= stacks->low && word < stacks->high) {
		if (!gm_vec_reserve(&stacks->inside, 1))
			return no_memory();
		stacks->inside.items[stacks->inside.count++] = word;
		return NULL;
	}
	return word ? gm_go_roots_add(stacks->roots, stacks->rooting->ids, holder, word, 0) : NULL;
}

/* The words from @start to @end that were copied; @map NULL: each may be a pointer. Of these,
 * those into the heap that point to nothing are no flux: they may be anything.
 */
static struct gm_error *add_words(struct stacks *stacks, uint32_t holder, uint64_t start,
				  uint64_t end, const struct gm_go_word_map *map)
{
	uint64_t flux = stacks->roots->flux;
	struct gm_error *error = NULL;

	for (uint64_t at = start, i = 0; at < end && !error; at += WORD, i++) {
		if (at < stacks->from || at + WORD > stacks->high ||
		    (map && !(map->bits[i / 8] >> i % 8 & 1)))
			continue;
		error = add_word(stacks, holder, stacks->copy[(at - stacks->from) / WORD]);
	}
	if (!map)
		stacks->roots->flux = flux;
	return error;
}

static struct gm_error *guess(struct stacks *stacks, uint32_t holder, uint64_t start, uint64_t end)
{
	if (start < stacks->from)
		start = stacks->from;
	if (end > stacks->high)
		end = stacks->high;
	if (start >= end)
		return NULL;
	stacks->roots->guessed_bytes += end - start;
	return add_words(stacks, holder, start, end, NULL);
}

static struct gm_error *find_holder(struct stacks *stacks, const struct gm_go_frame_map *map,
				    uint32_t *holder)
{
	return gm_go_roots_holder(stacks->roots, GM_GO_HOLDER_STACK,
				  map && map->name ? map->name : "stacks not understood", holder);
}

static struct gm_error *note_locals(struct stacks *stacks, const struct gm_go_frame_map *map,
				    uint32_t holder, uint64_t locals_end, uint64_t args)
{
	for (uint32_t i = 0; i < map->object_count; i++) {
		const struct gm_go_stack_object *object = &map->objects[i];
		struct local *local;

		if (stacks->locals.count == LOCALS_MAX)
			return gm_error_create(E2BIG, "a stack has too many variables to list");
		local = gm_vec_push(&stacks->locals);
		if (!local)
			return no_memory();
		*local = (struct local){
			.start = (object->offset < 0 ? locals_end : args) + object->offset,
			.bytes = object->bytes,
			.map = &object->map,
			.holder = holder,
		};
	}
	return NULL;
}

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

static struct gm_error *add_frame(struct stacks *stacks, const struct frame *frame, bool anywhere)
{
	const struct gm_go_frame_map *map = frame->map;
	struct gm_error *error;
	uint32_t holder;

	error = find_holder(stacks, map, &holder);
	if (error)
		return error;
	if (anywhere || map->anywhere) {
		error = guess(stacks, holder, frame->sp, frame->locals_end);
		return error ?: guess(stacks, holder, frame->fp, frame->fp + map->args_bytes);
	}
	stacks->roots->frames++;
	if (map->locals.words)
		error = add_words(stacks, holder,
				  frame->locals_end - (uint64_t)map->locals.words * WORD,
				  frame->locals_end, &map->locals);
	if (!error && map->args.words)
		error = add_words(stacks, holder, frame->fp,
				  frame->fp + (uint64_t)map->args.words * WORD, &map->args);
	return error ?: note_locals(stacks, map, holder, frame->locals_end, frame->fp);
}

/* From @pc and @sp up; what does not unwind is guessed at as a whole. */
static struct gm_error *walk(struct stacks *stacks, uint64_t pc, uint64_t sp)
{
	struct gm_error *error = NULL;
	bool anywhere = false;
	uint32_t holder;

	for (uint32_t i = 0; pc && i < FRAMES_MAX && !error; i++) {
		struct frame frame = { .sp = sp };

		error = gm_go_frame_maps_find(stacks->maps, pc, &frame.map);
		if (error || frame.map->outermost)
			return error;
		if (frame.map->bytes < 0 || frame.map->bytes % WORD ||
		    (uint64_t)frame.map->bytes + WORD > stacks->high - sp)
			break;
		frame.fp = sp + frame.map->bytes + WORD;
		/* The return address, and the caller's frame pointer where there is a frame. */
		frame.locals_end = frame.fp - WORD - (frame.map->bytes ? WORD : 0);
		error = add_frame(stacks, &frame, anywhere);
		anywhere = frame.map->stops_anywhere;
		pc = stacks->copy[(frame.fp - WORD - stacks->from) / WORD];
		sp = frame.fp;
	}
	if (error || !pc)
		return error;
	error = find_holder(stacks, NULL, &holder);
	return error ?: guess(stacks, holder, sp, stacks->high);
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct local *)a)->start, y = ((const struct local *)b)->start;

	return x < y ? -1 : x > y;
}

static struct local *find_local(const struct stacks *stacks, uint64_t address)
{
	size_t low = 0, high = stacks->locals.count;
	struct local *local;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stacks->locals.items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	local = &stacks->locals.items[low - 1];
	return address - local->start < local->bytes ? local : NULL;
}

/* Each local once: what it points to may be another. */
static struct gm_error *follow_inside(struct stacks *stacks)
{
	struct gm_error *error = NULL;

	if (stacks->locals.count)
		qsort(stacks->locals.items, stacks->locals.count, sizeof(struct local), by_start);
	while (stacks->inside.count && !error) {
		struct local *local =
			find_local(stacks, stacks->inside.items[--stacks->inside.count]);

		if (!local || local->seen)
			continue;
		local->seen = true;
		error = add_words(stacks, local->holder, local->start,
				  local->start + (uint64_t)local->map->words * WORD, local->map);
	}
	return error;
}

static bool read_word(const struct stacks *stacks, uint64_t address, uint64_t *word)
{
	struct gm_error *error =
		gm_mem_read(stacks->rooting->target->mem, address, word, sizeof(*word));

	gm_error_destroy(error);
	return !error;
}

/* The functions that it has deferred: their records lie on its stack or in the heap. */
static struct gm_error *add_defers(struct stacks *stacks, uint64_t record)
{
	const struct gm_go_layout *layout = &stacks->rooting->target->image->layout;
	struct gm_error *error;
	uint64_t function;
	uint32_t holder;

	if (!record || !gm_go_layout_has(layout, GM_GO_DEFER_FN))
		return NULL;
	error = gm_go_roots_holder(stacks->roots, GM_GO_HOLDER_STACK, "deferred calls", &holder);
	for (uint32_t i = 0; record && i < DEFERS_MAX && !error; i++) {
		error = add_word(stacks, holder, record);
		if (!error &&
		    read_word(stacks, record + gm_go_layout_offset(layout, GM_GO_DEFER_FN),
			      &function))
			error = add_word(stacks, holder, function);
		if (!read_word(stacks, record + gm_go_layout_offset(layout, GM_GO_DEFER_LINK),
			       &record))
			break;
	}
	return error;
}

static bool possible(const struct gm_go_goroutine_state *g)
{
	return g->kind == GM_GO_G_GOROUTINE && g->stack_low < g->stack_high &&
	       g->stack_high - g->stack_low <= STACK_MAX && g->stack_high < GM_GO_ADDRESS_MAX &&
	       !(g->stack_low % WORD) && !(g->stack_high % WORD);
}

/* From where it goes on, else all; of a stack of absurd size its outer end. */
static uint64_t copy_from(const struct gm_go_goroutine_state *g)
{
	uint64_t from = g->sp >= g->stack_low && g->sp < g->stack_high ? g->sp & -WORD :
									 g->stack_low;

	return g->stack_high - from > COPY_MAX ? g->stack_high - COPY_MAX : from;
}

/* @copy: of the stack of goroutine @index, from copy_from() on. */
static struct gm_error *add_goroutine(struct stacks *stacks, size_t index, const uint64_t *copy)
{
	const struct gm_go_goroutine_state *g = &stacks->goroutines.items[index];
	struct gm_error *error;
	uint32_t holder;

	stacks->low = g->stack_low;
	stacks->high = g->stack_high;
	stacks->from = copy_from(g);
	stacks->copy = copy;
	stacks->roots->goroutines++;
	stacks->locals.count = 0;
	stacks->inside.count = 0;
	if (g->pc && g->sp == stacks->from) {
		error = walk(stacks, g->pc, g->sp);
	} else {
		error = find_holder(stacks, NULL, &holder);
		if (!error)
			error = guess(stacks, holder, stacks->from, stacks->high);
	}
	if (!error)
		error = add_defers(stacks, stacks->defers[index]);
	return error ?: follow_inside(stacks);
}

static void got_stack(void *context, uint32_t index, const void *record)
{
	struct stacks *stacks = context;

	if (record && !stacks->error)
		stacks->error = add_goroutine(stacks, index, record);
}

static void got_defer(void *context, uint32_t index, const void *record)
{
	struct stacks *stacks = context;

	if (record)
		memcpy(&stacks->defers[index], record, sizeof(*stacks->defers));
}

/* One that is too large to be gathered with others. */
static struct gm_error *add_large(struct stacks *stacks, size_t index)
{
	gm_autofree uint64_t *copy = NULL;
	const struct gm_go_goroutine_state *g = &stacks->goroutines.items[index];
	uint64_t from = copy_from(g);
	struct gm_error *error;

	copy = malloc(g->stack_high - from);
	if (!copy)
		return no_memory();
	error = gm_mem_read(stacks->rooting->target->mem, from, copy, g->stack_high - from);
	if (!error)
		return add_goroutine(stacks, index, copy);
	if (error->code == ESRCH)
		return error;
	gm_error_destroy(error);
	return NULL;
}

static struct gm_error *read_defers(struct stacks *stacks, struct gm_go_want *wants)
{
	const struct gm_go_target *target = stacks->rooting->target;
	uint32_t at = gm_go_layout_offset(&target->image->layout, GM_GO_G_DEFER);

	if (!gm_go_layout_has(&target->image->layout, GM_GO_G_DEFER))
		return NULL;
	for (size_t i = 0; i < stacks->goroutines.count; i++)
		wants[i] = (struct gm_go_want){ stacks->goroutines.items[i].at + at, WORD, i };
	return gm_go_gather(target, wants, stacks->goroutines.count, got_defer, stacks);
}

static struct gm_error *read_stacks(struct stacks *stacks, struct gm_go_want *wants)
{
	struct gm_error *error = NULL;
	size_t count = 0;

	for (size_t i = 0; i < stacks->goroutines.count && !error; i++) {
		const struct gm_go_goroutine_state *g = &stacks->goroutines.items[i];
		uint64_t from = copy_from(g);

		if (!possible(g))
			continue;
		if (g->stack_high - from > GATHERED_MAX)
			error = add_large(stacks, i);
		else
			wants[count++] = (struct gm_go_want){ from, g->stack_high - from, i };
	}
	if (!error)
		error = gm_go_gather(stacks->rooting->target, wants, count, got_stack, stacks);
	if (!error)
		return stacks->error;
	gm_error_destroy(stacks->error);
	return error;
}

static void count_moved(void *context, size_t index)
{
	struct stacks *stacks = context;

	(void)index;
	stacks->roots->moved++;
}

static struct gm_error *add_all(struct stacks *stacks)
{
	size_t count = stacks->goroutines.count;
	gm_autofree struct gm_go_want *wants = calloc(count + 1, sizeof(*wants));
	struct gm_error *error;

	stacks->defers = calloc(count + 1, sizeof(*stacks->defers));
	if (!wants || !stacks->defers)
		return no_memory();
	error = read_defers(stacks, wants);
	if (!error)
		error = read_stacks(stacks, wants);
	return error ?:
		       gm_go_goroutines_reread(stacks->rooting->target, &stacks->goroutines,
					       count_moved, stacks);
}

struct gm_error *gm_go_roots_stacks(const struct gm_go_rooting *rooting, struct gm_go_roots *roots)
{
	const struct gm_go_image *image = rooting->target->image;
	struct stacks stacks = { .rooting = rooting, .roots = roots };
	struct gm_error *error;

	error = gm_go_frame_maps_create(rooting->program, rooting->modules, &image->layout,
					image->version.minor, &stacks.maps);
	if (!error)
		error = gm_go_goroutines_read(rooting->target, &stacks.goroutines);
	if (!error)
		error = add_all(&stacks);
	gm_go_goroutines_deinit(&stacks.goroutines);
	gm_go_frame_maps_destroy(stacks.maps);
	free(stacks.defers);
	free(stacks.locals.items);
	free(stacks.inside.items);
	return error;
}
