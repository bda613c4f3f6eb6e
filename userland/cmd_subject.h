/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command looks at: a process, and all that was read of it. */
#ifndef GM_CMD_SUBJECT_H
#define GM_CMD_SUBJECT_H

#include "go/heap.h"
#include "go/image.h"
#include "go/target.h"
#include "os/maps.h"
#include "os/mem.h"
#include "os/pages.h"

/**
 * struct gm_subject - one process
 * @image: of its Go program; valid where there is no @go_problem
 * @target: @mem, @maps and @image together, for the Go reader
 * @go_problem: why the Go side cannot be read: no Go program, or an unknown one; NULL where it can
 * @heap, @pages: NULL until read
 */
struct gm_subject {
	pid_t pid;
	struct gm_mem *mem;
	struct gm_maps *maps;
	struct gm_go_image image;
	struct gm_go_target target;
	struct gm_error *go_problem;
	struct gm_go_heap *heap;
	struct gm_pages *pages;
};

/* Memory, maps and image. ESRCH, EPERM. Deinit either way; do not move it in between, as @target
 * points into it.
 */
struct gm_error *gm_subject_open(pid_t pid, struct gm_subject *subject) GM_MUST_CHECK;
void gm_subject_deinit(struct gm_subject *subject);

/* Reads @heap, once; an error where there is none (@go_problem then is what it says). */
struct gm_error *gm_subject_read_heap(struct gm_subject *subject) GM_MUST_CHECK;

/* Reads @pages, once, from the best source there is. */
struct gm_error *gm_subject_read_pages(struct gm_subject *subject) GM_MUST_CHECK;

#endif
