/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/gomem/counts against what a target was made to do, and what several tests start from. */
#ifndef KSELFTEST_KINDS_H
#define KSELFTEST_KINDS_H

#include <sys/types.h>

#include "lib.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define N 32
#define KB_OF(pages) ((pages) << 2)
#define ANY (-1L)
#define ARGS long a UNUSED, long b UNUSED, long c UNUSED

/** struct want - a @kind of event, its @count and @kb, ANY where they cannot be foreseen */
struct want {
	const char *kind;
	long count;
	long kb;
};

/* One check: the counts of @pid are @want, and it has a row for each kind. Kinds that are not
 * named, up to the one without a name, are 0, save those of plain faults, of which every
 * process has some.
 */
void kinds_check(const char *name, pid_t pid, const struct want *want);
/* The count of one kind, -1 without such a row. */
long kinds_count(pid_t pid, const char *kind);
/* Wait until the hook of @event is in @state ("planted", ...). Return: whether it is. */
bool probe_wait(const char *event, const char *state);

/* What targets start from: they return an address, of 8 MiB but for the last, of 2 MiB. */
long fresh(long unused, long unused2, long unused3);
/* N pages of it written. */
long touched(long unused, long unused2, long unused3);
/* Two huge pages. */
long huge(long unused, long unused2, long unused3);
/* 100 pages of 2 MiB written and 50 read. It is not advised to be huge: khugepaged would be
 * woken by that, and could come before the target is added.
 */
long patchy(long unused, long unused2, long unused3);

#endif
