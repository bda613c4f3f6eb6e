// SPDX-License-Identifier: GPL-2.0-or-later
/* The writer of recordings. A sample is a transaction: who is killed loses no more than one. */
#define _GNU_SOURCE 1 /* O_CLOEXEC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/zip.h"
#include "join/vma_use.h"
#include "recording/writer.h"

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static void blocks_deinit(struct gm_written_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		free(blocks->items[i].packed);
	free(blocks->items);
	*blocks = (struct gm_written_blocks){};
}

static struct gm_error *create_table(struct gm_db *db, const struct gm_db_table *table)
{
	gm_autofree char *sql = gm_db_table_sql(table);
	sqlite3_stmt *statement;
	struct gm_error *error;
	bool row;

	if (!sql)
		return no_memory();
	error = gm_db_run(db, sql);
	if (error)
		return error;
	error = gm_db_prepare(db, &statement, "CREATE INDEX %s_sample ON %s (sample)", table->name,
			      table->name);
	if (!error)
		error = gm_db_step(db, statement, &row);
	sqlite3_finalize(statement);
	return error;
}

static struct gm_error *create_tables(struct gm_db *db)
{
	sqlite3_stmt *statement;
	struct gm_error *error = gm_db_run(db, GM_BLOCKS_SQL ";" GM_RUNS_SQL ";" GM_STATES_SQL);
	bool row;

	for (size_t i = 0; i < GM_TABLES && !error; i++)
		error = create_table(db, &gm_tables[i]);
	if (!error)
		error = gm_db_prepare(db, &statement, "PRAGMA application_id = %d",
				      GM_RECORDING_ID);
	if (error)
		return error;
	error = gm_db_step(db, statement, &row);
	sqlite3_finalize(statement);
	if (!error)
		error = gm_db_prepare(db, &statement, "PRAGMA user_version = %d",
				      GM_RECORDING_VERSION);
	if (error)
		return error;
	error = gm_db_step(db, statement, &row);
	sqlite3_finalize(statement);
	return error;
}

static struct gm_error *create_file(const char *path)
{
	/* The addresses in it are secrets. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return gm_error_create(EEXIST,
				       "cannot create %s: it is there already, and is not "
				       "overwritten; give another name",
				       path);
	if (fd < 0)
		return gm_error_errno(errno, "cannot create %s", path);
	close(fd);
	return NULL;
}

/* In the file at @path, which is empty. */
static struct gm_error *create_database(const char *path, struct gm_db **db)
{
	struct gm_error *error = gm_db_create(path, db);

	if (!error)
		error = gm_db_run(*db, "BEGIN IMMEDIATE");
	if (!error)
		error = create_tables(*db);
	if (!error)
		error = gm_db_run(*db, "COMMIT");
	if (error)
		unlink(path);
	return error;
}

struct gm_error *gm_recorder_create(const char *path, struct gm_recorder **out)
{
	gm_auto(gm_recorder) struct gm_recorder *recorder = calloc(1, sizeof(*recorder));
	struct gm_error *error;

	if (!recorder)
		return no_memory();
	error = create_file(path);
	if (!error)
		error = create_database(path, &recorder->db);
	if (error)
		return error;
	*out = recorder;
	recorder = NULL;
	return NULL;
}

void gm_recorder_destroy(struct gm_recorder *recorder)
{
	if (!recorder)
		return;
	blocks_deinit(&recorder->last);
	gm_db_destroy(recorder->db);
	free(recorder);
}

struct gm_error *gm_recorder_insert(struct gm_recorder *recorder, enum gm_table table,
				    const void *rows, size_t count)
{
	return gm_db_insert(recorder->db, &gm_tables[table], recorder->samples, rows, count);
}

struct gm_error *gm_recorder_insert_blob(struct gm_recorder *recorder, const char *table,
					 int64_t key, const void *blob, size_t size)
{
	sqlite3_stmt *statement;
	struct gm_error *error;
	bool row;

	error = gm_db_prepare(recorder->db, &statement, "INSERT INTO %s VALUES (?, ?)", table);
	if (error)
		return error;
	if (sqlite3_bind_int64(statement, 1, key) ||
	    sqlite3_bind_blob64(statement, 2, blob, size, SQLITE_STATIC))
		error = gm_error_create(E2BIG, "cannot write %s: %zu bytes are too many",
					gm_db_path(recorder->db), size);
	else
		error = gm_db_step(recorder->db, statement, &row);
	sqlite3_finalize(statement);
	return error;
}

static struct gm_error *add_vmas(struct gm_recorder *recorder, const struct gm_sample *sample)
{
	struct gm_error *error = NULL;
	size_t next = 0;

	for (size_t i = 0; i < sample->maps->count && !error; i++) {
		const struct gm_vma *vma = &sample->maps->items[i];
		struct gm_vma_use use = gm_vma_use_next(vma, sample->pages, &next);
		struct gm_row_vma row = {
			.start = vma->start,
			.end = vma->end,
			.offset = vma->offset,
			.inode = vma->inode,
			.rss = use.rss,
			.anon = use.anon,
			.thp = use.thp,
			.swap = use.swap,
			.name = vma->name,
		};

		strcpy(row.perms, vma->perms);
		strcpy(row.kind, gm_vma_kind_name(vma->kind));
		error = gm_recorder_insert(recorder, GM_TABLE_VMAS, &row, 1);
	}
	return error;
}

static struct gm_error *add_pages(struct gm_recorder *recorder, const struct gm_pages *pages)
{
	const struct gm_row_pages row = { pages->source, pages->missing, pages->took_ns };
	struct gm_error *error = gm_recorder_insert(recorder, GM_TABLE_PAGES, &row, 1);
	gm_autofree void *packed = NULL;
	size_t size;

	if (!error)
		error = gm_zip(pages->items, pages->count * sizeof(*pages->items), &packed, &size);
	return error ?: gm_recorder_insert_blob(recorder, "runs", recorder->samples, packed, size);
}

/* The block of the last tape that is the same, 0: there is none. @at moves on by group. */
static int64_t find_block(const struct gm_written_blocks *last, size_t *at,
			  const struct gm_tape_group *group)
{
	const struct gm_written_block *block;

	while (*at < last->count && last->items[*at].group < group->group)
		++*at;
	if (*at == last->count)
		return 0;
	block = &last->items[*at];
	return block->group == group->group && block->size == group->packed_size &&
			       !memcmp(block->packed, group->packed, block->size) ?
		       block->id :
		       0;
}

static struct gm_error *add_block(struct gm_recorder *recorder, struct gm_written_blocks *now,
				  size_t *at, const struct gm_tape_group *group, uint64_t look)
{
	int64_t id = find_block(&recorder->last, at, group);
	struct gm_written_block *block = gm_vec_push(now);
	struct gm_error *error = NULL;
	struct gm_row_memory row;

	if (!block)
		return no_memory();
	*block = (struct gm_written_block){ group->group, id, malloc(group->packed_size),
					    group->packed_size };
	if (!block->packed)
		return no_memory();
	memcpy(block->packed, group->packed, block->size);
	if (!id) {
		sqlite3_stmt *statement;
		bool found;

		error = gm_db_prepare(recorder->db, &statement,
				      "INSERT INTO memory_blocks (bytes) VALUES (?) RETURNING id");
		if (error)
			return error;
		if (sqlite3_bind_blob64(statement, 1, block->packed, block->size, SQLITE_STATIC))
			error = no_memory();
		else
			error = gm_db_step(recorder->db, statement, &found);
		block->id = error ? 0 : sqlite3_column_int64(statement, 0);
		sqlite3_finalize(statement);
	}
	row = (struct gm_row_memory){ look, block->id };
	return error ?: gm_recorder_insert(recorder, GM_TABLE_MEMORY, &row, 1);
}

static struct gm_error *add_tape(struct gm_recorder *recorder, const struct gm_tape *tape,
				 uint64_t look)
{
	struct gm_error *error = NULL;
	struct gm_tape_group group;
	struct gm_written_blocks now = {};
	size_t next = 0, at = 0;
	uint64_t from = 0;

	if (!tape->count)
		return NULL;
	while (!error && gm_tape_pack(tape, &next, &from, &group, &error)) {
		if (error)
			break;
		error = add_block(recorder, &now, &at, &group, look);
		free(group.packed);
	}
	if (error) {
		blocks_deinit(&now);
		return error;
	}
	blocks_deinit(&recorder->last);
	recorder->last = now;
	return NULL;
}

static struct gm_error *add_place(struct gm_recorder *recorder, enum gm_table table,
				  const char *name, uint64_t address, uint64_t size)
{
	struct gm_row_place row = { .address = address, .size = size };

	strcpy(row.name, name);
	return gm_recorder_insert(recorder, table, &row, 1);
}

static struct gm_error *add_globals(struct gm_recorder *recorder, const struct gm_go_image *image)
{
	static const char *const names[] = {
#define NAME(id, ...) #id,
		GM_GO_GLOBALS(NAME)
	};
	struct gm_error *error = NULL;

	for (size_t i = 0; i < GM_GO_GLOBAL_COUNT && !error; i++)
		error = add_place(recorder, GM_TABLE_GO_GLOBALS, names[i],
				  image->globals[i].address, image->globals[i].size);
	return error;
}

static struct gm_error *add_layout(struct gm_recorder *recorder, const struct gm_go_image *image)
{
	static const char *const names[] = { GM_GO_FIELDS(NAME) };
	struct gm_error *error = NULL;

	for (size_t i = 0; i < GM_GO_FIELD_COUNT && !error; i++)
		if (gm_go_layout_has(&image->layout, i))
			error = add_place(recorder, GM_TABLE_GO_LAYOUT, names[i],
					  image->layout.places[i].offset,
					  image->layout.places[i].size);
	return error;
}

/* Once: a process that executes another program is not recorded on. */
static struct gm_error *add_image(struct gm_recorder *recorder, const struct gm_sample *sample)
{
	struct gm_error *error;

	if (sample->go_problem || recorder->has_image)
		return NULL;
	recorder->has_image = true;
	error = gm_recorder_insert(recorder, GM_TABLE_GO, &sample->image, 1);
	if (!error)
		error = add_globals(recorder, &sample->image);
	return error ?: add_layout(recorder, &sample->image);
}

static struct gm_error *add_bill(struct gm_recorder *recorder, const struct gm_bill *bill)
{
	struct gm_error *error = NULL;

	for (size_t class_ = 0; class_ < GM_GO_CLASSES; class_++)
		for (size_t state = 0; state < GOMEM_PAGE_STATES && !error; state++) {
			struct gm_row_bill row = { .bytes = bill->bytes[class_][state] };

			if (!row.bytes)
				continue;
			strcpy(row.class_, gm_go_class_name(class_));
			strcpy(row.state, gm_page_state_name(state));
			error = gm_recorder_insert(recorder, GM_TABLE_BILL, &row, 1);
		}
	return error;
}

static struct gm_error *add_classes(struct gm_recorder *recorder, const struct gm_bill *bill)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < GM_GO_SIZE_CLASSES && !error; i++)
		if (bill->classes[i].spans)
			error = gm_recorder_insert(recorder, GM_TABLE_SIZE_CLASSES,
						   &bill->classes[i], 1);
	return error;
}

static struct gm_error *add_heap(struct gm_recorder *recorder, const struct gm_sample *sample,
				 const struct gm_go_heap *heap, const struct gm_bill *bill)
{
	struct gm_error *error = add_image(recorder, sample);

	if (!error)
		error = add_tape(recorder, &sample->tape, 0);
	if (!error)
		error = add_tape(recorder, &sample->tape_again, 1);
	if (!error)
		error = add_bill(recorder, bill);
	if (!error && heap)
		error = gm_recorder_insert(recorder, GM_TABLE_TOTALS, &heap->totals, 1);
	if (!error && heap)
		error = add_classes(recorder, bill);
	return error;
}

static struct gm_error *add_sample(struct gm_recorder *recorder, const struct gm_sample *sample)
{
	struct gm_error *error = gm_recorder_insert(recorder, GM_TABLE_SAMPLES, sample, 1);

	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_PROCESS, &sample->process, 1);
	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_HOST, &sample->host, 1);
	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_MODULE, &sample->watch, 1);
	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_MODULE_VMAS, sample->watch.vmas.items,
					   sample->watch.vmas.count);
	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_MODULE_BLOCKS, sample->blocks.items,
					   sample->blocks.count);
	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_MODULE_STACKS, sample->stacks.items,
					   sample->stacks.count);
	if (!error)
		error = gm_recorder_add_labels(recorder, GM_TABLE_STACK_LABELS,
					       &sample->stacks_labels);
	if (!error)
		error = gm_recorder_add_population(recorder, sample);
	if (!error)
		error = gm_recorder_add_holders(recorder, sample);
	if (!error)
		error = add_vmas(recorder, sample);
	return error ?: add_pages(recorder, sample->pages);
}

struct gm_error *gm_recorder_add(struct gm_recorder *recorder, const struct gm_sample *sample,
				 const struct gm_go_heap *heap, const struct gm_bill *bill)
{
	struct gm_error *error = gm_db_run(recorder->db, "BEGIN IMMEDIATE");

	if (error)
		return error;
	recorder->samples++;
	error = add_sample(recorder, sample);
	if (!error)
		error = add_heap(recorder, sample, heap, bill);
	if (!error)
		error = gm_db_run(recorder->db, "COMMIT");
	if (error)
		gm_error_destroy(gm_db_run(recorder->db, "ROLLBACK"));
	return error;
}
