// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* mempcpy */
#include "out/json.h"

#include <inttypes.h>
#include <string.h>

#include "out/clean.h"

/* Valid UTF-8; caller frees; NULL when memory is out. */
static char *valid(const char *text)
{
	char *clean = malloc(strlen(text) * strlen(GM_OUT_REPLACEMENT) + 1), *to = clean;

	while (clean && *text) {
		size_t length = gm_out_utf8_bytes(text);

		to = mempcpy(to, length ? text : GM_OUT_REPLACEMENT,
			     length ? length : strlen(GM_OUT_REPLACEMENT));
		text += length ? length : 1;
	}
	if (clean)
		*to = '\0';
	return clean;
}

struct json_object *gm_out_json_string(const char *text)
{
	gm_autofree char *clean = text ? valid(text) : NULL;

	return clean ? json_object_new_string(clean) : NULL;
}

bool gm_out_json_add_text(struct json_object *object, const char *key, const char *text)
{
	gm_autofree char *clean = valid(key);

	return clean && gm_out_json_add(object, clean, gm_out_json_string(text));
}

bool gm_out_json_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (!json_object_object_add(object, key, value))
		return true;
	json_object_put(value);
	return false;
}

static struct json_object *cell(const struct gm_out_column *column, const char *row)
{
	const void *at = row + column->offset;
	uint64_t value;
	char hex[19];

	if (column->type == GM_OUT_STRING)
		return gm_out_json_string(*(const char *const *)at);
	value = *(const uint64_t *)at;
	if (value == GM_OUT_NONE)
		return NULL;
	if (column->type != GM_OUT_HEX)
		return json_object_new_uint64(value);
	snprintf(hex, sizeof(hex), "0x%" PRIx64, value);
	return json_object_new_string(hex);
}

static struct json_object *row_object(const struct gm_out_table *table, const char *row)
{
	struct json_object *object = json_object_new_object();
	bool ok = object;

	for (size_t i = 0; ok && i < table->column_count; i++)
		ok = gm_out_json_add(object, table->columns[i].name, cell(&table->columns[i], row));
	if (ok)
		return object;
	json_object_put(object);
	return NULL;
}

struct json_object *gm_out_json_rows(const struct gm_out_table *table, const void *rows,
				     size_t row_count)
{
	struct json_object *array = json_object_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < row_count; i++) {
		struct json_object *object =
			row_object(table, (const char *)rows + i * table->row_bytes);

		ok = object && !json_object_array_add(array, object);
		if (!ok)
			json_object_put(object);
	}
	if (ok)
		return array;
	json_object_put(array);
	return NULL;
}
