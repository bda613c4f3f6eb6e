/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cmd_refs*.c share. */
#ifndef GM_CMD_REFS_H
#define GM_CMD_REFS_H

#include "base/vec.h"
#include "go/refs.h"
#include "out/table.h"

/* A holder; @holder is owned. */
struct gm_refs_row {
	uint64_t pid;
	const char *kind;
	char *holder;
	uint64_t objects;
	uint64_t bytes;
	uint64_t retained_objects;
	uint64_t retained_bytes;
};

/* A type; @type is owned. */
struct gm_refs_type {
	uint64_t pid;
	char *type;
	uint64_t objects;
	uint64_t bytes;
	uint64_t retained_bytes;
};

/* One process. */
struct gm_refs_totals {
	uint64_t pid;
	char *version;
	char *layout;
	uint64_t live_objects;
	uint64_t live_bytes;
	uint64_t reached_objects;
	uint64_t reached_bytes;
	uint64_t references;
	uint64_t goroutines;
	uint64_t frames;
	uint64_t flux_references;
	uint64_t flux_spans;
	uint64_t flux_goroutines;
	uint64_t guessed_stack_bytes;
	uint64_t guessed_heap_bytes;
	uint64_t unreadable_bytes;
	uint64_t read_bytes;
	uint64_t gc_running;
	uint64_t heap_us;
	uint64_t roots_us;
	uint64_t edges_us;
	uint64_t types_us;
	uint64_t tree_us;
	uint64_t frozen_us;
	uint64_t peak_bytes;
};

/* All processes: rows by process, largest first. */
struct gm_refs_look {
	struct {
		GM_VEC(struct gm_refs_row);
	} rows;
	struct {
		GM_VEC(struct gm_refs_type);
	} types;
	struct {
		GM_VEC(struct gm_refs_totals);
	} totals;
};

/* Who holds how much of which type, to a file: for pprof, and as a graph for dot, of which it has
 * the 200 largest edges.
 */
struct gm_error *gm_refs_write_pprof(const struct gm_go_refs *refs, const char *path) GM_MUST_CHECK;
struct gm_error *gm_refs_write_dot(const struct gm_go_refs *refs, const char *path) GM_MUST_CHECK;

/* Text has the largest @top of each process, all where that is 0. */
struct gm_error *gm_refs_print(const struct gm_refs_look *look, enum gm_out_format format,
			       uint64_t top) GM_MUST_CHECK;

#endif
