// SPDX-License-Identifier: GPL-2.0-or-later
#include "stackrows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"

#define TEXT_MAX (FRAMES_MAX * 17 + 1)

static bool is_there(const struct table *t, int row, const struct where *w)
{
	return table_dec(t, row, "pid") == (unsigned long)w->pid &&
	       (!w->kind || !strcmp(table_str(t, row, "kind"), w->kind)) &&
	       (!w->frames || !strcmp(table_str(t, row, "frames"), w->frames)) &&
	       (w->tid < 0 || (long)table_dec(t, row, "tid") == w->tid) &&
	       (w->goid < 0 || (long)table_dec(t, row, "goid") == w->goid) &&
	       (w->labels < 0 || (long)table_hex(t, row, "labels") == w->labels);
}

struct sum rows_sum(const struct where *w)
{
	struct table *t = table_read("stacks");
	struct sum sum = { 0 };
	int row;

	for (row = 0; row < t->rows; row++)
		if (is_there(t, row, w)) {
			sum.rows++;
			sum.count += table_dec(t, row, "count");
			sum.kb += table_dec(t, row, "size");
		}
	table_free(t);
	return sum;
}

void check_row(const struct where *w, long count, long kb, const char *name)
{
	struct sum sum = rows_sum(w);

	tap_eq(1, "row, one stack", sum.rows, "rows, stacks", "%s: rows", name);
	tap_eq(count, "events, as made", sum.count, "stacks", "%s: count", name);
	tap_eq(kb, "kB, as made", sum.kb, "stacks", "%s: size", name);
}

long remark(const char *word)
{
	char *text = file_read("/proc/gomem/stacks"), *at, *start;
	long value;

	at = text ? strstr(text, "# rate ") : NULL;
	start = at ? strchr(at, ')') : NULL;
	at = start ? strstr(start, word) : NULL;
	if (!at)
		die("/proc/gomem/stacks says nothing of%s", word);
	for (at--; at > start && at[-1] >= '0' && at[-1] <= '9'; at--)
		;
	value = atol(at);
	free(text);
	return value;
}

char *text_of(const unsigned long *frames, int n)
{
	static char text[TEXT_MAX];
	int i, at = 0;

	for (i = 0; i < n; i++)
		at += sprintf(text + at, "%s%lx", i ? "," : "", frames[i]);
	return text;
}

char *chain_text(const char *here)
{
	shared->frames[0] = (unsigned long)here;
	return text_of(shared->frames, FRAMES);
}

void set_rate(int rate)
{
	int err = file_write(RATE, "%d\n", rate);

	if (err)
		die("writing %d to " RATE " failed: %s", rate, strerror(-err));
}

struct target stacks_target(void)
{
	struct target t = target_start();

	target_call(&t, do_pin, 0, 0, 0);
	target_call(&t, do_reach, 0, 0, 0);
	if (gomem_add(t.pid))
		die("adding %d failed", t.pid);
	target_settle(&t);
	return t;
}

void stacks_stop(struct target *t)
{
	gomem_del(t->pid);
	target_kill(t);
}
