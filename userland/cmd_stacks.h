/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of gomemctl stacks share. */
#ifndef GM_CMD_STACKS_H
#define GM_CMD_STACKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/vec.h"
#include "go/label_sets.h"
#include "os/module.h"
#include "recording/sample.h"

enum gm_stacks_by { GM_STACKS_STACK, GM_STACKS_GOROUTINE, GM_STACKS_LABELS, GM_STACKS_THREAD };

/**
 * struct gm_stacks_frame - a code address, or a function that was inlined there
 * @function: NULL where nothing tells
 * @file: what is mapped there, its last component, or NULL
 * @source: where it is written, NULL where not known: only Go says so; @line: then, 0: not known
 * @inlined: into the next one, which has the same address
 */
struct gm_stacks_frame {
	uint64_t address;
	const char *function;
	const char *file;
	const char *source;
	int32_t line;
	bool inlined;
};

/* The module has at most 32 addresses; some of them are of several functions. */
#define GM_STACKS_FRAMES_MAX 128

/**
 * struct gm_stacks_group - rows that belong together
 * @touched: bytes of memory that first-touch faults made resident
 * @faults: how many those were, as the sampling rate estimates
 * @mapped, @mmaps: by mmap, bytes and calls
 * @released, @releases: by MADV_DONTNEED and MADV_FREE, bytes of address range and calls
 * @goroutines, @threads: different ones in it
 * @goid, @tid: one of them; 0 where not known
 * @labels: of its goroutines, NULL where they have none or differ; of a single one those it
 *	had, if only at times
 * @has_more_labels: they differ
 * @top: a row that touched most, else mapped most, of @top_touched and @top_mapped
 */
struct gm_stacks_group {
	uint64_t pid;
	uint64_t touched;
	uint64_t faults;
	uint64_t mapped;
	uint64_t mmaps;
	uint64_t released;
	uint64_t releases;
	uint64_t goroutines;
	uint64_t threads;
	uint64_t goid;
	uint64_t tid;
	const struct gm_go_labels *labels;
	bool has_more_labels;
	const struct gm_module_stack *top;
	uint64_t top_touched;
	uint64_t top_mapped;
};

struct gm_stacks_groups {
	GM_VEC(struct gm_stacks_group);
};

/* Labels that were read, for each process and pointer once. */
struct gm_stacks_labels;

/* From the memory of the processes that run; what is not there (any more) is left out. */
struct gm_error *gm_stacks_labels_read(const struct gm_module_stacks *stacks,
				       struct gm_stacks_labels **labels) GM_MUST_CHECK;

/* Those of one process, of a recording: moves @sets. */
struct gm_error *gm_stacks_labels_take(uint64_t pid, struct gm_go_label_sets *sets,
				       struct gm_stacks_labels **labels) GM_MUST_CHECK;
void gm_stacks_labels_destroy(struct gm_stacks_labels *labels);
GM_DEFINE_AUTO(gm_stacks_labels)

/* NULL where there are none. */
const struct gm_go_labels *gm_stacks_labels_of(const struct gm_stacks_labels *labels,
					       const struct gm_module_stack *stack);

/* The rows in groups, those that touched most first. Sorts @stacks. The owner frees
 * groups->items; they point into @stacks and @labels.
 */
struct gm_error *gm_stacks_group(struct gm_module_stacks *stacks,
				 const struct gm_stacks_labels *labels, enum gm_stacks_by by,
				 struct gm_stacks_groups *groups) GM_MUST_CHECK;

/* The functions of the processes looked at; of a recording those that it has, @codes, which must
 * stay.
 */
struct gm_stacks_names;

struct gm_error *gm_stacks_names_create(const struct gm_sample_codes *codes,
					struct gm_stacks_names **names) GM_MUST_CHECK;
void gm_stacks_names_destroy(struct gm_stacks_names *names);
GM_DEFINE_AUTO(gm_stacks_names)

/* The addresses of @stack, innermost first: an instruction, then return addresses. Returns how
 * many.
 */
size_t gm_stacks_addresses(const struct gm_module_stack *stack,
			   uint64_t addresses[GM_STACKS_FRAMES_MAX]);

/* The frames at the instruction @address of process @pid, at most @max; at least one, which may
 * have no function.
 */
size_t gm_stacks_names_at(struct gm_stacks_names *names, pid_t pid, uint64_t address,
			  struct gm_stacks_frame *frames, size_t max);

/* The frames of @stack, innermost first, at most GM_STACKS_FRAMES_MAX; their strings belong to
 * @names. Returns how many. A process that is gone has addresses alone.
 */
size_t gm_stacks_names_frames(struct gm_stacks_names *names, const struct gm_module_stack *stack,
			      struct gm_stacks_frame *frames);

/**
 * struct gm_stacks_view - what is shown
 * @by: how the groups were made
 * @rate: the module's sampling rate
 * @remark: of the module, or NULL
 */
struct gm_stacks_view {
	enum gm_stacks_by by;
	uint64_t rate;
	const char *remark;
	const struct gm_stacks_groups *groups;
	struct gm_stacks_names *names;
};

struct gm_error *gm_stacks_print_text(FILE *stream, const struct gm_stacks_view *view,
				      size_t max) GM_MUST_CHECK;
struct gm_error *gm_stacks_print_json(FILE *stream, const struct gm_stacks_view *view,
				      size_t max) GM_MUST_CHECK;

/* "stack" and the like; NULL past the last. */
const char *gm_stacks_by_name(unsigned int by);

/* The module's sampling rate; 0: it keeps no stacks, or is not there. */
uint64_t gm_stacks_rate(void);

#endif
