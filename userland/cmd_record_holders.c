// SPDX-License-Identifier: GPL-2.0-or-later
/* What gomemctl record keeps of who holds the heap. */
#include <errno.h>

#include "cmd_record.h"
#include "cmd_refs.h"

static struct gm_error *follow(struct gm_subject *subject, struct gm_sample *sample)
{
	gm_auto(gm_go_heap) struct gm_go_heap *heap = NULL;
	const struct gm_go_target target = { subject->mem, sample->maps, &subject->image, false };
	struct gm_go_refs refs = {};
	struct gm_error *error = gm_refs_follow(&target, &(struct gm_go_rooting){}, &heap, &refs);

	if (!error)
		error = gm_holders_compute(sample->pid, heap, &refs, &sample->holders);
	gm_go_refs_deinit(&refs);
	return error;
}

struct gm_error *gm_record_holders(struct gm_subject *subject, struct gm_sample *sample)
{
	gm_auto(gm_error) struct gm_error *problem = follow(subject, sample);

	sample->has_holders = true;
	sample->holders.totals.peak_bytes = gm_refs_peak_bytes();
	if (!problem)
		return NULL;
	gm_holders_deinit(&sample->holders);
	sample->holders_code = problem->code;
	sample->holders_problem = strdup(problem->message);
	return sample->holders_problem ? NULL : gm_error_create(ENOMEM, "out of memory");
}
