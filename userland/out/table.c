// SPDX-License-Identifier: GPL-2.0-or-later
#include "out/table.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "out/bytes.h"
#include "out/json.h"

#define CELL_BYTES 24

static struct gm_error *no_memory(const struct gm_out_table *table)
{
	return gm_error_create(ENOMEM, "cannot print the table of %s: out of memory", table->name);
}

/* A cell as text; numbers are written to @buffer. */
static const char *cell_text(const struct gm_out_column *column, const char *row, bool raw,
			     char buffer[CELL_BYTES])
{
	const void *at = row + column->offset;
	uint64_t value;

	if (column->type == GM_OUT_STRING) {
		const char *string = *(const char *const *)at;

		return string && *string ? string : "-";
	}
	value = *(const uint64_t *)at;
	if (value == GM_OUT_NONE)
		return "-";
	if (column->type == GM_OUT_BYTES && !raw)
		return gm_out_bytes(value, buffer);
	snprintf(buffer, CELL_BYTES, column->type == GM_OUT_HEX ? "%" PRIx64 : "%" PRIu64, value);
	return buffer;
}

/* Strings go left, numbers right; a string at the end gives way where the line is long. */
static bool add_column(struct libscols_table *scols, const struct gm_out_column *column, bool last,
		       bool raw)
{
	const char *title = raw || !column->title ? column->name : column->title;
	int flags = SCOLS_FL_RIGHT;

	if (column->type == GM_OUT_STRING)
		flags = last ? SCOLS_FL_TRUNC : 0;
	return scols_table_new_column(scols, title, 0, flags);
}

static bool add_row(struct libscols_table *scols, const struct gm_out_table *table, const char *row,
		    bool raw)
{
	struct libscols_line *line = scols_table_new_line(scols, NULL);
	char buffer[CELL_BYTES];
	bool ok = line;

	for (size_t i = 0; ok && i < table->column_count; i++)
		ok = !scols_line_set_data(line, i, cell_text(&table->columns[i], row, raw, buffer));
	return ok;
}

static bool fill(struct libscols_table *scols, const struct gm_out_table *table, const char *rows,
		 size_t row_count, bool raw)
{
	bool ok = true;

	for (size_t i = 0; ok && i < table->column_count; i++)
		ok = add_column(scols, &table->columns[i], i + 1 == table->column_count, raw);
	for (size_t i = 0; ok && i < row_count; i++)
		ok = add_row(scols, table, rows + i * table->row_bytes, raw);
	return ok;
}

/* A terminal has a width that names give way to; all else keeps them whole. */
static bool set_output(struct libscols_table *scols, FILE *stream, bool raw)
{
	if (scols_table_set_stream(scols, stream) || scols_table_enable_raw(scols, raw))
		return false;
	/* What cleans stdout has no descriptor. */
	if (isatty(stream == stdout ? STDOUT_FILENO : fileno(stream)))
		return true;
	return !scols_table_set_termforce(scols, SCOLS_TERMFORCE_NEVER);
}

static struct gm_error *print_columns(FILE *stream, const struct gm_out_table *table,
				      const void *rows, size_t row_count, bool raw)
{
	struct libscols_table *scols = scols_new_table();
	bool ok = scols && set_output(scols, stream, raw) &&
		  fill(scols, table, rows, row_count, raw) && !scols_print_table(scols);

	scols_unref_table(scols);
	return ok ? NULL : no_memory(table);
}

static struct json_object *document(const struct gm_out_table *table, const void *rows,
				    size_t row_count)
{
	struct json_object *root = json_object_new_object();
	struct json_object *array = gm_out_json_rows(table, rows, row_count);
	char schema[64];

	snprintf(schema, sizeof(schema), "gomem.%s/1", table->name);
	if (root && array && gm_out_json_add(root, "schema", json_object_new_string(schema)) &&
	    gm_out_json_add(root, table->name, json_object_get(array))) {
		json_object_put(array);
		return root;
	}
	json_object_put(array);
	json_object_put(root);
	return NULL;
}

static struct gm_error *print_json(FILE *stream, const struct gm_out_table *table, const void *rows,
				   size_t row_count)
{
	struct json_object *root = document(table, rows, row_count);
	int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = root ? json_object_to_json_string_ext(root, flags) : NULL;

	if (text)
		fprintf(stream, "%s\n", text);
	json_object_put(root);
	return text ? NULL : no_memory(table);
}

struct gm_error *gm_out_table_print(FILE *stream, enum gm_out_format format,
				    const struct gm_out_table *table, const void *rows,
				    size_t row_count)
{
	struct gm_error *error;

	if (format == GM_OUT_JSON)
		error = print_json(stream, table, rows, row_count);
	else
		error = print_columns(stream, table, rows, row_count, format == GM_OUT_RAW);
	if (!error && (fflush(stream) || ferror(stream)))
		error = gm_error_errno(errno, "cannot write the table of %s", table->name);
	return error;
}
