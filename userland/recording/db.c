// SPDX-License-Identifier: GPL-2.0-or-later
#include "recording/db.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"

/* How long a reader waits for a recorder that writes, and the other way round. */
#define BUSY_MS 10000
/* Of one value: a packed blob of page runs is the largest, 16 bytes a run. */
#define VALUE_MAX (256 << 20)

struct gm_db {
	sqlite3 *sqlite;
	char *path;
};

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static struct gm_error *failed(const struct gm_db *db, const char *what)
{
	int code = sqlite3_errcode(db->sqlite) & 0xff;

	return gm_error_create(code == SQLITE_NOMEM    ? ENOMEM :
			       code == SQLITE_CANTOPEN ? ENOENT :
			       code == SQLITE_FULL     ? ENOSPC :
							 EBADMSG,
			       "cannot %s %s: %s", what, db->path, sqlite3_errmsg(db->sqlite));
}

/* What a file says of itself must not make us do anything but read it. */
static struct gm_error *harden(struct gm_db *db)
{
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return gm_db_run(db, "PRAGMA mmap_size=0; PRAGMA cell_size_check=1");
}

/* A journal may name a super-journal, which sqlite deletes: any file at all. We never make one. */
static struct sqlite3_vfs *system_vfs;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	file->pMethods = NULL;
	if (flags & SQLITE_OPEN_SUPER_JOURNAL)
		return SQLITE_CANTOPEN;
	return system_vfs->xOpen(vfs, name, file, flags, out);
}

static bool register_vfs(void)
{
	static sqlite3_vfs own;

	if (system_vfs)
		return true;
	if (sqlite3_initialize())
		return false;
	system_vfs = sqlite3_vfs_find(NULL);
	if (!system_vfs)
		return false;
	own = *system_vfs;
	own.zName = "gomem";
	own.xOpen = open_file;
	return !sqlite3_vfs_register(&own, 0);
}

static struct gm_error *open_db(const char *path, int flags, struct gm_db **out)
{
	gm_auto(gm_db) struct gm_db *db = calloc(1, sizeof(*db));
	struct gm_error *error;

	if (db)
		db->path = strdup(path);
	if (!db || !db->path)
		return no_memory();
	if (access(path, R_OK))
		error = gm_error_errno(errno, "cannot open %s", path);
	else if (!register_vfs())
		error = no_memory();
	else if (sqlite3_open_v2(path, &db->sqlite, flags, "gomem"))
		error = failed(db, "open");
	else
		error = harden(db);
	if (error)
		return error;
	*out = db;
	db = NULL;
	return NULL;
}

struct gm_error *gm_db_create(const char *path, struct gm_db **db)
{
	return open_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, db);
}

static struct gm_error *probe(struct gm_db *db)
{
	return gm_db_run(db, "SELECT count(*) FROM sqlite_schema");
}

/* A recorder that was killed while it wrote left a journal beside the file: what it had begun is
 * taken back by whoever may write.
 */
struct gm_error *gm_db_open(const char *path, struct gm_db **db)
{
	struct gm_error *error = open_db(path, SQLITE_OPEN_READONLY, db);
	bool journal;

	if (error)
		return error;
	error = probe(*db);
	journal = error && sqlite3_extended_errcode((*db)->sqlite) == SQLITE_READONLY_ROLLBACK;
	if (!error || !journal)
		return error;
	gm_error_destroy(error);
	gm_db_destroy(*db);
	*db = NULL;
	error = open_db(path, SQLITE_OPEN_READWRITE, db);
	return error ?: probe(*db);
}

void gm_db_destroy(struct gm_db *db)
{
	if (!db)
		return;
	sqlite3_close(db->sqlite);
	free(db->path);
	free(db);
}

const char *gm_db_path(const struct gm_db *db)
{
	return db->path;
}

struct gm_error *gm_db_run(struct gm_db *db, const char *sql)
{
	return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) ? failed(db, "use") : NULL;
}

struct gm_error *gm_db_prepare(struct gm_db *db, sqlite3_stmt **statement, const char *format, ...)
{
	va_list arguments;
	int code;
	char *sql;

	*statement = NULL;
	va_start(arguments, format);
	sql = sqlite3_vmprintf(format, arguments);
	va_end(arguments);
	if (!sql)
		return no_memory();
	code = sqlite3_prepare_v2(db->sqlite, sql, -1, statement, NULL);
	sqlite3_free(sql);
	return code ? failed(db, "use") : NULL;
}

struct gm_error *gm_db_step(struct gm_db *db, sqlite3_stmt *statement, bool *row)
{
	int code = sqlite3_step(statement);

	*row = code == SQLITE_ROW;
	return code == SQLITE_ROW || code == SQLITE_DONE ? NULL : failed(db, "use");
}

static const char *type_name(enum gm_db_type type)
{
	return type == GM_DB_ARRAY || type == GM_DB_TEXT ? "TEXT" : "INTEGER";
}

char *gm_db_table_sql(const struct gm_db_table *table)
{
	sqlite3_str *text = sqlite3_str_new(NULL);
	char *sql, *copy;

	sqlite3_str_appendf(text, "CREATE TABLE %s (sample INTEGER NOT NULL", table->name);
	for (size_t i = 0; i < table->count; i++)
		sqlite3_str_appendf(text, ", \"%s\" %s", table->columns[i].name,
				    type_name(table->columns[i].type));
	sqlite3_str_appendall(text, ")");
	sql = sqlite3_str_finish(text);
	copy = sql ? strdup(sql) : NULL;
	sqlite3_free(sql);
	return copy;
}

struct gm_error *gm_db_check_table(struct gm_db *db, const char *name, const char *sql)
{
	const char *format = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = %Q";
	sqlite3_stmt *statement;
	struct gm_error *error = gm_db_prepare(db, &statement, format, name);
	bool row = false;

	if (!error)
		error = gm_db_step(db, statement, &row);
	if (!error) {
		const char *its = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;

		if (!its || strcmp(its, sql))
			error = gm_error_create(ENOTSUP,
						"cannot use %s: its table %s is not what gomemctl "
						"record makes",
						db->path, name);
	}
	sqlite3_finalize(statement);
	return error;
}

static int bind(sqlite3_stmt *statement, int at, const struct gm_db_column *column, const char *row)
{
	const void *value = row + column->offset;
	const char *text;

	switch (column->type) {
	case GM_DB_NUMBER:
		if (*(const uint64_t *)value == UINT64_MAX)
			return sqlite3_bind_null(statement, at);
		return sqlite3_bind_int64(statement, at, *(const uint64_t *)value);
	case GM_DB_SIGNED:
		return sqlite3_bind_int64(statement, at, *(const int64_t *)value);
	case GM_DB_INT:
		return sqlite3_bind_int64(statement, at, *(const int32_t *)value);
	case GM_DB_FLAG:
		return sqlite3_bind_int64(statement, at, *(const bool *)value);
	case GM_DB_ARRAY:
		return sqlite3_bind_text(statement, at, value, -1, SQLITE_STATIC);
	default:
		text = *(const char *const *)value;
		return text ? sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC) :
			      sqlite3_bind_null(statement, at);
	}
}

static struct gm_error *insert_row(struct gm_db *db, sqlite3_stmt *statement,
				   const struct gm_db_table *table, int64_t sample, const char *row)
{
	int code = sqlite3_bind_int64(statement, 1, sample);

	for (size_t i = 0; i < table->count && !code; i++)
		code = bind(statement, i + 2, &table->columns[i], row);
	if (!code && sqlite3_step(statement) == SQLITE_DONE)
		code = sqlite3_reset(statement);
	else
		code = SQLITE_ERROR;
	return code ? failed(db, "write") : NULL;
}

static struct gm_error *prepare_insert(struct gm_db *db, const struct gm_db_table *table,
				       sqlite3_stmt **statement)
{
	sqlite3_str *text = sqlite3_str_new(NULL);
	struct gm_error *error;
	char *marks;

	for (size_t i = 0; i < table->count; i++)
		sqlite3_str_appendall(text, ", ?");
	marks = sqlite3_str_finish(text);
	error = gm_db_prepare(db, statement, "INSERT INTO %s VALUES (?%s)", table->name,
			      marks ?: "");
	sqlite3_free(marks);
	return error;
}

struct gm_error *gm_db_insert(struct gm_db *db, const struct gm_db_table *table, int64_t sample,
			      const void *rows, size_t count)
{
	sqlite3_stmt *statement;
	struct gm_error *error = prepare_insert(db, table, &statement);

	for (size_t i = 0; i < count && !error; i++)
		error = insert_row(db, statement, table, sample,
				   (const char *)rows + i * table->row_bytes);
	sqlite3_finalize(statement);
	return error;
}

/* Into a struct, where names are printed from. */
static void take_array(char *to, size_t size, const char *text)
{
	size_t i = 0;

	for (; text && text[i] && i + 1 < size; i++)
		to[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	memset(to + i, 0, size - i);
}

static bool take(sqlite3_stmt *statement, int at, const struct gm_db_column *column, char *row)
{
	const char *text = NULL;
	void *value = row + column->offset;
	bool null = sqlite3_column_type(statement, at) == SQLITE_NULL;

	switch (column->type) {
	case GM_DB_NUMBER:
		*(uint64_t *)value = null ? UINT64_MAX :
					    (uint64_t)sqlite3_column_int64(statement, at);
		return true;
	case GM_DB_SIGNED:
		*(int64_t *)value = sqlite3_column_int64(statement, at);
		return true;
	case GM_DB_INT:
		*(int32_t *)value = sqlite3_column_int64(statement, at);
		return true;
	case GM_DB_FLAG:
		*(bool *)value = sqlite3_column_int64(statement, at) != 0;
		return true;
	case GM_DB_ARRAY:
		take_array(value, column->size, (const char *)sqlite3_column_text(statement, at));
		return true;
	default:
		text = (const char *)sqlite3_column_text(statement, at);
		*(char **)value = text ? strdup(text) : NULL;
		return null || *(char **)value;
	}
}

static struct gm_error *take_row(sqlite3_stmt *statement, const struct gm_db_table *table,
				 void *row)
{
	for (size_t i = 0; i < table->count; i++)
		if (!take(statement, i, &table->columns[i], row))
			return no_memory();
	return NULL;
}

static struct gm_error *prepare_select(struct gm_db *db, const struct gm_db_table *table,
				       int64_t sample, sqlite3_stmt **statement)
{
	sqlite3_str *text = sqlite3_str_new(NULL);
	struct gm_error *error;
	char *names;

	for (size_t i = 0; i < table->count; i++)
		sqlite3_str_appendf(text, "%s\"%s\"", i ? ", " : "", table->columns[i].name);
	names = sqlite3_str_finish(text);
	error = gm_db_prepare(db, statement, "SELECT %s FROM %s WHERE sample = %lld ORDER BY rowid",
			      names ?: "", table->name, (long long)sample);
	sqlite3_free(names);
	return error;
}

struct gm_error *gm_db_select(struct gm_db *db, const struct gm_db_table *table, int64_t sample,
			      void **rows, size_t *count)
{
	sqlite3_stmt *statement;
	struct gm_error *error = prepare_select(db, table, sample, &statement);
	size_t capacity = 0;
	bool row = false;

	*rows = NULL;
	*count = 0;
	while (!error && !(error = gm_db_step(db, statement, &row)) && row) {
		char *at;

		if (*count == table->max)
			error = gm_error_create(E2BIG, "cannot use %s: it has too many %s",
						db->path, table->name);
		else if (!gm_vec_reserve_raw(rows, *count, &capacity, 1, table->row_bytes))
			error = no_memory();
		if (error)
			break;
		at = (char *)*rows + (*count)++ * table->row_bytes;
		memset(at, 0, table->row_bytes);
		error = take_row(statement, table, at);
	}
	sqlite3_finalize(statement);
	return error;
}

struct gm_error *gm_db_select_one(struct gm_db *db, const struct gm_db_table *table, int64_t sample,
				  void *row)
{
	sqlite3_stmt *statement;
	struct gm_error *error = prepare_select(db, table, sample, &statement);
	bool found = false, more = false;

	if (!error)
		error = gm_db_step(db, statement, &found);
	if (!error && found)
		error = take_row(statement, table, row);
	if (!error && found)
		error = gm_db_step(db, statement, &more);
	sqlite3_finalize(statement);
	if (!error && (!found || more))
		error = gm_error_create(EBADMSG, "cannot use %s: sample %lld has not one row in %s",
					db->path, (long long)sample, table->name);
	return error;
}

void gm_db_row_deinit(const struct gm_db_table *table, void *row)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->columns[i].type == GM_DB_TEXT)
			free(*(char **)((char *)row + table->columns[i].offset));
}
