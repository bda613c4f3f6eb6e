// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd_subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct gm_error *open_pid(struct gm_subject *subject)
{
	struct gm_error *error;

	subject->pid = subject->source->pid;
	error = gm_mem_open_pid(subject->pid, &subject->mem);
	return error ?: gm_maps_read(subject->pid, &subject->maps);
}

static struct gm_error *open_core(struct gm_subject *subject)
{
	const struct gm_source *source = subject->source;
	struct gm_error *error = gm_core_open(source->path, source->exe, &subject->core);

	if (error)
		return error;
	if (gm_core_remark(subject->core))
		fprintf(stderr, "gomemctl: %s\n", gm_core_remark(subject->core));
	subject->pid = gm_core_pid(subject->core);
	error = gm_core_mem(subject->core, &subject->mem);
	return error ?: gm_core_maps(subject->core, &subject->maps);
}

static struct gm_error *read_sample(const struct gm_source *source, struct gm_sample *sample)
{
	gm_auto(gm_recording) struct gm_recording *recording = NULL;
	struct gm_error *error = gm_recording_open(source->path, &recording);
	int64_t id;

	if (!error)
		error = gm_recording_find(recording, source->sample, &id);
	return error ?: gm_recording_read(recording, id, sample);
}

static struct gm_error *open_recording(struct gm_subject *subject)
{
	struct gm_sample *sample = calloc(1, sizeof(*sample));
	struct gm_error *error;

	if (!sample)
		return gm_error_create(ENOMEM, "out of memory");
	subject->sample = sample;
	error = read_sample(subject->source, sample);
	if (error)
		return error;
	subject->pid = sample->pid;
	subject->maps = sample->maps;
	sample->maps = NULL;
	return gm_tape_play(&sample->tape, &subject->mem);
}

struct gm_error *gm_subject_open_memory(const struct gm_source *source, struct gm_subject *subject)
{
	memset(subject, 0, sizeof(*subject));
	subject->source = source;
	switch (source->kind) {
	case GM_SOURCE_CORE:
		return open_core(subject);
	case GM_SOURCE_RECORDING:
		return open_recording(subject);
	default:
		return open_pid(subject);
	}
}

static struct gm_error *open_of_core(void *context, const struct gm_vma *vma,
				     struct gm_go_program *library)
{
	const struct gm_subject *subject = context;
	struct gm_error *error;
	const char *path;

	*library = (struct gm_go_program){};
	error = gm_core_mapped(subject->core, vma->start, &path);
	return error ?: gm_go_program_open_file_mapped(path, vma, subject->mem, library);
}

static struct gm_error *read_core_image(struct gm_subject *subject)
{
	struct gm_go_program program;
	struct gm_error *error;
	const char *path;

	error = gm_core_exe(subject->core, &path);
	if (error)
		return error;
	error = gm_go_program_open_file(path, gm_core_entry(subject->core), subject->mem, &program);
	if (error) {
		gm_go_program_deinit(&program);
		return error;
	}
	gm_go_image_find_library(subject->maps, open_of_core, subject, &program);
	return gm_go_image_read_program(&program, &subject->image);
}

static struct gm_error *read_image(struct gm_subject *subject)
{
	const struct gm_sample *sample = subject->sample;

	if (subject->core)
		return read_core_image(subject);
	if (sample && sample->go_problem)
		return gm_error_create(sample->go_code, "%s", sample->go_problem);
	if (sample) {
		subject->image = sample->image;
		subject->image.program.mem = subject->mem;
		return NULL;
	}
	return gm_go_image_read(subject->pid, subject->mem, subject->maps, &subject->image);
}

struct gm_error *gm_subject_open(const struct gm_source *source, struct gm_subject *subject)
{
	struct gm_error *error = gm_subject_open_memory(source, subject);

	if (error)
		return error;
	subject->go_problem = read_image(subject);
	subject->target = (struct gm_go_target){
		.mem = subject->mem,
		.maps = subject->maps,
		.image = &subject->image,
		.torn = subject->sample && subject->sample->torn,
	};
	return NULL;
}

void gm_subject_deinit(struct gm_subject *subject)
{
	gm_pages_destroy(subject->pages);
	gm_go_population_deinit(&subject->population);
	gm_go_functions_destroy(subject->functions);
	gm_module_watch_deinit(&subject->watch);
	gm_module_blocks_deinit(&subject->blocks);
	gm_go_heap_destroy(subject->heap_again);
	gm_go_heap_destroy(subject->heap);
	gm_go_image_deinit(&subject->image);
	gm_error_destroy(subject->go_problem);
	gm_maps_destroy(subject->maps);
	gm_mem_destroy(subject->mem);
	gm_core_destroy(subject->core);
	if (subject->sample)
		gm_sample_deinit(subject->sample);
	free(subject->sample);
	memset(subject, 0, sizeof(*subject));
}

static struct gm_error *check_go(const struct gm_subject *subject)
{
	if (subject->go_problem)
		return gm_error_create(subject->go_problem->code, "%s",
				       subject->go_problem->message);
	return NULL;
}

struct gm_error *gm_subject_read_heap(struct gm_subject *subject)
{
	struct gm_error *error = check_go(subject);

	if (subject->heap || error)
		return error;
	error = gm_go_heap_read(&subject->target, &subject->heap);
	if (!error && subject->sample)
		subject->heap->took_ns = subject->sample->spans_ns;
	return error;
}

struct gm_error *gm_subject_read_pages(struct gm_subject *subject)
{
	if (subject->pages)
		return NULL;
	if (subject->core)
		return gm_core_pages(subject->core, subject->maps, &subject->pages);
	if (subject->sample) {
		subject->pages = subject->sample->pages;
		subject->sample->pages = NULL;
		return NULL;
	}
	return gm_pages_read(subject->pid, subject->maps, GM_PAGES_BEST, &subject->pages);
}

struct gm_error *gm_subject_read_functions(struct gm_subject *subject)
{
	struct gm_error *error = check_go(subject);

	if (subject->functions || error)
		return error;
	if (subject->sample)
		return gm_error_create(ENOTSUP,
				       "%s cannot tell: a recording keeps the heap and goroutines, "
				       "but no functions beside theirs; ask the process, or a core",
				       subject->source->path);
	return gm_go_functions_open(&subject->image.program, &subject->image.layout,
				    &subject->functions);
}

static struct gm_error *take_population(struct gm_subject *subject)
{
	struct gm_sample *sample = subject->sample;

	if (sample->population_problem)
		return gm_error_create(sample->population_code, "%s", sample->population_problem);
	subject->population = sample->population;
	sample->population = (struct gm_go_population){};
	return NULL;
}

struct gm_error *gm_subject_read_population(struct gm_subject *subject)
{
	struct gm_error *error = check_go(subject);

	if (error || subject->population.states.count)
		return error;
	if (subject->sample)
		return take_population(subject);
	error = gm_subject_read_functions(subject);
	if (!error)
		error = gm_go_population_read(&subject->target, subject->functions,
					      &subject->population);
	/* The clock of a core's machine stands still. */
	if (subject->core)
		subject->population.states.at = 0;
	return error;
}

static size_t recorded_frames(const struct gm_sample_codes *codes, uint64_t pc,
			      struct gm_go_frame *frames, size_t max)
{
	size_t count, found = 0;
	const struct gm_sample_code *code = gm_sample_codes_at(codes, pc, &count);

	for (size_t i = 0; i < count && found < max; i++)
		if (code[i].function)
			frames[found++] = (struct gm_go_frame){ code[i].function, code[i].source,
								code[i].line, code[i].inlined };
	return found;
}

size_t gm_subject_frames(struct gm_subject *subject, uint64_t pc, struct gm_go_frame *frames,
			 size_t max)
{
	if (subject->sample)
		return recorded_frames(&subject->sample->codes, pc, frames, max);
	return gm_go_functions_frames(subject->functions, pc, frames, max);
}

const char *gm_subject_function(struct gm_subject *subject, uint64_t pc)
{
	struct gm_go_frame frames[GM_GO_FRAMES_MAX];
	const struct gm_go_function_at *at;
	size_t count;

	if (subject->sample) {
		count = recorded_frames(&subject->sample->codes, pc, frames, GM_GO_FRAMES_MAX);
		return count ? frames[count - 1].function : NULL;
	}
	at = gm_go_functions_find(subject->functions, pc);
	return at ? at->function.name : NULL;
}

struct gm_error *gm_subject_take_holders(struct gm_subject *subject, struct gm_holders *holders)
{
	struct gm_sample *sample = subject->sample;
	struct gm_error *error = check_go(subject);

	if (error)
		return error;
	if (sample->holders_problem)
		return gm_error_create(sample->holders_code, "%s", sample->holders_problem);
	if (!sample->has_holders)
		return gm_error_create(ENOTSUP,
				       "%s does not have who holds the heap: gomemctl record "
				       "--holders keeps it",
				       subject->source->path);
	*holders = sample->holders;
	sample->holders = (struct gm_holders){};
	return NULL;
}

struct gm_error *gm_subject_read_watch(struct gm_subject *subject)
{
	if (subject->core)
		return NULL;
	if (subject->sample) {
		subject->watch = subject->sample->watch;
		subject->sample->watch = (struct gm_module_watch){};
		return NULL;
	}
	return gm_module_watch_read(subject->pid, &subject->watch);
}

struct gm_error *gm_subject_read_blocks(struct gm_subject *subject)
{
	if (subject->core)
		return NULL;
	if (subject->sample) {
		subject->blocks = subject->sample->blocks;
		subject->sample->blocks = (struct gm_module_blocks){};
		return NULL;
	}
	return gm_module_watch_read_blocks(subject->pid, &subject->blocks);
}

static struct gm_error *play_again(struct gm_subject *subject)
{
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	struct gm_go_target target = subject->target;
	struct gm_error *error = gm_tape_play(&subject->sample->tape_again, &mem);

	target.mem = mem;
	target.torn = subject->sample->torn_again;
	return error ?: gm_go_heap_read(&target, &subject->heap_again);
}

void gm_subject_look_again(struct gm_subject *subject)
{
	const struct gm_pages *pages = subject->pages;

	if (subject->sample) {
		subject->rss_again = subject->sample->rss_again;
		if (subject->heap)
			gm_error_destroy(play_again(subject));
		return;
	}
	/* The module's is a second look as good. */
	subject->rss_again = subject->watch.rss_bytes;
	if (!subject->core && !subject->watch.watched)
		gm_error_destroy(gm_pages_rss(subject->pid, pages->source, &subject->rss_again));
	if (!subject->heap)
		return;
	gm_error_destroy(gm_go_heap_still(&subject->target, subject->heap, &subject->heap_still));
	if (!subject->heap_still)
		gm_error_destroy(gm_go_heap_read(&subject->target, &subject->heap_again));
}

struct gm_error *gm_subject_read_process(struct gm_subject *subject, struct gm_process *process)
{
	if (subject->sample) {
		*process = subject->sample->process;
		return NULL;
	}
	if (!subject->core)
		return gm_process_read(subject->pid, process);
	gm_core_process(subject->core, process);
	return NULL;
}

void gm_subject_read_host(const struct gm_subject *subject, struct gm_host *host)
{
	if (subject->sample)
		*host = subject->sample->host;
	else if (subject->core)
		gm_host_unknown(host);
	else
		gm_host_read(host);
}
