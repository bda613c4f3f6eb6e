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

struct gm_error *gm_record_goroutines(struct gm_subject *subject, struct gm_sample *sample)
{
	struct gm_error *error = read_population(subject, sample);

	if (error)
		return keep_problem(sample, error);
	return fold_labels(&sample->population) ? group(subject, sample) : no_memory();
}
