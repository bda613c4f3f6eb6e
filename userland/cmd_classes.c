// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl classes: how full the spans of each size class are, and what that costs. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "cmd_subject.h"
#include "join/occupancy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char usage[] =
	"Usage: gomemctl classes [SOURCE] [--json | --raw]\n"
	"\n"
	"Shows how full the spans of a Go heap are, by size class: what free slots and span\n"
	"tails waste, what packing the live objects into as few spans as can be would save, and\n"
	"how many spans are how full. Without -p, the module's targets.\n"
	"\n"
	"FILL has a character for each tenth, from spans that are under a tenth full to those\n"
	"that are full at the end: . no span of the class, 0 under a tenth of them, 1 to 9 so\n"
	"many tenths, # all.\n";

/* One class of one process; @label and @fill for eyes. */
struct row {
	uint64_t pid;
	char label[24];
	const char *label_at;
	char fill[GM_FILLS + 1];
	const char *fill_at;
	struct gm_occupancy class_;
};

struct rows {
	GM_VEC(struct row);
};

#define COLUMN(field, name, title, type)                       \
	{                                                      \
		name, title, type, offsetof(struct row, field) \
	}
#define BYTES(field) COLUMN(class_.field, #field "_bytes", NULL, GM_OUT_BYTES)
#define NUMBER(field) COLUMN(class_.field, #field, NULL, GM_OUT_COUNT)
#define FILL(i) COLUMN(class_.fill[i], "fill_" #i, NULL, GM_OUT_COUNT)

static const struct gm_out_column text_columns[] = {
	COLUMN(label_at, "size", "SIZE", GM_OUT_STRING),
	COLUMN(class_.spans, "spans", "SPANS", GM_OUT_COUNT),
	COLUMN(class_.objects, "objects", "OBJECTS", GM_OUT_COUNT),
	COLUMN(class_.free, "free", "FREE", GM_OUT_BYTES),
	COLUMN(class_.tail, "tail", "TAIL", GM_OUT_BYTES),
	COLUMN(class_.saved, "saved", "PACKED -", GM_OUT_BYTES),
	COLUMN(class_.resident, "resident", "RESIDENT", GM_OUT_BYTES),
	COLUMN(fill_at, "fill", "FILL 0..100", GM_OUT_STRING),
};

static const struct gm_out_column data_columns[] = {
	COLUMN(pid, "pid", NULL, GM_OUT_COUNT),
	BYTES(elem),
	NUMBER(spans),
	NUMBER(objects),
	NUMBER(dead),
	NUMBER(slots),
	COLUMN(class_.span_bytes, "span_bytes", NULL, GM_OUT_BYTES),
	BYTES(object),
	BYTES(free),
	BYTES(tail),
	NUMBER(packed),
	BYTES(saved),
	BYTES(resident),
	BYTES(resident_live),
	BYTES(resident_dead),
	BYTES(resident_free),
	BYTES(resident_tail),
	FILL(0),
	FILL(1),
	FILL(2),
	FILL(3),
	FILL(4),
	FILL(5),
	FILL(6),
	FILL(7),
	FILL(8),
	FILL(9),
	FILL(10),
};

#define TABLE(columns)                                                 \
	{                                                              \
		"classes", columns, COUNT(columns), sizeof(struct row) \
	}
static const struct gm_out_table text_table = TABLE(text_columns);
static const struct gm_out_table data_table = TABLE(data_columns);

static void draw_fill(struct row *row)
{
	for (size_t i = 0; i < GM_FILLS; i++) {
		uint64_t count = row->class_.fill[i], all = row->class_.spans;

		row->fill[i] = !count ? '.' : count == all ? '#' : '0' + count * 10 / all;
	}
}

static void name_class(struct row *row)
{
	if (!row->class_.size_class)
		strcpy(row->label, "large");
	else
		snprintf(row->label, sizeof(row->label), "%" PRIu64, row->class_.elem);
}

/* Small to large; the large objects, class 0, come last. */
static struct gm_error *add_rows(struct rows *rows, pid_t pid, const struct gm_occupancy *classes)
{
	for (size_t i = 1; i <= GM_GO_SIZE_CLASSES; i++) {
		const struct gm_occupancy *class_ = &classes[i % GM_GO_SIZE_CLASSES];
		struct row *row;

		if (!class_->spans)
			continue;
		row = gm_vec_push(rows);
		if (!row)
			return gm_error_errno(ENOMEM, "cannot list the classes of %d", (int)pid);
		row->pid = pid;
		row->class_ = *class_;
		name_class(row);
		draw_fill(row);
	}
	return NULL;
}

static struct gm_error *look(void *context, const struct gm_source *source)
{
	struct gm_occupancy classes[GM_GO_SIZE_CLASSES];
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open(source, &subject);
	if (!error)
		error = gm_subject_read_heap(&subject);
	if (!error)
		error = gm_subject_read_pages(&subject);
	if (!error)
		error = gm_occupancy_compute(subject.maps, subject.pages, subject.heap, classes);
	if (!error)
		error = add_rows(context, subject.pid, classes);
	gm_subject_deinit(&subject);
	return error;
}

static void add_to_sum(struct gm_occupancy *sum, const struct gm_occupancy *class_)
{
	sum->spans += class_->spans;
	for (size_t i = 0; i < GM_FILLS; i++)
		sum->fill[i] += class_->fill[i];
	sum->objects += class_->objects;
	sum->free += class_->free;
	sum->tail += class_->tail;
	sum->saved += class_->saved;
	sum->resident += class_->resident;
}

/* The rows from @first on that are of one process, and their sum. */
static struct gm_error *print_process(struct rows *rows, size_t first, size_t *next)
{
	struct gm_error *error;
	struct rows own = {};
	struct row *sum;

	for (*next = first; *next < rows->count; ++*next)
		if (rows->items[*next].pid != rows->items[first].pid)
			break;
	if (!gm_vec_reserve(&own, *next - first + 1))
		return gm_error_errno(ENOMEM, "cannot print %zu rows", *next - first);
	memcpy(own.items, &rows->items[first], (*next - first) * sizeof(*own.items));
	own.count = *next - first;
	sum = gm_vec_push(&own);
	strcpy(sum->label, "total");
	for (size_t i = 0; i + 1 < own.count; i++)
		add_to_sum(&sum->class_, &own.items[i].class_);
	draw_fill(sum);
	for (size_t i = 0; i < own.count; i++) {
		own.items[i].label_at = own.items[i].label;
		own.items[i].fill_at = own.items[i].fill;
	}
	printf("%spid %" PRIu64 "\n\n", first ? "\n" : "", rows->items[first].pid);
	error = gm_out_table_print(stdout, GM_OUT_TEXT, &text_table, own.items, own.count);
	free(own.items);
	return error;
}

static struct gm_error *print(enum gm_out_format format, struct rows *rows)
{
	struct gm_error *error = NULL;

	if (format != GM_OUT_TEXT)
		return gm_out_table_print(stdout, format, &data_table, rows->items, rows->count);
	for (size_t i = 0; i < rows->count && !error;)
		error = print_process(rows, i, &i);
	return error;
}

int gm_cmd_classes(int argc, char **argv)
{
	const struct gm_syntax syntax = { .usage = usage, .raw = true };
	struct gm_options options;
	struct gm_error *error;
	struct rows rows = {};
	int exit_code;

	if (gm_options_parse(&options, argc, argv, &syntax, &exit_code)) {
		exit_code = gm_cmd_look_at_each(argv[0], &options, look, &rows);
		error = print(options.format, &rows);
		if (error)
			exit_code = gm_cmd_fail(argv[0], error);
	}
	free(rows.items);
	gm_options_deinit(&options);
	return exit_code;
}
