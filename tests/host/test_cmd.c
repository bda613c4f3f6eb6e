// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line that every subcommand shares. What it says goes to stderr, unread here. */
#include <unistd.h>

#include "cmd.h"
#include "os/module.h"
#include "tap.h"

#define MANUAL "gomemctl(8)"
#define GO_ON -1

static const struct {
	const char *arguments[6];
	bool raw;
	int exit_code;
	size_t pids;
	enum gm_out_format format;
} lines[] = {
	{ { "x", "-p", "1" }, false, GO_ON, 1, GM_OUT_TEXT },
	{ { "x", "-p1", "--pid", "2" }, false, GO_ON, 2, GM_OUT_TEXT },
	{ { "x", "--pid=3", "--json" }, false, GO_ON, 1, GM_OUT_JSON },
	{ { "x", "--raw", "-p", "2147483647" }, true, GO_ON, 1, GM_OUT_RAW },
	{ { "x", "--json", "--json", "-p", "1" }, true, GO_ON, 1, GM_OUT_JSON },
	{ { "x", "--help" }, true, GM_EXIT_DONE, 0, GM_OUT_TEXT },
	{ { "x", "-h", "--nonsense" }, true, GM_EXIT_DONE, 0, GM_OUT_TEXT },
	{ { "x", "--raw", "-p", "1" }, false, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "--raw", "--json" }, true, GM_EXIT_MISUSED, 0, GM_OUT_RAW },
	{ { "x", "-p" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "--pid" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-p", "" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-p", "0" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-p", "-1" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-p", "12x" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-p", "2147483648" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-p", "99999999999999999999" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-p", "1", "more" }, true, GM_EXIT_MISUSED, 1, GM_OUT_TEXT },
	{ { "x", "-q" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "--nonsense" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
	{ { "x", "-", "-p", "1" }, true, GM_EXIT_MISUSED, 0, GM_OUT_TEXT },
};

static void test_line(size_t i)
{
	char *arguments[7] = {}, what[128] = "";
	const struct gm_syntax syntax = { .usage = "usage\n", .raw = lines[i].raw };
	struct gm_options options;
	int argc = 0, exit_code = GO_ON;
	bool go_on;

	for (; argc < 6 && lines[i].arguments[argc]; argc++) {
		arguments[argc] = (char *)lines[i].arguments[argc];
		strcat(strcat(what, " "), arguments[argc]);
	}
	go_on = gm_options_parse(&options, argc, arguments, &syntax, &exit_code);
	tap_u64(exit_code, lines[i].exit_code, what, MANUAL);
	tap_ok(go_on == (lines[i].exit_code == GO_ON), "and goes on, or not");
	tap_u64(options.sources.count, lines[i].pids, "pids", MANUAL);
	tap_u64(options.format, lines[i].format, "format", MANUAL);
	gm_options_deinit(&options);
}

static void test_no_pid(void)
{
	const struct gm_syntax syntax = { .usage = "usage\n", .raw = true };
	char *arguments[] = { (char *)"x", NULL };
	struct gm_options options;
	int exit_code;

	if (!access(GM_MODULE_DIRECTORY, F_OK)) {
		tap_skip("no pid", "the module is loaded here");
		return;
	}
	tap_ok(!gm_options_parse(&options, 1, arguments, &syntax, &exit_code),
	       "no pid and no module");
	tap_u64(exit_code, GM_EXIT_MISUSED, "is misuse", MANUAL);
	gm_options_deinit(&options);
}

/* An option and an operand of a command's own, among the common ones. */
static const char *take_depth(void *context, int option, const char *argument)
{
	*(const char **)context = argument;
	return option == GM_OPTION_OWN && strcmp(argument, "none") ? NULL : "no depth: ";
}

static bool parse_own(const char *first, const char *second, const char **depth, int *exit_code)
{
	static const struct option own[] = {
		{ "depth", required_argument, NULL, GM_OPTION_OWN },
		{},
	};
	const struct gm_syntax syntax = {
		.usage = "usage\n",
		.operands = true,
		.letters = "D",
		.options = own,
		.take = take_depth,
		.context = depth,
	};
	char *arguments[] = { (char *)"x",   (char *)"0xc000", (char *)"-p1",
			      (char *)first, (char *)second,   NULL };
	struct gm_options options;
	bool go_on = gm_options_parse(&options, 5, arguments, &syntax, exit_code);

	if (go_on)
		tap_str(arguments[optind], "0xc000", "the operand is left", MANUAL);
	gm_options_deinit(&options);
	return go_on;
}

static void test_own(void)
{
	const char *depth = NULL;
	int exit_code = GO_ON;

	tap_ok(parse_own("--depth", "7", &depth, &exit_code), "an option of its own");
	tap_str(depth, "7", "its argument", MANUAL);
	tap_ok(!parse_own("--depth", "none", &depth, &exit_code), "and a bad one");
	tap_u64(exit_code, GM_EXIT_MISUSED, "is misuse", MANUAL);
	tap_ok(!parse_own("--json", "--depth", &depth, &exit_code), "and one that is missing");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		test_line(i);
	test_no_pid();
	test_own();
	return tap_done();
}
