// SPDX-License-Identifier: GPL-2.0-or-later
/* Goroutines for eyes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd_goroutines.h"
#include "out/bytes.h"

#define USUAL_GROUPS 10
#define USUAL_LINES 24 /* of a stack */
#define WAIT_BYTES 24

static const char *bytes_text(uint64_t bytes, char text[GM_OUT_BYTES_MAX])
{
	return bytes == GM_OUT_NONE ? "-" : gm_out_bytes(bytes, text);
}

/* "~ 12 min", as the clock begins with a GC and not with the wait. */
static const char *wait_text(uint64_t wait_ns, char text[WAIT_BYTES])
{
	uint64_t seconds = wait_ns / 1000000000;

	if (wait_ns == GM_OUT_NONE)
		return "-";
	if (seconds < 120)
		snprintf(text, WAIT_BYTES, "~ %" PRIu64 " s", seconds);
	else if (seconds < 7200)
		snprintf(text, WAIT_BYTES, "~ %" PRIu64 " min", seconds / 60);
	else
		snprintf(text, WAIT_BYTES, "~ %" PRIu64 " h", seconds / 3600);
	return text;
}

static void print_labels(FILE *stream, const struct gm_go_labels *labels)
{
	for (size_t i = 0; labels && i < labels->count; i++)
		fprintf(stream, "  %s=%s", labels->items[i].key, labels->items[i].value);
}

static void print_place(FILE *stream, const char *what, const struct gm_go_frame *frame)
{
	const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;

	fprintf(stream, "      %s%s", what, frame->function);
	if (frame->file)
		fprintf(stream, "  %s:%d", slash ? slash + 1 : frame->file, frame->line);
}

/**
 * struct printer - of the lines of a stack, of which those that repeat are counted
 * @last: the line not printed yet, which came @times; its function is NULL at first
 */
struct printer {
	FILE *stream;
	struct gm_go_frame last;
	unsigned int times;
	unsigned int lines;
};

static void print_last(struct printer *printer)
{
	if (!printer->last.function || printer->lines++ >= USUAL_LINES)
		return;
	print_place(printer->stream, "", &printer->last);
	if (printer->times > 1)
		fprintf(printer->stream, "  (%u times)", printer->times);
	fputc('\n', printer->stream);
}

static void print_frame(struct printer *printer, const struct gm_go_frame *frame)
{
	if (printer->last.function == frame->function && printer->last.line == frame->line) {
		printer->times++;
		return;
	}
	print_last(printer);
	printer->last = *frame;
	printer->times = 1;
}

static void print_lack(FILE *stream, const struct gm_goroutine *one)
{
	static const char *const words[] = {
		[GM_GOROUTINES_RUNS] = "(it runs: its stack is known to the CPU alone)",
		[GM_GOROUTINES_MOVED] = "(it ran while it was read)",
		[GM_GOROUTINES_LONG] = "(and more)",
		[GM_GOROUTINES_LOST] = "(and what called that is no Go code)",
		[GM_GOROUTINES_UNREADABLE] = "(its stack cannot be read)",
	};

	if (words[one->lack])
		fprintf(stream, "      %s\n", words[one->lack]);
}

/* What it began with, where there is no stack to say so. */
static void print_start(FILE *stream, struct gm_goroutines_look *look,
			const struct gm_goroutine *one)
{
	const struct gm_go_function_at *start;

	start = gm_go_functions_find(look->subject.functions, one->state->start_pc);
	if (!one->count && start)
		fprintf(stream, "      began with %s\n", start->function.name);
}

static void print_frames(FILE *stream, struct gm_goroutines_look *look,
			 const struct gm_goroutine *one)
{
	struct gm_go_frame frames[GM_GO_FRAMES_MAX];
	struct printer printer = { .stream = stream };

	for (size_t i = 0; i < one->count; i++) {
		size_t count = gm_goroutines_frames(look, one, i, frames);

		for (size_t j = 0; j < count; j++)
			if (!gm_goroutines_hidden(frames[j].function))
				print_frame(&printer, &frames[j]);
	}
	print_last(&printer);
	if (printer.lines > USUAL_LINES)
		fprintf(stream, "      (and %u lines more; --json has them)\n",
			printer.lines - USUAL_LINES);
}

static void print_stack(FILE *stream, struct gm_goroutines_look *look,
			const struct gm_goroutine *one)
{
	struct gm_go_frame creator;

	print_frames(stream, look, one);
	print_lack(stream, one);
	print_start(stream, look, one);
	if (gm_goroutines_creator(look, one, &creator)) {
		print_place(stream, "created by ", &creator);
		fputc('\n', stream);
	}
}

static void print_columns(FILE *stream, uint64_t count, uint64_t wait_ns, uint64_t stack_bytes,
			  uint64_t resident_bytes, uint64_t used_bytes)
{
	char stack[GM_OUT_BYTES_MAX], resident[GM_OUT_BYTES_MAX], used[GM_OUT_BYTES_MAX];
	char wait[WAIT_BYTES];

	fprintf(stream, "%9" PRIu64 " %10s %9s %9s %9s  ", count, wait_text(wait_ns, wait),
		bytes_text(stack_bytes, stack), bytes_text(resident_bytes, resident),
		bytes_text(used_bytes, used));
}

static void print_titles(FILE *stream, const char *first, const char *last)
{
	fprintf(stream, "%9s %10s %9s %9s %9s  %s\n", first, "WAIT", "STACK", "RESIDENT", "IN USE",
		last);
}

static void print_growth(FILE *stream, const struct gm_goroutines_look *look,
			 const struct gm_goroutines_group *group)
{
	if (look->before && group->count >= group->before)
		fprintf(stream, "+%" PRIu64 "  ", group->count - group->before);
	else if (look->before)
		fprintf(stream, "-%" PRIu64 "  ", group->before - group->count);
}

/* What all of a group share, besides what its stack says. */
static void print_group(FILE *stream, const struct gm_goroutines_view *view,
			struct gm_goroutines_look *look, const struct gm_goroutines_group *group)
{
	print_columns(stream, group->count, group->wait_ns, group->stack_bytes,
		      look->subject.pages ? group->resident_bytes : GM_OUT_NONE, group->used_bytes);
	print_growth(stream, look, group);
	if (view->by == GM_GOROUTINES_FUNCTION)
		fprintf(stream, "%s  ", group->function ?: "?");
	if (view->by == GM_GOROUTINES_CREATOR)
		fprintf(stream, "by %s  ", group->creator ?: "?");
	fprintf(stream, "%s", *group->state ? group->state : "in several states");
	print_labels(stream, group->labels);
	if (group->has_more_labels)
		fputs("  several labels", stream);
	else if (!group->labels && view->by == GM_GOROUTINES_LABELS)
		fputs("  no labels", stream);
	fputc('\n', stream);
	if (group->example_count < group->count && view->by != GM_GOROUTINES_STACK)
		fprintf(stream, "      %" PRIu64 " of them:\n", group->example_count);
	print_stack(stream, look, group->example);
}

static void print_sum(FILE *stream, const char *title, const struct gm_goroutines_groups *groups,
		      const struct gm_goroutines_look *look)
{
	char stack[GM_OUT_BYTES_MAX], resident[GM_OUT_BYTES_MAX];
	uint64_t count = 0, stack_bytes = 0, resident_bytes = 0;

	for (size_t i = 0; i < groups->count; i++) {
		count += groups->items[i].count;
		stack_bytes += groups->items[i].stack_bytes;
		resident_bytes += groups->items[i].resident_bytes;
	}
	fprintf(stream, "%9" PRIu64 " %s, stacks %s, resident %s\n", count, title,
		gm_out_bytes(stack_bytes, stack),
		look->subject.pages ? gm_out_bytes(resident_bytes, resident) : "not known");
}

static void print_threads(FILE *stream, const struct gm_goroutines_look *look)
{
	char stack[GM_OUT_BYTES_MAX], resident[GM_OUT_BYTES_MAX];

	fprintf(stream,
		"%9" PRIu64 " threads, stacks for the scheduler, C and signals %s, resident %s\n",
		look->threads, gm_out_bytes(look->thread_bytes, stack),
		look->subject.pages ? gm_out_bytes(look->thread_resident, resident) : "not known");
}

static void print_states(FILE *stream, const struct gm_goroutines_groups *states,
			 const struct gm_goroutines_look *look)
{
	print_titles(stream, "COUNT", "STATE");
	for (size_t i = 0; i < states->count; i++) {
		const struct gm_goroutines_group *state = &states->items[i];

		print_columns(stream, state->count, state->wait_ns, state->stack_bytes,
			      look->subject.pages ? state->resident_bytes : GM_OUT_NONE,
			      state->used_bytes);
		print_growth(stream, look, state);
		fprintf(stream, "%s\n", state->state);
	}
	fputc('\n', stream);
}

static void print_groups(FILE *stream, const struct gm_goroutines_view *view,
			 struct gm_goroutines_look *look, const struct gm_goroutines_groups *groups)
{
	size_t max = view->max ?: USUAL_GROUPS;

	print_titles(stream, "COUNT", "WHO");
	for (size_t i = 0; i < groups->count && i < max; i++)
		print_group(stream, view, look, &groups->items[i]);
	if (groups->count > max)
		fprintf(stream, "%zu more; -n %zu shows them\n", groups->count - max,
			groups->count);
}

static void print_one(FILE *stream, struct gm_goroutines_look *look, const struct gm_goroutine *one)
{
	char state[GM_GOROUTINES_STATE_BYTES];

	print_columns(stream, one->state->id, one->wait_ns, one->stack_bytes, one->resident_bytes,
		      one->used_bytes);
	fprintf(stream, "%s", gm_goroutines_state(look, one, state));
	if (one->state->locked_m)
		fputs("  locked to its thread", stream);
	print_labels(stream, one->labels);
	fputc('\n', stream);
	print_stack(stream, look, one);
}

static void print_list(FILE *stream, const struct gm_goroutines_view *view,
		       struct gm_goroutines_look *look)
{
	size_t max = view->max ?: SIZE_MAX, shown = 0;

	gm_goroutines_sort_by_id(look);
	print_titles(stream, "GOROUTINE", "WHO");
	for (size_t i = 0; i < look->count && shown < max; i++) {
		if (look->items[i].system)
			continue;
		print_one(stream, look, &look->items[i]);
		shown++;
	}
}

static void print_look(FILE *stream, const struct gm_goroutines_view *view,
		       struct gm_goroutines_look *look, const struct gm_goroutines_groups *states,
		       const struct gm_goroutines_groups *system)
{
	fprintf(stream, "pid %d  %s\n", (int)look->subject.pid, look->subject.image.version.text);
	print_sum(stream, "goroutines", states, look);
	print_sum(stream, "of the runtime's own", system, look);
	print_threads(stream, look);
	if (look->before)
		fprintf(stream, "%+9" PRId64 " goroutines within %u s: + and - tell of which\n",
			(int64_t)(look->count - look->before->count), view->growth_s);
	if (look->moved)
		fprintf(stream, "%9" PRIu64 " ran while they were read: where is not known\n",
			look->moved);
	fputc('\n', stream);
	if (!view->list)
		print_states(stream, states, look);
}

struct gm_error *gm_goroutines_print(FILE *stream, const struct gm_goroutines_view *view,
				     struct gm_goroutines_look *look)
{
	struct gm_goroutines_groups states = {}, system = {}, groups = {};
	struct gm_error *error;

	error = gm_goroutines_group(look, GM_GOROUTINES_STATE, false, &states);
	if (!error)
		error = gm_goroutines_group(look, GM_GOROUTINES_STATE, true, &system);
	if (!error)
		error = gm_goroutines_group(look, view->by, false, &groups);
	if (!error) {
		print_look(stream, view, look, &states, &system);
		if (!view->list)
			print_groups(stream, view, look, &groups);
	}
	free(states.items);
	free(system.items);
	free(groups.items);
	if (!error && view->list)
		print_list(stream, view, look);
	if (!error && ferror(stream))
		error = gm_error_create(EIO, "the output takes no more");
	return error;
}
