// SPDX-License-Identifier: GPL-2.0-or-later
/* What grew, by who holds it. */
#include <errno.h>
#include <string.h>

#include "cmd_diff.h"

static int compare(const struct gm_holders_row *one, const struct gm_holders_row *two)
{
	int order = strcmp(one->kind, two->kind);

	return order ?: strcmp(one->holder, two->holder);
}

static int by_name(const void *a, const void *b)
{
	return compare(a, b);
}

static void sort(struct gm_holders *holders)
{
	if (holders->count)
		qsort(holders->items, holders->count, sizeof(*holders->items), by_name);
}

/* The row of @holder, which is the last one where several have its name. */
static struct gm_diff_row *row_of(struct gm_diff_rows *rows, const struct gm_holders_row *holder)
{
	struct gm_diff_row *row = rows->count ? &rows->items[rows->count - 1] : NULL;

	if (row && !strcmp(row->kind, holder->kind) && !strcmp(row->path, holder->holder))
		return row;
	row = gm_vec_push(rows);
	if (row) {
		row->kind = holder->kind;
		row->path = holder->holder;
	}
	return row;
}

static void add_before(struct gm_diff_row *row, const struct gm_holders_row *holder)
{
	row->before += holder->bytes;
	row->objects_before += holder->objects;
	row->retained_before += holder->retained_bytes;
}

static void add_after(struct gm_diff_row *row, const struct gm_holders_row *holder)
{
	row->after += holder->bytes;
	row->objects_after += holder->objects;
	row->retained_after += holder->retained_bytes;
}

struct gm_error *gm_diff_holders(struct gm_holders *before, struct gm_holders *after,
				 struct gm_diff_rows *rows)
{
	size_t i = 0, j = 0;

	sort(before);
	sort(after);
	while (i < before->count || j < after->count) {
		const struct gm_holders_row *old = i < before->count ? &before->items[i] : NULL;
		const struct gm_holders_row *new = j < after->count ? &after->items[j] : NULL;
		bool first = old && (!new || compare(old, new) <= 0);
		struct gm_diff_row *row = row_of(rows, first ? old : new);

		if (!row)
			return gm_error_create(ENOMEM, "out of memory");
		if (first)
			add_before(row, old);
		else
			add_after(row, new);
		row->change = row->after - row->before;
		i += first;
		j += !first;
	}
	return NULL;
}
