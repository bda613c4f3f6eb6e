// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* mempcpy */
#include "out/json.h"

#include <inttypes.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the UTF-8 character at @s, 0 where there is none (RFC 3629, table 3-7 of Unicode). */
static size_t utf8_length(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (*s < 0x80)
		return 1;
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	length = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	if (*s == 0xe0)
		low = 0xa0; /* no overlong forms */
	if (*s == 0xed)
		high = 0x9f; /* no surrogates */
	if (*s == 0xf0)
		low = 0x90;
	if (*s == 0xf4)
		high = 0x8f; /* nothing past U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return length;
}

struct json_object *gm_out_json_string(const char *text)
{
	gm_autofree char *clean = NULL;
	char *to;

	if (!text)
		return NULL;
	clean = malloc(strlen(text) * strlen(REPLACEMENT) + 1);
	if (!clean)
		return NULL;
	to = clean;
	while (*text) {
		size_t length = utf8_length((const unsigned char *)text);

		to = mempcpy(to, length ? text : REPLACEMENT,
			     length ? length : strlen(REPLACEMENT));
		text += length ? length : 1;
	}
	return json_object_new_string_len(clean, to - clean);
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
