// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl: the subcommands, and nothing else. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "gomem.h"
#include "out/clean.h"

static int cmd_help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "report", gm_cmd_report, "where the memory went, why, and what to do about it" },
	{ "vmas", gm_cmd_vmas, "the memory map: resident, huge, swapped, and what happened to it" },
	{ "spans", gm_cmd_spans, "the Go heap by size class: objects, free slots, resident" },
	{ "classes", gm_cmd_classes,
	  "how full the spans of each size class are, and what that costs" },
	{ "addr", gm_cmd_addr,
	  "what is at an address: object, span, stack, function, page, mapping" },
	{ "huge", gm_cmd_huge, "the huge pages of the Go heap, and the few spans that hold them" },
	{ "refs", gm_cmd_refs, "who holds the Go heap: variables, stacks, by objects and bytes" },
	{ "events", gm_cmd_events, "what happens to the memory, as it happens" },
	{ "stacks", gm_cmd_stacks, "whose code touched and mapped the memory: stacks, goroutines" },
	{ "goroutines", gm_cmd_goroutines, "what they wait for, where, and what stacks they have" },
	{ "watch", gm_cmd_watch, "have gomem.ko watch processes, and know their goroutines" },
	{ "record", gm_cmd_record, "keeps look after look in a file" },
	{ "diff", gm_cmd_diff, "what grew between two samples of recordings" },
	{ "help", cmd_help, "this list, or what a command takes" },
};

static void list_commands(FILE *stream)
{
	fputs("Usage: gomemctl COMMAND [-p PID]... [OPTION]...\n"
	      "       gomemctl help [COMMAND] | --version\n\n",
	      stream);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].help);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	fprintf(stderr, "gomemctl: unknown command %s\n", name);
	list_commands(stderr);
	return NULL;
}

static int cmd_help(int argc, char **argv)
{
	const struct command *command;
	char help[] = "--help";

	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) {
		list_commands(stdout);
		return GM_EXIT_DONE;
	}
	command = find_command(argv[1]);
	if (!command)
		return GM_EXIT_MISUSED;
	return command->function(2, (char *[]){ argv[1], help, NULL });
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct gm_error *error;
	int exit_code;

	if (argc < 2) {
		list_commands(stderr);
		return GM_EXIT_MISUSED;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("gomemctl %s, contract %d\n", GOMEM_VERSION, GOMEM_CONTRACT_VERSION);
		return GM_EXIT_DONE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help(1, argv);
	command = find_command(argv[1]);
	if (!command)
		return GM_EXIT_MISUSED;
	error = gm_out_clean_stdout();
	if (error)
		return gm_cmd_fail(command->name, error);
	exit_code = command->function(argc - 1, argv + 1);
	if (!fflush(stdout) && !ferror(stdout))
		return exit_code;
	fputs("gomemctl: the output could not be written whole: is the disk full?\n", stderr);
	return GM_EXIT_FAILED;
}
