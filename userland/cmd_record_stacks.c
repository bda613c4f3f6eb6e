// SPDX-License-Identifier: GPL-2.0-or-later
/* What gomemctl record keeps of the stacks that the module has. */
#include <errno.h>

#include "cmd_record.h"
#include "cmd_stacks.h"

/* Those that it still has. */
static struct gm_error *read_labels(struct gm_subject *subject, struct gm_sample *sample)
{
	struct gm_module_stacks *stacks = &sample->stacks;
	struct gm_go_label_sets *sets = &sample->stacks_labels;
	struct gm_error *error = NULL;

	for (size_t i = 0; i < stacks->count && !error; i++)
		error = gm_go_label_sets_want(sets, stacks->items[i].labels);
	if (error || !stacks->count)
		return error;
	gm_go_label_sets_read(sets, subject->mem, subject->image.version.minor);
	if (gm_go_label_sets_fold(sets, &stacks->items[0].labels, sizeof(*stacks->items),
				  stacks->count))
		return NULL;
	return gm_error_create(ENOMEM, "out of memory");
}

struct gm_error *gm_record_stacks(struct gm_subject *subject, struct gm_sample *sample)
{
	struct gm_error *error = gm_module_watch_read_stacks(sample->pid, &sample->stacks);

	sample->stacks_rate = gm_stacks_rate();
	if (!error && sample->stacks.remark) {
		sample->stacks_remark = strdup(sample->stacks.remark);
		if (!sample->stacks_remark)
			error = gm_error_create(ENOMEM, "out of memory");
	}
	return error || sample->go_problem ? error : read_labels(subject, sample);
}
