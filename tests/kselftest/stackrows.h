/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of /proc/gomem/stacks, and targets that make them. */
#ifndef KSELFTEST_STACKROWS_H
#define KSELFTEST_STACKROWS_H

#include "lib.h"

#define RATE "/sys/module/gomem/parameters/stacks"
#define FRAMES_MAX 32

/* What rows add up to. */
struct sum {
	long rows;
	long count;
	long kb;
};

/* Of which rows: NULL or -1 for any. */
struct where {
	pid_t pid;
	const char *kind;
	const char *frames;
	long tid;
	long goid;
	long labels;
};

struct sum rows_sum(const struct where *w);
/* Three checks: exactly one row, with this count and size. */
void check_row(const struct where *w, long count, long kb, const char *name);
/* A figure of the remark line: " stacks" of "12 stacks", " dropped" of "0 dropped". */
long remark(const char *word);

/* The column frames, in a static buffer: of these addresses; of the last chain, which was @here. */
char *text_of(const unsigned long *frames, int n);
char *chain_text(const char *here);

void set_rate(int rate);

/* A target on one CPU that has touched what it shares with the test; the module watches it. */
struct target stacks_target(void);
/* Delete and kill it. */
void stacks_stop(struct target *t);

#endif
