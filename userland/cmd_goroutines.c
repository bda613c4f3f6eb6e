// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl goroutines: what they wait for, where, since when, and what their stacks take. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cmd_goroutines.h"

#define SECONDS_MAX 86400
#define SCHEMA "gomem.goroutines/1"

enum { OPTION_BY = GM_OPTION_OWN, OPTION_LIST, OPTION_LABEL, OPTION_GROWTH };

static const char usage[] =
	"Usage: gomemctl goroutines [SOURCE] [--by stack|function|state|creator|labels] [-n N]\n"
	"                           [--label KEY[=VALUE]] [--growth SECONDS] [--list] [--json]\n"
	"\n"
	"Shows the goroutines of a Go program: how many there are, what they wait for, where, about\n"
	"how long, who created them, and what their stacks take: allotted, resident and in use.\n"
	"Grouped by stack, by the function that they are in outside of the runtime and its like, by\n"
	"state, by the function that created them, or by pprof labels; those with the most stack\n"
	"first, 10 groups or N. --list shows each goroutine. --label: only those that have it.\n"
	"--growth: look twice, so many seconds apart, and say how much each group grew.\n"
	"Without -p, the module's targets.\n";

static const struct option options[] = {
	{ "by", required_argument, NULL, OPTION_BY },
	{ "list", no_argument, NULL, OPTION_LIST },
	{ "label", required_argument, NULL, OPTION_LABEL },
	{ "growth", required_argument, NULL, OPTION_GROWTH },
	{},
};

/**
 * struct request - the command line
 * @label: NULL: all
 */
struct request {
	struct gm_options options;
	struct gm_goroutines_view view;
	const char *label;
	uint64_t shown;
};

static const char *const by_names[] = {
	[GM_GOROUTINES_STACK] = "stack",   [GM_GOROUTINES_FUNCTION] = "function",
	[GM_GOROUTINES_STATE] = "state",   [GM_GOROUTINES_CREATOR] = "creator",
	[GM_GOROUTINES_LABELS] = "labels",
};

static bool set_by(struct request *request, const char *text)
{
	for (unsigned int by = 0; by < sizeof(by_names) / sizeof(by_names[0]); by++) {
		request->view.by = by;
		request->view.by_name = by_names[by];
		if (!strcmp(text, by_names[by]))
			return true;
	}
	return false;
}

static bool parse_number(const char *text, long most, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return !errno && !*end && *number > 0 && *number <= most;
}

static const char *take(void *context, int option, const char *argument)
{
	struct request *request = context;
	long number;

	switch (option) {
	case 'n':
		if (!parse_number(argument, LONG_MAX, &number))
			return "not a number above 0: ";
		request->view.max = number;
		return NULL;
	case OPTION_GROWTH:
		if (!parse_number(argument, SECONDS_MAX, &number))
			return "not a number of seconds, of a day at most: ";
		request->view.growth_s = number;
		return NULL;
	case OPTION_BY:
		return set_by(request, argument) ?
			       NULL :
			       "neither stack, function, state, creator nor labels: ";
	case OPTION_LIST:
		request->view.list = true;
		return NULL;
	default:
		request->label = argument;
		return *argument && *argument != '=' ? NULL : "no key of a label: ";
	}
}

static bool has_label(const struct gm_go_labels *labels, const char *wanted)
{
	size_t length = strcspn(wanted, "=");

	for (size_t i = 0; labels && i < labels->count; i++) {
		const struct gm_go_label *label = &labels->items[i];

		if (strlen(label->key) == length && !strncmp(label->key, wanted, length) &&
		    (!wanted[length] || !strcmp(label->value, wanted + length + 1)))
			return true;
	}
	return false;
}

static void keep_labelled(struct gm_goroutines_look *look, const char *label)
{
	size_t kept = 0;

	for (size_t i = 0; label && i < look->count; i++)
		if (has_label(look->items[i].labels, label))
			look->items[kept++] = look->items[i];
	if (label)
		look->count = kept;
}

/* What stands before a process; nothing is printed of one that cannot be looked at. */
static void print_before(struct request *request)
{
	if (request->shown++)
		fputs(request->options.format == GM_OUT_JSON ? ",\n" : "\n", stdout);
}

/* A process, and the look at it. */
struct view {
	struct gm_subject subject;
	struct gm_goroutines_look look;
};

static struct gm_error *look_at(const struct request *request, const struct gm_source *source,
				struct view *view)
{
	struct gm_error *error = gm_subject_open(source, &view->subject);

	if (!error)
		error = gm_goroutines_look(&view->subject, &view->look);
	if (!error)
		keep_labelled(&view->look, request->label);
	return error;
}

static void view_deinit(struct view *view)
{
	gm_goroutines_look_deinit(&view->look);
	gm_subject_deinit(&view->subject);
}

/* Leaves @before empty where growth is not asked for. */
static struct gm_error *look_before(const struct request *request, const struct gm_source *source,
				    struct view *before)
{
	struct gm_error *error;

	if (!request->view.growth_s)
		return NULL;
	if (source->kind != GM_SOURCE_PID)
		return gm_error_create(EINVAL, "only what runs can grow: --growth wants a process");
	error = look_at(request, source, before);
	if (!error)
		sleep(request->view.growth_s);
	return error;
}

static struct gm_error *show(void *context, const struct gm_source *source)
{
	struct request *request = context;
	struct view now = {}, before = {};
	struct gm_error *error = look_before(request, source, &before);

	if (!error)
		error = look_at(request, source, &now);
	if (!error) {
		now.look.before = request->view.growth_s ? &before.look : NULL;
		print_before(request);
		if (request->options.format == GM_OUT_JSON)
			error = gm_goroutines_print_json(stdout, &request->view, &now.look);
		else
			error = gm_goroutines_print(stdout, &request->view, &now.look);
	}
	view_deinit(&now);
	view_deinit(&before);
	return error;
}

static int run(const char *command, struct request *request)
{
	bool is_json = request->options.format == GM_OUT_JSON;
	int exit_code;

	if (is_json)
		printf("{\"schema\": \"%s\", \"by\": \"%s\", \"processes\": [\n", SCHEMA,
		       request->view.by_name);
	exit_code = gm_cmd_look_at_each(command, &request->options, show, request);
	if (is_json)
		puts("]}");
	return exit_code;
}

int gm_cmd_goroutines(int argc, char **argv)
{
	struct request request = { .view.by_name = by_names[GM_GOROUTINES_STACK] };
	const struct gm_syntax syntax = {
		.usage = usage,
		.letters = "n:",
		.options = options,
		.take = take,
		.context = &request,
	};
	int exit_code;

	if (gm_options_parse(&request.options, argc, argv, &syntax, &exit_code))
		exit_code = run(argv[0], &request);
	gm_options_deinit(&request.options);
	return exit_code;
}
