/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a Go program keeps the goroutine that a thread runs, and what labels it has. */
#ifndef GM_GO_GOROUTINE_H
#define GM_GO_GOROUTINE_H

#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"
#include "go/layout.h"
#include "go/version.h"
#include "os/mem.h"

/* Room for what gm_go_goroutine_words() says. */
#define GM_GO_GOROUTINE_WORDS 160

/**
 * struct gm_go_goroutine - for one program; valid until it calls exec
 * @version: its Go
 * @layout: where runtime.g and runtime.m keep things
 * @tls: distance of the current g from the thread pointer, bytes
 */
struct gm_go_goroutine {
	struct gm_go_version version;
	struct gm_go_layout layout;
	int64_t tls;
};

/* Of the program that @pid runs, or the library in it, which may be stripped. ENOENT: not a Go
 * program; ENOTSUP: an unknown Go, or a library that does not say where its threads keep it.
 */
struct gm_error *gm_go_goroutine_read(pid_t pid, struct gm_go_goroutine *goroutine) GM_MUST_CHECK;

/* Of a file that will be run as a program. */
struct gm_error *gm_go_goroutine_read_file(const char *path,
					   struct gm_go_goroutine *goroutine) GM_MUST_CHECK;

/* What the contract wants after "go PID", see GOMEM_TARGETS_COLUMNS. Returns @text. */
char *gm_go_goroutine_words(const struct gm_go_goroutine *goroutine,
			    char text[GM_GO_GOROUTINE_WORDS]);

/* A label of runtime/pprof; both are NUL-terminated, printable, and owned. */
struct gm_go_label {
	char *key;
	char *value;
};

/* By key. Zeroed is empty. */
struct gm_go_labels {
	GM_VEC(struct gm_go_label);
};

/* The labels that g.labels, @pointer, points to. Memory is used again when the labels are
 * gone: EIO where no labels stand there (any more). Free with the _deinit either way.
 */
struct gm_error *gm_go_labels_read(struct gm_mem *mem, unsigned int minor, uint64_t pointer,
				   struct gm_go_labels *labels) GM_MUST_CHECK;
void gm_go_labels_deinit(struct gm_go_labels *labels);

#endif
