/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command looks at: a process, and all that was read of it. */
#ifndef GM_CMD_SUBJECT_H
#define GM_CMD_SUBJECT_H

#include "cmd.h"
#include "go/functions.h"
#include "go/heap.h"
#include "go/image.h"
#include "go/population.h"
#include "go/target.h"
#include "os/core.h"
#include "os/host.h"
#include "os/maps.h"
#include "os/mem.h"
#include "os/module_watch.h"
#include "os/pages.h"
#include "recording/recording.h"

/**
 * struct gm_subject - one process
 * @pid: its, also where it is no more
 * @core: where it is read from one; @sample: the same of a recording
 * @image: of its Go program; whole where there is no @go_problem
 * @target: @mem, @maps and @image together, for the Go reader
 * @go_problem: why the Go side cannot be read: no Go program, or an unknown one; NULL where it can
 * @heap, @pages, @functions: NULL until read; @population: nobody until then
 * @watch: what the module knows of it, once read; @blocks: of each 2 MiB of it, once read
 * @heap_again, @rss_again: of the second look; NULL and 0 until there was one, or where it failed
 * @heap_still: the second look saw the heap as it was, so that there is no @heap_again
 */
struct gm_subject {
	const struct gm_source *source;
	pid_t pid;
	struct gm_core *core;
	struct gm_sample *sample;
	struct gm_mem *mem;
	struct gm_maps *maps;
	struct gm_go_image image;
	struct gm_go_target target;
	struct gm_error *go_problem;
	struct gm_go_heap *heap;
	struct gm_pages *pages;
	struct gm_go_functions *functions;
	struct gm_go_population population;
	struct gm_module_watch watch;
	struct gm_module_blocks blocks;
	struct gm_go_heap *heap_again;
	bool heap_still;
	uint64_t rss_again;
};

/* Memory, maps and image; what is wrong with a core is said on stderr. ESRCH, EPERM. Deinit
 * either way; do not move it in between, as @target points into it. @source must live as long.
 */
struct gm_error *gm_subject_open(const struct gm_source *source,
				 struct gm_subject *subject) GM_MUST_CHECK;
void gm_subject_deinit(struct gm_subject *subject);

/* The same without the image, for a command that has not heard of Go. */
struct gm_error *gm_subject_open_memory(const struct gm_source *source,
					struct gm_subject *subject) GM_MUST_CHECK;

/* Reads @heap, once; an error where there is none (@go_problem then is what it says). */
struct gm_error *gm_subject_read_heap(struct gm_subject *subject) GM_MUST_CHECK;

/* Reads @pages, once, from the best source there is. */
struct gm_error *gm_subject_read_pages(struct gm_subject *subject) GM_MUST_CHECK;

/* Reads @functions, once: the functions of the Go program, stripped or not. ENOTSUP: a recording,
 * which knows of no more code than its goroutines are in.
 */
struct gm_error *gm_subject_read_functions(struct gm_subject *subject) GM_MUST_CHECK;

/* Reads @population, once, and what gm_subject_frames() needs. */
struct gm_error *gm_subject_read_population(struct gm_subject *subject) GM_MUST_CHECK;

/* The functions at an address where a goroutine of @population is, began or was made: innermost
 * first, at most @max; returns how many. gm_subject_function(): the one that is there in the
 * code, NULL for none. As long as @subject.
 */
size_t gm_subject_frames(struct gm_subject *subject, uint64_t pc, struct gm_go_frame *frames,
			 size_t max);
const char *gm_subject_function(struct gm_subject *subject, uint64_t pc);

/* Moves the holders of a recording's sample to @holders. ENOTSUP: it has none. */
struct gm_error *gm_subject_take_holders(struct gm_subject *subject,
					 struct gm_holders *holders) GM_MUST_CHECK;

/* Reads @watch. */
struct gm_error *gm_subject_read_watch(struct gm_subject *subject) GM_MUST_CHECK;

/* Reads @blocks. */
struct gm_error *gm_subject_read_blocks(struct gm_subject *subject) GM_MUST_CHECK;

/* The heap and the resident bytes a moment after @pages: what changed meanwhile is in doubt. */
void gm_subject_look_again(struct gm_subject *subject);

/* What is known of the process beside its memory, and of the host where it runs: nothing of
 * another one's.
 */
struct gm_error *gm_subject_read_process(struct gm_subject *subject,
					 struct gm_process *process) GM_MUST_CHECK;
void gm_subject_read_host(const struct gm_subject *subject, struct gm_host *host);

#endif
