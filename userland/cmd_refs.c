// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl refs: who holds the Go heap. */
#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "cmd_refs.h"
#include "cmd_subject.h"

#define TOP 30
#define TYPE_BYTES 600

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

static struct gm_error *add_row(struct gm_refs_look *look, const struct gm_refs_row *row,
				const char *holder)
{
	struct gm_refs_row *added = gm_vec_push(&look->rows);

	if (!added)
		return no_memory();
	*added = *row;
	added->holder = strdup(holder);
	return added->holder ? NULL : no_memory();
}

static int by_bytes(const void *a, const void *b)
{
	const struct gm_refs_row *one = a, *two = b;

	if (one->bytes != two->bytes)
		return one->bytes < two->bytes ? 1 : -1;
	if (one->retained_bytes != two->retained_bytes)
		return one->retained_bytes < two->retained_bytes ? 1 : -1;
	return strcmp(one->holder, two->holder);
}

static struct gm_error *add_rows(struct gm_refs_look *look, uint64_t pid,
				 const struct gm_go_refs *refs)
{
	struct gm_error *error = NULL;
	size_t first = look->rows.count;

	for (size_t i = 0; i < refs->roots.holders.count && !error; i++) {
		const struct gm_go_holder *holder = &refs->roots.holders.items[i];
		uint32_t number = refs->tree.number[refs->holder_node[i]];
		struct gm_refs_row row = {
			.pid = pid,
			.kind = kinds[holder->kind],
			.objects = refs->shares[i].objects,
			.bytes = refs->shares[i].bytes,
			.retained_objects = refs->tree.members[number],
			.retained_bytes = refs->tree.bytes[number],
		};

		error = add_row(look, &row, holder->name);
	}
	if (look->rows.count > first)
		qsort(look->rows.items + first, look->rows.count - first, sizeof(*look->rows.items),
		      by_bytes);
	return error;
}

static int types_by_bytes(const void *a, const void *b)
{
	const struct gm_refs_type *one = a, *two = b;

	if (one->bytes != two->bytes)
		return one->bytes < two->bytes ? 1 : -1;
	return strcmp(one->type, two->type);
}

static struct gm_error *add_types(struct gm_refs_look *look, uint64_t pid,
				  const struct gm_go_refs *refs)
{
	size_t first = look->types.count;
	char name[TYPE_BYTES];

	for (size_t i = 0; i < refs->sums.count; i++) {
		const struct gm_go_type_sum *sum = &refs->sums.items[i];
		struct gm_refs_type *row = gm_vec_push(&look->types);

		if (!row)
			return no_memory();
		gm_go_types_name(refs->types, sum->code, name, sizeof(name));
		*row = (struct gm_refs_type){
			.pid = pid,
			.objects = sum->sum.members,
			.bytes = sum->sum.bytes,
			.retained_bytes = sum->sum.retained,
			.type = strdup(name),
		};
		if (!row->type)
			return no_memory();
	}
	if (look->types.count > first)
		qsort(look->types.items + first, look->types.count - first,
		      sizeof(*look->types.items), types_by_bytes);
	return NULL;
}

static struct gm_error *add_totals(struct gm_refs_look *look, uint64_t pid, struct gm_go_heap *heap,
				   const struct gm_go_refs *refs)
{
	struct gm_refs_totals *totals = gm_vec_push(&look->totals);

	if (!totals)
		return no_memory();
	*totals = (struct gm_refs_totals){
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
		.types_us = refs->types_ns / 1000,
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

static struct gm_error *look_at(const struct gm_source *source, struct gm_refs_look *look)
{
	struct gm_go_refs refs = {};
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open(source, &subject);
	if (!error)
		error = read_refs(&subject, &refs);
	if (!error)
		error = add_rows(look, subject.pid, &refs);
	if (!error)
		error = add_types(look, subject.pid, &refs);
	if (!error)
		error = add_totals(look, subject.pid, subject.heap, &refs);
	gm_go_refs_deinit(&refs);
	gm_subject_deinit(&subject);
	return error;
}

static void deinit(struct gm_refs_look *look)
{
	for (size_t i = 0; i < look->totals.count; i++) {
		free(look->totals.items[i].version);
		free(look->totals.items[i].layout);
	}
	for (size_t i = 0; i < look->rows.count; i++)
		free(look->rows.items[i].holder);
	for (size_t i = 0; i < look->types.count; i++)
		free(look->types.items[i].type);
	free(look->totals.items);
	free(look->rows.items);
	free(look->types.items);
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
	struct gm_refs_look look = {};
	struct gm_error *error = NULL;
	struct gm_options options;
	int code;

	if (!gm_options_parse(&options, argc, argv, &syntax, &code)) {
		gm_options_deinit(&options);
		return code;
	}
	for (size_t i = 0; i < options.sources.count && !error; i++)
		error = look_at(&options.sources.items[i], &look);
	if (!error)
		error = gm_refs_print(&look, options.format, top);
	deinit(&look);
	gm_options_deinit(&options);
	return error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
}
