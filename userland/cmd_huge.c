// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl huge: what holds each huge page of the Go heap. */
#include "cmd_huge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static const char usage[] =
	"Usage: gomemctl huge [SOURCE] [--all] [-n COUNT]\n"
	"                     [--json | --raw]\n"
	"\n"
	"Shows the huge pages of a Go heap, those first of which most could be given back: what\n"
	"lives in each, which spans hold it, and how many have how many free pages. With\n"
	"gomem.ko watching, also who made it huge. Without -p, the module's targets.\n"
	"\n"
	"  --all      each 2 MiB of the heap, also where small pages are\n"
	"  -n COUNT   so many rows; without, text shows 20, --json and --raw all; 0 is all\n";

#define ROWS_USUAL 20

/* What was asked for, and what was seen: @looks, @count of them; @max: rows, 0: not said. */
struct request {
	struct gm_options options;
	size_t max;
	bool all;
	struct gm_huge_look *looks;
	size_t count;
};

enum { OPTION_ALL = GM_OPTION_OWN };

static const struct option own_options[] = {
	{ "all", no_argument, NULL, OPTION_ALL },
	{},
};

static const char *take(void *context, int option, const char *argument)
{
	struct request *request = context;
	char *end;
	long max;

	if (option == OPTION_ALL) {
		request->all = true;
		return NULL;
	}
	errno = 0;
	max = strtol(argument, &end, 10);
	if (errno || end == argument || *end || max < 0)
		return "not a number: ";
	request->max = max ? (size_t)max : SIZE_MAX;
	return NULL;
}

static struct gm_error *add_row(struct gm_huge_look *look, const struct gm_block *block)
{
	struct gm_huge_row *row = gm_vec_push(&look->rows);

	if (!row)
		return gm_error_errno(ENOMEM, "cannot list the huge pages");
	row->block = block;
	row->waste = gm_block_waste(block);
	gm_huge_add(&look->sum, block);
	return NULL;
}

static void fill_history(struct gm_huge_row *row, const struct gm_module_blocks *blocks)
{
	struct gm_huge_history history = gm_huge_history_of(blocks, row->block);

	row->collapses = history.collapses;
	row->refills = history.refills;
	row->churn = history.churn;
	row->by = history.by;
	row->since_ms = history.since_ms;
}

static struct gm_error *fill_row(struct gm_huge_row *row, const struct gm_subject *subject)
{
	const struct gm_block *block = row->block;

	row->pid = subject->pid;
	row->start = block->start;
	row->state = block->huge ? "thp" : "small";
	row->resident = gm_block_resident(block);
	row->live = block->resident[GM_GO_LIVE];
	row->idle = block->resident[GM_GO_IDLE];
	row->released = block->resident[GM_GO_RELEASED];
	row->free_slot = block->resident[GM_GO_FREE_SLOT];
	row->tail = block->resident[GM_GO_TAIL];
	row->dead = block->resident[GM_GO_DEAD];
	row->stack = block->resident[GM_GO_STACK];
	row->stack_free = block->resident[GM_GO_STACK_FREE];
	row->others = block->others;
	row->spans = block->spans;
	row->holders = block->holders;
	row->free_pages = block->free_pages;
	row->longest_free = block->longest_free;
	fill_history(row, &subject->blocks);
	row->held_by = gm_huge_held_by(block, subject->heap);
	return row->held_by ? NULL : gm_error_errno(ENOMEM, "cannot list the huge pages");
}

static int by_waste(const void *a, const void *b)
{
	const struct gm_huge_row *x = a, *y = b;

	if (x->waste != y->waste)
		return x->waste < y->waste ? 1 : -1;
	return x->block->start < y->block->start ? -1 : x->block->start > y->block->start;
}

static struct gm_error *list(struct gm_huge_look *look, const struct request *request)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < look->blocks.count && !error; i++) {
		const struct gm_block *block = &look->blocks.items[i];

		if (block->huge || (request->all && gm_block_resident(block)))
			error = add_row(look, block);
	}
	if (look->rows.count)
		qsort(look->rows.items, look->rows.count, sizeof(*look->rows.items), by_waste);
	for (size_t i = 0; i < look->rows.count && i < request->max && !error; i++)
		error = fill_row(&look->rows.items[i], &look->subject);
	return error;
}

static struct gm_error *look_at(const struct gm_source *source, const struct request *request,
				struct gm_huge_look *look)
{
	struct gm_subject *subject = &look->subject;
	struct gm_error *error = gm_subject_open(source, subject);

	if (!error)
		error = gm_subject_read_heap(subject);
	if (!error)
		error = gm_subject_read_pages(subject);
	if (!error)
		error = gm_subject_read_blocks(subject);
	if (!error)
		error = gm_blocks_compute(subject->maps, subject->pages, subject->heap,
					  &look->blocks);
	look->all = request->all;
	return error ?: list(look, request);
}

static void look_deinit(struct gm_huge_look *look)
{
	for (size_t i = 0; i < look->rows.count; i++)
		free(look->rows.items[i].held_by);
	free(look->rows.items);
	free(look->blocks.items);
	gm_subject_deinit(&look->subject);
}

static struct gm_error *look(void *context, const struct gm_source *source)
{
	struct request *request = context;
	struct gm_huge_look *look = &request->looks[request->count];
	struct gm_error *error = look_at(source, request, look);

	if (!error) {
		request->count++;
		return NULL;
	}
	look_deinit(look);
	*look = (struct gm_huge_look){};
	return error;
}

static struct gm_error *print(const struct request *request)
{
	struct gm_error *error = NULL;

	if (request->options.format == GM_OUT_RAW)
		return gm_huge_print_raw(request->looks, request->count, request->max);
	if (request->options.format == GM_OUT_JSON)
		return gm_huge_print_json(request->looks, request->count, request->max);
	for (size_t i = 0; i < request->count && !error; i++) {
		fputs(i ? "\n" : "", stdout);
		error = gm_huge_print_text(&request->looks[i], request->max);
	}
	return error;
}

static int run(const char *command, struct request *request)
{
	struct gm_error *error;
	int exit_code;

	if (!request->max)
		request->max = request->options.format == GM_OUT_TEXT ? ROWS_USUAL : SIZE_MAX;
	request->looks = calloc(request->options.sources.count, sizeof(*request->looks));
	if (!request->looks)
		return gm_cmd_fail(command, gm_error_errno(ENOMEM, "cannot list the huge pages"));
	exit_code = gm_cmd_look_at_each(command, &request->options, look, request);
	error = print(request);
	if (error)
		exit_code = gm_cmd_fail(command, error);
	while (request->count--)
		look_deinit(&request->looks[request->count]);
	free(request->looks);
	return exit_code;
}

int gm_cmd_huge(int argc, char **argv)
{
	struct request request = {};
	const struct gm_syntax syntax = {
		.usage = usage,
		.raw = true,
		.letters = "n:",
		.options = own_options,
		.take = take,
		.context = &request,
	};
	int exit_code;

	if (gm_options_parse(&request.options, argc, argv, &syntax, &exit_code))
		exit_code = run(argv[0], &request);
	gm_options_deinit(&request.options);
	return exit_code;
}
