// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/mgcmark.go: scanstack(). */
#include <errno.h>
#include <string.h>

#include "go/goroutines.h"
#include "go/roots_frames.h"

#define WORD 8
#define STACK_MAX (1ULL << 30) /* Go's own default limit is 1 GB */
#define COPY_MAX (64ULL << 20)
#define GATHERED_MAX (64U << 10)
#define DEFERS_MAX 65536
#define REGISTERS_MAX 4096
#define ARGUMENTS_MAX 4096
#define DEFERRED_ARGUMENTS_UP_TO 16 /* Go's minor: they lie behind the record */

/* What the collector looks at on all stacks is far less, unless the program lies. */
static const struct gm_go_stack_budget budget = {
	.bytes = 4ULL << 30,
	.words = 1U << 29,
	.frames = 64U << 20,
	.locals = 64U << 20,
	.records = 2U << 20,
};

/**
 * struct beside - what a g has of roots beside its stack: Go src/runtime/runtime2.go
 * @deferred: its first record of a deferred call; @panic: of a panic, on its stack
 * @context: the closure it will go on in; @registers: where those are that it had when it was
 *	stopped anywhere, since Go 1.26; 0 where there is none
 */
struct beside {
	uint64_t deferred;
	uint64_t panic;
	uint64_t context;
	uint64_t registers;
};

/* The goroutines; @beside: by goroutine. */
struct stacks {
	struct gm_go_stack stack;
	const struct gm_go_layout *layout;
	struct gm_go_goroutines goroutines;
	struct beside *beside;
	struct gm_error *error;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot read the stacks of goroutines");
}

static bool read_at(const struct stacks *stacks, uint64_t address, void *to, size_t size)
{
	struct gm_error *error = gm_mem_read(stacks->stack.rooting->target->mem, address, to, size);

	gm_error_destroy(error);
	return !error;
}

/* What a record is followed by, where closures did not yet hold it: the function says what of it
 * are pointers.
 */
static struct gm_error *add_arguments(struct stacks *stacks, uint32_t holder, uint64_t record,
				      uint64_t function)
{
	uint64_t at = record + gm_go_layout_size(stacks->layout, GM_GO_DEFER_BYTES), pc;
	const struct gm_go_frame_map *map;
	uint64_t words[ARGUMENTS_MAX / WORD];
	struct gm_error *error;
	int32_t bytes;

	if (stacks->stack.rooting->target->image->version.minor > DEFERRED_ARGUMENTS_UP_TO ||
	    !read_at(stacks, record, &bytes, sizeof(bytes)) || bytes <= 0 ||
	    bytes > ARGUMENTS_MAX || !read_at(stacks, at, words, bytes) ||
	    !read_at(stacks, function, &pc, sizeof(pc)))
		return NULL;
	error = gm_go_frame_maps_find(stacks->stack.maps, pc, &map);
	if (error || !map->args.words)
		return error;
	return gm_go_stack_words(&stacks->stack, holder, words, bytes / WORD, &map->args);
}

/* The functions that it has deferred: their records lie on its stack or in the heap. */
static struct gm_error *add_deferred(struct stacks *stacks, uint64_t record)
{
	uint32_t fn = gm_go_layout_offset(stacks->layout, GM_GO_DEFER_FN), holder;
	uint32_t link = gm_go_layout_offset(stacks->layout, GM_GO_DEFER_LINK);
	struct gm_error *error;
	uint64_t function;

	if (!record || !gm_go_layout_has(stacks->layout, GM_GO_DEFER_FN))
		return NULL;
	error = gm_go_roots_holder(stacks->stack.roots, GM_GO_HOLDER_STACK, "deferred calls",
				   &holder);
	for (uint32_t i = 0; record && i < DEFERS_MAX && !error; i++) {
		if (!gm_go_stack_spend(&stacks->stack.budget.records, 1))
			break;
		error = gm_go_stack_word(&stacks->stack, holder, record);
		if (!error && read_at(stacks, record + fn, &function, sizeof(function))) {
			error = gm_go_stack_word(&stacks->stack, holder, function);
			if (!error)
				error = add_arguments(stacks, holder, record, function);
		}
		if (!read_at(stacks, record + link, &record, sizeof(record)))
			break;
	}
	return error;
}

static struct gm_error *add_registers(struct stacks *stacks, uint32_t holder, uint64_t at)
{
	uint32_t bytes = gm_go_layout_size(stacks->layout, GM_GO_X_REGS_BYTES);
	uint64_t words[REGISTERS_MAX / WORD];

	if (!at || bytes > sizeof(words) || !read_at(stacks, at, words, bytes))
		return NULL;
	return gm_go_stack_words(&stacks->stack, holder, words, bytes / WORD, NULL);
}

static struct gm_error *add_beside(struct stacks *stacks, size_t index)
{
	const struct gm_go_goroutine_state *g = &stacks->goroutines.items[index];
	const struct beside *beside = &stacks->beside[index];
	struct gm_error *error;
	uint32_t holder;

	error = gm_go_stack_holder(&stacks->stack, g->pc, &holder);
	if (!error)
		error = gm_go_stack_word(&stacks->stack, holder, beside->context);
	if (!error)
		error = add_registers(stacks, holder, beside->registers);
	if (!error)
		error = gm_go_stack_word(&stacks->stack, holder, beside->panic);
	return error ?: add_deferred(stacks, beside->deferred);
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
	struct gm_go_stack *stack = &stacks->stack;
	struct gm_error *error;

	stack->low = g->stack_low;
	stack->high = g->stack_high;
	stack->from = copy_from(g);
	stack->copy = copy;
	stack->roots->goroutines++;
	stack->locals.count = 0;
	stack->inside.count = 0;
	if (g->pc && g->sp == stack->from)
		error = gm_go_stack_walk(stack, g->pc, g->sp);
	else
		error = gm_go_stack_guess(stack);
	if (!error)
		error = add_beside(stacks, index);
	return error ?: gm_go_stack_follow(stack);
}

static void got_stack(void *context, uint32_t index, const void *record)
{
	struct stacks *stacks = context;

	if (record && !stacks->error)
		stacks->error = add_goroutine(stacks, index, record);
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
	error = gm_mem_read(stacks->stack.rooting->target->mem, from, copy, g->stack_high - from);
	if (!error)
		return add_goroutine(stacks, index, copy);
	if (error->code == ESRCH)
		return error;
	gm_error_destroy(error);
	return NULL;
}

static uint64_t word_of(const struct stacks *stacks, const char *g, enum gm_go_field field,
			uint32_t offset)
{
	const struct gm_go_place *place = &stacks->layout->places[field];
	uint64_t word = 0;

	if (offset + WORD <= place->size)
		memcpy(&word, g + place->offset + offset, WORD);
	return word;
}

static void got_g(void *context, uint32_t index, const void *record)
{
	struct stacks *stacks = context;

	if (!record)
		return;
	stacks->beside[index] = (struct beside){
		.deferred = word_of(stacks, record, GM_GO_G_DEFER, 0),
		.panic = word_of(stacks, record, GM_GO_G_PANIC, 0),
		.registers = word_of(stacks, record, GM_GO_G_X_REGS, 0),
	};
	if (gm_go_layout_has(stacks->layout, GM_GO_GOBUF_CONTEXT))
		stacks->beside[index].context =
			word_of(stacks, record, GM_GO_G_SCHED,
				gm_go_layout_offset(stacks->layout, GM_GO_GOBUF_CONTEXT));
}

static struct gm_error *read_beside(struct stacks *stacks, struct gm_go_want *wants)
{
	uint32_t bytes = gm_go_layout_size(stacks->layout, GM_GO_G_BYTES);

	for (size_t i = 0; i < stacks->goroutines.count; i++)
		wants[i] = (struct gm_go_want){ stacks->goroutines.items[i].at, bytes, i };
	return gm_go_gather(stacks->stack.rooting->target, wants, stacks->goroutines.count, got_g,
			    stacks);
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
		if (!gm_go_stack_spend(&stacks->stack.budget.bytes, g->stack_high - from))
			stacks->stack.roots->unread_bytes += g->stack_high - from;
		else if (g->stack_high - from > GATHERED_MAX)
			error = add_large(stacks, i);
		else
			wants[count++] = (struct gm_go_want){ from, g->stack_high - from, i };
	}
	if (!error)
		error = gm_go_gather(stacks->stack.rooting->target, wants, count, got_stack,
				     stacks);
	if (!error)
		return stacks->error;
	gm_error_destroy(stacks->error);
	return error;
}

static void count_moved(void *context, size_t index)
{
	struct stacks *stacks = context;

	(void)index;
	stacks->stack.roots->moved++;
}

static struct gm_error *add_all(struct stacks *stacks)
{
	size_t count = stacks->goroutines.count;
	gm_autofree struct gm_go_want *wants = calloc(count + 1, sizeof(*wants));
	struct gm_error *error;

	stacks->beside = calloc(count + 1, sizeof(*stacks->beside));
	if (!wants || !stacks->beside)
		return no_memory();
	error = read_beside(stacks, wants);
	if (!error)
		error = read_stacks(stacks, wants);
	return error ?:
		       gm_go_goroutines_reread(stacks->stack.rooting->target, &stacks->goroutines,
					       count_moved, stacks);
}

struct gm_error *gm_go_roots_stacks(const struct gm_go_rooting *rooting, struct gm_go_types *types,
				    struct gm_go_roots *roots)
{
	const struct gm_go_image *image = rooting->target->image;
	struct stacks stacks = {
		.stack = { .rooting = rooting, .roots = roots, .types = types, .budget = budget },
		.layout = &image->layout,
	};
	struct gm_error *error;

	error = gm_go_frame_maps_create(rooting->program, rooting->modules, &image->layout,
					image->version.minor, &stacks.stack.maps);
	if (!error)
		error = gm_go_frame_variables_create(types, &stacks.stack.variables);
	if (!error)
		error = gm_go_goroutines_read(rooting->target, &stacks.goroutines);
	if (!error)
		error = add_all(&stacks);
	gm_go_goroutines_deinit(&stacks.goroutines);
	gm_go_frame_maps_destroy(stacks.stack.maps);
	gm_go_frame_variables_destroy(stacks.stack.variables);
	gm_go_stack_deinit(&stacks.stack);
	free(stacks.beside);
	return error;
}
