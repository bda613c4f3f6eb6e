// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/plural.h"
#include "cmd_refs.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "out/bytes.h"
#include "out/json.h"

#define SCHEMA "gomem.refs/1"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define COLUMN(row_type, field, name, title, type)           \
	{                                                    \
		name, title, type, offsetof(row_type, field) \
	}
#define OBJECTS COLUMN(struct gm_holders_row, objects, "objects", "OBJECTS", GM_OUT_COUNT)
#define BYTES COLUMN(struct gm_holders_row, bytes, "bytes", "BYTES", GM_OUT_BYTES)
#define RETAINED \
	COLUMN(struct gm_holders_row, retained_bytes, "retained_bytes", "RETAINED", GM_OUT_BYTES)
#define KIND COLUMN(struct gm_holders_row, kind, "kind", "KIND", GM_OUT_STRING)
#define HOLDER COLUMN(struct gm_holders_row, holder, "holder", "HOLDER", GM_OUT_STRING)

static const struct gm_out_column text_columns[] = { OBJECTS, BYTES, RETAINED, KIND, HOLDER };

static const struct gm_out_column data_columns[] = {
	COLUMN(struct gm_holders_row, pid, "pid", NULL, GM_OUT_COUNT),
	OBJECTS,
	BYTES,
	COLUMN(struct gm_holders_row, retained_objects, "retained_objects", NULL, GM_OUT_COUNT),
	RETAINED,
	KIND,
	HOLDER,
};

#define TYPE_COLUMNS                                                                         \
	COLUMN(struct gm_holders_type, objects, "objects", "OBJECTS", GM_OUT_COUNT),         \
		COLUMN(struct gm_holders_type, bytes, "bytes", "BYTES", GM_OUT_BYTES),       \
		COLUMN(struct gm_holders_type, retained_bytes, "retained_bytes", "RETAINED", \
		       GM_OUT_BYTES),                                                        \
		COLUMN(struct gm_holders_type, type, "type", "TYPE", GM_OUT_STRING)

static const struct gm_out_column type_text_columns[] = { TYPE_COLUMNS };

static const struct gm_out_column type_columns[] = {
	COLUMN(struct gm_holders_type, pid, "pid", NULL, GM_OUT_COUNT),
	TYPE_COLUMNS,
};

#define TOTAL(field, type) COLUMN(struct gm_holders_totals, field, #field, NULL, type)
static const struct gm_out_column totals_columns[] = {
	TOTAL(pid, GM_OUT_COUNT),
	TOTAL(version, GM_OUT_STRING),
	TOTAL(layout, GM_OUT_STRING),
	TOTAL(live_objects, GM_OUT_COUNT),
	TOTAL(live_bytes, GM_OUT_BYTES),
	TOTAL(reached_objects, GM_OUT_COUNT),
	TOTAL(reached_bytes, GM_OUT_BYTES),
	TOTAL(references, GM_OUT_COUNT),
	TOTAL(goroutines, GM_OUT_COUNT),
	TOTAL(frames, GM_OUT_COUNT),
	TOTAL(flux_references, GM_OUT_COUNT),
	TOTAL(flux_spans, GM_OUT_COUNT),
	TOTAL(flux_goroutines, GM_OUT_COUNT),
	TOTAL(guessed_stack_bytes, GM_OUT_BYTES),
	TOTAL(guessed_heap_bytes, GM_OUT_BYTES),
	TOTAL(unreadable_bytes, GM_OUT_BYTES),
	TOTAL(read_bytes, GM_OUT_BYTES),
	TOTAL(gc_running, GM_OUT_COUNT),
	TOTAL(heap_us, GM_OUT_COUNT),
	TOTAL(roots_us, GM_OUT_COUNT),
	TOTAL(edges_us, GM_OUT_COUNT),
	TOTAL(types_us, GM_OUT_COUNT),
	TOTAL(tree_us, GM_OUT_COUNT),
	TOTAL(frozen_us, GM_OUT_COUNT),
	TOTAL(peak_bytes, GM_OUT_BYTES),
};

#define TABLE(its_name, its_columns, row_type)                                                \
	{                                                                                     \
		.name = its_name, .columns = its_columns, .column_count = COUNT(its_columns), \
		.row_bytes = sizeof(row_type)                                                 \
	}
static const struct gm_out_table text_table = TABLE("refs", text_columns, struct gm_holders_row);
static const struct gm_out_table data_table = TABLE("refs", data_columns, struct gm_holders_row);
static const struct gm_out_table type_text_table =
	TABLE("types", type_text_columns, struct gm_holders_type);
static const struct gm_out_table type_table = TABLE("types", type_columns, struct gm_holders_type);
static const struct gm_out_table totals_table =
	TABLE("totals", totals_columns, struct gm_holders_totals);

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot list the holders");
}

/* The rows of one process, the largest @top of them, and their sum. */
static struct gm_error *print_rows(const struct gm_refs_look *look, uint64_t pid, uint64_t top)
{
	gm_autofree struct gm_holders_row *own = calloc(look->rows.count + 2, sizeof(*own));
	char name[48], total_name[] = "in all", none[] = "-";
	struct gm_holders_row rest = { .kind = none, .holder = name };
	struct gm_holders_row sum = { .kind = none, .holder = total_name };
	uint64_t seen = 0, left = 0;
	size_t count = 0;

	if (!own)
		return no_memory();
	for (size_t i = 0; i < look->rows.count; i++) {
		const struct gm_holders_row *row = &look->rows.items[i];

		if (row->pid != pid)
			continue;
		sum.objects += row->objects;
		sum.bytes += row->bytes;
		sum.retained_bytes += row->retained_bytes;
		if (!top || seen++ < top) {
			own[count++] = *row;
			continue;
		}
		left++;
		rest.objects += row->objects;
		rest.bytes += row->bytes;
		rest.retained_bytes += row->retained_bytes;
	}
	snprintf(name, sizeof(name), "%" PRIu64 " other%s", left, gm_plural(left));
	if (left)
		own[count++] = rest;
	own[count++] = sum;
	return gm_out_table_print(stdout, GM_OUT_TEXT, &text_table, own, count);
}

/* The same by type; what types retain overlaps, so there is no sum of it. */
static struct gm_error *print_types(const struct gm_refs_look *look, uint64_t pid, uint64_t top)
{
	gm_autofree struct gm_holders_type *own = calloc(look->types.count + 1, sizeof(*own));
	char name[48];
	struct gm_holders_type rest = { .type = name, .retained_bytes = GM_OUT_NONE };
	uint64_t seen = 0, left = 0;
	size_t count = 0;

	if (!own)
		return no_memory();
	for (size_t i = 0; i < look->types.count; i++) {
		const struct gm_holders_type *row = &look->types.items[i];

		if (row->pid != pid)
			continue;
		if (!top || seen++ < top) {
			own[count++] = *row;
			continue;
		}
		left++;
		rest.objects += row->objects;
		rest.bytes += row->bytes;
	}
	snprintf(name, sizeof(name), "%" PRIu64 " other%s", left, gm_plural(left));
	if (left)
		own[count++] = rest;
	return gm_out_table_print(stdout, GM_OUT_TEXT, &type_text_table, own, count);
}

static void print_totals(const struct gm_holders_totals *totals)
{
	char reached[GM_OUT_BYTES_MAX], live[GM_OUT_BYTES_MAX], guessed[GM_OUT_BYTES_MAX];
	uint64_t us = totals->heap_us + totals->roots_us + totals->edges_us + totals->types_us +
		      totals->tree_us;

	printf("\nreached %" PRIu64 " of %" PRIu64 " living object%s, %s of %s, by %" PRIu64
	       " reference%s\n",
	       totals->reached_objects, totals->live_objects, gm_plural(totals->live_objects),
	       gm_out_bytes(totals->reached_bytes, reached), gm_out_bytes(totals->live_bytes, live),
	       totals->references, gm_plural(totals->references));
	printf("in flux: %" PRIu64 " reference%s, %" PRIu64 " span%s, %" PRIu64 " of %" PRIu64
	       " goroutine%s%s\n",
	       totals->flux_references, gm_plural(totals->flux_references), totals->flux_spans,
	       gm_plural(totals->flux_spans), totals->flux_goroutines, totals->goroutines,
	       gm_plural(totals->goroutines), totals->gc_running ? "; a GC was running" : "");
	printf("guessed: %s of stacks", gm_out_bytes(totals->guessed_stack_bytes, guessed));
	printf(", %s of objects\n", gm_out_bytes(totals->guessed_heap_bytes, guessed));
	printf("took %" PRIu64 ".%02" PRIu64 " s and %s; ", us / 1000000, us % 1000000 / 10000,
	       gm_out_bytes(totals->peak_bytes, guessed));
	if (totals->frozen_us)
		printf("the program stood still for %" PRIu64 ".%03" PRIu64 " s\n",
		       totals->frozen_us / 1000000, totals->frozen_us % 1000000 / 1000);
	else
		puts("the program was not stopped");
}

static struct gm_error *print_text(const struct gm_refs_look *look, uint64_t top)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < look->totals.count && !error; i++) {
		const struct gm_holders_totals *totals = &look->totals.items[i];

		printf("%spid %" PRIu64 "  %s  layout from %s\n\n", i ? "\n" : "", totals->pid,
		       totals->version, totals->layout);
		error = print_rows(look, totals->pid, top);
		putchar('\n');
		if (!error)
			error = print_types(look, totals->pid, top);
		if (!error)
			print_totals(totals);
	}
	return error;
}

static struct gm_error *print_json(const struct gm_refs_look *look)
{
	json_object *root = json_object_new_object();
	const char *text = NULL;

	if (root && gm_out_json_add(root, "schema", gm_out_json_string(SCHEMA)) &&
	    gm_out_json_add(root, "refs",
			    gm_out_json_rows(&data_table, look->rows.items, look->rows.count)) &&
	    gm_out_json_add(root, "types",
			    gm_out_json_rows(&type_table, look->types.items, look->types.count)) &&
	    gm_out_json_add(root, "totals",
			    gm_out_json_rows(&totals_table, look->totals.items,
					     look->totals.count)))
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	if (text)
		puts(text);
	json_object_put(root);
	return text ? NULL : no_memory();
}

struct gm_error *gm_refs_print(const struct gm_refs_look *look, enum gm_out_format format,
			       uint64_t top)
{
	switch (format) {
	case GM_OUT_RAW:
		return gm_out_table_print(stdout, format, &data_table, look->rows.items,
					  look->rows.count);
	case GM_OUT_JSON:
		return print_json(look);
	default:
		return print_text(look, top);
	}
}
