// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd_subject.h"

#include <string.h>

struct gm_error *gm_subject_open_memory(const struct gm_source *source, struct gm_subject *subject)
{
	struct gm_error *error;

	memset(subject, 0, sizeof(*subject));
	subject->source = source;
	subject->pid = source->pid;
	error = gm_mem_open_pid(subject->pid, &subject->mem);
	return error ?: gm_maps_read(subject->pid, &subject->maps);
}

struct gm_error *gm_subject_open(const struct gm_source *source, struct gm_subject *subject)
{
	struct gm_error *error = gm_subject_open_memory(source, subject);

	if (error)
		return error;
	subject->go_problem = gm_go_image_read(subject->pid, &subject->image);
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
	gm_module_watch_deinit(&subject->watch);
	gm_module_blocks_deinit(&subject->blocks);
	gm_go_heap_destroy(subject->heap_again);
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

struct gm_error *gm_subject_read_watch(struct gm_subject *subject)
{
	return gm_module_watch_read(subject->pid, &subject->watch);
}

struct gm_error *gm_subject_read_blocks(struct gm_subject *subject)
{
	return gm_module_watch_read_blocks(subject->pid, &subject->blocks);
}

void gm_subject_look_again(struct gm_subject *subject)
{
	/* The module's is a second look as good. */
	subject->rss_again = subject->watch.rss_bytes;
	if (!subject->watch.watched)
		gm_error_destroy(gm_process_rss(subject->pid, &subject->rss_again));
	if (subject->heap)
		gm_error_destroy(gm_go_heap_read(&subject->target, &subject->heap_again));
}

struct gm_error *gm_subject_read_process(struct gm_subject *subject, struct gm_process *process)
{
	return gm_process_read(subject->pid, process);
}
