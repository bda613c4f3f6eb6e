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
#define REPORT_NS 100000000ULL

static const char usage[] =
	"Usage: gomemctl refs [SOURCE] [-n COUNT] [--freeze] [--pprof FILE] [--dot FILE]\n"
	"                     [--json | --raw]\n"
	"\n"
	"Shows who holds the heap of a Go program: follows each reference from the global\n"
	"variables, the goroutines' stacks and what the runtime notes of finalizers, and counts\n"
	"each object once, for the holder it is nearest to. RETAINED is what would be gone with\n"
	"the holder: what no other one reaches. Then the same by type. The program is not\n"
	"stopped without --freeze. Without -p, the module's targets.\n"
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
 * @pid: to be stopped, 0: none
 * @frozen: the program that stands still at the moment; @frozen_ns: for how long it did
 * @reported: when the progress was shown last, 0: never
 */
struct request {
	struct gm_options options;
	uint64_t top;
	bool freeze;
	const char *pprof;
	const char *dot;
	pid_t pid;
	struct gm_freeze frozen;
	uint64_t frozen_ns;
	uint64_t reported;
	struct gm_refs_look look;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot list the holders");
}

/* Moves what @holders has, but for its parts. */
static struct gm_error *add(struct gm_refs_look *look, struct gm_holders *holders)
{
	if (!gm_vec_reserve(&look->rows, holders->count) ||
	    !gm_vec_reserve(&look->types, holders->types.count) ||
	    !gm_vec_reserve(&look->totals, 1))
		return no_memory();
	for (size_t i = 0; i < holders->count; i++)
		look->rows.items[look->rows.count++] = holders->items[i];
	for (size_t i = 0; i < holders->types.count; i++)
		look->types.items[look->types.count++] = holders->types.items[i];
	look->totals.items[look->totals.count++] = holders->totals;
	holders->count = 0;
	holders->types.count = 0;
	holders->totals = (struct gm_holders_totals){};
	return NULL;
}

uint64_t gm_refs_peak_bytes(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? 0 : usage.ru_maxrss * 1024ULL;
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
static struct gm_error *freeze(void *context)
{
	struct request *request = context;
	struct gm_error *error = NULL;

	if (request->pid)
		error = gm_freeze_begin(request->pid, &request->frozen);
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

struct gm_error *gm_refs_follow(const struct gm_go_target *target, const struct gm_go_rooting *how,
				struct gm_go_heap **heap, struct gm_go_refs *refs)
{
	gm_auto(gm_elf_variables) struct gm_elf_variables *variables = NULL;
	const struct gm_go_image *image = target->image;
	struct gm_go_rooting rooting = *how;
	struct gm_error *error;

	if (!image->modules)
		return gm_error_create(ENOTSUP,
				       "cannot tell where this %s program keeps its variables",
				       image->version.text);
	read_variables(&image->program, &variables);
	rooting.target = target;
	rooting.program = &image->program;
	rooting.modules = image->modules;
	rooting.variables = variables;
	error = gm_go_refs_begin(&rooting, refs);
	if (!error)
		error = gm_go_heap_read(target, heap);
	return error ?: gm_go_refs_read(&rooting, *heap, refs);
}

static struct gm_error *follow(struct request *request, struct gm_subject *subject,
			       struct gm_go_refs *refs)
{
	const struct gm_go_rooting how = {
		.copying = freeze,
		.copied = thaw,
		.context = request,
		.progress = { isatty(2) ? report : NULL, &request->reported },
	};

	/* What lacks a Go side says so best when its heap is asked for. */
	if (subject->go_problem)
		return gm_subject_read_heap(subject);
	return gm_refs_follow(&subject->target, &how, &subject->heap, refs);
}

static struct gm_error *write_files(const struct request *request, const struct gm_holders *holders)
{
	struct gm_error *error = NULL;

	if (request->pprof)
		error = gm_refs_write_pprof(holders, request->pprof);
	if (!error && request->dot)
		error = gm_refs_write_dot(holders, request->dot);
	return error;
}

static struct gm_error *read_holders(struct request *request, struct gm_subject *subject,
				     struct gm_holders *holders)
{
	struct gm_go_refs refs = {};
	struct gm_error *error;

	if (subject->sample)
		return gm_subject_take_holders(subject, holders);
	request->frozen_ns = 0;
	request->pid = request->freeze && subject->source->kind == GM_SOURCE_PID ? subject->pid : 0;
	error = follow(request, subject, &refs);
	thaw(request);
	end_report(&request->reported);
	if (!error)
		error = gm_holders_compute(subject->pid, subject->heap, &refs, holders);
	holders->totals.frozen_us = request->frozen_ns / 1000;
	holders->totals.peak_bytes = gm_refs_peak_bytes();
	gm_go_refs_deinit(&refs);
	return error;
}

static struct gm_error *look_at(void *context, const struct gm_source *source)
{
	struct request *request = context;
	struct gm_holders holders = {};
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open(source, &subject);
	if (!error)
		error = read_holders(request, &subject, &holders);
	if (!error)
		error = write_files(request, &holders);
	if (!error)
		error = add(&request->look, &holders);
	gm_holders_deinit(&holders);
	gm_subject_deinit(&subject);
	return error;
}

static void deinit(struct gm_refs_look *look)
{
	for (size_t i = 0; i < look->totals.count; i++) {
		free(look->totals.items[i].version);
		free(look->totals.items[i].layout);
	}
	for (size_t i = 0; i < look->rows.count; i++) {
		free(look->rows.items[i].kind);
		free(look->rows.items[i].holder);
	}
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

static int run(const char *command, struct request *request)
{
	const struct gm_options *options = &request->options;
	struct gm_error *error;
	int code;

	if ((request->pprof || request->dot) && options->sources.count > 1)
		return gm_cmd_fail(command, gm_error_create(EINVAL, "a file has room for one "
								    "process: give one -p"));
	code = gm_cmd_look_at_each(command, options, look_at, request);
	error = gm_refs_print(&request->look, options->format, request->top);
	return error ? gm_cmd_fail(command, error) : code;
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
	int code;

	if (gm_options_parse(&request.options, argc, argv, &syntax, &code))
		code = run(argv[0], &request);
	deinit(&request.look);
	gm_options_deinit(&request.options);
	return code;
}
