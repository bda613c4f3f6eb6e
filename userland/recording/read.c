// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader of recordings: nothing in them is believed before it is checked. */
#define _GNU_SOURCE 1 /* strptime */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/zip.h"
#include "join/cursor.h"
#include "recording/tables.h"

#define RUNS_MAX ((size_t)1 << 24)
#define ORDER_MAX 20

struct gm_recording {
	struct gm_db *db;
};

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static struct gm_error *damaged(const struct gm_recording *recording, const char *what)
{
	return gm_error_create(EBADMSG, "cannot use the recording %s: %s",
			       gm_db_path(recording->db), what);
}

static struct gm_error *read_number(struct gm_recording *recording, const char *sql,
				    int64_t *number)
{
	sqlite3_stmt *statement;
	struct gm_error *error = gm_db_prepare(recording->db, &statement, "%s", sql);
	bool row = false;

	if (!error)
		error = gm_db_step(recording->db, statement, &row);
	*number = row ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return error;
}

static struct gm_error *check_version(struct gm_recording *recording)
{
	int64_t id, version;
	struct gm_error *error = read_number(recording, "PRAGMA application_id", &id);

	if (!error && id != GM_RECORDING_ID)
		return damaged(recording, "gomemctl record did not make it");
	if (!error)
		error = read_number(recording, "PRAGMA user_version", &version);
	if (!error && version != GM_RECORDING_VERSION)
		error = gm_error_create(ENOTSUP,
					"cannot use the recording %s: it has version %lld, this "
					"gomemctl knows %d",
					gm_db_path(recording->db), (long long)version,
					GM_RECORDING_VERSION);
	return error;
}

/* Tables that were made otherwise could hold anything, computed columns among it. */
static struct gm_error *check_tables(struct gm_recording *recording)
{
	struct gm_error *error = gm_db_check_table(recording->db, "memory_blocks", GM_BLOCKS_SQL);

	if (!error)
		error = gm_db_check_table(recording->db, "runs", GM_RUNS_SQL);
	for (size_t i = 0; i < GM_TABLES && !error; i++) {
		gm_autofree char *sql = gm_db_table_sql(&gm_tables[i]);

		error = sql ? gm_db_check_table(recording->db, gm_tables[i].name, sql) :
			      no_memory();
	}
	return error;
}

struct gm_error *gm_recording_open(const char *path, struct gm_recording **out)
{
	gm_auto(gm_recording) struct gm_recording *recording = calloc(1, sizeof(*recording));
	struct gm_error *error;

	if (!recording)
		return no_memory();
	error = gm_db_open(path, &recording->db);
	if (!error)
		error = check_version(recording);
	if (!error)
		error = check_tables(recording);
	if (error)
		return error;
	*out = recording;
	recording = NULL;
	return NULL;
}

void gm_recording_destroy(struct gm_recording *recording)
{
	if (!recording)
		return;
	gm_db_destroy(recording->db);
	free(recording);
}

/* "2026-11-21 10:30:00", its seconds or its date left out; local. -1: none. */
static time_t parse_time(const char *text, time_t day)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					       "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm time = {};
		const char *end;

		localtime_r(&day, &time);
		time.tm_sec = 0;
		time.tm_isdst = -1;
		end = strptime(text, formats[i], &time);
		if (end && !*end)
			return mktime(&time);
	}
	return -1;
}

static struct gm_error *find_time(struct gm_recording *recording, const char *which,
				  int64_t *sample)
{
	const char *format = "SELECT max(sample) FROM samples WHERE time_ms < %lld";
	sqlite3_stmt *statement;
	struct gm_error *error;
	bool row = false;
	int64_t last;
	time_t time;

	error = read_number(recording, "SELECT max(time_ms) FROM samples", &last);
	if (error)
		return error;
	time = parse_time(which, last / 1000);
	if (time < 0)
		return gm_error_create(EINVAL,
				       "no sample is \"%s\": give a number from 1 on, or a "
				       "time such as 10:30 or \"2026-11-21 10:30:00\"",
				       which);
	error = gm_db_prepare(recording->db, &statement, format, ((long long)time + 1) * 1000);
	if (!error)
		error = gm_db_step(recording->db, statement, &row);
	*sample = row ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	if (!error && !*sample)
		error = gm_error_create(EINVAL, "%s has no sample at or before %s",
					gm_db_path(recording->db), which);
	return error;
}

struct gm_error *gm_recording_find(struct gm_recording *recording, const char *which,
				   int64_t *sample)
{
	struct gm_error *error;
	int64_t last, number;
	char *end;

	error = read_number(recording, "SELECT max(sample) FROM samples", &last);
	if (error)
		return error;
	*sample = last;
	if (!last)
		return damaged(recording, "it has no samples yet");
	if (!which)
		return NULL;
	errno = 0;
	number = strtoll(which, &end, 10);
	if (end == which || *end)
		return find_time(recording, which, sample);
	*sample = number;
	if (errno || number < 1 || number > last)
		return gm_error_create(EINVAL, "%s has no sample %s: its last is %lld",
				       gm_db_path(recording->db), which, (long long)last);
	return NULL;
}

static struct gm_error *select_one(struct gm_recording *recording, enum gm_table table,
				   int64_t sample, void *row)
{
	return gm_db_select_one(recording->db, &gm_tables[table], sample, row);
}

static bool find_kind(const char *name, enum gm_vma_kind *kind)
{
	for (*kind = 0; *kind < GM_VMA_KINDS; ++*kind)
		if (!strcmp(name, gm_vma_kind_name(*kind)))
			return true;
	return false;
}

/* Takes row->name. */
static struct gm_error *take_vma(struct gm_recording *recording, struct gm_row_vma *row,
				 struct gm_maps *maps)
{
	struct gm_vma *vma = gm_vec_push(maps);

	if (!vma)
		return no_memory();
	vma->name = row->name ?: strdup("");
	row->name = NULL;
	if (!vma->name)
		return no_memory();
	vma->start = row->start;
	vma->end = row->end;
	vma->offset = row->offset;
	vma->inode = row->inode;
	strcpy(vma->perms, row->perms);
	if (strlen(row->perms) != 4 || !find_kind(row->kind, &vma->kind))
		return damaged(recording, "a VMA of it is of no kind");
	return NULL;
}

static struct gm_error *read_vmas(struct gm_recording *recording, int64_t id,
				  struct gm_sample *sample)
{
	const struct gm_db_table *table = &gm_tables[GM_TABLE_VMAS];
	gm_autofree struct gm_row_vma *rows = NULL;
	struct gm_error *error;
	size_t count;

	sample->maps = calloc(1, sizeof(*sample->maps));
	if (!sample->maps)
		return no_memory();
	error = gm_db_select(recording->db, table, id, (void **)&rows, &count);
	for (size_t i = 0; i < count; i++) {
		if (!error)
			error = take_vma(recording, &rows[i], sample->maps);
		gm_db_row_deinit(table, &rows[i]);
	}
	return error;
}

/* The only blob of @sql, whose %lld is @key; the caller frees. */
static struct gm_error *read_blob(struct gm_recording *recording, const char *sql, int64_t key,
				  size_t max, void **bytes, size_t *size)
{
	sqlite3_stmt *statement;
	struct gm_error *error = gm_db_prepare(recording->db, &statement, sql, (long long)key);
	bool row = false;

	if (!error)
		error = gm_db_step(recording->db, statement, &row);
	if (!error && !row)
		error = damaged(recording, "a part of it is missing");
	if (!error)
		error = gm_unzip(sqlite3_column_blob(statement, 0),
				 sqlite3_column_bytes(statement, 0), max, bytes, size);
	sqlite3_finalize(statement);
	return error;
}

static struct gm_error *take_runs(struct gm_recording *recording, struct gm_pages *pages,
				  void *bytes, size_t size)
{
	pages->items = bytes;
	pages->count = size / sizeof(*pages->items);
	pages->capacity = pages->count;
	if (size % sizeof(*pages->items))
		return damaged(recording, "its page runs are cut short");
	for (size_t i = 0; i < pages->count; i++)
		if (pages->items[i].order > ORDER_MAX || !pages->items[i].pages)
			return damaged(recording, "a page run of it makes no sense");
	return NULL;
}

static struct gm_error *read_pages(struct gm_recording *recording, int64_t id,
				   struct gm_sample *sample)
{
	struct gm_pages *pages = calloc(1, sizeof(*pages));
	struct gm_row_pages row = {};
	struct gm_error *error;
	void *bytes;
	size_t size;

	sample->pages = pages;
	if (!pages)
		return no_memory();
	error = select_one(recording, GM_TABLE_PAGES, id, &row);
	pages->missing = row.missing;
	pages->took_ns = row.took_ns;
	if (error)
		return error;
	if (row.source == GM_PAGES_BEST || row.source > GM_PAGES_CORE)
		return damaged(recording, "its page runs are from nowhere");
	pages->source = row.source;
	error = read_blob(recording, "SELECT bytes FROM runs WHERE sample = %lld", id,
			  RUNS_MAX * sizeof(*pages->items), &bytes, &size);
	return error ?: take_runs(recording, pages, bytes, size);
}

/* Where a TEXT column of a row is. */
static char **text_of(const struct gm_db_table *table, size_t column, void *rows, size_t row)
{
	return (char **)((char *)rows + row * table->row_bytes + table->columns[column].offset);
}

/* A module's table has the strings of all rows in one place, and no NULL. */
static char *gather_texts(const struct gm_db_table *table, void *rows, size_t count)
{
	size_t size = 1;
	char *all, *at;

	for (size_t i = 0; i < count * table->count; i++) {
		if (table->columns[i % table->count].type == GM_DB_TEXT)
			size += strlen(*text_of(table, i % table->count, rows, i / table->count) ?:
					       "") +
				1;
	}
	all = malloc(size);
	at = all;
	for (size_t i = 0; all && i < count * table->count; i++) {
		char **text;

		if (table->columns[i % table->count].type != GM_DB_TEXT)
			continue;
		text = text_of(table, i % table->count, rows, i / table->count);
		strcpy(at, *text ?: "");
		free(*text);
		*text = at;
		at += strlen(at) + 1;
	}
	return all;
}

/* *@rows, *@count and *@text of a table of the module. */
static struct gm_error *read_module_table(struct gm_recording *recording, enum gm_table which,
					  int64_t id, void **rows, size_t *count, char **text)
{
	const struct gm_db_table *table = &gm_tables[which];
	struct gm_error *error = gm_db_select(recording->db, table, id, rows, count);

	if (!error) {
		*text = gather_texts(table, *rows, *count);
		error = *text ? NULL : no_memory();
	}
	for (size_t i = 0; error && i < *count; i++)
		gm_db_row_deinit(table, (char *)*rows + i * table->row_bytes);
	if (error)
		*count = 0;
	return error;
}

static struct gm_error *read_watch(struct gm_recording *recording, int64_t id,
				   struct gm_module_watch *watch)
{
	struct gm_module_vmas *vmas = &watch->vmas;
	struct gm_error *error = select_one(recording, GM_TABLE_MODULE, id, watch);

	return error ?:
		       read_module_table(recording, GM_TABLE_MODULE_VMAS, id, (void **)&vmas->items,
					 &vmas->count, &vmas->text);
}

static struct gm_error *read_blocks(struct gm_recording *recording, int64_t id,
				    struct gm_module_blocks *blocks)
{
	return read_module_table(recording, GM_TABLE_MODULE_BLOCKS, id, (void **)&blocks->items,
				 &blocks->count, &blocks->text);
}

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
			return damaged(recording, "its layout of Go's structs makes no sense");
		if (row)
			layout->places[i] = (struct gm_go_place){ row->address, row->size };
	}
	return error ?: gm_go_layout_check(layout);
}

/* Written with the first sample that has a Go program. */
static struct gm_error *read_image(struct gm_recording *recording, struct gm_go_image *image)
{
	struct gm_error *error;
	int64_t sample;

	error = read_number(recording, "SELECT min(sample) FROM go", &sample);
	if (!error)
		error = select_one(recording, GM_TABLE_GO, sample, image);
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
		error = damaged(recording, "a part of its memory is missing");
	if (!error)
		error = gm_tape_unpack(tape, sqlite3_column_blob(statement, 0),
				       sqlite3_column_bytes(statement, 0));
	sqlite3_finalize(statement);
	return error;
}

static struct gm_error *read_tapes(struct gm_recording *recording, int64_t id,
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

static struct gm_error *read_state(struct gm_recording *recording, int64_t id,
				   struct gm_sample *sample)
{
	struct gm_error *error = select_one(recording, GM_TABLE_PROCESS, id, &sample->process);

	if (!error)
		error = select_one(recording, GM_TABLE_HOST, id, &sample->host);
	if (!error)
		error = read_watch(recording, id, &sample->watch);
	if (!error)
		error = read_blocks(recording, id, &sample->blocks);
	if (!error)
		error = read_vmas(recording, id, sample);
	if (!error)
		error = read_pages(recording, id, sample);
	return error ?: gm_cursor_check(sample->maps, sample->pages, NULL);
}

struct gm_error *gm_recording_read(struct gm_recording *recording, int64_t id,
				   struct gm_sample *sample)
{
	struct gm_error *error;

	*sample = (struct gm_sample){};
	error = select_one(recording, GM_TABLE_SAMPLES, id, sample);
	if (!error)
		error = read_state(recording, id, sample);
	if (!error && !sample->go_problem)
		error = read_image(recording, &sample->image);
	return error ?: read_tapes(recording, id, sample);
}

void gm_sample_deinit(struct gm_sample *sample)
{
	gm_maps_destroy(sample->maps);
	gm_pages_destroy(sample->pages);
	gm_module_watch_deinit(&sample->watch);
	gm_module_blocks_deinit(&sample->blocks);
	free(sample->go_problem);
	free(sample->goroutines.items);
	gm_tape_deinit(&sample->tape);
	gm_tape_deinit(&sample->tape_again);
	memset(sample, 0, sizeof(*sample));
}
