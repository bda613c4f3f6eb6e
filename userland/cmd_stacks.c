// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl stacks: whose code touched, mapped and gave back the memory. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "cmd_stacks.h"
#include "cmd_subject.h"
#include "os/file.h"

#define RATE_FILE "/sys/module/gomem/parameters/stacks"
#define TEXT_GROUPS 10

enum { OPTION_BY = GM_OPTION_OWN };

static const char usage[] =
	"Usage: gomemctl stacks [SOURCE] [--by stack|goroutine|labels|thread] [-n N] [--json]\n\n"
	"Whose code the memory of a process came through: bytes that it touched first, in how\n"
	"many page faults, bytes mapped by mmap and given back by madvise, since it is watched,\n"
	"by stack, goroutine, pprof labels, or thread; those that touched most first, 10 or N.\n"
	"Without -p: the module's targets. The stacks are kept by gomem.ko while its parameter\n"
	"is not 0; with N it takes each N-th fault, which then counts for N:\n\n"
	"    echo 1 >" RATE_FILE "\n\n"
	"For goroutines and labels, make a process a target with gomemctl watch.\n";

static const struct option own_options[] = {
	{ "by", required_argument, NULL, OPTION_BY },
	{},
};

/**
 * struct request - the command line
 * @max: groups to show, 0: as many as usual
 * @unwatched: one of the processes was no target
 */
struct request {
	struct gm_options options;
	enum gm_stacks_by by;
	size_t max;
	bool unwatched;
};

static const char *const by_names[] = {
	[GM_STACKS_STACK] = "stack",
	[GM_STACKS_GOROUTINE] = "goroutine",
	[GM_STACKS_LABELS] = "labels",
	[GM_STACKS_THREAD] = "thread",
};

const char *gm_stacks_by_name(unsigned int by)
{
	return by < sizeof(by_names) / sizeof(by_names[0]) ? by_names[by] : NULL;
}

static bool set_by(struct request *request, const char *text)
{
	for (unsigned int by = 0; gm_stacks_by_name(by); by++) {
		request->by = by;
		if (!strcmp(text, by_names[by]))
			return true;
	}
	return false;
}

static bool set_max(struct request *request, const char *text)
{
	char *end;
	long max;

	errno = 0;
	max = strtol(text, &end, 10);
	if (errno || *end || max <= 0)
		return false;
	request->max = max;
	return true;
}

static const char *take(void *context, int option, const char *argument)
{
	struct request *request = context;

	if (option == 'n')
		return set_max(request, argument) ? NULL : "not a number above 0: ";
	return set_by(request, argument) ? NULL : "neither stack, goroutine, labels nor thread: ";
}

static bool is_wanted(const struct gm_options *options, uint64_t pid)
{
	for (size_t i = 0; i < options->sources.count; i++) {
		if ((uint64_t)options->sources.items[i].pid == pid)
			return true;
	}
	return false;
}

static void keep_wanted(const struct gm_options *options, struct gm_module_stacks *stacks)
{
	size_t kept = 0;

	for (size_t i = 0; i < stacks->count; i++)
		if (is_wanted(options, stacks->items[i].pid))
			stacks->items[kept++] = stacks->items[i];
	stacks->count = kept;
}

uint64_t gm_stacks_rate(void)
{
	gm_autofree char *text = NULL;
	struct gm_error *error;
	uint64_t rate = 0;
	size_t size;

	error = gm_file_read(RATE_FILE, PATH_MAX, &text, &size);
	if (!error)
		rate = strtoull(text, NULL, 10);
	gm_error_destroy(error);
	return rate;
}

static struct gm_error *print(const struct request *request, const struct gm_stacks_view *view)
{
	if (request->options.format == GM_OUT_JSON)
		return gm_stacks_print_json(stdout, view, request->max ?: SIZE_MAX);
	return gm_stacks_print_text(stdout, view, request->max ?: TEXT_GROUPS);
}

static void say_missing(const struct request *request, const struct gm_stacks_view *view)
{
	if (!view->rate)
		gm_cmd_say("stacks", "no stacks are taken now; to have them: echo 1 >" RATE_FILE);
	else if (!view->groups->count && !request->unwatched)
		gm_cmd_say("stacks", "nothing was touched or mapped since it is watched");
}

/* What a recording lacks can no more be had. */
static void say_missed(const struct gm_stacks_view *view)
{
	if (!view->groups->count)
		gm_cmd_say("stacks", "gomem.ko %s when this was recorded",
			   view->rate ? "did not watch the process" :
					"was not there, or kept no stacks");
}

static struct gm_error *show(const struct request *request, struct gm_module_stacks *stacks,
			     const struct gm_stacks_labels *labels, struct gm_stacks_view *view)
{
	struct gm_stacks_groups groups = {};
	struct gm_error *error = gm_stacks_group(stacks, labels, request->by, &groups);

	view->by = request->by;
	view->remark = stacks->remark;
	view->groups = &groups;
	if (!error) {
		if (request->options.sources.items[0].kind == GM_SOURCE_RECORDING)
			say_missed(view);
		else
			say_missing(request, view);
		error = print(request, view);
	}
	view->groups = NULL;
	free(groups.items);
	return error;
}

static struct gm_error *check_watched(struct request *request, struct gm_module *module)
{
	struct gm_module_targets targets = {};
	struct gm_error *error = gm_module_read_targets(module, &targets);

	if (!error)
		request->unwatched = gm_cmd_say_unwatched("stacks", &request->options, &targets);
	gm_module_targets_deinit(&targets);
	return error;
}

static struct gm_error *show_processes(struct request *request)
{
	gm_auto(gm_stacks_labels) struct gm_stacks_labels *labels = NULL;
	gm_auto(gm_stacks_names) struct gm_stacks_names *names = NULL;
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_stacks_view view = { .rate = gm_stacks_rate() };
	struct gm_module_stacks stacks = {};
	struct gm_error *error;

	error = gm_module_open(NULL, &module);
	if (!error)
		error = check_watched(request, module);
	if (!error)
		error = gm_module_read_stacks(module, &stacks);
	keep_wanted(&request->options, &stacks);
	if (!error)
		error = gm_stacks_labels_read(&stacks, &labels);
	if (!error)
		error = gm_stacks_names_create(NULL, &names);
	view.names = names;
	if (!error)
		error = show(request, &stacks, labels, &view);
	gm_module_stacks_deinit(&stacks);
	return error;
}

static struct gm_error *show_sample(const struct request *request, struct gm_sample *sample)
{
	gm_auto(gm_stacks_labels) struct gm_stacks_labels *labels = NULL;
	gm_auto(gm_stacks_names) struct gm_stacks_names *names = NULL;
	struct gm_stacks_view view = { .rate = sample->stacks_rate };
	struct gm_error *error;

	error = gm_stacks_labels_take(sample->pid, &sample->stacks_labels, &labels);
	if (!error)
		error = gm_stacks_names_create(&sample->codes, &names);
	view.names = names;
	return error ?: show(request, &sample->stacks, labels, &view);
}

static struct gm_error *show_recording(const struct request *request)
{
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open_memory(&request->options.sources.items[0], &subject);
	if (!error)
		error = show_sample(request, subject.sample);
	gm_subject_deinit(&subject);
	return error;
}

static struct gm_error *run(struct request *request)
{
	switch (request->options.sources.items[0].kind) {
	case GM_SOURCE_CORE:
		return gm_error_create(ENOTSUP, "a core does not have them: gomem.ko keeps the "
						"stacks; gomemctl goroutines looks at cores");
	case GM_SOURCE_RECORDING:
		return show_recording(request);
	default:
		return show_processes(request);
	}
}

int gm_cmd_stacks(int argc, char **argv)
{
	struct request request = {};
	const struct gm_syntax syntax = {
		.usage = usage,
		.exited = true,
		.letters = "n:",
		.options = own_options,
		.take = take,
		.context = &request,
	};
	struct gm_error *error;
	int exit_code;

	if (gm_options_parse(&request.options, argc, argv, &syntax, &exit_code)) {
		error = run(&request);
		exit_code = request.unwatched ? GM_EXIT_FAILED : GM_EXIT_DONE;
		if (error)
			exit_code = gm_cmd_fail(argv[0], error);
	}
	gm_options_deinit(&request.options);
	return exit_code;
}
