// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl watch: makes processes targets of the module, which learns of their goroutines. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "go/goroutine.h"
#include "os/module.h"

static const char usage[] =
	"Usage: gomemctl watch [PID...] [--follow]\n\n"
	"Has gomem.ko watch the processes, and with --follow the children they fork from\n"
	"now on. Of a Go program it also says where the goroutine is found, until it calls\n"
	"exec: the stacks then carry goroutines and labels. A process that is watched\n"
	"already keeps what was counted. Without a PID it says so of all that are watched\n"
	"and of which it was not said yet: children that were followed, members of cgroups,\n"
	"those that called exec. To stop: echo \"del PID\" >/proc/gomem/targets.\n";

static const struct option long_options[] = {
	{ "follow", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

/**
 * struct watch - what is asked for
 * @follow: the children, too
 */
struct watch {
	struct gm_options options;
	bool follow;
};

/* True: go on. */
static bool take_option(struct watch *watch, int option, char **argv, int *exit_code)
{
	switch (option) {
	case 'f':
		watch->follow = true;
		return true;
	case 'h':
		fputs(usage, stdout);
		*exit_code = GM_EXIT_DONE;
		return false;
	}
	*exit_code = gm_cmd_misused_option(argv, "unknown option ");
	return false;
}

static bool parse(struct watch *watch, int argc, char **argv, int *exit_code)
{
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) >= 0) {
		if (!take_option(watch, option, argv, exit_code))
			return false;
	}
	for (; optind < argc; optind++) {
		if (gm_options_add_pid(&watch->options, argv[optind]))
			continue;
		*exit_code = gm_cmd_misused(argv[0], "not a pid: ", argv[optind]);
		return false;
	}
	if (watch->follow && !watch->options.sources.count)
		*exit_code = gm_cmd_misused(argv[0], "whose children? No pid given", "");
	return !watch->follow || watch->options.sources.count;
}

/* Watched already is what was wanted. */
static struct gm_error *add(struct gm_module *module, pid_t pid, bool follow)
{
	struct gm_error *error;

	error = gm_module_command(module, "add %d follow=%d", (int)pid, follow);
	if (!error || error->code != EEXIST)
		return error;
	gm_error_destroy(error);
	gm_cmd_say("watch", "process %d is watched already%s", (int)pid,
		   follow ? ", with its own word on children" : "");
	return NULL;
}

/* A program that is none of Go's has no goroutines, and one that hides them is watched as well. */
static struct gm_error *add_goroutines(struct gm_module *module, pid_t pid)
{
	gm_auto(gm_error) struct gm_error *error = NULL;
	char words[GM_GO_GOROUTINE_WORDS];
	struct gm_go_goroutine goroutine;

	error = gm_go_goroutine_read(pid, &goroutine);
	if (!error)
		return gm_module_command(module, "go %d %s", (int)pid,
					 gm_go_goroutine_words(&goroutine, words));
	if (error->code != ENOENT)
		gm_cmd_say("watch", "the stacks of process %d will name no goroutines: %s",
			   (int)pid, error->message);
	return NULL;
}

/* What became of one that is gone meanwhile is no matter. */
static struct gm_error *add_missing_goroutines(struct gm_module *module)
{
	struct gm_module_targets targets = {};
	struct gm_error *error = gm_module_read_targets(module, &targets);

	for (size_t i = 0; !error && i < targets.count; i++) {
		const struct gm_module_target *target = &targets.items[i];

		if (gm_module_target_runs(target) && !strcmp(target->go, "-"))
			error = add_goroutines(module, target->pid);
		if (error && (error->code == ESRCH || error->code == ENOENT)) {
			gm_error_destroy(error);
			error = NULL;
		}
	}
	gm_module_targets_deinit(&targets);
	return error;
}

/* What @context is of: the module, and what was asked for. */
struct watching {
	struct gm_module *module;
	bool follow;
};

static struct gm_error *watch_one(void *context, const struct gm_source *source)
{
	const struct watching *watching = context;
	struct gm_error *error = add(watching->module, source->pid, watching->follow);

	return error ?: add_goroutines(watching->module, source->pid);
}

static int watch_all(const char *command, const struct watch *watch)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_error *error = gm_module_open(NULL, &module);
	struct watching watching = { module, watch->follow };

	if (!error && watch->options.sources.count)
		return gm_cmd_look_at_each(command, &watch->options, watch_one, &watching);
	if (!error)
		error = add_missing_goroutines(module);
	return error ? gm_cmd_fail(command, error) : GM_EXIT_DONE;
}

int gm_cmd_watch(int argc, char **argv)
{
	struct watch watch = {};
	int exit_code;

	if (parse(&watch, argc, argv, &exit_code))
		exit_code = watch_all(argv[0], &watch);
	gm_options_deinit(&watch.options);
	return exit_code;
}
