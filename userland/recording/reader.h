/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read recordings share. */
#ifndef GM_RECORDING_READER_H
#define GM_RECORDING_READER_H

#include "recording/tables.h"

struct gm_recording {
	struct gm_db *db;
};

/* EBADMSG: "cannot use the recording FILE: @what". */
struct gm_error *gm_recording_damaged(const struct gm_recording *recording, const char *what);

/* The first column of the first row that @sql gives, 0 where there is none or it is NULL. */
struct gm_error *gm_recording_number(struct gm_recording *recording, const char *sql,
				     int64_t *number) GM_MUST_CHECK;

/* gm_db_select_one() of @table. */
struct gm_error *gm_recording_select_one(struct gm_recording *recording, enum gm_table table,
					 int64_t sample, void *row) GM_MUST_CHECK;

/* Where the Go program of all samples keeps things; and what was read of its memory. */
struct gm_error *gm_recording_read_image(struct gm_recording *recording,
					 struct gm_go_image *image) GM_MUST_CHECK;
struct gm_error *gm_recording_read_tapes(struct gm_recording *recording, int64_t id,
					 struct gm_sample *sample) GM_MUST_CHECK;

/* The only blob of @sql, whose %lld is @key, unpacked, at most @max bytes; the caller frees. */
struct gm_error *gm_recording_read_blob(struct gm_recording *recording, const char *sql,
					int64_t key, size_t max, void **bytes,
					size_t *size) GM_MUST_CHECK;

/* Sets of labels, sorted as gm_go_label_sets_of() needs them. */
struct gm_error *gm_recording_read_labels(struct gm_recording *recording, enum gm_table which,
					  int64_t id, struct gm_go_label_sets *sets) GM_MUST_CHECK;

/* Who holds the heap. */
struct gm_error *gm_recording_read_holders(struct gm_recording *recording, int64_t id,
					   struct gm_sample *sample) GM_MUST_CHECK;

/* Goroutines; and the functions of all samples. */
struct gm_error *gm_recording_read_population(struct gm_recording *recording, int64_t id,
					      struct gm_sample *sample) GM_MUST_CHECK;
struct gm_error *gm_recording_read_codes(struct gm_recording *recording,
					 struct gm_sample *sample) GM_MUST_CHECK;

#endif
