// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader of recordings: nothing in them is believed before it is checked. */
#include <errno.h>
#include <string.h>

#include "base/zip.h"
#include "join/cursor.h"
#include "recording/reader.h"

#define RUNS_MAX ((size_t)1 << 24)
#define ORDER_MAX 20

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
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
		return gm_recording_damaged(recording, "a VMA of it is of no kind");
	return NULL;
}

static struct gm_error *read_vmas(struct gm_recording *recording, int64_t id,
				  struct gm_sample *sample)
{
	gm_autofree struct gm_row_vma *rows = NULL;
	const struct gm_db_table *table = &gm_tables[GM_TABLE_VMAS];
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

struct gm_error *gm_recording_read_blob(struct gm_recording *recording, const char *sql,
					int64_t key, size_t max, void **bytes, size_t *size)
{
	sqlite3_stmt *statement;
	struct gm_error *error = gm_db_prepare(recording->db, &statement, sql, (long long)key);
	bool row = false;

	if (!error)
		error = gm_db_step(recording->db, statement, &row);
	if (!error && !row)
		error = gm_recording_damaged(recording, "a part of it is missing");
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
		return gm_recording_damaged(recording, "its page runs are cut short");
	for (size_t i = 0; i < pages->count; i++)
		if (pages->items[i].order > ORDER_MAX || !pages->items[i].pages)
			return gm_recording_damaged(recording, "a page run of it makes no sense");
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
	error = gm_recording_select_one(recording, GM_TABLE_PAGES, id, &row);
	pages->missing = row.missing;
	pages->took_ns = row.took_ns;
	if (error)
		return error;
	if (row.source == GM_PAGES_BEST || row.source > GM_PAGES_CORE)
		return gm_recording_damaged(recording, "its page runs are from nowhere");
	pages->source = row.source;
	error = gm_recording_read_blob(recording, "SELECT bytes FROM runs WHERE sample = %lld", id,
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
	struct gm_error *error = gm_recording_select_one(recording, GM_TABLE_MODULE, id, watch);

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

static struct gm_error *read_stacks(struct gm_recording *recording, int64_t id,
				    struct gm_sample *sample)
{
	struct gm_module_stacks *stacks = &sample->stacks;
	struct gm_error *error;

	error = read_module_table(recording, GM_TABLE_MODULE_STACKS, id, (void **)&stacks->items,
				  &stacks->count, &stacks->text);
	stacks->remark = sample->stacks_remark;
	return error ?:
		       gm_recording_read_labels(recording, GM_TABLE_STACK_LABELS, id,
						&sample->stacks_labels);
}

static struct gm_error *read_state(struct gm_recording *recording, int64_t id,
				   struct gm_sample *sample)
{
	struct gm_error *error =
		gm_recording_select_one(recording, GM_TABLE_PROCESS, id, &sample->process);

	if (!error)
		error = gm_recording_select_one(recording, GM_TABLE_HOST, id, &sample->host);
	if (!error)
		error = read_watch(recording, id, &sample->watch);
	if (!error)
		error = read_blocks(recording, id, &sample->blocks);
	if (!error)
		error = read_stacks(recording, id, sample);
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
	error = gm_recording_select_one(recording, GM_TABLE_SAMPLES, id, sample);
	if (!error)
		error = read_state(recording, id, sample);
	if (!error && !sample->go_problem)
		error = gm_recording_read_image(recording, &sample->image);
	if (!error)
		error = gm_recording_read_tapes(recording, id, sample);
	if (!error)
		error = gm_recording_read_population(recording, id, sample);
	if (!error)
		error = gm_recording_read_holders(recording, id, sample);
	return error ?: gm_recording_read_codes(recording, sample);
}
