// SPDX-License-Identifier: GPL-2.0-or-later
/* What recordings keep of Go programs: where the runtime has things, and the memory read there. */
#include <errno.h>
#include <string.h>

#include "recording/reader.h"

static struct gm_error *read_places(struct gm_recording *recording, enum gm_table table,
				    int64_t sample, struct gm_row_place **rows, size_t *count)
{
	return gm_db_select(recording->db, &gm_tables[table], sample, (void **)rows, count);
}

static const struct gm_row_place *find_place(const struct gm_row_place *rows, size_t count,
					     const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static struct gm_error *read_globals(struct gm_recording *recording, int64_t sample,
				     struct gm_go_image *image)
{
	static const char *const names[] = {
#define NAME(id, ...) #id,
		GM_GO_GLOBALS(NAME)
	};
	gm_autofree struct gm_row_place *rows = NULL;
	struct gm_error *error;
	size_t count;

	error = read_places(recording, GM_TABLE_GO_GLOBALS, sample, &rows, &count);
	for (size_t i = 0; i < GM_GO_GLOBAL_COUNT && !error; i++) {
		const struct gm_row_place *row = find_place(rows, count, names[i]);

		if (row)
			image->globals[i] = (struct gm_go_variable){ row->address, row->size };
	}
	return error;
}

static struct gm_error *read_layout(struct gm_recording *recording, int64_t sample,
				    struct gm_go_layout *layout)
{
	static const char *const names[] = { GM_GO_FIELDS(NAME) };
	gm_autofree struct gm_row_place *rows = NULL;
	struct gm_error *error;
	size_t count;

	error = read_places(recording, GM_TABLE_GO_LAYOUT, sample, &rows, &count);
	for (size_t i = 0; i < GM_GO_FIELD_COUNT && !error; i++) {
		const struct gm_row_place *row = find_place(rows, count, names[i]);

		if (row && (row->address > UINT32_MAX || row->size > UINT32_MAX))
			return gm_recording_damaged(recording,
						    "its layout of Go's structs makes no sense");
		if (row)
			layout->places[i] = (struct gm_go_place){ row->address, row->size };
	}
	return error ?: gm_go_layout_check(layout);
}

/* Written with the first sample that has a Go program. */
struct gm_error *gm_recording_read_image(struct gm_recording *recording, struct gm_go_image *image)
{
	struct gm_error *error;
	int64_t sample;

	error = gm_recording_number(recording, "SELECT min(sample) FROM go", &sample);
	if (!error)
		error = gm_recording_select_one(recording, GM_TABLE_GO, sample, image);
	if (!error)
		error = read_globals(recording, sample, image);
	return error ?: read_layout(recording, sample, &image->layout);
}

static struct gm_error *read_block(struct gm_recording *recording, int64_t id, struct gm_tape *tape)
{
	const char *format = "SELECT bytes FROM memory_blocks WHERE id = %lld";
	sqlite3_stmt *statement;
	struct gm_error *error;
	bool row = false;

	error = gm_db_prepare(recording->db, &statement, format, (long long)id);
	if (!error)
		error = gm_db_step(recording->db, statement, &row);
	if (!error && !row)
		error = gm_recording_damaged(recording, "a part of its memory is missing");
	if (!error)
		error = gm_tape_unpack(tape, sqlite3_column_blob(statement, 0),
				       sqlite3_column_bytes(statement, 0));
	sqlite3_finalize(statement);
	return error;
}

struct gm_error *gm_recording_read_tapes(struct gm_recording *recording, int64_t id,
					 struct gm_sample *sample)
{
	gm_autofree struct gm_row_memory *rows = NULL;
	struct gm_error *error;
	size_t count;

	error = gm_db_select(recording->db, &gm_tables[GM_TABLE_MEMORY], id, (void **)&rows,
			     &count);
	for (size_t i = 0; i < count && !error; i++)
		error = read_block(recording, rows[i].block,
				   rows[i].look ? &sample->tape_again : &sample->tape);
	return error;
}
