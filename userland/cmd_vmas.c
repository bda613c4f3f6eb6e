// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl vmas: a row per VMA, from the module where it watches, else from maps and pages. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "cmd_subject.h"
#include "join/vma_use.h"

static const char usage[] =
	"Usage: gomemctl vmas [SOURCE] [--json | --raw]\n\n"
	"A row per VMA: its range, its kind, how much of it is resident (rss), anonymous,\n"
	"in huge pages (thp), swapped, already given back (lazyfree), and, where gomem.ko\n"
	"watches the process, what happened there since: faults, collapses, bytes released\n"
	"and more. Without -p: the module's targets. Text shows the main columns, --json and\n"
	"--raw all of them.\n";

#define BYTES_FIELDS(X) X(size) X(rss) X(anon) X(thp) X(swap) X(lazyfree) X(released)
#define COUNT_FIELDS(X) \
	X(faults) X(huge_faults) X(fallbacks) X(cow) X(swapins) X(splits) X(collapses)

/* Numbers are bytes or counts, GM_OUT_NONE where unknown; strings belong to the subject.
 * @label: of @name what comes after the last slash, which tells most in least space.
 */
struct row {
	uint64_t pid;
	uint64_t start;
	uint64_t end;
	const char *perms;
	const char *kind;
#define MEMBER(name) uint64_t name;
	BYTES_FIELDS(MEMBER)
	COUNT_FIELDS(MEMBER)
#undef MEMBER
	const char *name;
	const char *label;
};

/* What the rows are made of; @watched: the module watches one of them. */
struct view {
	struct {
		GM_VEC(struct row);
	} rows;
	struct {
		GM_VEC(struct gm_subject *);
	} subjects;
	bool watched;
};

static void view_deinit(struct view *view)
{
	for (size_t i = 0; i < view->subjects.count; i++) {
		gm_subject_deinit(view->subjects.items[i]);
		free(view->subjects.items[i]);
	}
	free(view->subjects.items);
	free(view->rows.items);
}

static void set_name(struct row *row, const char *name)
{
	const char *slash = strrchr(name, '/');

	row->name = *name ? name : NULL;
	row->label = slash ? slash + 1 : name;
}

static uint64_t kb_bytes(uint64_t kb)
{
	return kb > UINT64_MAX / 1024 ? GM_OUT_NONE : kb * 1024;
}

static void fill_from_module(struct row *row, const struct gm_module_vma *vma)
{
	*row = (struct row){ .pid = vma->pid,
			     .start = vma->start,
			     .end = vma->end,
			     .perms = vma->perms,
			     .kind = vma->kind,
#define BYTES(field) .field = kb_bytes(vma->field),
#define SAME(field) .field = vma->field,
			     BYTES_FIELDS(BYTES) COUNT_FIELDS(SAME)
#undef SAME
#undef BYTES
	};
	set_name(row, strcmp(vma->name, "-") ? vma->name : "");
}

static struct gm_error *add_from_module(struct view *view, const struct gm_module_vmas *vmas)
{
	for (size_t i = 0; i < vmas->count; i++) {
		struct row *row = gm_vec_push(&view->rows);

		if (!row)
			return gm_error_create(ENOMEM, "out of memory");
		fill_from_module(row, &vmas->items[i]);
	}
	return NULL;
}

static void fill_from_vma(struct row *row, pid_t pid, const struct gm_vma *vma,
			  const struct gm_vma_use *use)
{
	*row = (struct row){ .pid = pid,
			     .start = vma->start,
			     .end = vma->end,
			     .perms = vma->perms,
			     .kind = gm_vma_kind_name(vma->kind),
			     .size = vma->end - vma->start,
			     .rss = use->rss,
			     .anon = use->anon,
			     .thp = use->thp,
			     .swap = use->swap,
			     .lazyfree = GM_OUT_NONE,
			     .released = GM_OUT_NONE,
#define NONE(field) .field = GM_OUT_NONE,
			     COUNT_FIELDS(NONE)
#undef NONE
	};
	set_name(row, vma->name);
}

static struct gm_error *add_rows(struct view *view, const struct gm_subject *subject)
{
	size_t next = 0;

	for (size_t i = 0; i < subject->maps->count; i++) {
		const struct gm_vma *vma = &subject->maps->items[i];
		struct gm_vma_use use = gm_vma_use_next(vma, subject->pages, &next);
		struct row *row = gm_vec_push(&view->rows);

		if (!row)
			return gm_error_create(ENOMEM, "out of memory");
		fill_from_vma(row, subject->pid, vma, &use);
	}
	return NULL;
}

static void say_missing(const struct gm_subject *subject)
{
	const char *missing = subject->pages->missing;

	if (subject->source->kind != GM_SOURCE_PID) {
		gm_cmd_say("vmas", "%s", missing ?: "all is known");
		return;
	}
	gm_cmd_say("vmas",
		   "gomem.ko does not watch process %d; it would add what happened there; %s",
		   (int)subject->pid, missing ?: "all else is known");
}

static struct gm_error *add_computed(struct view *view, struct gm_subject *subject)
{
	struct gm_error *error = gm_subject_read_pages(subject);

	if (!error)
		error = add_rows(view, subject);
	if (!error)
		say_missing(subject);
	return error;
}

static struct gm_error *new_subject(struct view *view, struct gm_subject **subject)
{
	struct gm_subject **slot = gm_vec_push(&view->subjects);

	*subject = slot ? calloc(1, sizeof(**subject)) : NULL;
	if (!*subject)
		return gm_error_create(ENOMEM, "out of memory");
	*slot = *subject;
	return NULL;
}

static struct gm_error *add_source(void *context, const struct gm_source *source)
{
	struct view *view = context;
	struct gm_subject *subject;
	struct gm_error *error = new_subject(view, &subject);

	if (!error)
		error = gm_subject_open_memory(source, subject);
	if (!error)
		error = gm_subject_read_watch(subject);
	if (error)
		return error;
	if (!subject->watch.vmas.count)
		return add_computed(view, subject);
	view->watched = true;
	return add_from_module(view, &subject->watch.vmas);
}

#define COLUMN(name, title, type, field)                       \
	{                                                      \
		name, title, type, offsetof(struct row, field) \
	}
#define BYTES_COLUMN(field) COLUMN(#field "_bytes", NULL, GM_OUT_BYTES, field),
#define COUNT_COLUMN(field) COLUMN(#field, NULL, GM_OUT_COUNT, field),

static const struct gm_out_column all_columns[] = {
	COLUMN("pid", NULL, GM_OUT_COUNT, pid),
	COLUMN("start", NULL, GM_OUT_HEX, start),
	COLUMN("end", NULL, GM_OUT_HEX, end),
	COLUMN("perms", NULL, GM_OUT_STRING, perms),
	COLUMN("kind", NULL, GM_OUT_STRING, kind),
	BYTES_FIELDS(BYTES_COLUMN) COUNT_FIELDS(COUNT_COLUMN)
		COLUMN("name", NULL, GM_OUT_STRING, name),
};

#define PID_COLUMN COLUMN("pid", "PID", GM_OUT_COUNT, pid)
#define SIZE_COLUMNS                                                                              \
	COLUMN("start", "START", GM_OUT_HEX, start), COLUMN("size", "SIZE", GM_OUT_BYTES, size),  \
		COLUMN("rss", "RSS", GM_OUT_BYTES, rss), COLUMN("thp", "THP", GM_OUT_BYTES, thp), \
		COLUMN("swap", "SWAP", GM_OUT_BYTES, swap)
#define NAME_COLUMNS \
	COLUMN("kind", "KIND", GM_OUT_STRING, kind), COLUMN("name", "NAME", GM_OUT_STRING, label)

/* What fits 80 columns, with the module and without; the pid only where there are several. */
static const struct gm_out_column event_columns[] = {
	PID_COLUMN,
	SIZE_COLUMNS,
	COLUMN("faults", "FAULTS", GM_OUT_COUNT, faults),
	COLUMN("collapses", "COLL", GM_OUT_COUNT, collapses),
	COLUMN("released", "RELEASED", GM_OUT_BYTES, released),
	NAME_COLUMNS,
};

static const struct gm_out_column plain_columns[] = {
	PID_COLUMN,
	SIZE_COLUMNS,
	NAME_COLUMNS,
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct gm_error *print_table(const struct view *view, enum gm_out_format format,
				    const struct gm_out_column *columns, size_t column_count)
{
	struct gm_out_table table = { "vmas", columns, column_count, sizeof(struct row) };

	return gm_out_table_print(stdout, format, &table, view->rows.items, view->rows.count);
}

/* The rows of a process stand together. */
static bool is_one_process(const struct view *view)
{
	const struct row *rows = view->rows.items;

	return !view->rows.count || rows[0].pid == rows[view->rows.count - 1].pid;
}

static struct gm_error *print_view(const struct view *view, enum gm_out_format format)
{
	size_t left_out = is_one_process(view);

	if (format != GM_OUT_TEXT)
		return print_table(view, format, all_columns, COUNT(all_columns));
	if (view->watched)
		return print_table(view, format, event_columns + left_out,
				   COUNT(event_columns) - left_out);
	return print_table(view, format, plain_columns + left_out, COUNT(plain_columns) - left_out);
}

int gm_cmd_vmas(int argc, char **argv)
{
	static const struct gm_syntax syntax = { .usage = usage, .raw = true };
	struct gm_options options;
	struct view view = {};
	struct gm_error *error;
	int exit_code;

	if (gm_options_parse(&options, argc, argv, &syntax, &exit_code)) {
		exit_code = gm_cmd_look_at_each(argv[0], &options, add_source, &view);
		error = print_view(&view, options.format);
		if (error)
			exit_code = gm_cmd_fail(argv[0], error);
	}
	view_deinit(&view);
	gm_options_deinit(&options);
	return exit_code;
}
