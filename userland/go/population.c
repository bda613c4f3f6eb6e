// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/population.h"

#include <elf.h>
#include <errno.h>

#include "go/unwind.h"

#define COPY_BYTES 4096 /* of a stack, from its innermost frame on: all of most */

/**
 * struct walk - over all stacks
 * @state, @trace: whose stack is walked; @copy: @bytes of it from @start on
 */
struct walk {
	struct gm_go_population *population;
	const struct gm_go_target *target;
	struct gm_go_functions *functions;
	const struct gm_go_goroutine_state *state;
	struct gm_go_trace *trace;
	const char *copy;
	uint64_t start;
	uint64_t bytes;
	struct gm_error *error;
};

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static bool read_word(void *context, uint64_t address, uint64_t *word)
{
	const struct walk *walk = context;
	struct gm_error *error;

	if (address >= walk->start && address - walk->start + sizeof(*word) <= walk->bytes) {
		memcpy(word, walk->copy + (address - walk->start), sizeof(*word));
		return true;
	}
	error = gm_mem_read(walk->target->mem, address, word, sizeof(*word));
	gm_error_destroy(error);
	return !error;
}

static bool has_room(const struct walk *walk)
{
	return walk->trace->count < GM_GO_TRACE_MAX &&
	       walk->population->pcs.count < GM_GO_TRACES_MAX && !walk->error;
}

static void add_frame(struct walk *walk, const struct gm_go_stack_frame *frame)
{
	uint64_t *pc = gm_vec_push(&walk->population->pcs);

	if (!pc) {
		walk->error = no_memory();
		return;
	}
	*pc = frame->at;
	walk->trace->count++;
}

static void take_stack(struct walk *walk)
{
	const struct gm_go_goroutine_state *state = walk->state;
	const struct gm_go_words words = { state->stack_low, state->stack_high, read_word, walk };
	struct gm_go_unwind unwind;
	bool more;

	walk->trace->first = walk->population->pcs.count;
	gm_go_unwind_init(&unwind, walk->functions, &words);
	more = gm_go_unwind_first(&unwind, state->pc, state->sp);
	for (; more && has_room(walk); more = gm_go_unwind_next(&unwind))
		add_frame(walk, &unwind.frame);
	if (more)
		walk->trace->lack = GM_GO_LACK_LONG;
	else
		walk->trace->lack = unwind.end == GM_GO_UNWIND_WHOLE ? GM_GO_LACK_NONE :
								       GM_GO_LACK_LOST;
}

static uint64_t copied_bytes(const struct gm_go_goroutine_state *state)
{
	uint64_t left = state->stack_high - state->sp;

	return left < COPY_BYTES ? left : COPY_BYTES;
}

static void got_stack(void *context, uint32_t index, const void *record)
{
	struct walk *walk = context;

	if (!record || walk->error)
		return;
	walk->state = &walk->population->states.items[index];
	walk->trace = &walk->population->items[index];
	walk->copy = record;
	walk->start = walk->state->sp;
	walk->bytes = copied_bytes(walk->state);
	take_stack(walk);
}

static struct gm_error *read_stacks(const struct gm_go_target *target,
				    struct gm_go_functions *functions,
				    struct gm_go_population *population)
{
	gm_autofree struct gm_go_want *wants = calloc(population->count + 1, sizeof(*wants));
	struct walk walk = {
		.population = population,
		.target = target,
		.functions = functions,
	};
	struct gm_error *error;
	size_t count = 0;

	if (!wants)
		return no_memory();
	for (size_t i = 0; i < population->count; i++) {
		const struct gm_go_goroutine_state *state = &population->states.items[i];

		if (gm_go_is_on_stack(state))
			wants[count++] = (struct gm_go_want){
				.address = state->sp,
				.size = copied_bytes(state),
				.index = i,
			};
	}
	error = gm_go_gather(target, wants, count, got_stack, &walk);
	return error ?: walk.error;
}

/* A trace for each goroutine: they come first in the list of states. */
static struct gm_error *add_traces(struct gm_go_population *population)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < population->states.count && !error; i++) {
		const struct gm_go_goroutine_state *state = &population->states.items[i];
		struct gm_go_trace *trace;

		if (state->kind != GM_GO_G_GOROUTINE)
			break;
		trace = gm_vec_push(population);
		if (!trace)
			return no_memory();
		trace->lack = state->pc ? GM_GO_LACK_UNREADABLE : GM_GO_LACK_RUNS;
		error = gm_go_label_sets_want(&population->labels, state->labels);
	}
	return error;
}

static void got_moved(void *context, size_t index)
{
	struct gm_go_population *population = context;

	if (index >= population->count || population->items[index].lack == GM_GO_LACK_RUNS)
		return;
	population->items[index].lack = GM_GO_LACK_MOVED;
	population->items[index].count = 0;
	population->moved++;
}

struct gm_error *gm_go_population_read(const struct gm_go_target *target,
				       struct gm_go_functions *functions,
				       struct gm_go_population *population)
{
	const struct gm_go_image *image = target->image;
	struct gm_error *error;

	gm_go_wait_reasons_read(&image->program, &image->globals[GM_GO_WAIT_REASONS],
				gm_go_functions_modules(functions), &population->reasons);
	error = gm_go_goroutines_read(target, &population->states);
	if (!error)
		error = add_traces(population);
	/* Elsewhere return addresses lie at other places. */
	if (!error && image->layout.machine == EM_X86_64)
		error = read_stacks(target, functions, population);
	if (!error)
		error = gm_go_goroutines_reread(target, &population->states, got_moved, population);
	if (!error)
		gm_go_label_sets_read(&population->labels, target->mem, image->version.minor);
	return error;
}

void gm_go_population_deinit(struct gm_go_population *population)
{
	gm_go_goroutines_deinit(&population->states);
	gm_go_label_sets_deinit(&population->labels);
	free(population->items);
	free(population->pcs.items);
	*population = (struct gm_go_population){};
}
