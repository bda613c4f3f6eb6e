// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl refs: who holds the Go heap. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "cmd_subject.h"
#include "go/refs.h"
#include "out/bytes.h"
#include "out/json.h"

#define SCHEMA "gomem.refs/1"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TOP 30

static const char usage[] =
	"Usage: gomemctl refs [SOURCE] [-n COUNT]\n"
	"                     [--json | --raw]\n"
	"\n"
	"Shows who holds the heap of a Go program: follows each reference from the global\n"
	"variables, the goroutines' stacks and what the runtime notes of finalizers, and counts\n"
	"each object once, for the holder it is nearest to. RETAINED is what would be gone with\n"
	"the holder: what no other one reaches. The program is not stopped. Without -p, the\n"
	"module's targets.\n"
	"\n"
	"  -n COUNT   so many holders, 30 without; 0 is all; --json and --raw have all\n";

/* A holder; @holder is owned. */
struct row {
	uint64_t pid;
	const char *kind;
	char *holder;
	uint64_t objects;
	uint64_t bytes;
	uint64_t retained_objects;
	uint64_t retained_bytes;
};

struct rows {
	GM_VEC(struct row);
};

/* One process. */
struct totals {
	uint64_t pid;
	char *version;
	char *layout;
	uint64_t live_objects;
	uint64_t live_bytes;
	uint64_t reached_objects;
	uint64_t reached_bytes;
	uint64_t references;
	uint64_t goroutines;
	uint64_t frames;
	uint64_t flux_references;
	uint64_t flux_spans;
	uint64_t flux_goroutines;
	uint64_t guessed_stack_bytes;
	uint64_t guessed_heap_bytes;
	uint64_t unreadable_bytes;
	uint64_t read_bytes;
	uint64_t gc_running;
	uint64_t heap_us;
	uint64_t roots_us;
	uint64_t edges_us;
	uint64_t tree_us;
};

struct totals_list {
	GM_VEC(struct totals);
};

#define COLUMN(row_type, field, name, title, type)           \
	{                                                    \
		name, title, type, offsetof(row_type, field) \
	}
#define OBJECTS COLUMN(struct row, objects, "objects", "OBJECTS", GM_OUT_COUNT)
#define BYTES COLUMN(struct row, bytes, "bytes", "BYTES", GM_OUT_BYTES)
#define RETAINED COLUMN(struct row, retained_bytes, "retained_bytes", "RETAINED", GM_OUT_BYTES)
#define KIND COLUMN(struct row, kind, "kind", "KIND", GM_OUT_STRING)
#define HOLDER COLUMN(struct row, holder, "holder", "HOLDER", GM_OUT_STRING)

static const struct gm_out_column text_columns[] = { OBJECTS, BYTES, RETAINED, KIND, HOLDER };

static const struct gm_out_column data_columns[] = {
	COLUMN(struct row, pid, "pid", NULL, GM_OUT_COUNT),
	OBJECTS,
	BYTES,
	COLUMN(struct row, retained_objects, "retained_objects", NULL, GM_OUT_COUNT),
	RETAINED,
	KIND,
	HOLDER,
};

#define TOTAL(field, type) COLUMN(struct totals, field, #field, NULL, type)
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
	TOTAL(tree_us, GM_OUT_COUNT),
};

#define TABLE(its_name, its_columns, row_type)                                                \
	{                                                                                     \
		.name = its_name, .columns = its_columns, .column_count = COUNT(its_columns), \
		.row_bytes = sizeof(row_type)                                                 \
	}
static const struct gm_out_table text_table = TABLE("refs", text_columns, struct row);
static const struct gm_out_table data_table = TABLE("refs", data_columns, struct row);
static const struct gm_out_table totals_table = TABLE("totals", totals_columns, struct totals);

static const char *const kinds[GM_GO_HOLDER_KINDS] = {
	[GM_GO_HOLDER_VARIABLE] = "variable",
	[GM_GO_HOLDER_STACK] = "stack",
	[GM_GO_HOLDER_SPECIAL] = "runtime",
	[GM_GO_HOLDER_WEAK] = "runtime",
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot list the holders");
}

static struct gm_error *add_row(struct rows *rows, const struct row *row, const char *holder)
{
	struct row *added = gm_vec_push(rows);

	if (!added)
		return no_memory();
	*added = *row;
	added->holder = strdup(holder);
	return added->holder ? NULL : no_memory();
}

static int by_bytes(const void *a, const void *b)
{
	const struct row *one = a, *two = b;

	if (one->bytes != two->bytes)
		return one->bytes < two->bytes ? 1 : -1;
	if (one->retained_bytes != two->retained_bytes)
		return one->retained_bytes < two->retained_bytes ? 1 : -1;
	return strcmp(one->holder, two->holder);
}

static struct gm_error *add_rows(struct rows *rows, uint64_t pid, const struct gm_go_refs *refs)
{
	struct gm_error *error = NULL;
	size_t first = rows->count;

	for (size_t i = 0; i < refs->roots.holders.count && !error; i++) {
		const struct gm_go_holder *holder = &refs->roots.holders.items[i];
		uint32_t number = refs->tree.number[refs->holder_node[i]];
		struct row row = {
			.pid = pid,
			.kind = kinds[holder->kind],
			.objects = refs->shares[i].objects,
			.bytes = refs->shares[i].bytes,
			.retained_objects = refs->tree.members[number],
			.retained_bytes = refs->tree.bytes[number],
		};

		error = add_row(rows, &row, holder->name);
	}
	if (rows->count > first)
		qsort(rows->items + first, rows->count - first, sizeof(*rows->items), by_bytes);
	return error;
}

static struct gm_error *add_totals(struct totals_list *list, uint64_t pid, struct gm_go_heap *heap,
				   const struct gm_go_refs *refs)
{
	struct totals *totals = gm_vec_push(list);

	if (!totals)
		return no_memory();
	*totals = (struct totals){
		.pid = pid,
		.version = heap->version,
		.layout = heap->layout,
		.live_objects = refs->live_objects,
		.live_bytes = refs->live_bytes,
		.reached_objects = refs->reached_objects,
		.reached_bytes = refs->reached_bytes,
		.references = refs->edges,
		.goroutines = refs->roots.goroutines,
		.frames = refs->roots.frames,
		.flux_references = refs->count.flux + refs->roots.flux,
		.flux_spans = heap->flux_spans,
		.flux_goroutines = refs->roots.moved,
		.guessed_stack_bytes = refs->roots.guessed_bytes,
		.guessed_heap_bytes = refs->count.guessed_bytes,
		.unreadable_bytes = refs->count.unreadable_bytes,
		.read_bytes = refs->count.read_bytes,
		.gc_running = heap->gc_running,
		.heap_us = heap->took_ns / 1000,
		.roots_us = refs->roots_ns / 1000,
		.edges_us = refs->edges_ns / 1000,
		.tree_us = refs->tree_ns / 1000,
	};
	heap->version = NULL;
	heap->layout = NULL;
	return NULL;
}

/* Names of variables, where the program has them. */
static void read_variables(const struct gm_go_program *program, struct gm_elf_variables **variables)
{
	struct gm_error *error = NULL;

	if (program->elf)
		error = gm_elf_variables_read(program->elf, variables);
	gm_error_destroy(error);
}

static struct gm_error *read_refs(struct gm_subject *subject, struct gm_go_refs *refs)
{
	gm_auto(gm_elf_variables) struct gm_elf_variables *variables = NULL;
	const struct gm_go_image *image = &subject->image;
	struct gm_error *error = gm_subject_read_heap(subject);

	if (error)
		return error;
	if (!image->modules)
		return gm_error_create(ENOTSUP,
				       "cannot tell where this %s program keeps its variables",
				       image->version.text);
	read_variables(&image->program, &variables);
	return gm_go_refs_read(&(struct gm_go_rooting){ .target = &subject->target,
							.program = &image->program,
							.modules = image->modules,
							.variables = variables },
			       subject->heap, refs);
}

static struct gm_error *look(const struct gm_source *source, struct rows *rows,
			     struct totals_list *list)
{
	struct gm_go_refs refs = {};
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open(source, &subject);
	if (!error)
		error = read_refs(&subject, &refs);
	if (!error)
		error = add_rows(rows, subject.pid, &refs);
	if (!error)
		error = add_totals(list, subject.pid, subject.heap, &refs);
	gm_go_refs_deinit(&refs);
	gm_subject_deinit(&subject);
	return error;
}

/* The rows of one process, the largest @top of them, and their sum. */
static struct gm_error *print_rows(const struct rows *rows, uint64_t pid, uint64_t top)
{
	char name[48], total_name[] = "in all";
	struct row rest = { .kind = "-", .holder = name };
	struct row sum = { .kind = "-", .holder = total_name };
	uint64_t seen = 0, left = 0;
	struct gm_error *error;
	struct rows own = { 0 };

	if (!gm_vec_reserve(&own, rows->count + 2))
		return no_memory();
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->items[i];

		if (row->pid != pid)
			continue;
		sum.objects += row->objects;
		sum.bytes += row->bytes;
		sum.retained_bytes += row->retained_bytes;
		if (!top || seen++ < top) {
			own.items[own.count++] = *row;
			continue;
		}
		left++;
		rest.objects += row->objects;
		rest.bytes += row->bytes;
		rest.retained_bytes += row->retained_bytes;
	}
	snprintf(name, sizeof(name), "%" PRIu64 " others", left);
	if (left)
		own.items[own.count++] = rest;
	own.items[own.count++] = sum;
	error = gm_out_table_print(stdout, GM_OUT_TEXT, &text_table, own.items, own.count);
	free(own.items);
	return error;
}

static void print_totals(const struct totals *totals)
{
	char reached[GM_OUT_BYTES_MAX], live[GM_OUT_BYTES_MAX], guessed[GM_OUT_BYTES_MAX];
	uint64_t us = totals->heap_us + totals->roots_us + totals->edges_us + totals->tree_us;

	printf("\nreached %" PRIu64 " of %" PRIu64 " living objects, %s of %s, by %" PRIu64
	       " references\n",
	       totals->reached_objects, totals->live_objects,
	       gm_out_bytes(totals->reached_bytes, reached), gm_out_bytes(totals->live_bytes, live),
	       totals->references);
	printf("in flux: %" PRIu64 " references, %" PRIu64 " spans, %" PRIu64 " of %" PRIu64
	       " goroutines%s\n",
	       totals->flux_references, totals->flux_spans, totals->flux_goroutines,
	       totals->goroutines, totals->gc_running ? "; a GC was running" : "");
	printf("guessed: %s of stacks", gm_out_bytes(totals->guessed_stack_bytes, guessed));
	printf(", %s of objects\n", gm_out_bytes(totals->guessed_heap_bytes, guessed));
	printf("took %" PRIu64 ".%02" PRIu64 " s; the program was not stopped\n", us / 1000000,
	       us % 1000000 / 10000);
}

static struct gm_error *print_text(const struct rows *rows, const struct totals_list *list,
				   uint64_t top)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < list->count && !error; i++) {
		const struct totals *totals = &list->items[i];

		printf("%spid %" PRIu64 "  %s  layout from %s\n\n", i ? "\n" : "", totals->pid,
		       totals->version, totals->layout);
		error = print_rows(rows, totals->pid, top);
		if (!error)
			print_totals(totals);
	}
	return error;
}

static struct gm_error *print_json(const struct rows *rows, const struct totals_list *list)
{
	json_object *root = json_object_new_object();
	const char *text = NULL;

	if (root && gm_out_json_add(root, "schema", gm_out_json_string(SCHEMA)) &&
	    gm_out_json_add(root, "refs",
			    gm_out_json_rows(&data_table, rows->items, rows->count)) &&
	    gm_out_json_add(root, "totals",
			    gm_out_json_rows(&totals_table, list->items, list->count)))
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	if (text)
		puts(text);
	json_object_put(root);
	return text ? NULL : no_memory();
}

static void deinit(struct rows *rows, struct totals_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].version);
		free(list->items[i].layout);
	}
	for (size_t i = 0; i < rows->count; i++)
		free(rows->items[i].holder);
	free(list->items);
	free(rows->items);
}

static const char *take(void *context, int option, const char *argument)
{
	uint64_t *top = context;
	char *end;

	(void)option;
	errno = 0;
	*top = strtoull(argument, &end, 10);
	return errno || *end || end == argument || *argument == '-' ? "not a number: " : NULL;
}

int gm_cmd_refs(int argc, char **argv)
{
	uint64_t top = TOP;
	const struct gm_syntax syntax = {
		.usage = usage,
		.raw = true,
		.letters = "n:",
		.take = take,
		.context = &top,
	};
	struct totals_list list = { 0 };
	struct gm_error *error = NULL;
	struct gm_options options;
	struct rows rows = { 0 };
	int code;

	if (!gm_options_parse(&options, argc, argv, &syntax, &code)) {
		gm_options_deinit(&options);
		return code;
	}
	for (size_t i = 0; i < options.sources.count && !error; i++)
		error = look(&options.sources.items[i], &rows, &list);
	if (!error && options.format == GM_OUT_JSON)
		error = print_json(&rows, &list);
	else if (!error && options.format == GM_OUT_RAW)
		error = gm_out_table_print(stdout, GM_OUT_RAW, &data_table, rows.items, rows.count);
	else if (!error)
		error = print_text(&rows, &list, top);
	deinit(&rows, &list);
	gm_options_deinit(&options);
	return error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
}
