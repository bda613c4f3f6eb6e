// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl diff: what grew between two samples. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_diff.h"
#include "cmd_subject.h"
#include "join/bill.h"
#include "join/vma_use.h"

static const char usage[] =
	"Usage: gomemctl diff FILE[@SAMPLE] [FILE[@SAMPLE]] [-n COUNT] [--json]\n\n"
	"Says what grew and what shrank between two samples of recordings: resident bytes by Go\n"
	"class and by VMA, spans and objects by size class, and, where record --holders kept it,\n"
	"objects by who holds them; what changed most first. Without @SAMPLE, a number or a time\n"
	"as --sample takes it, the last sample is meant; one FILE alone is compared from its\n"
	"first sample to the last.\n"
	"  -n COUNT   so many rows of each, 15 without; 0 is all of them\n";

#define TEXT_ROWS 15

/**
 * struct side - one of the two
 * @spec: a copy of the argument, cut at its @
 */
struct side {
	char *spec;
	struct gm_source source;
	struct gm_subject subject;
	struct gm_bill *bill;
};

struct job {
	struct side sides[2];
	size_t max;
};

static const char *take(void *context, int option, const char *argument)
{
	struct job *job = context;
	char *end;

	(void)option;
	errno = 0;
	job->max = strtoul(argument, &end, 10);
	if (errno || *end || *argument < '0' || *argument > '9')
		return "not a number: ";
	if (!job->max)
		job->max = SIZE_MAX;
	return NULL;
}

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

/* A name with an @ in it is a file, where there is one. */
static bool set_source(struct side *side, const char *argument)
{
	char *at;

	side->spec = strdup(argument);
	if (!side->spec)
		return false;
	side->source = (struct gm_source){ .kind = GM_SOURCE_RECORDING, .path = side->spec };
	at = strrchr(side->spec, '@');
	if (at && access(argument, F_OK)) {
		*at = '\0';
		side->source.sample = at + 1;
	}
	return true;
}

static struct gm_error *look(struct side *side)
{
	struct gm_subject *subject = &side->subject;
	struct gm_error *error = gm_subject_open(&side->source, subject);

	if (!error && !subject->go_problem)
		error = gm_subject_read_heap(subject);
	if (!error)
		error = gm_subject_read_pages(subject);
	if (error)
		return error;
	gm_subject_look_again(subject);
	return gm_bill_compute(subject->maps, subject->pages, subject->heap, subject->rss_again,
			       &side->bill);
}

static struct gm_diff_row *add_row(struct gm_diff_rows *rows, uint64_t before, uint64_t after)
{
	struct gm_diff_row *row = gm_vec_push(rows);

	if (row) {
		row->before = before;
		row->after = after;
		row->change = after - before;
	}
	return row;
}

static struct gm_error *compare_classes(const struct job *job, struct gm_diff_rows *rows)
{
	const struct gm_bill *a = job->sides[0].bill, *b = job->sides[1].bill;

	for (size_t i = 0; i < GM_GO_CLASSES; i++) {
		struct gm_diff_row *row;

		if (!a->resident[i] && !b->resident[i])
			continue;
		row = add_row(rows, a->resident[i], b->resident[i]);
		if (!row)
			return no_memory();
		snprintf(row->name, sizeof(row->name), "%s", gm_go_class_name(i));
	}
	return NULL;
}

/* By the bytes of their spans; objects beside. */
static struct gm_error *compare_sizes(const struct job *job, struct gm_diff_rows *rows)
{
	for (size_t i = 0; i < GM_GO_SIZE_CLASSES; i++) {
		const struct gm_class_use *a = &job->sides[0].bill->classes[i];
		const struct gm_class_use *b = &job->sides[1].bill->classes[i];
		uint64_t bytes = a->elem_bytes ?: b->elem_bytes;
		struct gm_diff_row *row;

		if (!a->spans && !b->spans)
			continue;
		row = add_row(rows, a->span_bytes, b->span_bytes);
		if (!row)
			return no_memory();
		row->objects_before = a->objects;
		row->objects_after = b->objects;
		if (bytes)
			snprintf(row->name, sizeof(row->name), "%" PRIu64, bytes);
		else
			strcpy(row->name, "large");
	}
	return NULL;
}

/* One VMA of either side, or of both: then they begin at the same address. */
static struct gm_error *add_vma(struct gm_diff_rows *rows, const struct gm_vma *vma,
				const struct gm_vma_use *before, const struct gm_vma_use *after)
{
	struct gm_diff_row *row;

	if (!before->rss && !after->rss)
		return NULL;
	row = add_row(rows, before->rss, after->rss);
	if (!row)
		return no_memory();
	row->start = vma->start;
	row->kind = gm_vma_kind_name(vma->kind);
	row->path = vma->name;
	return NULL;
}

static struct gm_error *compare_vmas(const struct job *job, struct gm_diff_rows *rows)
{
	const struct gm_subject *a = &job->sides[0].subject, *b = &job->sides[1].subject;
	size_t next_a = 0, next_b = 0, i = 0, j = 0;
	struct gm_error *error = NULL;

	while (!error && (i < a->maps->count || j < b->maps->count)) {
		const struct gm_vma *x = i < a->maps->count ? &a->maps->items[i] : NULL;
		const struct gm_vma *y = j < b->maps->count ? &b->maps->items[j] : NULL;
		struct gm_vma_use before = {}, after = {};
		bool first = x && (!y || x->start <= y->start);
		bool second = y && (!x || y->start <= x->start);

		if (first)
			before = gm_vma_use_next(x, a->pages, &next_a);
		if (second)
			after = gm_vma_use_next(y, b->pages, &next_b);
		error = add_vma(rows, second ? y : x, &before, &after);
		i += first;
		j += second;
	}
	return error;
}

static bool has_holders(const struct side *side)
{
	const struct gm_sample *sample = side->subject.sample;

	return sample->has_holders && !sample->holders_problem;
}

static void say_no_holders(const struct side *side)
{
	const struct gm_sample *sample = side->subject.sample;

	if (sample->holders_problem)
		gm_cmd_say("diff", "%s cannot say what grew by holder: %s", side->source.path,
			   sample->holders_problem);
	else
		gm_cmd_say("diff",
			   "%s cannot say what grew by holder: gomemctl record --holders keeps "
			   "what that takes",
			   side->source.path);
}

static struct gm_error *compare_holders(const struct job *job, struct gm_diff *diff)
{
	diff->has_holders = true;
	for (size_t i = 0; i < 2 && diff->has_holders; i++) {
		diff->has_holders = has_holders(&job->sides[i]);
		if (!diff->has_holders)
			say_no_holders(&job->sides[i]);
	}
	if (!diff->has_holders)
		return NULL;
	return gm_diff_holders(&job->sides[0].subject.sample->holders,
			       &job->sides[1].subject.sample->holders, &diff->holders);
}

static uint64_t size_of(int64_t change)
{
	return change < 0 ? -(uint64_t)change : (uint64_t)change;
}

static int by_change(const void *a, const void *b)
{
	uint64_t x = size_of(((const struct gm_diff_row *)a)->change);
	uint64_t y = size_of(((const struct gm_diff_row *)b)->change);

	return x > y ? -1 : x < y;
}

static struct gm_error *compare(const struct job *job, struct gm_diff *diff)
{
	struct gm_error *error = compare_classes(job, &diff->classes);

	if (!error)
		error = compare_sizes(job, &diff->sizes);
	if (!error)
		error = compare_vmas(job, &diff->vmas);
	if (!error)
		error = compare_holders(job, diff);
	for (size_t i = 0; i < 4 && !error; i++) {
		struct gm_diff_rows *rows[] = { &diff->classes, &diff->sizes, &diff->vmas,
						&diff->holders };

		if (rows[i]->count)
			qsort(rows[i]->items, rows[i]->count, sizeof(*rows[i]->items), by_change);
	}
	return error;
}

static void describe(const struct side *side, struct gm_diff_side *described)
{
	const struct gm_sample *sample = side->subject.sample;
	time_t time = sample->time_ms / 1000;
	struct tm tm;

	described->path = side->source.path;
	described->pid = side->subject.pid;
	described->time_ms = sample->time_ms;
	described->rss = side->bill->rss;
	if (!localtime_r(&time, &tm) ||
	    !strftime(described->time, sizeof(described->time), "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(described->time, "-");
}

static struct gm_error *run(struct job *job, enum gm_out_format format)
{
	struct gm_diff diff = { .max = job->max };
	struct gm_error *error = NULL;

	for (size_t i = 0; i < 2 && !error; i++)
		error = look(&job->sides[i]);
	if (!error)
		error = compare(job, &diff);
	for (size_t i = 0; i < 2 && !error; i++)
		describe(&job->sides[i], &diff.sides[i]);
	if (!error)
		error = format == GM_OUT_JSON ? gm_diff_print_json(stdout, &diff) :
						gm_diff_print_text(stdout, &diff);
	free(diff.classes.items);
	free(diff.sizes.items);
	free(diff.vmas.items);
	free(diff.holders.items);
	return error;
}

/* False: all is said. */
static bool set_sides(struct job *job, int argc, char **argv)
{
	int count = argc - optind;

	if (count < 1 || count > 2) {
		gm_cmd_misused(argv[0], "one or two files are compared", "");
		return false;
	}
	if (!set_source(&job->sides[0], argv[optind]) ||
	    !set_source(&job->sides[1], argv[argc - 1]))
		return false;
	if (count == 1 && !job->sides[0].source.sample)
		job->sides[0].source.sample = "1";
	return true;
}

int gm_cmd_diff(int argc, char **argv)
{
	struct job job = { .max = TEXT_ROWS };
	const struct gm_syntax syntax = {
		.usage = usage,
		.operands = true,
		.no_sources = true,
		.letters = "n:",
		.take = take,
		.context = &job,
	};
	struct gm_options options;
	struct gm_error *error;
	int exit_code;

	if (gm_options_parse(&options, argc, argv, &syntax, &exit_code)) {
		exit_code = GM_EXIT_MISUSED;
		if (set_sides(&job, argc, argv)) {
			error = run(&job, options.format);
			exit_code = error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
		}
	}
	for (size_t i = 0; i < 2; i++) {
		gm_bill_destroy(job.sides[i].bill);
		gm_subject_deinit(&job.sides[i].subject);
		free(job.sides[i].spec);
	}
	gm_options_deinit(&options);
	return exit_code;
}
