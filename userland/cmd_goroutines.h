/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of gomemctl goroutines share. */
#ifndef GM_CMD_GOROUTINES_H
#define GM_CMD_GOROUTINES_H

#include <stdio.h>

#include "cmd_subject.h"
#include "go/population.h"

#define GM_GOROUTINES_STATE_BYTES 80

enum gm_goroutines_by {
	GM_GOROUTINES_STACK,
	GM_GOROUTINES_FUNCTION,
	GM_GOROUTINES_STATE,
	GM_GOROUTINES_CREATOR,
	GM_GOROUTINES_LABELS,
};

/**
 * struct gm_goroutine - one goroutine
 * @frames: where its frames begin in the look's pcs, innermost first; @count of them
 * @lack: enum gm_go_lack
 * @system: the runtime's own: the collector's, the finalizers'
 * @stack_bytes: what it has for a stack; @used_bytes: of these in use, GM_OUT_NONE while it runs
 * @resident_bytes: GM_OUT_NONE where the pages cannot be had
 * @wait_ns: how long it waits about, as the state's wait_since has it; GM_OUT_NONE: not known
 * @labels: NULL: none
 */
struct gm_goroutine {
	const struct gm_go_goroutine_state *state;
	size_t frames;
	uint32_t count;
	uint8_t lack;
	bool system;
	uint64_t stack_bytes;
	uint64_t used_bytes;
	uint64_t resident_bytes;
	uint64_t wait_ns;
	const struct gm_go_labels *labels;
};

/**
 * struct gm_goroutines_look - at one process
 * @subject: its code names the frames
 * @population: of which the items tell; @pages: NULL where they cannot be had
 * @threads: of the process; @thread_bytes, @thread_resident: the stacks that they have for
 *	themselves, where the runtime allots them or was told their bounds
 * @before: a look at the same process before, to tell what grew; NULL: there was none
 */
struct gm_goroutines_look {
	GM_VEC(struct gm_goroutine);
	struct gm_subject *subject;
	const struct gm_go_population *population;
	const struct gm_pages *pages;
	uint64_t threads;
	uint64_t thread_bytes;
	uint64_t thread_resident;
	struct gm_goroutines_look *before;
};

/* At an open subject, which must stay. Deinit either way. */
struct gm_error *gm_goroutines_look(struct gm_subject *subject,
				    struct gm_goroutines_look *look) GM_MUST_CHECK;

/* The same with a @population and @pages that were read already, and must stay. */
struct gm_error *gm_goroutines_look_at(struct gm_subject *subject,
				       const struct gm_go_population *population,
				       const struct gm_pages *pages,
				       struct gm_goroutines_look *look) GM_MUST_CHECK;
void gm_goroutines_look_deinit(struct gm_goroutines_look *look);

/* "chan receive", "running", "unknown (27)", as a panic would say. Returns @text. */
char *gm_goroutines_state(const struct gm_goroutines_look *look, const struct gm_goroutine *one,
			  char text[GM_GOROUTINES_STATE_BYTES]);

/**
 * struct gm_goroutines_group - goroutines that belong together
 * @example: one of those that the most have the stack of
 * @example_count: how many that are
 * @function: where it is, as gm_goroutines_where(); @creator: who made it; NULL: not known
 * @before: what @count was in the look before, if there was one
 * @wait_ns: of the one that waits longest, GM_OUT_NONE: not known of any
 * @waits: of how many it is known
 * @state: their state, "" where they differ
 * @labels: of all of them, NULL where there are none or @has_more_labels
 */
struct gm_goroutines_group {
	const struct gm_goroutine *example;
	uint64_t example_count;
	const char *function;
	const char *creator;
	uint64_t count;
	uint64_t before;
	uint64_t stack_bytes;
	uint64_t used_bytes;
	uint64_t resident_bytes;
	uint64_t wait_ns;
	uint64_t waits;
	char state[GM_GOROUTINES_STATE_BYTES];
	const struct gm_go_labels *labels;
	bool has_more_labels;
};

struct gm_goroutines_groups {
	GM_VEC(struct gm_goroutines_group);
};

/* Those alike in all that can be grouped by beside each other, as they are after the look. */
void gm_goroutines_sort_alike(struct gm_goroutines_look *look);

/* Then groups that were made before point to others. */
void gm_goroutines_sort_by_id(struct gm_goroutines_look *look);

/* Groups of those alike in stack, state and labels, that are the runtime's own as @system says, or
 * all others. The owner frees .items.
 */
struct gm_error *gm_goroutines_group_alike(struct gm_goroutines_look *look, bool system,
					   struct gm_goroutines_groups *groups) GM_MUST_CHECK;

/* Groups those that are the runtime's own as @system says, or all others; those with the most
 * stack first. The goroutines of @look, to which the groups point, are sorted alike. The owner
 * frees .items.
 */
struct gm_error *gm_goroutines_group(struct gm_goroutines_look *look, enum gm_goroutines_by by,
				     bool system,
				     struct gm_goroutines_groups *groups) GM_MUST_CHECK;

/* The function that it waits or works in: the innermost that is not the runtime's own, else the
 * one that it began with. NULL: not known.
 */
const char *gm_goroutines_where(struct gm_goroutines_look *look, const struct gm_goroutine *one);

/* The frames in the source, inlined ones too, and the go statement. False: not known. */
size_t gm_goroutines_frames(struct gm_goroutines_look *look, const struct gm_goroutine *one,
			    size_t index, struct gm_go_frame frames[GM_GO_FRAMES_MAX]);
bool gm_goroutines_creator(struct gm_goroutines_look *look, const struct gm_goroutine *one,
			   struct gm_go_frame *frame);

/**
 * struct gm_goroutines_view - what of a look is shown
 * @by_name: of @by
 * @max: groups, or goroutines, 0: as many as usual
 * @list: each goroutine instead of groups
 * @growth_s: how long after the first look the second comes, that tells what grew; 0: it does not
 */
struct gm_goroutines_view {
	enum gm_goroutines_by by;
	const char *by_name;
	size_t max;
	bool list;
	unsigned int growth_s;
};

struct gm_error *gm_goroutines_print(FILE *stream, const struct gm_goroutines_view *view,
				     struct gm_goroutines_look *look) GM_MUST_CHECK;

/* An object, as part of a document. */
struct gm_error *gm_goroutines_print_json(FILE *stream, const struct gm_goroutines_view *view,
					  struct gm_goroutines_look *look) GM_MUST_CHECK;

/* Whether a panic leaves the frame out: runtime's own, but for what users call. */
bool gm_goroutines_hidden(const char *function);

#endif
