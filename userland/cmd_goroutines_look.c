// SPDX-License-Identifier: GPL-2.0-or-later
/* A look at the goroutines of a process: where they are, what their stacks take, their labels. */
#include <errno.h>
#include <string.h>

#include "cmd_goroutines.h"
#include "join/resident.h"

static uint64_t resident_bytes(const struct gm_goroutines_look *look,
			       const struct gm_go_goroutine_state *state)
{
	return gm_resident_bytes(look->pages, state->stack_low, state->stack_high);
}

static uint64_t wait_ns(const struct gm_goroutines_look *look,
			const struct gm_go_goroutine_state *state)
{
	int64_t now = look->population->states.at;

	if (state->wait_since > 0 && state->wait_since <= now &&
	    (state->status == GM_GO_WAITING || state->status == GM_GO_SYSCALL ||
	     state->status == GM_GO_LEAKED))
		return now - state->wait_since;
	return GM_OUT_NONE;
}

/* Go src/runtime/traceback.go: isSystemGoroutine(), but for what the runtime does at times only:
 * the finalizers' and cleanups' goroutine counts as its own.
 */
static bool is_system(struct gm_goroutines_look *look, uint64_t start_pc)
{
	static const char *const users[] = { "runtime.main", "runtime.corostart",
					     "runtime.handleAsyncEvent" };
	const char *function = gm_subject_function(look->subject, start_pc);

	if (!function || strncmp(function, "runtime.", 8))
		return false;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (!strcmp(function, users[i]))
			return false;
	return true;
}

static struct gm_error *add_goroutine(struct gm_goroutines_look *look,
				      const struct gm_go_goroutine_state *state,
				      const struct gm_go_trace *trace)
{
	struct gm_goroutine *item = gm_vec_push(look);

	if (!item)
		return gm_error_create(ENOMEM, "out of memory");
	*item = (struct gm_goroutine){
		.state = state,
		.frames = trace->first,
		.count = trace->count,
		.lack = trace->lack,
		.system = is_system(look, state->start_pc),
		.stack_bytes = state->stack_high - state->stack_low,
		.used_bytes = gm_go_is_on_stack(state) ? state->stack_high - state->sp :
							 GM_OUT_NONE,
		.resident_bytes = look->pages ? resident_bytes(look, state) : GM_OUT_NONE,
		.wait_ns = wait_ns(look, state),
		.labels = gm_go_label_sets_of(&look->population->labels, state->labels),
	};
	return NULL;
}

static void add_thread(struct gm_goroutines_look *look, const struct gm_go_goroutine_state *state)
{
	look->threads += state->kind == GM_GO_G_THREAD;
	look->thread_bytes += state->stack_high - state->stack_low;
	if (look->pages)
		look->thread_resident += resident_bytes(look, state);
}

struct gm_error *gm_goroutines_look_at(struct gm_subject *subject,
				       const struct gm_go_population *population,
				       const struct gm_pages *pages,
				       struct gm_goroutines_look *look)
{
	struct gm_error *error = NULL;

	*look = (struct gm_goroutines_look){
		.subject = subject,
		.population = population,
		.pages = pages,
		.thread_resident = pages ? 0 : GM_OUT_NONE,
	};
	for (size_t i = 0; i < population->count && !error; i++)
		error = add_goroutine(look, &population->states.items[i], &population->items[i]);
	for (size_t i = population->count; i < population->states.count; i++)
		add_thread(look, &population->states.items[i]);
	if (!error)
		gm_goroutines_sort_alike(look);
	return error;
}

struct gm_error *gm_goroutines_look(struct gm_subject *subject, struct gm_goroutines_look *look)
{
	struct gm_error *error = gm_subject_read_population(subject);

	*look = (struct gm_goroutines_look){};
	if (error)
		return error;
	gm_error_destroy(gm_subject_read_pages(subject));
	return gm_goroutines_look_at(subject, &subject->population, subject->pages, look);
}

void gm_goroutines_look_deinit(struct gm_goroutines_look *look)
{
	free(look->items);
	*look = (struct gm_goroutines_look){};
}
