// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of the stacks table to groups. */
#define _GNU_SOURCE 1 /* qsort_r */
#include <errno.h>
#include <string.h>

#include "cmd_stacks.h"

#define PAGE_BYTES 4096

/* What rows are compared with: those of a group are equal. */
struct order {
	const struct gm_stacks_labels *labels;
	enum gm_stacks_by by;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_labels(const struct gm_go_labels *a, const struct gm_go_labels *b)
{
	size_t a_count = a ? a->count : 0, b_count = b ? b->count : 0;
	int order;

	for (size_t i = 0; i < a_count && i < b_count; i++) {
		order = strcmp(a->items[i].key, b->items[i].key);
		if (!order)
			order = strcmp(a->items[i].value, b->items[i].value);
		if (order)
			return order;
	}
	return compare_numbers(a_count, b_count);
}

static int compare_keys(const struct gm_module_stack *a, const struct gm_module_stack *b,
			const struct order *order)
{
	if (a->pid != b->pid)
		return compare_numbers(a->pid, b->pid);
	switch (order->by) {
	case GM_STACKS_STACK:
		return strcmp(a->frames, b->frames);
	case GM_STACKS_GOROUTINE:
		return compare_numbers(a->goid, b->goid);
	case GM_STACKS_LABELS:
		return compare_labels(gm_stacks_labels_of(order->labels, a),
				      gm_stacks_labels_of(order->labels, b));
	default:
		return compare_numbers(a->tid, b->tid);
	}
}

/* Within a group by goroutine and thread, so that different ones can be counted. */
static int compare_rows(const void *one, const void *two, void *arg)
{
	const struct gm_module_stack *a = one, *b = two;
	int order = compare_keys(a, b, arg);

	if (!order)
		order = compare_numbers(a->goid, b->goid);
	return order ?: compare_numbers(a->tid, b->tid);
}

static uint64_t bytes_of(const struct gm_module_stack *row)
{
	return row->size > UINT64_MAX / 1024 ? UINT64_MAX : row->size * 1024;
}

static bool is(const struct gm_module_stack *row, const char *kind)
{
	return !strcmp(row->kind, kind);
}

/* A fault that maps a large folio is told twice: with a page, then with the whole folio. */
static uint64_t touched_by(const struct gm_module_stack *row)
{
	uint64_t bytes = bytes_of(row);

	if (is(row, "anon_fault"))
		return bytes;
	if (!is(row, "mthp_fault") && !is(row, "huge_fault"))
		return 0;
	return row->count < bytes / PAGE_BYTES ? bytes - row->count * PAGE_BYTES : 0;
}

static void add_row(struct gm_stacks_group *group, const struct gm_module_stack *row)
{
	uint64_t touched = touched_by(row), mapped = is(row, "mmap") ? bytes_of(row) : 0;

	group->touched += touched;
	group->mapped += mapped;
	if (is(row, "anon_fault"))
		group->faults += row->count;
	if (is(row, "mmap"))
		group->mmaps += row->count;
	if (is(row, "dontneed") || is(row, "lazyfree")) {
		group->released += bytes_of(row);
		group->releases += row->count;
	}
	if (!group->top || touched > group->top_touched ||
	    (touched == group->top_touched && mapped > group->top_mapped)) {
		group->top = row;
		group->top_touched = touched;
		group->top_mapped = mapped;
	}
}

static void add_labels(struct gm_stacks_group *group, const struct gm_go_labels *labels,
		       bool is_first, enum gm_stacks_by by)
{
	bool may_come_late = by == GM_STACKS_GOROUTINE && group->goid;

	if (is_first || (may_come_late && !group->labels && !group->has_more_labels)) {
		group->labels = labels;
	} else if (compare_labels(group->labels, labels) && !(may_come_late && !labels)) {
		group->labels = NULL;
		group->has_more_labels = true;
	}
}

static void add_who(struct gm_stacks_group *group, const struct gm_module_stack *row,
		    const struct gm_module_stack *last)
{
	bool is_new_goid = !last || last->goid != row->goid;

	if (row->goid && is_new_goid) {
		group->goroutines++;
		group->goid = row->goid;
	}
	if (row->tid && (is_new_goid || last->tid != row->tid)) {
		group->threads += !group->threads || group->tid != row->tid;
		group->tid = row->tid;
	}
}

static int by_size(const void *one, const void *two)
{
	const struct gm_stacks_group *a = one, *b = two;
	int order = compare_numbers(b->touched, a->touched);

	if (!order)
		order = compare_numbers(b->mapped, a->mapped);
	return order ?: compare_numbers(b->released, a->released);
}

struct gm_error *gm_stacks_group(struct gm_module_stacks *stacks,
				 const struct gm_stacks_labels *labels, enum gm_stacks_by by,
				 struct gm_stacks_groups *groups)
{
	struct order order = { labels, by };
	const struct gm_module_stack *last = NULL;
	struct gm_stacks_group *group = NULL;

	if (!stacks->count)
		return NULL;
	qsort_r(stacks->items, stacks->count, sizeof(*stacks->items), compare_rows, &order);
	for (size_t i = 0; i < stacks->count; i++) {
		const struct gm_module_stack *row = &stacks->items[i];

		if (!last || compare_keys(last, row, &order)) {
			group = gm_vec_push(groups);
			last = NULL;
		}
		if (!group)
			return gm_error_create(ENOMEM, "out of memory");
		group->pid = row->pid;
		add_row(group, row);
		add_who(group, row, last);
		add_labels(group, gm_stacks_labels_of(labels, row), !last, by);
		last = row;
	}
	qsort(groups->items, groups->count, sizeof(*groups->items), by_size);
	return NULL;
}
