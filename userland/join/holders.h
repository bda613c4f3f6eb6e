/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds the heap, as tables: what following references found, without the graph. Pure. */
#ifndef GM_JOIN_HOLDERS_H
#define GM_JOIN_HOLDERS_H

#include "go/heap.h"
#include "go/refs.h"

/* A holder: objects that are nearest to it, and those that no other one reaches. */
struct gm_holders_row {
	uint64_t pid;
	char *kind;
	char *holder;
	uint64_t objects;
	uint64_t bytes;
	uint64_t retained_objects;
	uint64_t retained_bytes;
};

/* A type. */
struct gm_holders_type {
	uint64_t pid;
	char *type;
	uint64_t objects;
	uint64_t bytes;
	uint64_t retained_bytes;
};

/* What a holder has of a type, by their places in the lists of both. */
struct gm_holders_part {
	uint64_t holder;
	uint64_t type;
	uint64_t objects;
	uint64_t bytes;
};

/* What was found, in how much, and how long each step took; @frozen_us and @peak_bytes are the
 * caller's to know.
 */
struct gm_holders_totals {
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

/**
 * struct gm_holders - of one process; owns its strings
 * @types: both lists have those with the most bytes first
 * @parts: in no order; the objects of all are those that were reached
 */
struct gm_holders {
	GM_VEC(struct gm_holders_row);
	struct {
		GM_VEC(struct gm_holders_type);
	} types;
	struct {
		GM_VEC(struct gm_holders_part);
	} parts;
	struct gm_holders_totals totals;
};

/* From @refs of @heap. Caller deinits, also after an error. */
struct gm_error *gm_holders_compute(uint64_t pid, const struct gm_go_heap *heap,
				    const struct gm_go_refs *refs,
				    struct gm_holders *holders) GM_MUST_CHECK;
void gm_holders_deinit(struct gm_holders *holders);

#endif
