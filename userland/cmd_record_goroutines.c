// SPDX-License-Identifier: GPL-2.0-or-later
/* What gomemctl record keeps of goroutines, and of the code that they are in. */
#include <errno.h>
#include <string.h>

#include "cmd_goroutines.h"
#include "cmd_record.h"

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static struct gm_error *read_population(struct gm_subject *subject, struct gm_sample *sample)
{
	const struct gm_go_target target = { subject->mem, sample->maps, &subject->image, false };
	struct gm_error *error = gm_subject_read_functions(subject);

	return error ?: gm_go_population_read(&target, subject->functions, &sample->population);
}

/* Each goroutine of a server may have labels of its own that say the same. */
static bool fold_labels(struct gm_go_population *population)
{
	struct gm_go_goroutines *states = &population->states;

	return !states->count ||
	       gm_go_label_sets_fold(&population->labels, &states->items[0].labels,
				     sizeof(*states->items), states->count);
}

static struct gm_error *keep_problem(struct gm_sample *sample, struct gm_error *problem)
{
	gm_go_population_deinit(&sample->population);
	sample->population_code = problem->code;
	sample->population_problem = strdup(problem->message);
	gm_error_destroy(problem);
	return sample->population_problem ? NULL : no_memory();
}

static struct gm_error *add_group(struct gm_sample *sample, const struct gm_goroutines_group *group)
{
	struct gm_sample_group *added = gm_vec_push(&sample->groups);

	if (!added)
		return no_memory();
	*added = (struct gm_sample_group){
		.function = group->function,
		.creator = group->creator,
		.system = group->example->system,
		.count = group->count,
		.stack_bytes = group->stack_bytes,
		.used_bytes = group->used_bytes,
		.resident_bytes = group->resident_bytes,
	};
	strcpy(added->state, group->state);
	return NULL;
}

static struct gm_error *add_groups(struct gm_goroutines_look *look, bool system,
				   struct gm_sample *sample)
{
	struct gm_goroutines_groups groups = {};
	struct gm_error *error = gm_goroutines_group_alike(look, system, &groups);

	for (size_t i = 0; i < groups.count && !error; i++)
		error = add_group(sample, &groups.items[i]);
	free(groups.items);
	return error;
}

static struct gm_error *group(struct gm_subject *subject, struct gm_sample *sample)
{
	struct gm_goroutines_look look;
	struct gm_error *error =
		gm_goroutines_look_at(subject, &sample->population, sample->pages, &look);

	if (!error)
		error = add_groups(&look, false, sample);
	if (!error)
		error = add_groups(&look, true, sample);
	gm_goroutines_look_deinit(&look);
	return error;
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

static bool want(const struct gm_record_known *known, struct gm_record_known *fresh,
		 uint64_t address)
{
	uint64_t *added;

	if (is_known(known, address))
		return true;
	added = gm_vec_push(fresh);
	if (added)
		*added = address;
	return added;
}

/* Where they are, where they began, and the go statement that made them. */
static bool want_all(const struct gm_record_known *known, struct gm_record_known *fresh,
		     const struct gm_go_population *population)
{
	bool ok = true;

	for (size_t i = 0; i < population->pcs.count && ok; i++)
		ok = want(known, fresh, population->pcs.items[i]);
	for (size_t i = 0; i < population->count && ok; i++) {
		const struct gm_go_goroutine_state *state = &population->states.items[i];

		ok = want(known, fresh, state->start_pc) && want(known, fresh, state->go_pc - 1);
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

/* The last part of the path that is mapped there. */
static const char *mapped_at(const struct gm_maps *maps, uint64_t address)
{
	const struct gm_vma *vma = gm_maps_find(maps, address);
	const char *slash = vma ? strrchr(vma->name, '/') : NULL;

	if (slash)
		return slash + 1;
	return vma && *vma->name ? vma->name : NULL;
}

static struct gm_error *name(struct gm_subject *subject, struct gm_sample *sample, uint64_t address)
{
	struct gm_go_frame frames[GM_GO_FRAMES_MAX];
	size_t count = gm_subject_frames(subject, address, frames, GM_GO_FRAMES_MAX);

	for (size_t i = 0; i < count; i++) {
		struct gm_sample_code *code = gm_vec_push(&sample->codes);

		if (!code)
			return no_memory();
		code->address = address;
		code->place = i;
		code->line = frames[i].line;
		code->inlined = frames[i].inlined;
		if (!copy(frames[i].function, &code->function) ||
		    !copy(frames[i].file, &code->source) ||
		    !copy(mapped_at(sample->maps, address), &code->mapped))
			return no_memory();
	}
	return NULL;
}

static struct gm_error *name_fresh(struct gm_subject *subject, struct gm_record_known *known,
				   struct gm_sample *sample)
{
	struct gm_record_known fresh = {};
	struct gm_error *error = NULL;

	if (!want_all(known, &fresh, &sample->population))
		error = no_memory();
	sort_unique(&fresh);
	if (!error && !gm_vec_reserve(known, fresh.count))
		error = no_memory();
	for (size_t i = 0; i < fresh.count && !error; i++) {
		error = name(subject, sample, fresh.items[i]);
		known->items[known->count++] = fresh.items[i];
	}
	sort_unique(known);
	free(fresh.items);
	return error;
}

struct gm_error *gm_record_goroutines(struct gm_subject *subject, struct gm_record_known *known,
				      struct gm_sample *sample)
{
	struct gm_error *error = read_population(subject, sample);

	if (error)
		return keep_problem(sample, error);
	if (!fold_labels(&sample->population))
		return no_memory();
	error = group(subject, sample);
	return error ?: name_fresh(subject, known, sample);
}
