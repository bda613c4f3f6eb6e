// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl refs: who holds the Go heap. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_refs.h"
#include "cmd_subject.h"
#include "os/file.h"
#include "os/freeze.h"

#define TOP 30
#define TYPE_BYTES 600
#define REPORT_NS 100000000ULL

static const char usage[] =
	"Usage: gomemctl refs [SOURCE] [-n COUNT]\n"
	"                     [--json | --raw]\n"
	"\n"
	"Shows who holds the heap of a Go program: follows each reference from the global\n"
	"variables, the goroutines' stacks and what the runtime notes of finalizers, and counts\n"
	"each object once, for the holder it is nearest to. RETAINED is what would be gone with\n"
	"the holder: what no other one reaches. Then the same by type. The program is not\n"
	"stopped. Without -p, the module's targets.\n"
	"\n"
	"  -n COUNT      so many holders and types, 30 without; 0 is all; --json and --raw have all\n"
	"  --freeze      stop the program while its heap is copied: nothing is in flux then\n"
	"  --pprof FILE  also write who holds how much of which type, as pprof reads it\n"
	"  --dot FILE    the same as a graph for dot\n";

enum { OPTION_FREEZE = GM_OPTION_OWN, OPTION_PPROF, OPTION_DOT };

static const struct option own_options[] = {
	{ "freeze", no_argument, NULL, OPTION_FREEZE },
	{ "pprof", required_argument, NULL, OPTION_PPROF },
	{ "dot", required_argument, NULL, OPTION_DOT },
	{},
};

/**
 * struct request - what was asked for
 * @pprof, @dot: paths, NULL: not
 * @frozen: the program that stands still at the moment; @frozen_ns: for how long it did
 * @reported: when the progress was shown last, 0: never
 */
struct request {
	struct gm_options options;
	uint64_t top;
	bool freeze;
	const char *pprof;
	const char *dot;
	struct gm_freeze frozen;
	uint64_t frozen_ns;
	uint64_t reported;
};

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
			.objects = refs->held[i].objects,
			.bytes = refs->held[i].bytes,
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

/* What it all took of this process, at most. */
static uint64_t peak_bytes(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? 0 : usage.ru_maxrss * 1024ULL;
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
		.unreadable_bytes = refs->count.unreadable_bytes + refs->roots.unread_bytes,
		.read_bytes = refs->count.read_bytes,
		.gc_running = heap->gc_running,
		.heap_us = heap->took_ns / 1000,
		.roots_us = refs->roots_ns / 1000,
		.edges_us = refs->edges_ns / 1000,
		.types_us = refs->types_ns / 1000,
		.tree_us = refs->tree_ns / 1000,
		.peak_bytes = peak_bytes(),
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

/* What stands still already is let alone. */
static struct gm_error *freeze(pid_t pid, struct gm_freeze *frozen)
{
	struct gm_error *error = gm_freeze_begin(pid, frozen);

	if (!error || error->code != EALREADY)
		return error;
	gm_error_destroy(error);
	return NULL;
}

/* On a terminal, a line that is written over, ten times a second at most. */
static void report(void *context, const char *what, unsigned int percent)
{
	uint64_t *reported = context, now = gm_clock_ns();

	if (now - *reported < REPORT_NS)
		return;
	*reported = now;
	if (percent)
		fprintf(stderr, "\r%s, %u %%\033[K", what, percent);
	else
		fprintf(stderr, "\r%s\033[K", what);
}

static void end_report(const uint64_t *reported)
{
	if (*reported)
		fputs("\r\033[K", stderr);
}

static void thaw(void *context)
{
	struct request *request = context;

	request->frozen_ns += gm_freeze_end(&request->frozen);
}

static struct gm_error *read_refs(struct request *request, struct gm_subject *subject,
				  struct gm_go_refs *refs)
{
	gm_auto(gm_elf_variables) struct gm_elf_variables *variables = NULL;
	const struct gm_go_image *image = &subject->image;
	struct gm_go_rooting rooting = {
		.target = &subject->target,
		.program = &image->program,
		.modules = image->modules,
		.copied = thaw,
		.context = request,
		.progress = { isatty(2) ? report : NULL, &request->reported },
	};
	struct gm_error *error = NULL;

	/* What lacks a Go side says so best when its heap is asked for. */
	if (!subject->go_problem && !image->modules)
		return gm_error_create(ENOTSUP,
				       "cannot tell where this %s program keeps its variables",
				       image->version.text);
	if (!subject->go_problem) {
		read_variables(&image->program, &variables);
		rooting.variables = variables;
		error = gm_go_refs_begin(&rooting, refs);
	}
	if (!error)
		error = gm_subject_read_heap(subject);
	return error ?: gm_go_refs_read(&rooting, subject->heap, refs);
}

static struct gm_error *write_files(const struct request *request, const struct gm_go_refs *refs)
{
	struct gm_error *error = NULL;

	if (request->pprof)
		error = gm_refs_write_pprof(refs, request->pprof);
	if (!error && request->dot)
		error = gm_refs_write_dot(refs, request->dot);
	return error;
}

static struct gm_error *add_all(struct request *request, struct gm_subject *subject,
				const struct gm_go_refs *refs, struct gm_refs_look *look)
{
	struct gm_error *error;

	error = add_rows(look, subject->pid, refs);
	if (!error)
		error = add_types(look, subject->pid, refs);
	if (!error)
		error = add_totals(look, subject->pid, subject->heap, refs);
	if (!error)
		look->totals.items[look->totals.count - 1].frozen_us = request->frozen_ns / 1000;
	return error ?: write_files(request, refs);
}

static struct gm_error *look_at(struct request *request, const struct gm_source *source,
				struct gm_refs_look *look)
{
	struct gm_go_refs refs = {};
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open(source, &subject);
	request->frozen_ns = 0;
	if (!error && request->freeze && source->kind == GM_SOURCE_PID)
		error = freeze(subject.pid, &request->frozen);
	if (!error)
		error = read_refs(request, &subject, &refs);
	thaw(request);
	end_report(&request->reported);
	if (!error)
		error = add_all(request, &subject, &refs, look);
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
	struct request *request = context;
	char *end;

	switch (option) {
	case OPTION_FREEZE:
		request->freeze = true;
		return NULL;
	case OPTION_PPROF:
		request->pprof = argument;
		return NULL;
	case OPTION_DOT:
		request->dot = argument;
		return NULL;
	}
	errno = 0;
	request->top = strtoull(argument, &end, 10);
	return errno || *end || end == argument || *argument == '-' ? "not a number: " : NULL;
}

static struct gm_error *run(struct request *request)
{
	const struct gm_options *options = &request->options;
	struct gm_refs_look look = {};
	struct gm_error *error = NULL;

	if ((request->pprof || request->dot) && options->sources.count > 1)
		return gm_error_create(EINVAL, "a file has room for one process: give one -p");
	for (size_t i = 0; i < options->sources.count && !error; i++)
		error = look_at(request, &options->sources.items[i], &look);
	if (!error)
		error = gm_refs_print(&look, options->format, request->top);
	deinit(&look);
	return error;
}

int gm_cmd_refs(int argc, char **argv)
{
	struct request request = { .top = TOP };
	const struct gm_syntax syntax = {
		.usage = usage,
		.raw = true,
		.letters = "n:",
		.options = own_options,
		.take = take,
		.context = &request,
	};
	struct gm_error *error;
	int code;

	if (gm_options_parse(&request.options, argc, argv, &syntax, &code)) {
		error = run(&request);
		code = error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
	}
	gm_options_deinit(&request.options);
	return code;
}
