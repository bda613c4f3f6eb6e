/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands, and the options they share. Nothing but cmd_*.c and gomemctl.c sees this. */
#ifndef GM_CMD_H
#define GM_CMD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"
#include "out/table.h"

enum gm_exit { GM_EXIT_DONE, GM_EXIT_FAILED, GM_EXIT_MISUSED };

/**
 * struct gm_options - what stands on the command line after the subcommand
 * @pids: the targets to look at, at least one: those of -p, else the module's
 * @format: text, raw or JSON
 */
struct gm_options {
	struct {
		GM_VEC(pid_t);
	} pids;
	enum gm_out_format format;
};

/* Parses [-p PID]... [--json | --raw] [--help]; @argv[0] is the subcommand's name,
 * @usage the synopsis and what it does, printed for --help. @raw: whether the
 * command has tables, so that --raw is allowed.
 * True: go on. False: all is said, return @exit_code. Free with gm_options_deinit()
 * either way.
 */
bool gm_options_parse(struct gm_options *options, int argc, char **argv, const char *usage,
		      bool raw, int *exit_code);
void gm_options_deinit(struct gm_options *options);

/* For a command with options of its own: adds to @pids; false where @text is no pid. */
bool gm_options_add_pid(struct gm_options *options, const char *text);

/* The same: without @pids, those of the module. False: all is said, return @exit_code. */
bool gm_options_default_pids(struct gm_options *options, const char *command, int *exit_code);

/* "gomemctl COMMAND: WHY WHAT; see gomemctl help COMMAND" on stderr; returns GM_EXIT_MISUSED. */
int gm_cmd_misused(const char *command, const char *why, const char *what);

/* The same of the option that getopt_long() stumbled over, as it was written. */
int gm_cmd_misused_option(char **argv, const char *why);

/* "gomemctl COMMAND: MESSAGE" on stderr; frees @error; returns GM_EXIT_FAILED. */
int gm_cmd_fail(const char *command, struct gm_error *error);

/* One each: @argv[0] is the subcommand; the exit code comes back. */
int gm_cmd_report(int argc, char **argv);
int gm_cmd_vmas(int argc, char **argv);
int gm_cmd_spans(int argc, char **argv);
int gm_cmd_events(int argc, char **argv);
int gm_cmd_stacks(int argc, char **argv);
int gm_cmd_watch(int argc, char **argv);

#endif
