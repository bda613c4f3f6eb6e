// SPDX-License-Identifier: GPL-2.0-or-later
/* The goroutines of a Go process that lies, their stacks and labels. */
#include "go/functions.h"
#include "go/goroutine.h"
#include "go/goroutines.h"
#include "go/unwind.h"
#include "process.h"

#define FRAMES_MAX 1000

static bool read_word(void *context, uint64_t address, uint64_t *word)
{
	struct gm_error *error = gm_mem_read(context, address, word, sizeof(*word));

	gm_error_destroy(error);
	return !error;
}

static void look(const struct fuzz_process *process, struct gm_go_functions *functions,
		 const struct gm_go_goroutine_state *state)
{
	const struct gm_go_words words = { state->stack_low, state->stack_high, read_word,
					   process->target.mem };
	struct gm_go_labels labels = {};
	struct gm_go_unwind unwind;
	bool more;

	gm_go_unwind_init(&unwind, functions, &words);
	more = gm_go_unwind_first(&unwind, state->pc, state->sp);
	for (size_t i = 0; more && i < FRAMES_MAX; i++)
		more = gm_go_unwind_next(&unwind);
	fuzz_accept(gm_go_labels_read(process->target.mem, process->image.version.minor,
				      state->labels, &labels));
	gm_go_labels_deinit(&labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_process *process = fuzz_process(data, size);
	struct gm_go_functions *functions = NULL;
	struct gm_go_goroutines goroutines = {};
	struct gm_error *error;

	error = gm_go_functions_open(&process->image.program, &process->image.layout, &functions);
	if (!error)
		error = gm_go_goroutines_read(&process->target, &goroutines);
	for (size_t i = 0; i < goroutines.count && !error; i++)
		look(process, functions, &goroutines.items[i]);
	fuzz_accept(error);
	gm_go_goroutines_deinit(&goroutines);
	gm_go_functions_destroy(functions);
	return 0;
}
