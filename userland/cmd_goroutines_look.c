// SPDX-License-Identifier: GPL-2.0-or-later
/* A look at the goroutines of a process: where they are, what their stacks take, their labels. */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "cmd_goroutines.h"
#include "go/unwind.h"
#include "join/resident.h"

#define COPY_BYTES 4096 /* of a stack, from its innermost frame on: all of most */
#define FRAMES_MAX (64U << 20) /* of all stacks together, 512 MiB */

/* @item: whose stack is walked; @copy: @bytes of it from @start on */
struct walk {
	struct gm_goroutines_look *look;
	struct gm_goroutine *item;
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
	error = gm_mem_read(walk->look->subject.mem, address, word, sizeof(*word));
	gm_error_destroy(error);
	return !error;
}

static bool has_room(const struct walk *walk)
{
	return walk->item->count < GM_GOROUTINES_FRAMES_MAX && walk->look->pcs.count < FRAMES_MAX &&
	       !walk->error;
}

static void add_frame(struct walk *walk, const struct gm_go_stack_frame *frame)
{
	uint64_t *pc = gm_vec_push(&walk->look->pcs);

	if (!pc) {
		walk->error = no_memory();
		return;
	}
	*pc = frame->at;
	walk->item->count++;
}

static void take_stack(struct walk *walk)
{
	struct gm_goroutine *item = walk->item;
	const struct gm_go_words words = { item->state->stack_low, item->state->stack_high,
					   read_word, walk };
	struct gm_go_unwind unwind;
	bool more;

	item->frames = walk->look->pcs.count;
	gm_go_unwind_init(&unwind, walk->look->subject.functions, &words);
	more = gm_go_unwind_first(&unwind, item->state->pc, item->state->sp);
	for (; more && has_room(walk); more = gm_go_unwind_next(&unwind))
		add_frame(walk, &unwind.frame);
	if (more)
		item->lack = GM_GOROUTINES_LONG;
	else
		item->lack = unwind.end == GM_GO_UNWIND_WHOLE ? GM_GOROUTINES_WHOLE :
								GM_GOROUTINES_LOST;
}

static void got_stack(void *context, uint32_t index, const void *record)
{
	struct walk *walk = context;

	if (!record || walk->error)
		return;
	walk->item = &walk->look->items[index];
	walk->copy = record;
	walk->start = walk->item->state->sp;
	walk->bytes = walk->item->state->stack_high - walk->start;
	if (walk->bytes > COPY_BYTES)
		walk->bytes = COPY_BYTES;
	take_stack(walk);
}

static bool is_on_stack(const struct gm_go_goroutine_state *state)
{
	return state->sp >= state->stack_low && state->sp < state->stack_high;
}

static struct gm_error *read_stacks(struct gm_goroutines_look *look)
{
	gm_autofree struct gm_go_want *wants = calloc(look->count + 1, sizeof(*wants));
	struct walk walk = { .look = look };
	struct gm_error *error;
	size_t count = 0;

	if (!wants)
		return no_memory();
	for (size_t i = 0; i < look->count; i++) {
		const struct gm_go_goroutine_state *state = look->items[i].state;
		uint64_t left = state->stack_high - state->sp;

		if (is_on_stack(state))
			wants[count++] = (struct gm_go_want){
				.address = state->sp,
				.size = left < COPY_BYTES ? left : COPY_BYTES,
				.index = i,
			};
	}
	error = gm_go_gather(&look->subject.target, wants, count, got_stack, &walk);
	return error ?: walk.error;
}

static struct gm_error *add_goroutine(struct gm_goroutines_look *look,
				      const struct gm_go_goroutine_state *state)
{
	struct gm_goroutine *item = gm_vec_push(look);

	if (!item)
		return no_memory();
	*item = (struct gm_goroutine){
		.state = state,
		.lack = state->pc ? GM_GOROUTINES_UNREADABLE : GM_GOROUTINES_RUNS,
		.stack_bytes = state->stack_high - state->stack_low,
		.used_bytes = is_on_stack(state) ? state->stack_high - state->sp : GM_OUT_NONE,
		.resident_bytes = GM_OUT_NONE,
		.wait_ns = GM_OUT_NONE,
	};
	if (state->wait_since > 0 && state->wait_since <= look->states.at &&
	    (state->status == GM_GO_WAITING || state->status == GM_GO_SYSCALL ||
	     state->status == GM_GO_LEAKED))
		item->wait_ns = look->states.at - state->wait_since;
	return gm_go_label_sets_want(&look->sets, state->labels);
}

static struct gm_error *add_goroutines(struct gm_goroutines_look *look)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < look->states.count && !error; i++) {
		const struct gm_go_goroutine_state *state = &look->states.items[i];

		if (state->kind == GM_GO_G_GOROUTINE) {
			error = add_goroutine(look, state);
			continue;
		}
		look->threads += state->kind == GM_GO_G_THREAD;
		look->thread_bytes += state->stack_high - state->stack_low;
	}
	return error;
}

/* Goroutines come first in the list of states. */
static void got_moved(void *context, size_t index)
{
	struct gm_goroutines_look *look = context;

	if (index >= look->count || look->items[index].lack == GM_GOROUTINES_RUNS)
		return;
	look->items[index].lack = GM_GOROUTINES_MOVED;
	look->items[index].count = 0;
	look->moved++;
}

static void read_residency(struct gm_goroutines_look *look)
{
	const struct gm_pages *pages = look->subject.pages;

	for (size_t i = 0; i < look->count; i++) {
		const struct gm_go_goroutine_state *state = look->items[i].state;

		look->items[i].resident_bytes =
			gm_resident_bytes(pages, state->stack_low, state->stack_high);
	}
	for (size_t i = look->count; i < look->states.count; i++) {
		const struct gm_go_goroutine_state *state = &look->states.items[i];

		look->thread_resident +=
			gm_resident_bytes(pages, state->stack_low, state->stack_high);
	}
}

/* Go src/runtime/traceback.go: isSystemGoroutine(), but for what the runtime does at times only:
 * the finalizers' and cleanups' goroutine counts as its own.
 */
static bool is_system(struct gm_goroutines_look *look, uint64_t start_pc)
{
	static const char *const users[] = { "runtime.main", "runtime.corostart",
					     "runtime.handleAsyncEvent" };
	const struct gm_go_function_at *at =
		gm_go_functions_find(look->subject.functions, start_pc);

	if (!at || strncmp(at->function.name, "runtime.", 8))
		return false;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (!strcmp(at->function.name, users[i]))
			return false;
	return true;
}

static void finish(struct gm_goroutines_look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		struct gm_goroutine *item = &look->items[i];

		item->system = is_system(look, item->state->start_pc);
		item->labels = gm_go_label_sets_of(&look->sets, item->state->labels);
	}
}

/* What moves fast comes first. */
static struct gm_error *read_all(struct gm_goroutines_look *look)
{
	struct gm_subject *subject = &look->subject;
	struct gm_error *error;

	error = gm_go_goroutines_read(&subject->target, &look->states);
	/* The clock of a core's machine stands still. */
	if (subject->core)
		look->states.at = 0;
	if (!error)
		error = add_goroutines(look);
	/* Elsewhere return addresses lie at other places. */
	if (!error && subject->image.layout.machine == EM_X86_64)
		error = read_stacks(look);
	if (!error)
		error = gm_go_goroutines_reread(&subject->target, &look->states, got_moved, look);
	if (error)
		return error;
	gm_go_label_sets_read(&look->sets, subject->mem, subject->image.version.minor);
	gm_error_destroy(gm_subject_read_pages(subject));
	look->thread_resident = subject->pages ? 0 : GM_OUT_NONE;
	if (subject->pages)
		read_residency(look);
	finish(look);
	gm_goroutines_sort_alike(look);
	return NULL;
}

struct gm_error *gm_goroutines_look(const struct gm_source *source, struct gm_goroutines_look *look)
{
	struct gm_subject *subject = &look->subject;
	struct gm_error *error;

	memset(look, 0, sizeof(*look));
	error = gm_subject_open(source, subject);
	if (!error)
		error = gm_subject_read_functions(subject);
	if (error)
		return error;
	gm_go_wait_reasons_read(&subject->image.program,
				&subject->image.globals[GM_GO_WAIT_REASONS],
				gm_go_functions_modules(subject->functions), &look->reasons);
	return read_all(look);
}

void gm_goroutines_look_deinit(struct gm_goroutines_look *look)
{
	free(look->items);
	free(look->pcs.items);
	gm_go_label_sets_deinit(&look->sets);
	gm_go_goroutines_deinit(&look->states);
	gm_subject_deinit(&look->subject);
	memset(look, 0, sizeof(*look));
}
