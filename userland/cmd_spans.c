// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl spans: the Go heap by size class, and the totals of runtime.MemStats. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "cmd_spans.h"
#include "cmd_subject.h"
#include "join/bill.h"
#include "out/json.h"

#define SCHEMA "gomem.spans/1"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char usage[] =
	"Usage: gomemctl spans [SOURCE] [--list] [--since FILE] [--json | --raw]\n"
	"\n"
	"Shows the heap of a Go program by size class: spans, objects, what is in use, free\n"
	"slots, tail waste, and how much of it is resident; then by where spans stand in their\n"
	"life; then what runtime.MemStats would say. Without -p, the module's targets.\n"
	"\n"
	"  --list        each span and each run of free pages: in use, cached by a P, full,\n"
	"                stacks, the collector's, idle, released; swept or not; its objects\n"
	"  --since FILE  what became of the spans that gomemctl record wrote to FILE last, and\n"
	"                how much memory moved each way; with --list each that changed\n";

/* One size class; @elem_bytes is 0 for large objects, one a span; @label for eyes. */
struct row {
	uint64_t pid;
	char label[24];
	const char *label_at;
	uint64_t elem_bytes;
	uint64_t spans;
	uint64_t objects;
	uint64_t in_use_bytes;
	uint64_t free_slots;
	uint64_t free_bytes;
	uint64_t tail_bytes;
	uint64_t resident_bytes;
};

struct rows {
	GM_VEC(struct row);
};

/* One process. */
struct totals {
	uint64_t pid;
	char *version;
	char *layout;
	uint64_t flux_spans;
	struct gm_go_totals go;
};

struct totals_list {
	GM_VEC(struct totals);
};

/* One total, for eyes. */
struct total {
	const char *name;
	uint64_t bytes;
};

#define COLUMN(row_type, field, name, title, type)           \
	{                                                    \
		name, title, type, offsetof(row_type, field) \
	}
#define USE_COLUMNS                                                                       \
	COLUMN(struct row, spans, "spans", "SPANS", GM_OUT_COUNT),                        \
		COLUMN(struct row, objects, "objects", "OBJECTS", GM_OUT_COUNT),          \
		COLUMN(struct row, in_use_bytes, "in_use_bytes", "IN USE", GM_OUT_BYTES), \
		COLUMN(struct row, free_slots, "free_slots", "SLOTS", GM_OUT_COUNT),      \
		COLUMN(struct row, free_bytes, "free_bytes", "FREE", GM_OUT_BYTES),       \
		COLUMN(struct row, tail_bytes, "tail_bytes", "TAIL", GM_OUT_BYTES),       \
		COLUMN(struct row, resident_bytes, "resident_bytes", "RESIDENT", GM_OUT_BYTES)

static const struct gm_out_column text_columns[] = {
	COLUMN(struct row, label_at, "size", "SIZE", GM_OUT_STRING),
	USE_COLUMNS,
};

static const struct gm_out_column data_columns[] = {
	COLUMN(struct row, pid, "pid", NULL, GM_OUT_COUNT),
	COLUMN(struct row, elem_bytes, "elem_bytes", NULL, GM_OUT_BYTES),
	USE_COLUMNS,
};

#define TOTAL(field, type) COLUMN(struct totals, go.field, #field, NULL, type)
#define TOTAL_BYTES(field) COLUMN(struct totals, go.field, #field "_bytes", NULL, GM_OUT_BYTES)
static const struct gm_out_column totals_columns[] = {
	COLUMN(struct totals, pid, "pid", NULL, GM_OUT_COUNT),
	COLUMN(struct totals, version, "version", NULL, GM_OUT_STRING),
	COLUMN(struct totals, layout, "layout", NULL, GM_OUT_STRING),
	COLUMN(struct totals, flux_spans, "flux_spans", NULL, GM_OUT_COUNT),
	TOTAL_BYTES(heap_alloc),
	TOTAL_BYTES(heap_sys),
	TOTAL_BYTES(heap_idle),
	TOTAL_BYTES(heap_inuse),
	TOTAL_BYTES(heap_released),
	TOTAL(heap_objects, GM_OUT_COUNT),
	TOTAL_BYTES(stack_inuse),
	TOTAL_BYTES(stack_sys),
	TOTAL_BYTES(mspan_inuse),
	TOTAL_BYTES(mspan_sys),
	TOTAL_BYTES(mcache_inuse),
	TOTAL_BYTES(mcache_sys),
	TOTAL_BYTES(buckhash_sys),
	TOTAL_BYTES(gc_sys),
	TOTAL_BYTES(other_sys),
	TOTAL(num_gc, GM_OUT_COUNT),
};

static const struct gm_out_column total_columns[] = {
	COLUMN(struct total, name, "name", "MEMSTATS", GM_OUT_STRING),
	COLUMN(struct total, bytes, "bytes", "", GM_OUT_BYTES),
};

#define TABLE(name, columns, row)                          \
	{                                                  \
		name, columns, COUNT(columns), sizeof(row) \
	}
static const struct gm_out_table text_table = TABLE("spans", text_columns, struct row);
static const struct gm_out_table data_table = TABLE("spans", data_columns, struct row);
static const struct gm_out_table totals_table = TABLE("totals", totals_columns, struct totals);
static const struct gm_out_table total_table = TABLE("totals", total_columns, struct total);

static void add_use(struct row *row, const struct gm_class_use *use)
{
	row->spans += use->spans;
	row->objects += use->objects;
	row->in_use_bytes += use->object_bytes;
	row->free_slots += use->slots - use->objects;
	row->free_bytes += use->free_bytes;
	row->tail_bytes += use->tail_bytes;
	row->resident_bytes += use->resident_bytes;
}

static struct gm_error *add_row(struct rows *rows, pid_t pid, const struct gm_class_use *use)
{
	struct row *row = gm_vec_push(rows);

	if (!row)
		return gm_error_errno(ENOMEM, "cannot list the size classes of %d", (int)pid);
	row->pid = pid;
	row->elem_bytes = use->elem_bytes;
	if (use->elem_bytes)
		snprintf(row->label, sizeof(row->label), "%" PRIu64, use->elem_bytes);
	else
		strcpy(row->label, "large");
	add_use(row, use);
	return NULL;
}

/* Small to large; the large objects, class 0, come last. */
static struct gm_error *add_rows(struct rows *rows, pid_t pid, const struct gm_bill *bill)
{
	struct gm_error *error = NULL;

	for (size_t i = 1; i <= GM_GO_SIZE_CLASSES && !error; i++) {
		const struct gm_class_use *use = &bill->classes[i % GM_GO_SIZE_CLASSES];

		if (use->spans)
			error = add_row(rows, pid, use);
	}
	return error;
}

static struct gm_error *add_totals(struct totals_list *list, pid_t pid, struct gm_go_heap *heap)
{
	struct totals *totals = gm_vec_push(list);

	if (!totals)
		return gm_error_errno(ENOMEM, "cannot list the totals of %d", (int)pid);
	*totals = (struct totals){
		.pid = pid,
		.version = heap->version,
		.layout = heap->layout,
		.flux_spans = heap->flux_spans,
		.go = heap->totals,
	};
	heap->version = NULL;
	heap->layout = NULL;
	return NULL;
}

static struct gm_error *add_lives(struct gm_spans_lives *rows, const struct gm_subject *subject)
{
	struct gm_lives lives = {};
	struct gm_error *error = gm_lives_list(subject->heap, subject->pages, &lives);

	if (!error)
		error = gm_spans_sum_lives(subject->pid, &lives, rows);
	free(lives.items);
	return error;
}

/* All that is shown of the classes. */
struct shown {
	struct gm_spans_lives lives;
	struct totals_list list;
	struct rows rows;
};

static struct gm_error *look(void *context, const struct gm_source *source)
{
	gm_auto(gm_bill) struct gm_bill *bill = NULL;
	struct shown *shown = context;
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open(source, &subject);
	if (!error)
		error = gm_subject_read_heap(&subject);
	if (!error)
		error = gm_subject_read_pages(&subject);
	if (!error)
		error = gm_bill_compute(subject.maps, subject.pages, subject.heap, 0, &bill);
	if (!error)
		error = add_rows(&shown->rows, subject.pid, bill);
	if (!error)
		error = add_lives(&shown->lives, &subject);
	if (!error)
		error = add_totals(&shown->list, subject.pid, subject.heap);
	gm_subject_deinit(&subject);
	return error;
}

/* The rows of one process, and their sum. */
static struct gm_error *print_rows(const struct rows *rows, uint64_t pid)
{
	struct rows own = { 0 };
	struct row sum = { .label = "total" };
	struct gm_error *error;

	if (!gm_vec_reserve(&own, rows->count + 1))
		return gm_error_errno(ENOMEM, "cannot print %zu rows", rows->count);
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->items[i];

		if (row->pid != pid)
			continue;
		own.items[own.count++] = *row;
		sum.spans += row->spans;
		sum.objects += row->objects;
		sum.in_use_bytes += row->in_use_bytes;
		sum.free_slots += row->free_slots;
		sum.free_bytes += row->free_bytes;
		sum.tail_bytes += row->tail_bytes;
		sum.resident_bytes += row->resident_bytes;
	}
	own.items[own.count++] = sum;
	for (size_t i = 0; i < own.count; i++)
		own.items[i].label_at = own.items[i].label;
	error = gm_out_table_print(stdout, GM_OUT_TEXT, &text_table, own.items, own.count);
	free(own.items);
	return error;
}

static struct gm_error *print_memstats(const struct gm_go_totals *go)
{
	const struct total totals[] = {
		{ "HeapAlloc", go->heap_alloc }, { "HeapInuse", go->heap_inuse },
		{ "HeapIdle", go->heap_idle },	 { "HeapReleased", go->heap_released },
		{ "HeapSys", go->heap_sys },	 { "StackInuse", go->stack_inuse },
		{ "StackSys", go->stack_sys },	 { "MSpanSys", go->mspan_sys },
		{ "MCacheSys", go->mcache_sys }, { "BuckHashSys", go->buckhash_sys },
		{ "GCSys", go->gc_sys },	 { "OtherSys", go->other_sys },
	};

	return gm_out_table_print(stdout, GM_OUT_TEXT, &total_table, totals, COUNT(totals));
}

/* The lives of one process stand together. */
static struct gm_error *print_lives(const struct gm_spans_lives *lives, uint64_t pid)
{
	size_t first = 0, end;

	while (first < lives->count && lives->items[first].pid != pid)
		first++;
	for (end = first; end < lives->count && lives->items[end].pid == pid;)
		end++;
	return gm_out_table_print(stdout, GM_OUT_TEXT, &gm_spans_lives_text, lives->items + first,
				  end - first);
}

static struct gm_error *print_text(const struct rows *rows, const struct gm_spans_lives *lives,
				   const struct totals_list *list)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < list->count && !error; i++) {
		const struct totals *totals = &list->items[i];

		printf("%spid %" PRIu64 "  %s  layout from %s\n\n", i ? "\n" : "", totals->pid,
		       totals->version, totals->layout);
		error = print_rows(rows, totals->pid);
		if (!error && putchar('\n'))
			error = print_lives(lives, totals->pid);
		if (!error && putchar('\n'))
			error = print_memstats(&totals->go);
	}
	return error;
}

static struct gm_error *print_json(const struct rows *rows, const struct gm_spans_lives *lives,
				   const struct totals_list *list)
{
	json_object *root = json_object_new_object();
	const char *text = NULL;

	if (root && gm_out_json_add(root, "schema", gm_out_json_string(SCHEMA)) &&
	    gm_out_json_add(root, "spans",
			    gm_out_json_rows(&data_table, rows->items, rows->count)) &&
	    gm_out_json_add(root, "lives",
			    gm_out_json_rows(&gm_spans_lives_data, lives->items, lives->count)) &&
	    gm_out_json_add(root, "totals",
			    gm_out_json_rows(&totals_table, list->items, list->count)))
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	if (text)
		puts(text);
	json_object_put(root);
	return text ? NULL : gm_error_errno(ENOMEM, "cannot print %zu rows", rows->count);
}

static struct gm_error *print(enum gm_out_format format, const struct rows *rows,
			      const struct gm_spans_lives *lives, const struct totals_list *list)
{
	switch (format) {
	case GM_OUT_RAW:
		return gm_out_table_print(stdout, format, &data_table, rows->items, rows->count);
	case GM_OUT_JSON:
		return print_json(rows, lives, list);
	default:
		return print_text(rows, lives, list);
	}
}

static int show_classes(const char *command, const struct gm_options *options)
{
	struct shown shown = {};
	int exit_code = gm_cmd_look_at_each(command, options, look, &shown);
	struct gm_error *error = print(options->format, &shown.rows, &shown.lives, &shown.list);

	if (error)
		exit_code = gm_cmd_fail(command, error);
	for (size_t i = 0; i < shown.list.count; i++) {
		free(shown.list.items[i].version);
		free(shown.list.items[i].layout);
	}
	free(shown.list.items);
	free(shown.lives.items);
	free(shown.rows.items);
	return exit_code;
}

/* What was asked for; @since.path: NULL without. */
struct request {
	struct gm_options options;
	struct gm_source since;
	bool list;
};

enum { OPTION_LIST = GM_OPTION_OWN, OPTION_SINCE };

static const struct option own_options[] = {
	{ "list", no_argument, NULL, OPTION_LIST },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{},
};

static const char *take(void *context, int option, const char *argument)
{
	struct request *request = context;

	if (option == OPTION_LIST) {
		request->list = true;
		return NULL;
	}
	if (request->since.path)
		return "given twice: ";
	request->since.kind = GM_SOURCE_RECORDING;
	request->since.path = argument;
	return NULL;
}

static int run(const char *command, const struct request *request)
{
	struct gm_error *error;

	if (!request->since.path && request->list)
		return gm_spans_list(command, &request->options);
	if (!request->since.path)
		return show_classes(command, &request->options);
	if (request->options.sources.count != 1)
		return gm_cmd_misused(command, "--since compares with one process; give one -p",
				      "");
	error = gm_spans_since(&request->options, &request->since, request->list);
	return error ? gm_cmd_fail(command, error) : GM_EXIT_DONE;
}

int gm_cmd_spans(int argc, char **argv)
{
	struct request request = {};
	const struct gm_syntax syntax = {
		.usage = usage,
		.raw = true,
		.options = own_options,
		.take = take,
		.context = &request,
	};
	int code;

	if (gm_options_parse(&request.options, argc, argv, &syntax, &code))
		code = run(argv[0], &request);
	gm_options_deinit(&request.options);
	return code;
}
