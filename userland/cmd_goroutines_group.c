// SPDX-License-Identifier: GPL-2.0-or-later
/* Goroutines in groups: first those alike in all that can be grouped by, then as asked for. */
#define _GNU_SOURCE 1 /* qsort_r */
#include <errno.h>
#include <string.h>

#include "cmd_goroutines.h"

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static int compare_numbers(uint64_t one, uint64_t two)
{
	return (one > two) - (one < two);
}

/* Of one look, or of two. */
static int compare_stacks(const uint64_t *one_pcs, const struct gm_goroutine *one,
			  const uint64_t *two_pcs, const struct gm_goroutine *two)
{
	int order = compare_numbers(one->count, two->count);

	for (size_t i = 0; i < one->count && !order; i++)
		order = compare_numbers(one_pcs[one->frames + i], two_pcs[two->frames + i]);
	/* Without a stack, what it began with tells most. */
	if (!order)
		order = compare_numbers(one->state->start_pc, two->state->start_pc);
	return order ?: compare_numbers(one->state->go_pc, two->state->go_pc);
}

static int compare_labels(const struct gm_go_labels *one, const struct gm_go_labels *two)
{
	int order = compare_numbers(one ? one->count : 0, two ? two->count : 0);

	for (size_t i = 0; one && two && i < one->count && !order; i++) {
		order = strcmp(one->items[i].key, two->items[i].key);
		if (!order)
			order = strcmp(one->items[i].value, two->items[i].value);
	}
	return order;
}

static int compare_states(const struct gm_go_goroutine_state *one,
			  const struct gm_go_goroutine_state *two)
{
	int order = compare_numbers(one->status, two->status);

	return order ?: compare_numbers(one->wait_reason, two->wait_reason);
}

static int compare_items(const void *a, const void *b, void *pcs)
{
	const struct gm_goroutine *one = a, *two = b;
	int order = compare_stacks(pcs, one, pcs, two);

	if (!order)
		order = compare_states(one->state, two->state);
	return order ?: compare_labels(one->labels, two->labels);
}

void gm_goroutines_sort_alike(struct gm_goroutines_look *look)
{
	if (look->count)
		qsort_r(look->items, look->count, sizeof(*look->items), compare_items,
			look->population->pcs.items);
}

static int compare_ids(const void *a, const void *b)
{
	const struct gm_goroutine *one = a, *two = b;

	return compare_numbers(one->state->id, two->state->id);
}

void gm_goroutines_sort_by_id(struct gm_goroutines_look *look)
{
	if (look->count)
		qsort(look->items, look->count, sizeof(*look->items), compare_ids);
}

static void add_known(uint64_t *sum, uint64_t bytes)
{
	if (bytes != GM_OUT_NONE)
		*sum += bytes;
}

static void add_wait(struct gm_goroutines_group *group, uint64_t wait_ns, uint64_t waits)
{
	group->waits += waits;
	if (waits && (group->wait_ns == GM_OUT_NONE || group->wait_ns < wait_ns))
		group->wait_ns = wait_ns;
}

static void add_item(struct gm_goroutines_group *group, const struct gm_goroutine *item)
{
	group->count++;
	group->stack_bytes += item->stack_bytes;
	add_known(&group->used_bytes, item->used_bytes);
	add_known(&group->resident_bytes, item->resident_bytes);
	add_wait(group, item->wait_ns, item->wait_ns != GM_OUT_NONE);
}

static void name_group(struct gm_goroutines_look *look, struct gm_goroutines_group *group)
{
	struct gm_go_frame frame;

	group->function = gm_goroutines_where(look, group->example);
	if (gm_goroutines_creator(look, group->example, &frame))
		group->creator = frame.function;
	gm_goroutines_state(look, group->example, group->state);
	group->labels = group->example->labels;
	group->example_count = group->count;
}

/* Neighbours that are alike. */
struct gm_error *gm_goroutines_group_alike(struct gm_goroutines_look *look, bool system,
					   struct gm_goroutines_groups *groups)
{
	struct gm_goroutines_group *group = NULL;

	for (size_t i = 0; i < look->count; i++) {
		const struct gm_goroutine *item = &look->items[i];

		if (item->system != system)
			continue;
		if (!group || compare_items(group->example, item, look->population->pcs.items)) {
			group = gm_vec_push(groups);
			if (!group)
				return no_memory();
			group->example = item;
			group->wait_ns = GM_OUT_NONE;
		}
		add_item(group, item);
	}
	for (size_t i = 0; i < groups->count; i++)
		name_group(look, &groups->items[i]);
	return NULL;
}

/* @one, @two: the pcs of the looks that the groups are of */
struct order {
	enum gm_goroutines_by by;
	const uint64_t *one;
	const uint64_t *two;
};

static int compare_groups(const void *a, const void *b, void *context)
{
	const struct gm_goroutines_group *one = a, *two = b;
	const struct order *order = context;

	switch (order->by) {
	case GM_GOROUTINES_FUNCTION:
		return strcmp(one->function ?: "", two->function ?: "");
	case GM_GOROUTINES_CREATOR:
		return strcmp(one->creator ?: "", two->creator ?: "");
	case GM_GOROUTINES_STATE:
		return strcmp(one->state, two->state);
	case GM_GOROUTINES_LABELS:
		return compare_labels(one->labels, two->labels);
	default:
		return compare_stacks(order->one, one->example, order->two, two->example);
	}
}

static void merge(struct gm_goroutines_group *into, const struct gm_goroutines_group *from)
{
	if (from->example_count > into->example_count) {
		into->example = from->example;
		into->example_count = from->example_count;
	}
	if (strcmp(into->state, from->state))
		*into->state = '\0';
	if (compare_labels(into->labels, from->labels))
		into->has_more_labels = true;
	if (into->has_more_labels)
		into->labels = NULL;
	into->count += from->count;
	into->stack_bytes += from->stack_bytes;
	into->used_bytes += from->used_bytes;
	into->resident_bytes += from->resident_bytes;
	add_wait(into, from->wait_ns, from->waits);
}

static int most_stack_first(const void *a, const void *b)
{
	const struct gm_goroutines_group *one = a, *two = b;
	int order = compare_numbers(two->stack_bytes, one->stack_bytes);

	if (!order)
		order = compare_numbers(two->count, one->count);
	return order ?: compare_numbers(one->example->state->id, two->example->state->id);
}

static void merge_alike(struct gm_goroutines_groups *groups, const struct order *order)
{
	size_t kept = 0;

	for (size_t i = 0; i < groups->count; i++) {
		if (kept &&
		    !compare_groups(&groups->items[kept - 1], &groups->items[i], (void *)order))
			merge(&groups->items[kept - 1], &groups->items[i]);
		else
			groups->items[kept++] = groups->items[i];
	}
	groups->count = kept;
}

/* The groups by what makes them, each once. */
static struct gm_error *make_groups(struct gm_goroutines_look *look, enum gm_goroutines_by by,
				    bool system, struct gm_goroutines_groups *groups)
{
	const struct order order = { by, look->population->pcs.items, look->population->pcs.items };
	struct gm_error *error = gm_goroutines_group_alike(look, system, groups);

	if (error || !groups->count)
		return error;
	qsort_r(groups->items, groups->count, sizeof(*groups->items), compare_groups,
		(void *)&order);
	merge_alike(groups, &order);
	return NULL;
}

/* What each had in the look before: both are in order. */
static void count_before(struct gm_goroutines_groups *groups,
			 const struct gm_goroutines_groups *before, const struct order *order)
{
	size_t at = 0;

	for (size_t i = 0; i < groups->count; i++) {
		struct gm_goroutines_group *group = &groups->items[i];
		int compared = 1;

		while (at < before->count && compared > 0) {
			compared = compare_groups(group, &before->items[at], (void *)order);
			at += compared > 0;
		}
		group->before = compared ? 0 : before->items[at].count;
	}
}

struct gm_error *gm_goroutines_group(struct gm_goroutines_look *look, enum gm_goroutines_by by,
				     bool system, struct gm_goroutines_groups *groups)
{
	struct gm_goroutines_groups before = {};
	struct gm_error *error = make_groups(look, by, system, groups);

	if (!error && look->before)
		error = make_groups(look->before, by, system, &before);
	if (!error && look->before)
		count_before(groups, &before,
			     &(struct order){ by, look->population->pcs.items,
					      look->before->population->pcs.items });
	free(before.items);
	if (!error && groups->count)
		qsort(groups->items, groups->count, sizeof(*groups->items), most_stack_first);
	return error;
}
