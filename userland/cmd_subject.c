// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd_subject.h"

#include <string.h>

struct gm_error *gm_subject_open(pid_t pid, struct gm_subject *subject)
{
	struct gm_error *error;

	memset(subject, 0, sizeof(*subject));
	subject->pid = pid;
	error = gm_mem_open_pid(pid, &subject->mem);
	if (!error)
		error = gm_maps_read(pid, &subject->maps);
	if (error)
		return error;
	subject->go_problem = gm_go_image_read(pid, &subject->image);
	subject->target = (struct gm_go_target){
		.mem = subject->mem,
		.maps = subject->maps,
		.image = &subject->image,
	};
	return NULL;
}

void gm_subject_deinit(struct gm_subject *subject)
{
	gm_pages_destroy(subject->pages);
	gm_go_heap_destroy(subject->heap);
	gm_error_destroy(subject->go_problem);
	gm_maps_destroy(subject->maps);
	gm_mem_destroy(subject->mem);
	memset(subject, 0, sizeof(*subject));
}

struct gm_error *gm_subject_read_heap(struct gm_subject *subject)
{
	if (subject->heap)
		return NULL;
	if (subject->go_problem)
		return gm_error_create(subject->go_problem->code, "%s",
				       subject->go_problem->message);
	return gm_go_heap_read(&subject->target, &subject->heap);
}

struct gm_error *gm_subject_read_pages(struct gm_subject *subject)
{
	if (subject->pages)
		return NULL;
	return gm_pages_read(subject->pid, subject->maps, GM_PAGES_BEST, &subject->pages);
}
