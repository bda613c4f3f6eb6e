// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/label_sets.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "os/mem_cache.h"

static int by_pointer(const void *a, const void *b)
{
	const struct gm_go_label_set *one = a, *two = b;

	return (one->pointer > two->pointer) - (one->pointer < two->pointer);
}

struct gm_error *gm_go_label_sets_want(struct gm_go_label_sets *sets, uint64_t pointer)
{
	struct gm_go_label_set *set;

	/* Neighbours in a list of goroutines often have the same. */
	if (!pointer || (sets->count && sets->items[sets->count - 1].pointer == pointer))
		return NULL;
	set = gm_vec_push(sets);
	if (!set)
		return gm_error_create(ENOMEM, "out of memory");
	set->pointer = pointer;
	return NULL;
}

static void sort_unique(struct gm_go_label_sets *sets)
{
	size_t kept = 0;

	if (sets->count)
		qsort(sets->items, sets->count, sizeof(*sets->items), by_pointer);
	for (size_t i = 0; i < sets->count; i++)
		if (!kept || sets->items[kept - 1].pointer != sets->items[i].pointer)
			sets->items[kept++] = sets->items[i];
	sets->count = kept;
}

static void read_sets(struct gm_go_label_sets *sets, struct gm_mem *mem, unsigned int minor)
{
	for (size_t i = 0; i < sets->count; i++) {
		struct gm_go_label_set *set = &sets->items[i];
		struct gm_error *error;

		error = gm_go_labels_read(mem, minor, set->pointer, &set->labels);
		if (error)
			gm_go_labels_deinit(&set->labels);
		gm_error_destroy(error);
	}
}

/* The sets of one program were made in the same places: maps, slices, strings. */
void gm_go_label_sets_read(struct gm_go_label_sets *sets, struct gm_mem *mem, unsigned int minor)
{
	gm_auto(gm_mem) struct gm_mem *cache = NULL;
	struct gm_error *error = gm_mem_cache(mem, &cache);

	gm_error_destroy(error);
	sort_unique(sets);
	read_sets(sets, cache ?: mem, minor);
}

const struct gm_go_labels *gm_go_label_sets_of(const struct gm_go_label_sets *sets,
					       uint64_t pointer)
{
	const struct gm_go_label_set key = { .pointer = pointer };
	const struct gm_go_label_set *found = NULL;

	if (pointer && sets->count)
		found = bsearch(&key, sets->items, sets->count, sizeof(key), by_pointer);
	return found && found->labels.count ? &found->labels : NULL;
}

static int by_labels(const void *a, const void *b)
{
	const struct gm_go_label_set *one = *(const struct gm_go_label_set *const *)a;
	const struct gm_go_label_set *two = *(const struct gm_go_label_set *const *)b;
	int order =
		(one->labels.count > two->labels.count) - (one->labels.count < two->labels.count);

	for (size_t i = 0; i < one->labels.count && !order; i++) {
		order = strcmp(one->labels.items[i].key, two->labels.items[i].key);
		if (!order)
			order = strcmp(one->labels.items[i].value, two->labels.items[i].value);
	}
	return order;
}

/* By set, the pointer of the first that is alike. */
static uint64_t *find_alike(const struct gm_go_label_sets *sets)
{
	gm_autofree const struct gm_go_label_set **sorted =
		calloc(sets->count + 1, sizeof(*sorted));
	uint64_t *alike = calloc(sets->count + 1, sizeof(*alike));

	for (size_t i = 0; sorted && i < sets->count; i++)
		sorted[i] = &sets->items[i];
	if (!sorted || !alike) {
		free(alike);
		return NULL;
	}
	qsort(sorted, sets->count, sizeof(*sorted), by_labels);
	for (size_t i = 0; i < sets->count; i++) {
		bool same = i && !by_labels(&sorted[i - 1], &sorted[i]);

		alike[sorted[i] - sets->items] = same ? alike[sorted[i - 1] - sets->items] :
							sorted[i]->pointer;
	}
	return alike;
}

static void drop_alike(struct gm_go_label_sets *sets, const uint64_t *alike)
{
	size_t kept = 0;

	for (size_t i = 0; i < sets->count; i++) {
		if (alike[i] == sets->items[i].pointer)
			sets->items[kept++] = sets->items[i];
		else
			gm_go_labels_deinit(&sets->items[i].labels);
	}
	sets->count = kept;
}

bool gm_go_label_sets_fold(struct gm_go_label_sets *sets, uint64_t *places, size_t stride,
			   size_t count)
{
	gm_autofree uint64_t *alike = find_alike(sets);

	if (!alike)
		return false;
	for (size_t i = 0; i < count && sets->count; i++) {
		uint64_t *place = (uint64_t *)((char *)places + i * stride);
		const struct gm_go_label_set key = { .pointer = *place };
		const struct gm_go_label_set *found =
			bsearch(&key, sets->items, sets->count, sizeof(key), by_pointer);

		if (found)
			*place = alike[found - sets->items];
	}
	drop_alike(sets, alike);
	return true;
}

void gm_go_label_sets_deinit(struct gm_go_label_sets *sets)
{
	for (size_t i = 0; i < sets->count; i++)
		gm_go_labels_deinit(&sets->items[i].labels);
	free(sets->items);
	*sets = (struct gm_go_label_sets){};
}
