/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that write recordings share. */
#ifndef GM_RECORDING_WRITER_H
#define GM_RECORDING_WRITER_H

#include "recording/tables.h"

/* A block that was written: what the next sample has alike is the same one. */
struct gm_written_block {
	uint64_t group;
	int64_t id;
	void *packed;
	size_t size;
};

struct gm_written_blocks {
	GM_VEC(struct gm_written_block);
};

/**
 * struct gm_recorder - an open recording
 * @last: the blocks of the last tape, by group
 * @has_image: the program is written; @has_reasons: what goroutines' states mean
 */
struct gm_recorder {
	struct gm_db *db;
	int64_t samples;
	struct gm_written_blocks last;
	bool has_image;
	bool has_reasons;
};

/* Rows of the sample that is being written. */
struct gm_error *gm_recorder_insert(struct gm_recorder *recorder, enum gm_table table,
				    const void *rows, size_t count) GM_MUST_CHECK;

/* A number and a blob, into a table of two columns. */
struct gm_error *gm_recorder_insert_blob(struct gm_recorder *recorder, const char *table,
					 int64_t key, const void *blob, size_t size) GM_MUST_CHECK;

/* Who holds the heap, where that was asked for. */
struct gm_error *gm_recorder_add_holders(struct gm_recorder *recorder,
					 const struct gm_sample *sample) GM_MUST_CHECK;

struct gm_error *gm_recorder_add_labels(struct gm_recorder *recorder, enum gm_table table,
					const struct gm_go_label_sets *sets) GM_MUST_CHECK;

/* Goroutines, and the code that they and the module's stacks are in. */
struct gm_error *gm_recorder_add_population(struct gm_recorder *recorder,
					    const struct gm_sample *sample) GM_MUST_CHECK;

#endif
