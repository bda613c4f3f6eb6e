// SPDX-License-Identifier: GPL-2.0-or-later
/* What gomemctl diff prints. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "cmd_diff.h"
#include "out/bytes.h"
#include "out/json.h"
#include "out/table.h"

#define SCHEMA "gomem.diff/1"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHANGE_MAX (GM_OUT_BYTES_MAX + 1)

/* A row for eyes: changes carry their sign. */
struct text_row {
	const char *what;
	uint64_t start;
	uint64_t before;
	uint64_t after;
	const char *change;
	const char *objects;
	const char *label;
	const char *path;
	char change_text[CHANGE_MAX];
	char objects_text[24];
};

#define COLUMN(field, title, type)                                    \
	{                                                             \
#field, title, type, offsetof(struct text_row, field) \
	}
#define SIZES                                                                         \
	COLUMN(before, "BEFORE", GM_OUT_BYTES), COLUMN(after, "AFTER", GM_OUT_BYTES), \
		COLUMN(change, "CHANGE", GM_OUT_STRING)

static const struct gm_out_column class_columns[] = {
	SIZES,
	COLUMN(what, "GO CLASS", GM_OUT_STRING),
};

static const struct gm_out_column size_columns[] = {
	SIZES,
	COLUMN(objects, "OBJECTS", GM_OUT_STRING),
	COLUMN(what, "SIZE CLASS", GM_OUT_STRING),
};

static const struct gm_out_column vma_columns[] = {
	SIZES,
	COLUMN(start, "START", GM_OUT_HEX),
	COLUMN(what, "KIND", GM_OUT_STRING),
	COLUMN(label, "VMA", GM_OUT_STRING),
};

static const struct gm_out_column holder_columns[] = {
	SIZES,
	COLUMN(objects, "OBJECTS", GM_OUT_STRING),
	COLUMN(what, "KIND", GM_OUT_STRING),
	COLUMN(path, "HOLDER", GM_OUT_STRING),
};

static const char *last_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (slash)
		return slash + 1;
	return path && *path ? path : NULL;
}

static void fill(struct text_row *text, const struct gm_diff_row *row)
{
	int64_t objects = row->objects_after - row->objects_before;
	uint64_t change = row->change < 0 ? -(uint64_t)row->change : (uint64_t)row->change;

	*text = (struct text_row){
		.what = row->kind ?: row->name,
		.start = row->start,
		.before = row->before,
		.after = row->after,
		.label = last_part(row->path),
		.path = row->path,
	};
	text->change_text[0] = row->change < 0 ? '-' : '+';
	gm_out_bytes(change, text->change_text + 1);
	snprintf(text->objects_text, sizeof(text->objects_text), "%+" PRId64, objects);
}

static bool changed(const struct gm_diff_row *row)
{
	return row->change || row->objects_before != row->objects_after;
}

static struct gm_error *print_rows(FILE *stream, const struct gm_diff *diff,
				   const struct gm_diff_rows *rows,
				   const struct gm_out_column *columns, size_t column_count)
{
	const struct gm_out_table table = { "diff", columns, column_count,
					    sizeof(struct text_row) };
	gm_autofree struct text_row *texts = calloc(rows->count + 1, sizeof(*texts));
	size_t count = 0;

	if (!texts)
		return gm_error_create(ENOMEM, "out of memory");
	for (size_t i = 0; i < rows->count && count < diff->max; i++)
		if (changed(&rows->items[i]))
			fill(&texts[count++], &rows->items[i]);
	for (size_t i = 0; i < count; i++) {
		texts[i].change = texts[i].change_text;
		texts[i].objects = texts[i].objects_text;
	}
	if (count)
		fputc('\n', stream);
	return gm_out_table_print(stream, GM_OUT_TEXT, &table, texts, count);
}

struct gm_error *gm_diff_print_text(FILE *stream, const struct gm_diff *diff)
{
	struct gm_error *error;

	for (size_t i = 0; i < 2; i++) {
		const struct gm_diff_side *side = &diff->sides[i];
		char rss[GM_OUT_BYTES_MAX];

		fprintf(stream, "%s  pid %d  %s  %9s resident  %s\n", i ? "after " : "before",
			side->pid, side->time, gm_out_bytes(side->rss, rss), side->path);
	}
	error = print_rows(stream, diff, &diff->classes, class_columns, COUNT(class_columns));
	if (!error)
		error = print_rows(stream, diff, &diff->sizes, size_columns, COUNT(size_columns));
	if (!error)
		error = print_rows(stream, diff, &diff->vmas, vma_columns, COUNT(vma_columns));
	return error ?:
		       print_rows(stream, diff, &diff->holders, holder_columns,
				  COUNT(holder_columns));
}

static bool add_number(json_object *object, const char *key, json_object *number)
{
	return gm_out_json_add(object, key, number);
}

static bool add_sizes(json_object *object, const struct gm_diff_row *row)
{
	return add_number(object, "before_bytes", json_object_new_uint64(row->before)) &&
	       add_number(object, "after_bytes", json_object_new_uint64(row->after)) &&
	       add_number(object, "change_bytes", json_object_new_int64(row->change));
}

static bool fill_class(json_object *object, const struct gm_diff_row *row)
{
	return gm_out_json_add(object, "class", gm_out_json_string(row->name)) &&
	       add_sizes(object, row);
}

static bool fill_size(json_object *object, const struct gm_diff_row *row)
{
	return gm_out_json_add(object, "size", gm_out_json_string(row->name)) &&
	       add_sizes(object, row) &&
	       add_number(object, "objects_before", json_object_new_uint64(row->objects_before)) &&
	       add_number(object, "objects_after", json_object_new_uint64(row->objects_after));
}

static bool fill_vma(json_object *object, const struct gm_diff_row *row)
{
	char start[24];

	snprintf(start, sizeof(start), "0x%" PRIx64, row->start);
	return gm_out_json_add(object, "start", json_object_new_string(start)) &&
	       gm_out_json_add(object, "kind", gm_out_json_string(row->kind)) &&
	       gm_out_json_add(object, "name", gm_out_json_string(row->path)) &&
	       add_sizes(object, row);
}

static bool fill_holder(json_object *object, const struct gm_diff_row *row)
{
	return gm_out_json_add(object, "kind", gm_out_json_string(row->kind)) &&
	       gm_out_json_add(object, "holder", gm_out_json_string(row->path)) &&
	       add_sizes(object, row) &&
	       add_number(object, "objects_before", json_object_new_uint64(row->objects_before)) &&
	       add_number(object, "objects_after", json_object_new_uint64(row->objects_after)) &&
	       add_number(object, "retained_before_bytes",
			  json_object_new_uint64(row->retained_before)) &&
	       add_number(object, "retained_after_bytes",
			  json_object_new_uint64(row->retained_after));
}

static json_object *json_rows(const struct gm_diff_rows *rows,
			      bool (*fill_row)(json_object *object, const struct gm_diff_row *row))
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < rows->count; i++) {
		json_object *object = json_object_new_object();

		if (object && fill_row(object, &rows->items[i]) &&
		    !json_object_array_add(array, object))
			continue;
		json_object_put(object);
		json_object_put(array);
		array = NULL;
	}
	return array;
}

static json_object *json_side(const struct gm_diff_side *side)
{
	json_object *object = json_object_new_object();

	if (object && gm_out_json_add(object, "file", gm_out_json_string(side->path)) &&
	    add_number(object, "pid", json_object_new_int(side->pid)) &&
	    add_number(object, "time_ms", json_object_new_int64(side->time_ms)) &&
	    add_number(object, "rss_bytes", json_object_new_uint64(side->rss)))
		return object;
	json_object_put(object);
	return NULL;
}

struct gm_error *gm_diff_print_json(FILE *stream, const struct gm_diff *diff)
{
	json_object *root = json_object_new_object();
	const char *text = NULL;

	if (root && gm_out_json_add(root, "schema", gm_out_json_string(SCHEMA)) &&
	    gm_out_json_add(root, "before", json_side(&diff->sides[0])) &&
	    gm_out_json_add(root, "after", json_side(&diff->sides[1])) &&
	    gm_out_json_add(root, "classes", json_rows(&diff->classes, fill_class)) &&
	    gm_out_json_add(root, "size_classes", json_rows(&diff->sizes, fill_size)) &&
	    gm_out_json_add(root, "vmas", json_rows(&diff->vmas, fill_vma)) &&
	    (diff->has_holders ?
		     gm_out_json_add(root, "holders", json_rows(&diff->holders, fill_holder)) :
		     !json_object_object_add(root, "holders", NULL)))
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	if (text)
		fprintf(stream, "%s\n", text);
	json_object_put(root);
	return text ? NULL : gm_error_create(ENOMEM, "out of memory");
}
