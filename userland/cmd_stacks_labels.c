// SPDX-License-Identifier: GPL-2.0-or-later
/* The labels of goroutines, read from their processes. */
#include <errno.h>

#include "cmd_stacks.h"
#include "os/mem.h"

struct entry {
	uint64_t pid;
	uint64_t pointer;
	struct gm_go_labels labels;
};

struct gm_stacks_labels {
	GM_VEC(struct entry);
};

void gm_stacks_labels_destroy(struct gm_stacks_labels *labels)
{
	if (!labels)
		return;
	for (size_t i = 0; i < labels->count; i++)
		gm_go_labels_deinit(&labels->items[i].labels);
	free(labels->items);
	free(labels);
}

static int compare(const void *a, const void *b)
{
	const struct entry *one = a, *two = b;

	if (one->pid != two->pid)
		return one->pid < two->pid ? -1 : 1;
	return (one->pointer > two->pointer) - (one->pointer < two->pointer);
}

/* Sorted, each once. */
static struct gm_error *collect(const struct gm_module_stacks *stacks,
				struct gm_stacks_labels *labels)
{
	size_t kept = 0;

	for (size_t i = 0; i < stacks->count; i++) {
		struct entry *entry = stacks->items[i].labels ? gm_vec_push(labels) : NULL;

		if (entry)
			*entry = (struct entry){ .pid = stacks->items[i].pid,
						 .pointer = stacks->items[i].labels };
		else if (stacks->items[i].labels)
			return gm_error_create(ENOMEM, "out of memory");
	}
	if (!labels->count)
		return NULL;
	qsort(labels->items, labels->count, sizeof(*labels->items), compare);
	for (size_t i = 0; i < labels->count; i++)
		if (!kept || compare(&labels->items[kept - 1], &labels->items[i]))
			labels->items[kept++] = labels->items[i];
	labels->count = kept;
	return NULL;
}

/* Those of one process; what cannot be read stays empty. Returns how many entries that are. */
static size_t read_process(struct entry *entries, size_t count)
{
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	struct gm_go_goroutine goroutine;
	struct gm_error *error;
	size_t i;

	error = gm_go_goroutine_read(entries[0].pid, &goroutine);
	if (!error)
		error = gm_mem_open_pid(entries[0].pid, &mem);
	for (i = 0; i < count && entries[i].pid == entries[0].pid; i++) {
		struct gm_error *unread;

		if (error)
			continue;
		unread = gm_go_labels_read(mem, goroutine.version.minor, entries[i].pointer,
					   &entries[i].labels);
		if (unread)
			gm_go_labels_deinit(&entries[i].labels);
		gm_error_destroy(unread);
	}
	gm_error_destroy(error);
	return i;
}

struct gm_error *gm_stacks_labels_read(const struct gm_module_stacks *stacks,
				       struct gm_stacks_labels **out)
{
	gm_auto(gm_stacks_labels) struct gm_stacks_labels *labels = calloc(1, sizeof(*labels));
	struct gm_error *error;

	if (!labels)
		return gm_error_create(ENOMEM, "out of memory");
	error = collect(stacks, labels);
	for (size_t i = 0; !error && i < labels->count;)
		i += read_process(&labels->items[i], labels->count - i);
	if (error)
		return error;
	*out = labels;
	labels = NULL;
	return NULL;
}

const struct gm_go_labels *gm_stacks_labels_of(const struct gm_stacks_labels *labels,
					       const struct gm_module_stack *stack)
{
	const struct entry key = { .pid = stack->pid, .pointer = stack->labels };
	const struct entry *found = NULL;

	if (stack->labels && labels->count)
		found = bsearch(&key, labels->items, labels->count, sizeof(key), compare);
	return found && found->labels.count ? &found->labels : NULL;
}
