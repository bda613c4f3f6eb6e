/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQLite, with our errors, and structs as rows of its tables. A file from elsewhere is hostile. */
#ifndef GM_RECORDING_DB_H
#define GM_RECORDING_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum gm_db_type {
	GM_DB_NUMBER, /* uint64_t; UINT64_MAX is NULL; from 2^63 on negative in the file */
	GM_DB_SIGNED, /* int64_t */
	GM_DB_INT, /* 32 bits, signed */
	GM_DB_FLAG, /* bool, 0 or 1 */
	GM_DB_ARRAY, /* char[size], printable ASCII in the struct */
	GM_DB_TEXT, /* char *, malloc()ed when read; NULL is NULL */
};

/* A column: a struct's member. @size: of an ARRAY. */
struct gm_db_column {
	const char *name;
	enum gm_db_type type;
	size_t offset;
	size_t size;
};

/**
 * struct gm_db_table - rows of one struct type, each of one sample
 * @row_bytes: of the struct; @max: rows a sample may have
 */
struct gm_db_table {
	const char *name;
	const struct gm_db_column *columns;
	size_t count;
	size_t row_bytes;
	size_t max;
};

struct gm_db;

/* A new file, which must not exist yet (EEXIST); and one that is there, to be read: ENOENT;
 * EBADMSG where it is no SQLite file. Caller destroys.
 */
struct gm_error *gm_db_create(const char *path, struct gm_db **db) GM_MUST_CHECK;
struct gm_error *gm_db_open(const char *path, struct gm_db **db) GM_MUST_CHECK;
void gm_db_destroy(struct gm_db *db);
GM_DEFINE_AUTO(gm_db)

const char *gm_db_path(const struct gm_db *db);

/* Statements without results. */
struct gm_error *gm_db_run(struct gm_db *db, const char *sql) GM_MUST_CHECK;

/* A statement, its %-parts as of sqlite3_mprintf(); sqlite3_finalize() it, also when NULL. */
struct gm_error *gm_db_prepare(struct gm_db *db, sqlite3_stmt **statement, const char *format,
			       ...) GM_MUST_CHECK;

/* The next row; *@row: there is one. */
struct gm_error *gm_db_step(struct gm_db *db, sqlite3_stmt *statement, bool *row) GM_MUST_CHECK;

/* The CREATE TABLE of @table; the caller frees. NULL: out of memory. */
char *gm_db_table_sql(const struct gm_db_table *table);

/* ENOTSUP: the table called @name was not created by @sql. */
struct gm_error *gm_db_check_table(struct gm_db *db, const char *name,
				   const char *sql) GM_MUST_CHECK;

struct gm_error *gm_db_insert(struct gm_db *db, const struct gm_db_table *table, int64_t sample,
			      const void *rows, size_t count) GM_MUST_CHECK;

/* All rows of @sample, in the order of their insertion; *@rows is malloc()ed, its TEXTs too. E2BIG
 * where there are more than @table allows. The caller frees them, also after an error.
 */
struct gm_error *gm_db_select(struct gm_db *db, const struct gm_db_table *table, int64_t sample,
			      void **rows, size_t *count) GM_MUST_CHECK;

/* The only row of @sample into @row, whose other members stay; its TEXTs are malloc()ed. EBADMSG:
 * there is not one. The caller frees them, also after an error.
 */
struct gm_error *gm_db_select_one(struct gm_db *db, const struct gm_db_table *table, int64_t sample,
				  void *row) GM_MUST_CHECK;

/* The TEXTs of a row. */
void gm_db_row_deinit(const struct gm_db_table *table, void *row);

#endif
