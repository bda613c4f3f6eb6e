// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl stacks: whose code touched, mapped and gave back the memory. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "cmd.h"
#include "cmd_stacks.h"
#include "os/file.h"

#define RATE_FILE "/sys/module/gomem/parameters/stacks"
#define TEXT_GROUPS 10

enum { OPTION_JSON = 256, OPTION_BY };

static const char usage[] =
	"Usage: gomemctl stacks [-p PID]... [--by stack|goroutine|labels|thread] [-n N] [--json]\n\n"
	"Whose code the memory of a process came through: bytes that it touched first, in how\n"
	"many page faults, bytes mapped by mmap and given back by madvise, since it is watched,\n"
	"by stack, goroutine, pprof labels, or thread; those that touched most first, 10 or N.\n"
	"Without -p: the module's targets. The stacks are kept by gomem.ko while its parameter\n"
	"is not 0; with N it takes each N-th fault, which then counts for N:\n\n"
	"    echo 1 >" RATE_FILE "\n\n"
	"For goroutines and labels, make a process a target with gomemctl watch.\n";

static const struct option long_options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "by", required_argument, NULL, OPTION_BY },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "help", no_argument, NULL, 'h' },
	{},
};

/**
 * struct request - the command line
 * @max: groups to show, 0: as many as usual
 */
struct request {
	struct gm_options options;
	enum gm_stacks_by by;
	size_t max;
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

/* True: go on. */
static bool take_option(struct request *request, int option, char **argv, int *exit_code)
{
	*exit_code = GM_EXIT_MISUSED;
	switch (option) {
	case 'h':
		fputs(usage, stdout);
		*exit_code = GM_EXIT_DONE;
		return false;
	case 'p':
		return gm_options_add_pid(&request->options, optarg) ||
		       !gm_cmd_misused(argv[0], "not a pid: ", optarg);
	case 'n':
		return set_max(request, optarg) ||
		       !gm_cmd_misused(argv[0], "not a number above 0: ", optarg);
	case OPTION_BY:
		return set_by(request, optarg) ||
		       !gm_cmd_misused(argv[0],
				       "neither stack, goroutine, labels nor thread: ", optarg);
	case OPTION_JSON:
		request->options.format = GM_OUT_JSON;
		return true;
	case ':':
		gm_cmd_misused_option(argv, "an argument is missing after ");
		return false;
	}
	gm_cmd_misused_option(argv, "unknown option ");
	return false;
}

static bool parse(struct request *request, int argc, char **argv, int *exit_code)
{
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "+:p:n:h", long_options, NULL)) >= 0) {
		if (!take_option(request, option, argv, exit_code))
			return false;
	}
	if (optind < argc) {
		*exit_code = gm_cmd_misused(argv[0], "unexpected argument ", argv[optind]);
		return false;
	}
	return request->options.sources.count ||
	       gm_options_default_pids(&request->options, argv[0], exit_code);
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

static uint64_t read_rate(void)
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

static void say_missing(const struct gm_stacks_view *view)
{
	if (!view->rate)
		gm_cmd_say("stacks", "no stacks are taken now; to have them: echo 1 >" RATE_FILE);
	else if (!view->groups->count)
		gm_cmd_say("stacks", "nothing was touched or mapped yet; is the process watched? "
				     "gomemctl watch PID");
}

static struct gm_error *show(const struct request *request, struct gm_module_stacks *stacks,
			     struct gm_stacks_groups *groups)
{
	gm_auto(gm_stacks_labels) struct gm_stacks_labels *labels = NULL;
	gm_auto(gm_stacks_names) struct gm_stacks_names *names = NULL;
	struct gm_stacks_view view = {
		.by = request->by,
		.rate = read_rate(),
		.remark = stacks->remark,
		.groups = groups,
	};
	struct gm_error *error;

	keep_wanted(&request->options, stacks);
	error = gm_stacks_labels_read(stacks, &labels);
	if (!error)
		error = gm_stacks_group(stacks, labels, request->by, groups);
	if (!error)
		error = gm_stacks_names_create(&names);
	if (error)
		return error;
	say_missing(&view);
	view.names = names;
	return print(request, &view);
}

static struct gm_error *run(const struct request *request)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_module_stacks stacks = {};
	struct gm_stacks_groups groups = {};
	struct gm_error *error;

	error = gm_module_open(NULL, &module);
	if (!error)
		error = gm_module_read_stacks(module, &stacks);
	if (!error)
		error = show(request, &stacks, &groups);
	free(groups.items);
	gm_module_stacks_deinit(&stacks);
	return error;
}

int gm_cmd_stacks(int argc, char **argv)
{
	struct request request = {};
	struct gm_error *error;
	int exit_code;

	if (parse(&request, argc, argv, &exit_code)) {
		error = run(&request);
		exit_code = error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
	}
	gm_options_deinit(&request.options);
	return exit_code;
}
