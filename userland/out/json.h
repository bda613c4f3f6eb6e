/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What json-c leaves to its callers. */
#ifndef GM_OUT_JSON_H
#define GM_OUT_JSON_H

#include <json-c/json.h>
#include <stdbool.h>

#include "out/table.h"

/* A JSON string that is valid whatever bytes @text holds: each that is not part of
 * UTF-8 becomes U+FFFD. NULL gives null.
 */
struct json_object *gm_out_json_string(const char *text);

/* Adds @text under @key, both made valid; false when memory is out. */
bool gm_out_json_add_text(struct json_object *object, const char *key, const char *text);

/* The rows as an array of objects, for a document of one's own; NULL when memory is out. */
struct json_object *gm_out_json_rows(const struct gm_out_table *table, const void *rows,
				     size_t row_count);

/* Adds @value to @object, which takes it; false, with @value freed, when memory is out. */
bool gm_out_json_add(struct json_object *object, const char *key, struct json_object *value);

#endif
