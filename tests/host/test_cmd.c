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
	struct gm_options options;
	int argc = 0, exit_code = GO_ON;
	bool go_on;

	for (; argc < 6 && lines[i].arguments[argc]; argc++) {
		arguments[argc] = (char *)lines[i].arguments[argc];
		strcat(strcat(what, " "), arguments[argc]);
	}
	go_on = gm_options_parse(&options, argc, arguments, "usage\n", lines[i].raw, &exit_code);
	tap_u64(exit_code, lines[i].exit_code, what, MANUAL);
	tap_ok(go_on == (lines[i].exit_code == GO_ON), "and goes on, or not");
	tap_u64(options.pids.count, lines[i].pids, "pids", MANUAL);
	tap_u64(options.format, lines[i].format, "format", MANUAL);
	gm_options_deinit(&options);
}

static void test_no_pid(void)
{
	char *arguments[] = { (char *)"x", NULL };
	struct gm_options options;
	int exit_code;

	if (!access(GM_MODULE_DIRECTORY, F_OK)) {
		tap_skip("no pid", "the module is loaded here");
		return;
	}
	tap_ok(!gm_options_parse(&options, 1, arguments, "usage\n", true, &exit_code),
	       "no pid and no module");
	tap_u64(exit_code, GM_EXIT_MISUSED, "is misuse", MANUAL);
	gm_options_deinit(&options);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		test_line(i);
	test_no_pid();
	return tap_done();
}
