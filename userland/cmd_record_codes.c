// SPDX-License-Identifier: GPL-2.0-or-later
/* What gomemctl record keeps of the code that goroutines and the module's stacks are in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_record.h"
#include "cmd_stacks.h"

/* Addresses, @fresh those that are not @known. */
struct wanted {
	const struct gm_record_known *known;
	struct gm_record_known fresh;
};

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *one = a, *two = b;

	return (*one > *two) - (*one < *two);
}

static bool is_known(const struct gm_record_known *known, uint64_t address)
{
	return known->count && bsearch(&address, known->items, known->count, sizeof(*known->items),
				       compare_addresses);
}

static bool want(struct wanted *wanted, uint64_t address)
{
	uint64_t *added;

	if (is_known(wanted->known, address))
		return true;
	added = gm_vec_push(&wanted->fresh);
	if (added)
		*added = address;
	return added;
}

/* Where they are, where they began, and the go statement that made them. */
static bool want_goroutines(struct wanted *wanted, const struct gm_go_population *population)
{
	bool ok = true;

	for (size_t i = 0; i < population->pcs.count && ok; i++)
		ok = want(wanted, population->pcs.items[i]);
	for (size_t i = 0; i < population->count && ok; i++) {
		const struct gm_go_goroutine_state *state = &population->states.items[i];

		ok = want(wanted, state->start_pc) && want(wanted, state->go_pc - 1);
	}
	return ok;
}

static bool want_stacks(struct wanted *wanted, const struct gm_module_stacks *stacks)
{
	uint64_t addresses[GM_STACKS_FRAMES_MAX];
	bool ok = true;

	for (size_t i = 0; i < stacks->count; i++) {
		size_t count = gm_stacks_addresses(&stacks->items[i], addresses);

		for (size_t j = 0; j < count && ok; j++)
			ok = want(wanted, addresses[j] - !!j);
	}
	return ok;
}

static void sort_unique(struct gm_record_known *addresses)
{
	size_t kept = 0;

	if (addresses->count)
		qsort(addresses->items, addresses->count, sizeof(*addresses->items),
		      compare_addresses);
	for (size_t i = 0; i < addresses->count; i++)
		if (!kept || addresses->items[kept - 1] != addresses->items[i])
			addresses->items[kept++] = addresses->items[i];
	addresses->count = kept;
}

static bool copy(const char *text, char **to)
{
	*to = text ? strdup(text) : NULL;
	return !text || *to;
}

static struct gm_error *name(struct gm_stacks_names *names, struct gm_sample *sample,
			     uint64_t address)
{
	struct gm_stacks_frame frames[GM_GO_FRAMES_MAX] = { { .address = address } };
	size_t count = gm_stacks_names_at(names, sample->pid, address, frames, GM_GO_FRAMES_MAX);

	for (size_t i = 0; i < count; i++) {
		struct gm_sample_code *code = gm_vec_push(&sample->codes);

		if (!code)
			return no_memory();
		code->address = address;
		code->place = i;
		code->line = frames[i].line;
		code->inlined = frames[i].inlined;
		if (!copy(frames[i].function, &code->function) ||
		    !copy(frames[i].source, &code->source) || !copy(frames[i].file, &code->mapped))
			return no_memory();
	}
	return NULL;
}

/* Files are opened for it, so that what was loaded since counts. */
static struct gm_error *name_all(const struct gm_record_known *addresses, struct gm_sample *sample)
{
	gm_auto(gm_stacks_names) struct gm_stacks_names *names = NULL;
	struct gm_error *error = NULL;

	if (addresses->count)
		error = gm_stacks_names_create(NULL, &names);
	for (size_t i = 0; i < addresses->count && !error; i++)
		error = name(names, sample, addresses->items[i]);
	return error;
}

static bool add_known(struct gm_record_known *known, const struct gm_record_known *fresh)
{
	if (!fresh->count)
		return true;
	if (!gm_vec_reserve(known, fresh->count))
		return false;
	memcpy(known->items + known->count, fresh->items, fresh->count * sizeof(*fresh->items));
	known->count += fresh->count;
	sort_unique(known);
	return true;
}

struct gm_error *gm_record_codes(struct gm_record_known *known, struct gm_sample *sample)
{
	struct wanted wanted = { .known = known };
	struct gm_error *error = NULL;

	if (!want_goroutines(&wanted, &sample->population) ||
	    !want_stacks(&wanted, &sample->stacks))
		error = no_memory();
	sort_unique(&wanted.fresh);
	if (!error)
		error = name_all(&wanted.fresh, sample);
	if (!error && !add_known(known, &wanted.fresh))
		error = no_memory();
	free(wanted.fresh.items);
	return error;
}
