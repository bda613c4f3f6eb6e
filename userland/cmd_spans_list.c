// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl spans --list, and the lives in sum. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd_spans.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIFE(field, name, title, type)                                   \
	{                                                                \
		name, title, type, offsetof(struct gm_spans_life, field) \
	}
#define LIFE_COLUMNS                                                                             \
	LIFE(life, "life", "LIFE", GM_OUT_STRING), LIFE(sweep, "sweep", "SWEEP", GM_OUT_STRING), \
		LIFE(spans, "spans", "SPANS", GM_OUT_COUNT),                                     \
		LIFE(bytes, "bytes", "BYTES", GM_OUT_BYTES),                                     \
		LIFE(live, "live", "LIVE OBJECTS", GM_OUT_COUNT),                                \
		LIFE(dead, "dead", "DEAD", GM_OUT_COUNT),                                        \
		LIFE(resident, "resident_bytes", "RESIDENT", GM_OUT_BYTES)

static const struct gm_out_column life_text_columns[] = { LIFE_COLUMNS };
static const struct gm_out_column life_data_columns[] = {
	LIFE(pid, "pid", NULL, GM_OUT_COUNT),
	LIFE_COLUMNS,
};

const struct gm_out_table gm_spans_lives_text = {
	"lives",
	life_text_columns,
	COUNT(life_text_columns),
	sizeof(struct gm_spans_life),
};

const struct gm_out_table gm_spans_lives_data = {
	"lives",
	life_data_columns,
	COUNT(life_data_columns),
	sizeof(struct gm_spans_life),
};

/* One stretch; what free pages do not have is GM_OUT_NONE. */
struct row {
	uint64_t pid;
	uint64_t start;
	uint64_t bytes;
	const char *life;
	const char *sweep;
	uint64_t elem_bytes;
	const char *kind;
	uint64_t slots;
	uint64_t live;
	uint64_t dead;
	uint64_t resident;
};

struct rows {
	GM_VEC(struct row);
};

#define ROW(field, name, title, type)                          \
	{                                                      \
		name, title, type, offsetof(struct row, field) \
	}
#define ROW_COLUMNS                                                                               \
	ROW(start, "start", "START", GM_OUT_HEX), ROW(bytes, "bytes", "BYTES", GM_OUT_BYTES),     \
		ROW(life, "life", "LIFE", GM_OUT_STRING),                                         \
		ROW(sweep, "sweep", "SWEEP", GM_OUT_STRING),                                      \
		ROW(elem_bytes, "elem_bytes", "SIZE", GM_OUT_BYTES),                              \
		ROW(slots, "slots", "SLOTS", GM_OUT_COUNT),                                       \
		ROW(live, "live", "LIVE", GM_OUT_COUNT), ROW(dead, "dead", "DEAD", GM_OUT_COUNT), \
		ROW(resident, "resident_bytes", "RESIDENT", GM_OUT_BYTES),                        \
		ROW(kind, "kind", "KIND", GM_OUT_STRING)

static const struct gm_out_column text_columns[] = { ROW_COLUMNS };
static const struct gm_out_column data_columns[] = {
	ROW(pid, "pid", NULL, GM_OUT_COUNT),
	ROW_COLUMNS,
};

static const struct gm_out_table text_table = { "stretches", text_columns, COUNT(text_columns),
						sizeof(struct row) };

static const struct gm_out_table data_table = { "stretches", data_columns, COUNT(data_columns),
						sizeof(struct row) };

static const char *kind_of(const struct gm_go_span *span)
{
	if (!span || span->manual)
		return NULL;
	return span->noscan ? "no pointers" : "pointers";
}

static void fill_row(pid_t pid, const struct gm_stretch *stretch, struct row *row)
{
	const struct gm_go_span *span = stretch->span;
	bool objects = span && !span->manual;

	*row = (struct row){
		.pid = pid,
		.start = stretch->start,
		.bytes = stretch->end - stretch->start,
		.life = gm_go_life_name(stretch->life),
		.sweep = gm_go_sweep_name(stretch->sweep),
		.elem_bytes = span && span->elem_bytes ? span->elem_bytes : GM_OUT_NONE,
		.kind = kind_of(span),
		.slots = objects ? span->elems : GM_OUT_NONE,
		.live = objects ? stretch->census.live : GM_OUT_NONE,
		.dead = objects ? stretch->census.dead : GM_OUT_NONE,
		.resident = stretch->resident,
	};
}

static struct gm_error *add_rows(pid_t pid, const struct gm_lives *lives, struct rows *rows)
{
	if (!gm_vec_reserve(rows, lives->count))
		return gm_error_errno(ENOMEM, "cannot list %zu spans", lives->count);
	for (size_t i = 0; i < lives->count; i++)
		fill_row(pid, &lives->items[i], &rows->items[rows->count++]);
	return NULL;
}

static struct gm_error *look(void *context, const struct gm_source *source)
{
	struct gm_lives lives = {};
	struct gm_subject subject;
	struct gm_error *error;

	error = gm_subject_open(source, &subject);
	if (!error)
		error = gm_subject_read_heap(&subject);
	if (!error)
		error = gm_subject_read_pages(&subject);
	if (!error)
		error = gm_lives_list(subject.heap, subject.pages, &lives);
	if (!error)
		error = add_rows(subject.pid, &lives, context);
	free(lives.items);
	gm_subject_deinit(&subject);
	return error;
}

static struct gm_error *print(const struct gm_options *options, const struct rows *rows)
{
	bool text = options->format == GM_OUT_TEXT && options->sources.count == 1;

	return gm_out_table_print(stdout, options->format, text ? &text_table : &data_table,
				  rows->items, rows->count);
}

int gm_spans_list(const char *command, const struct gm_options *options)
{
	struct rows rows = {};
	int exit_code = gm_cmd_look_at_each(command, options, look, &rows);
	struct gm_error *error = print(options, &rows);

	if (error)
		exit_code = gm_cmd_fail(command, error);
	free(rows.items);
	return exit_code;
}

static void add_life(struct gm_spans_life *row, const struct gm_stretch *stretch)
{
	row->spans++;
	row->bytes += stretch->end - stretch->start;
	row->live += stretch->census.live;
	row->dead += stretch->census.dead;
	row->resident += stretch->resident;
}

struct gm_error *gm_spans_sum_lives(pid_t pid, const struct gm_lives *lives,
				    struct gm_spans_lives *rows)
{
	struct gm_spans_life sums[GM_GO_LIVES][GM_GO_SWEEPS] = {};

	for (size_t i = 0; i < lives->count; i++)
		add_life(&sums[lives->items[i].life][lives->items[i].sweep], &lives->items[i]);
	for (size_t life = 0; life < GM_GO_LIVES; life++) {
		for (size_t sweep = 0; sweep < GM_GO_SWEEPS; sweep++) {
			struct gm_spans_life *row;

			if (!sums[life][sweep].spans)
				continue;
			row = gm_vec_push(rows);
			if (!row)
				return gm_error_errno(ENOMEM, "cannot list the spans");
			*row = sums[life][sweep];
			row->pid = pid;
			row->life = gm_go_life_name(life);
			row->sweep = gm_go_sweep_name(sweep);
		}
	}
	return NULL;
}
