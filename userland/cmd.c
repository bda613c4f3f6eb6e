// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* vasprintf */
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os/module.h"
#include "out/clean.h"

enum { OPTION_JSON = 256, OPTION_RAW, OPTION_CORE, OPTION_EXE, OPTION_FROM, OPTION_SAMPLE };

static const struct option common_options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "core", required_argument, NULL, OPTION_CORE },
	{ "exe", required_argument, NULL, OPTION_EXE },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "sample", required_argument, NULL, OPTION_SAMPLE },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "raw", no_argument, NULL, OPTION_RAW },
};

static const char source_usage[] =
	"\nA SOURCE is -p PID, which may be repeated, --core FILE [--exe FILE], a core and its\n"
	"program, or --from FILE [--sample N|TIME], a recording of gomemctl record and which of\n"
	"its samples, the last by default.\n";

#define COMMON_OPTIONS (sizeof(common_options) / sizeof(common_options[0]))
#define LETTERS_MAX 32
#define YEAR_NS (365 * 86400e9)

/**
 * struct parsing - the command line on its way
 * @core, @exe, @from, @sample: of the options, NULL: not given
 */
struct parsing {
	struct gm_options *options;
	const struct gm_syntax *syntax;
	char **argv;
	const char *core;
	const char *exe;
	const char *from;
	const char *sample;
};

void gm_cmd_say(const char *command, const char *format, ...)
{
	gm_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (text)
		gm_out_clean(text, strlen(text), "");
	fprintf(stderr, "gomemctl %s: %s\n", command, text ?: "out of memory");
}

int gm_cmd_fail(const char *command, struct gm_error *error)
{
	gm_cmd_say(command, "%s", error->message);
	gm_error_destroy(error);
	return GM_EXIT_FAILED;
}

int gm_cmd_look_at_each(const char *command, const struct gm_options *options, gm_cmd_look look,
			void *context)
{
	int exit_code = GM_EXIT_DONE;

	for (size_t i = 0; i < options->sources.count; i++) {
		struct gm_error *error = look(context, &options->sources.items[i]);

		if (error)
			exit_code = gm_cmd_fail(command, error);
	}
	return exit_code;
}

static bool is_watched(const struct gm_module_targets *targets, pid_t pid)
{
	for (size_t i = 0; i < targets->count; i++)
		if (targets->items[i].pid == (uint64_t)pid)
			return true;
	return false;
}

bool gm_cmd_say_unwatched(const char *command, const struct gm_options *options,
			  const struct gm_module_targets *targets)
{
	bool said = false;

	for (size_t i = 0; i < options->sources.count; i++) {
		pid_t pid = options->sources.items[i].pid;

		if (is_watched(targets, pid))
			continue;
		gm_cmd_say(command, "gomem.ko does not watch process %d: gomemctl watch %d",
			   (int)pid, (int)pid);
		said = true;
	}
	return said;
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

bool gm_cmd_parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e9 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	char *end;
	double number = strtod(text, &end);

	for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) || !(number >= 0 && number * units[i].ns <= YEAR_NS))
			continue;
		*ns = number * units[i].ns;
		return true;
	}
	return false;
}

static bool add_source(struct gm_options *options, const struct gm_source *source)
{
	struct gm_source *added = gm_vec_push(&options->sources);

	if (added)
		*added = *source;
	return added;
}

bool gm_options_add_pid(struct gm_options *options, const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || pid <= 0 || pid > INT_MAX)
		return false;
	for (size_t i = 0; i < options->sources.count; i++) {
		if (options->sources.items[i].pid == pid)
			return true;
	}
	return add_source(options, &(struct gm_source){ .pid = pid });
}

/* These return NULL, or why @argument is none. */
static const char *take_pid(struct parsing *parsing, const char *argument)
{
	return gm_options_add_pid(parsing->options, argument) ? NULL : "not a pid: ";
}

static const char *take_format(struct gm_options *options, enum gm_out_format format)
{
	if (options->format != GM_OUT_TEXT && options->format != format)
		return "--json and --raw exclude each other";
	options->format = format;
	return NULL;
}

static const char *take_once(const char **place, const char *argument)
{
	if (*place)
		return "given twice: ";
	*place = argument;
	return NULL;
}

static const char *take_argument(struct parsing *parsing, int option, const char *argument)
{
	switch (option) {
	case 'p':
		return take_pid(parsing, argument);
	case OPTION_CORE:
		return take_once(&parsing->core, argument);
	case OPTION_EXE:
		return take_once(&parsing->exe, argument);
	case OPTION_FROM:
		return take_once(&parsing->from, argument);
	case OPTION_SAMPLE:
		return take_once(&parsing->sample, argument);
	case OPTION_RAW:
		return take_format(parsing->options, GM_OUT_RAW);
	case OPTION_JSON:
		return take_format(parsing->options, GM_OUT_JSON);
	default:
		return parsing->syntax->take(parsing->syntax->context, option, argument);
	}
}

/* True: go on with the next option. False: @exit_code is set. */
static bool take_option(struct parsing *parsing, int option, int *exit_code)
{
	char **argv = parsing->argv;
	const char *why;

	switch (option) {
	case 'h':
		fputs(parsing->syntax->usage, stdout);
		if (strstr(parsing->syntax->usage, "SOURCE"))
			fputs(source_usage, stdout);
		*exit_code = GM_EXIT_DONE;
		return false;
	case ':':
		*exit_code = gm_cmd_misused_option(argv, "an argument is missing after ");
		return false;
	case OPTION_RAW:
		if (parsing->syntax->raw)
			break;
		/* fallthrough */
	case '?':
		*exit_code = gm_cmd_misused_option(argv, "unknown option ");
		return false;
	}
	why = take_argument(parsing, option, optarg);
	if (why)
		*exit_code = gm_cmd_misused(argv[0], why, optarg ?: "");
	return !why;
}

static struct gm_error *add_targets(const struct gm_syntax *syntax, struct gm_options *options,
				    struct gm_module *module)
{
	struct gm_module_targets targets = {};
	struct gm_error *error = gm_module_read_targets(module, &targets);

	for (size_t i = 0; !error && i < targets.count; i++) {
		const struct gm_source source = { .pid = targets.items[i].pid };

		if (!syntax->exited && !gm_module_target_runs(&targets.items[i]))
			continue;
		if (!add_source(options, &source))
			error = gm_error_create(ENOMEM, "out of memory");
	}
	gm_module_targets_deinit(&targets);
	return error;
}

/* Without -p, the module says whom to look at. */
static bool default_pids(const struct gm_syntax *syntax, struct gm_options *options,
			 const char *command, int *exit_code)
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
		error = add_targets(syntax, options, module);
	if (error) {
		*exit_code = gm_cmd_fail(command, error);
		return false;
	}
	if (!options->sources.count)
		*exit_code = gm_cmd_misused(command,
					    "no pid given, and the module has no targets that run: "
					    "give -p PID, or gomemctl watch PID",
					    "");
	return options->sources.count;
}

/* Processes that run, or what is left of one that does not. */
static const char *set_sources(struct parsing *parsing)
{
	const struct gm_source past = {
		.kind = parsing->core ? GM_SOURCE_CORE : GM_SOURCE_RECORDING,
		.path = parsing->core ?: parsing->from,
		.exe = parsing->exe,
		.sample = parsing->sample,
	};

	if (parsing->exe && !parsing->core)
		return "--exe goes with --core";
	if (parsing->sample && !parsing->from)
		return "--sample goes with --from";
	if (!past.path)
		return NULL;
	if (parsing->options->sources.count || (parsing->core && parsing->from))
		return "-p, --core and --from exclude each other";
	return add_source(parsing->options, &past) ? NULL : "out of memory";
}

static void join_options(const struct gm_syntax *syntax, struct option *options, char *letters)
{
	size_t own = 0;

	memcpy(options, common_options, sizeof(common_options));
	while (syntax->options && own < GM_OPTIONS_OWN_MAX && syntax->options[own].name)
		own++;
	if (own)
		memcpy(options + COMMON_OPTIONS, syntax->options, own * sizeof(*options));
	memset(options + COMMON_OPTIONS + own, 0, sizeof(*options));
	snprintf(letters, LETTERS_MAX, "%s:p:h%s", syntax->operands ? "" : "+",
		 syntax->letters ?: "");
}

static bool parse_options(struct parsing *parsing, int argc, int *exit_code)
{
	struct option options[COMMON_OPTIONS + GM_OPTIONS_OWN_MAX + 1];
	char letters[LETTERS_MAX];
	int option;

	join_options(parsing->syntax, options, letters);
	optind = 0; /* getopt_long() starts anew: glibc's way to say so */
	while ((option = getopt_long(argc, parsing->argv, letters, options, NULL)) >= 0) {
		if (!take_option(parsing, option, exit_code))
			return false;
	}
	if (optind == argc || parsing->syntax->operands)
		return true;
	*exit_code =
		gm_cmd_misused(parsing->argv[0], "unexpected argument ", parsing->argv[optind]);
	return false;
}

static bool take_pid_operand(struct parsing *parsing, int argc, int *exit_code)
{
	const char *why;

	if (!parsing->syntax->pid_operand || parsing->options->sources.count || optind == argc)
		return true;
	why = take_pid(parsing, parsing->argv[optind]);
	if (why)
		*exit_code = gm_cmd_misused(parsing->argv[0], why, parsing->argv[optind]);
	optind++;
	return !why;
}

bool gm_options_parse(struct gm_options *options, int argc, char **argv,
		      const struct gm_syntax *syntax, int *exit_code)
{
	struct parsing parsing = { .options = options, .syntax = syntax, .argv = argv };
	const char *why;

	*options = (struct gm_options){};
	if (!parse_options(&parsing, argc, exit_code))
		return false;
	why = set_sources(&parsing);
	if (why) {
		*exit_code = gm_cmd_misused(argv[0], why, "");
		return false;
	}
	if (!take_pid_operand(&parsing, argc, exit_code))
		return false;
	if (syntax->no_sources && options->sources.count)
		*exit_code = gm_cmd_misused(argv[0], "no process is looked at", "");
	if (syntax->no_sources)
		return !options->sources.count;
	return options->sources.count || default_pids(syntax, options, argv[0], exit_code);
}

void gm_options_deinit(struct gm_options *options)
{
	free(options->sources.items);
	options->sources.items = NULL;
}
