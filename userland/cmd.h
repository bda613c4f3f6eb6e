/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands, and the options they share. Nothing but cmd_*.c and gomemctl.c sees this. */
#ifndef GM_CMD_H
#define GM_CMD_H

#include <getopt.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"
#include "out/table.h"

struct gm_module_targets;

enum gm_exit { GM_EXIT_DONE, GM_EXIT_FAILED, GM_EXIT_MISUSED };

/* Where a command reads a process. */
enum gm_source_kind { GM_SOURCE_PID, GM_SOURCE_CORE, GM_SOURCE_RECORDING };

/**
 * struct gm_source - one process, alive or not
 * @pid: of GM_SOURCE_PID; what gm_subject_open() says of any kind
 * @path: of the core or recording; the arguments own it
 * @exe: the program of a core, NULL: the one that the core names
 * @sample: which of a recording, as gm_recording_find() takes it
 */
struct gm_source {
	enum gm_source_kind kind;
	pid_t pid;
	const char *path;
	const char *exe;
	const char *sample;
};

/**
 * struct gm_options - what stands on the command line after the subcommand
 * @sources: what to look at, at least one: that of the options, else the module's targets
 * @format: text, raw or JSON
 */
struct gm_options {
	struct {
		GM_VEC(struct gm_source);
	} sources;
	enum gm_out_format format;
};

/* The first number that .val of an option of a command's own may have, if it is no letter. */
#define GM_OPTION_OWN 512
#define GM_OPTIONS_OWN_MAX 16

/**
 * struct gm_syntax - what a command takes
 * @usage: the synopsis and what it does, printed for --help
 * @raw: it has tables, so that --raw is allowed
 * @operands: it takes operands: they are left from argv[optind] on
 * @pid_operand: the first of them is the pid, where no option says what to look at
 * @no_sources: it looks at nothing that the common options name
 * @exited: without -p, also at targets of the module that have exited
 * @letters, @options: its own options beside the common ones, as getopt_long() takes them,
 *	@options ended by an empty one; NULL without any
 * @take: of one of these; NULL where all is well, else why @argument is none, "not a size: "
 */
struct gm_syntax {
	const char *usage;
	bool raw;
	bool operands;
	bool no_sources;
	bool exited;
	bool pid_operand;
	const char *letters;
	const struct option *options;
	const char *(*take)(void *context, int option, const char *argument);
	void *context;
};

/* Parses the common options, [-p PID]... | --core FILE [--exe FILE] | --from FILE [--sample WHICH],
 * [--json | --raw] [--help], and
 * those of @syntax; @argv[0] is the subcommand's name.
 * True: go on. False: all is said, return @exit_code. Free with gm_options_deinit()
 * either way.
 */
bool gm_options_parse(struct gm_options *options, int argc, char **argv,
		      const struct gm_syntax *syntax, int *exit_code);
void gm_options_deinit(struct gm_options *options);

/* For a command that only looks at what runs: adds a source; false where @text is no pid. */
bool gm_options_add_pid(struct gm_options *options, const char *text);

/* "gomemctl COMMAND: WHY WHAT; see gomemctl help COMMAND" on stderr; returns GM_EXIT_MISUSED. */
int gm_cmd_misused(const char *command, const char *why, const char *what);

/* The same of the option that getopt_long() stumbled over, as it was written. */
int gm_cmd_misused_option(char **argv, const char *why);

/* "10", "10s", "500ms", "5m", "2h", also broken; at most a year. False: no time. */
bool gm_cmd_parse_time(const char *text, uint64_t *ns);

/* "gomemctl COMMAND: ..." on stderr, in one line that no terminal obeys: it may quote what was
 * read.
 */
void gm_cmd_say(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of each process of @options that is none of @targets. True: there was one. */
bool gm_cmd_say_unwatched(const char *command, const struct gm_options *options,
			  const struct gm_module_targets *targets);

/* What gm_cmd_say() says, of @error, which it frees; returns GM_EXIT_FAILED. */
int gm_cmd_fail(const char *command, struct gm_error *error);

/* Looks at each of the sources; one that cannot be looked at is said, and does not stop the others.
 * Returns GM_EXIT_DONE, or GM_EXIT_FAILED where there was one.
 */
typedef struct gm_error *(*gm_cmd_look)(void *context, const struct gm_source *source);
int gm_cmd_look_at_each(const char *command, const struct gm_options *options, gm_cmd_look look,
			void *context);

/* One each: @argv[0] is the subcommand; the exit code comes back. */
int gm_cmd_report(int argc, char **argv);
int gm_cmd_vmas(int argc, char **argv);
int gm_cmd_spans(int argc, char **argv);
int gm_cmd_classes(int argc, char **argv);
int gm_cmd_addr(int argc, char **argv);
int gm_cmd_huge(int argc, char **argv);
int gm_cmd_refs(int argc, char **argv);
int gm_cmd_events(int argc, char **argv);
int gm_cmd_stacks(int argc, char **argv);
int gm_cmd_goroutines(int argc, char **argv);
int gm_cmd_watch(int argc, char **argv);
int gm_cmd_record(int argc, char **argv);
int gm_cmd_diff(int argc, char **argv);

#endif
