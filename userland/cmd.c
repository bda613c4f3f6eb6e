// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "os/module.h"

enum { OPTION_JSON = 256, OPTION_RAW };

static const struct option long_options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "raw", no_argument, NULL, OPTION_RAW },
	{},
};

int gm_cmd_fail(const char *command, struct gm_error *error)
{
	fprintf(stderr, "gomemctl %s: %s\n", command, error->message);
	gm_error_destroy(error);
	return GM_EXIT_FAILED;
}

int gm_cmd_misused(const char *command, const char *why, const char *what)
{
	fprintf(stderr, "gomemctl %s: %s%s; see gomemctl help %s\n", command, why, what, command);
	return GM_EXIT_MISUSED;
}

/* A letter or a long word. */
int gm_cmd_misused_option(char **argv, const char *why)
{
	char letter[] = { '-', optopt, '\0' };
	bool is_letter = optopt > 0 && optopt < 256 && strncmp(argv[optind - 1], "--", 2);

	return gm_cmd_misused(argv[0], why, is_letter ? letter : argv[optind - 1]);
}

bool gm_options_add_pid(struct gm_options *options, const char *text)
{
	char *end;
	long pid;
	pid_t *added;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || pid <= 0 || pid > INT_MAX)
		return false;
	for (size_t i = 0; i < options->pids.count; i++) {
		if (options->pids.items[i] == pid)
			return true;
	}
	added = gm_vec_push(&options->pids);
	if (added)
		*added = pid;
	return added;
}

static bool set_format(struct gm_options *options, enum gm_out_format format)
{
	if (options->format != GM_OUT_TEXT && options->format != format)
		return false;
	options->format = format;
	return true;
}

/* True: go on with the next option. False: @exit_code is set. */
static bool take_option(struct gm_options *options, int option, char **argv, const char *usage,
			bool raw, int *exit_code)
{
	switch (option) {
	case 'h':
		fputs(usage, stdout);
		*exit_code = GM_EXIT_DONE;
		return false;
	case 'p':
		if (gm_options_add_pid(options, optarg))
			return true;
		*exit_code = gm_cmd_misused(argv[0], "not a pid: ", optarg);
		return false;
	case OPTION_RAW:
		if (!raw)
			break;
		/* fallthrough */
	case OPTION_JSON:
		if (set_format(options, option == OPTION_RAW ? GM_OUT_RAW : GM_OUT_JSON))
			return true;
		*exit_code = gm_cmd_misused(argv[0], "--json and --raw exclude each other", "");
		return false;
	case ':':
		*exit_code = gm_cmd_misused_option(argv, "an argument is missing after ");
		return false;
	}
	*exit_code = gm_cmd_misused_option(argv, "unknown option ");
	return false;
}

static struct gm_error *add_targets(struct gm_options *options, struct gm_module *module)
{
	struct gm_module_targets targets = {};
	struct gm_error *error = gm_module_read_targets(module, &targets);

	for (size_t i = 0; !error && i < targets.count; i++) {
		pid_t *added = gm_vec_push(&options->pids);

		if (added)
			*added = targets.items[i].pid;
		else
			error = gm_error_create(ENOMEM, "out of memory");
	}
	gm_module_targets_deinit(&targets);
	return error;
}

/* Without -p, the module says whom to look at. */
bool gm_options_default_pids(struct gm_options *options, const char *command, int *exit_code)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_error *error = gm_module_open(NULL, &module);

	if (error && error->code == ENOENT) {
		gm_error_destroy(error);
		*exit_code = gm_cmd_misused(command,
					    "no pid given, and the module is not loaded: give "
					    "-p PID, or insmod gomem.ko target_pid=PID",
					    "");
		return false;
	}
	if (!error)
		error = add_targets(options, module);
	if (error) {
		*exit_code = gm_cmd_fail(command, error);
		return false;
	}
	if (!options->pids.count)
		*exit_code = gm_cmd_misused(command,
					    "no pid given, and the module has no targets: give "
					    "-p PID, or write \"add PID\" to " GM_MODULE_DIRECTORY
					    "/targets",
					    "");
	return options->pids.count;
}

bool gm_options_parse(struct gm_options *options, int argc, char **argv, const char *usage,
		      bool raw, int *exit_code)
{
	int option;

	*options = (struct gm_options){};
	optind = 0; /* getopt_long() starts anew: glibc's way to say so */
	while ((option = getopt_long(argc, argv, "+:p:h", long_options, NULL)) >= 0) {
		if (!take_option(options, option, argv, usage, raw, exit_code))
			return false;
	}
	if (optind < argc) {
		*exit_code = gm_cmd_misused(argv[0], "unexpected argument ", argv[optind]);
		return false;
	}
	return options->pids.count || gm_options_default_pids(options, argv[0], exit_code);
}

void gm_options_deinit(struct gm_options *options)
{
	free(options->pids.items);
	options->pids.items = NULL;
}
