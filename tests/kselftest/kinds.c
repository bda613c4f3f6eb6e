// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kinds.h"
#include "verbs.h"

static const struct want *wanted(const struct want *want, const char *kind)
{
	for (; want->kind; want++)
		if (!strcmp(want->kind, kind))
			return want;
	return NULL;
}

static bool is_plain(const char *kind)
{
	return !strcmp(kind, "file_fault") || !strcmp(kind, "anon_fault") ||
	       !strcmp(kind, "zero_fault") || !strcmp(kind, "cow");
}

static bool is_as_wanted(const struct table *t, int row, const struct want *want)
{
	const char *kind = table_str(t, row, "kind");
	const struct want *of_kind = wanted(want, kind), none = { kind, 0, 0 };

	if (!of_kind)
		of_kind = &none;
	if (of_kind == &none && is_plain(kind))
		return true;
	return (of_kind->count == ANY ||
		(unsigned long)of_kind->count == table_dec(t, row, "count")) &&
	       (of_kind->kb == ANY || (unsigned long)of_kind->kb == table_dec(t, row, "size"));
}

void kinds_check(const char *name, pid_t pid, const struct want *want)
{
	struct table *t = table_read("counts");
	int row, rows = 0, bad = 0;

	for (row = 0; row < t->rows; row++) {
		const char *kind = table_str(t, row, "kind");
		const struct want *of_kind = wanted(want, kind);

		if (table_dec(t, row, "pid") != (unsigned long)pid)
			continue;
		rows++;
		if (is_as_wanted(t, row, want))
			continue;
		bad++;
		tap_note("%s: %s: expected %ld, %ld kB (as made), got %s, %s kB (counts)", name,
			 kind, of_kind ? of_kind->count : 0, of_kind ? of_kind->kb : 0,
			 table_str(t, row, "count"), table_str(t, row, "size"));
	}
	tap_ok(!bad && rows == 30, "%s: %d of %d kinds are not as made", name, bad, rows);
	table_free(t);
}

long kinds_count(pid_t pid, const char *kind)
{
	struct table *t = table_read("counts");
	long count = -1;
	int row;

	for (row = 0; row < t->rows; row++)
		if (table_dec(t, row, "pid") == (unsigned long)pid &&
		    !strcmp(table_str(t, row, "kind"), kind))
			count = table_dec(t, row, "count");
	table_free(t);
	return count;
}

static bool probe_is(const char *event, const char *state)
{
	struct table *t = table_read("probes");
	bool is = false;
	int row;

	for (row = 0; row < t->rows; row++)
		is |= !strcmp(table_str(t, row, "event"), event) &&
		      !strcmp(table_str(t, row, "state"), state);
	table_free(t);
	return is;
}

bool probe_wait(const char *event, const char *state)
{
	int i;

	for (i = 0; i < 1000 && !probe_is(event, state); i++)
		usleep(20000);
	return probe_is(event, state);
}

long fresh(ARGS)
{
	return do_map(4 * HUGE, 0, 0);
}

long touched(ARGS)
{
	long p = fresh(0, 0, 0);

	do_touch(p, PAGES(N), PAGE);
	return p;
}

long huge(ARGS)
{
	long p = do_map(4 * HUGE, MADV_HUGEPAGE, 0);

	do_touch(p, 2 * HUGE, HUGE);
	return p;
}

long patchy(ARGS)
{
	long p = do_map(HUGE, 0, 0);

	do_touch(p, PAGES(100), PAGE);
	do_peek(p + MB, PAGES(50), PAGE);
	return p;
}
