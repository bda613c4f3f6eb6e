// SPDX-License-Identifier: GPL-2.0-or-later
/* The labels of goroutines, read from their processes. */
#include <errno.h>

#include "cmd_stacks.h"
#include "go/goroutine.h"
#include "os/mem.h"

struct process {
	uint64_t pid;
	struct gm_go_label_sets sets;
};

struct gm_stacks_labels {
	GM_VEC(struct process);
};

void gm_stacks_labels_destroy(struct gm_stacks_labels *labels)
{
	if (!labels)
		return;
	for (size_t i = 0; i < labels->count; i++)
		gm_go_label_sets_deinit(&labels->items[i].sets);
	free(labels->items);
	free(labels);
}

/* There are as few as there are targets. */
static struct process *find(const struct gm_stacks_labels *labels, uint64_t pid)
{
	for (size_t i = 0; i < labels->count; i++)
		if (labels->items[i].pid == pid)
			return &labels->items[i];
	return NULL;
}

static struct gm_error *collect(const struct gm_module_stacks *stacks,
				struct gm_stacks_labels *labels)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < stacks->count && !error; i++) {
		struct process *process = find(labels, stacks->items[i].pid);

		if (!process)
			process = gm_vec_push(labels);
		if (!process)
			return gm_error_create(ENOMEM, "out of memory");
		process->pid = stacks->items[i].pid;
		error = gm_go_label_sets_want(&process->sets, stacks->items[i].labels);
	}
	return error;
}

/* What cannot be read stays empty. */
static void read_process(struct process *process)
{
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	struct gm_go_goroutine goroutine;
	struct gm_error *error;

	if (!process->sets.count)
		return;
	error = gm_go_goroutine_read(process->pid, &goroutine);
	if (!error)
		error = gm_mem_open_pid(process->pid, &mem);
	if (!error)
		gm_go_label_sets_read(&process->sets, mem, goroutine.version.minor);
	gm_error_destroy(error);
}

struct gm_error *gm_stacks_labels_read(const struct gm_module_stacks *stacks,
				       struct gm_stacks_labels **out)
{
	gm_auto(gm_stacks_labels) struct gm_stacks_labels *labels = calloc(1, sizeof(*labels));
	struct gm_error *error;

	if (!labels)
		return gm_error_create(ENOMEM, "out of memory");
	error = collect(stacks, labels);
	if (error)
		return error;
	for (size_t i = 0; i < labels->count; i++)
		read_process(&labels->items[i]);
	*out = labels;
	labels = NULL;
	return NULL;
}

struct gm_error *gm_stacks_labels_take(uint64_t pid, struct gm_go_label_sets *sets,
				       struct gm_stacks_labels **out)
{
	gm_auto(gm_stacks_labels) struct gm_stacks_labels *labels = calloc(1, sizeof(*labels));
	struct process *process = labels ? gm_vec_push(labels) : NULL;

	if (!process)
		return gm_error_create(ENOMEM, "out of memory");
	*process = (struct process){ pid, *sets };
	*sets = (struct gm_go_label_sets){};
	*out = labels;
	labels = NULL;
	return NULL;
}

const struct gm_go_labels *gm_stacks_labels_of(const struct gm_stacks_labels *labels,
					       const struct gm_module_stack *stack)
{
	const struct process *process = find(labels, stack->pid);

	return process ? gm_go_label_sets_of(&process->sets, stack->labels) : NULL;
}
