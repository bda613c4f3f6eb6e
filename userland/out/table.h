/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One description of a table; text, raw and JSON all come from it. Knows nothing of memory. */
#ifndef GM_OUT_TABLE_H
#define GM_OUT_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum gm_out_format { GM_OUT_TEXT, GM_OUT_RAW, GM_OUT_JSON };

enum gm_out_type {
	GM_OUT_STRING, /* const char * */
	GM_OUT_COUNT, /* uint64_t */
	GM_OUT_BYTES, /* uint64_t; "1.20 MiB" in text, plain bytes in raw and JSON */
	GM_OUT_HEX, /* uint64_t address; "c000000000", in JSON the string "0xc000000000" */
};

/* A number that nobody knows, as NULL is for a string: "-", in JSON null. */
#define GM_OUT_NONE UINT64_MAX

/**
 * struct gm_out_column - one column
 * @name: in raw and JSON; lower case, _ between words; bytes end in _bytes
 * @title: over the column in text, NULL: @name
 * @offset: of the field in the row struct
 */
struct gm_out_column {
	const char *name;
	const char *title;
	enum gm_out_type type;
	size_t offset;
};

/**
 * struct gm_out_table - a table and where its rows lie
 * @name: the key of the rows in JSON, "vmas"
 */
struct gm_out_table {
	const char *name;
	const struct gm_out_column *columns;
	size_t column_count;
	size_t row_bytes;
};

/* Text fits a terminal, or 80 columns elsewhere, as far as cutting a string in the last
 * column goes; numbers are never cut.
 * Without rows there is no text, and in JSON an empty array.
 * JSON is {"schema": "gomem.<name>/1", "<name>": [{...}]}. EIO and the like: @stream
 * takes no more.
 */
struct gm_error *gm_out_table_print(FILE *stream, enum gm_out_format format,
				    const struct gm_out_table *table, const void *rows,
				    size_t row_count) GM_MUST_CHECK;

#endif
