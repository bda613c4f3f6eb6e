/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of gomemctl spans share. */
#ifndef GM_CMD_SPANS_H
#define GM_CMD_SPANS_H

#include "cmd_subject.h"
#include "join/lives.h"
#include "out/table.h"

/**
 * struct gm_spans_life - the spans of one process that stand alike; bytes where no unit is said
 * @sweep: "-" where nobody sweeps
 */
struct gm_spans_life {
	uint64_t pid;
	const char *life;
	const char *sweep;
	uint64_t spans;
	uint64_t bytes;
	uint64_t live;
	uint64_t dead;
	uint64_t resident;
};

struct gm_spans_lives {
	GM_VEC(struct gm_spans_life);
};

/* Its columns, those without the pid for eyes. */
extern const struct gm_out_table gm_spans_lives_text;
extern const struct gm_out_table gm_spans_lives_data;

/* Appends a row for each life and sweep state that @lives have. */
struct gm_error *gm_spans_sum_lives(pid_t pid, const struct gm_lives *lives,
				    struct gm_spans_lives *rows) GM_MUST_CHECK;

/* --list: every span and stretch of free pages of the processes. Returns the exit code. */
int gm_spans_list(const char *command, const struct gm_options *options);

/* A process that is looked at, now or then. */
struct gm_spans_process {
	pid_t pid;
	struct gm_process process;
};

/* Whether they may be the same. */
bool gm_spans_same_process(const struct gm_spans_process *a, const struct gm_spans_process *b);

/* --since: what became of the spans of @since, which is one process in the past, and how much
 * memory moved; @each: every stretch that changed.
 */
struct gm_error *gm_spans_since(const struct gm_options *options, const struct gm_source *since,
				bool each) GM_MUST_CHECK;

#endif
