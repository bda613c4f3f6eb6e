// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl spans --since: what became of spans, and how much memory moved each way. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd_spans.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A stretch, or all that moved alike: then @start is not known. */
struct row {
	uint64_t start;
	uint64_t stretches;
	uint64_t bytes;
	const char *from;
	const char *to;
	const char *what;
};

struct rows {
	GM_VEC(struct row);
};

#define ROW(field, name, title, type)                          \
	{                                                      \
		name, title, type, offsetof(struct row, field) \
	}
#define HOW                                                                           \
	ROW(from, "from", "FROM", GM_OUT_STRING), ROW(to, "to", "TO", GM_OUT_STRING), \
		ROW(bytes, "bytes", "BYTES", GM_OUT_BYTES)

static const struct gm_out_column sum_columns[] = {
	HOW,
	ROW(stretches, "stretches", "STRETCHES", GM_OUT_COUNT),
	ROW(what, "what", "WHAT", GM_OUT_STRING),
};

static const struct gm_out_column each_columns[] = {
	ROW(start, "start", "START", GM_OUT_HEX),
	HOW,
	ROW(what, "what", "WHAT", GM_OUT_STRING),
};

static const struct gm_out_table sum_table = { "moves", sum_columns, COUNT(sum_columns),
					       sizeof(struct row) };
static const struct gm_out_table each_table = { "moved", each_columns, COUNT(each_columns),
						sizeof(struct row) };

/* One process at one moment. */
struct look {
	struct gm_subject subject;
	struct gm_lives lives;
};

static struct gm_error *look_at(const struct gm_source *source, struct look *look)
{
	struct gm_subject *subject = &look->subject;
	struct gm_error *error = gm_subject_open(source, subject);

	if (!error)
		error = gm_subject_read_heap(subject);
	if (!error)
		error = gm_subject_read_pages(subject);
	return error ?: gm_lives_list(subject->heap, subject->pages, &look->lives);
}

static void look_deinit(struct look *look)
{
	free(look->lives.items);
	gm_subject_deinit(&look->subject);
}

bool gm_spans_same_process(const struct gm_spans_process *a, const struct gm_spans_process *b)
{
	uint64_t x = a->process.start_ticks, y = b->process.start_ticks;

	return a->pid == b->pid && (x == y || x == GM_UNKNOWN || y == GM_UNKNOWN);
}

/* All Go heaps begin at one address: those of two processes can be compared, and mean nothing. */
static void say_if_another(struct look *before, struct look *after)
{
	struct gm_spans_process was = { .pid = before->subject.pid };
	struct gm_spans_process is = { .pid = after->subject.pid };
	struct gm_error *error = gm_subject_read_process(&before->subject, &was.process);

	if (!error)
		error = gm_subject_read_process(&after->subject, &is.process);
	if (!error && !gm_spans_same_process(&was, &is))
		gm_cmd_say("spans", "--since is of another process, %d: it was not this one's heap",
			   (int)was.pid);
	gm_error_destroy(error);
}

static const char *what_of(const struct gm_move *move)
{
	if (move->replaced)
		return "other span";
	return move->from == move->to ? "stayed" : "became";
}

static struct gm_error *add_row(struct rows *rows, const struct gm_move *move)
{
	struct row *row = gm_vec_push(rows);

	if (!row)
		return gm_error_errno(ENOMEM, "cannot list %zu moves", rows->count);
	*row = (struct row){
		.start = move->start,
		.stretches = 1,
		.bytes = move->end - move->start,
		.from = gm_life_state_name(move->from),
		.to = gm_life_state_name(move->to),
		.what = what_of(move),
	};
	return NULL;
}

static struct gm_error *each_move(const struct gm_moves *moves, struct rows *rows)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < moves->count && !error; i++)
		if (moves->items[i].from != moves->items[i].to || moves->items[i].replaced)
			error = add_row(rows, &moves->items[i]);
	return error;
}

static int by_bytes(const void *a, const void *b)
{
	uint64_t x = ((const struct row *)a)->bytes, y = ((const struct row *)b)->bytes;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* Those that moved alike in one row, most bytes first. */
static struct gm_error *sum_moves(const struct gm_moves *moves, struct rows *rows)
{
	size_t row_of[GM_LIFE_STATES][GM_LIFE_STATES][2] = {}; /* and one more */
	struct gm_error *error = NULL;

	for (size_t i = 0; i < moves->count && !error; i++) {
		const struct gm_move *move = &moves->items[i];
		size_t *known = &row_of[move->from][move->to][move->replaced];

		if (*known) {
			rows->items[*known - 1].stretches++;
			rows->items[*known - 1].bytes += move->end - move->start;
			continue;
		}
		error = add_row(rows, move);
		*known = rows->count;
	}
	if (rows->count)
		qsort(rows->items, rows->count, sizeof(*rows->items), by_bytes);
	return error;
}

static struct gm_error *print(const struct gm_options *options, const struct gm_moves *moves,
			      bool each)
{
	struct rows rows = {};
	struct gm_error *error = each ? each_move(moves, &rows) : sum_moves(moves, &rows);

	if (!error && options->format == GM_OUT_TEXT && !rows.count)
		puts("nothing has changed");
	if (!error)
		error = gm_out_table_print(stdout, options->format, each ? &each_table : &sum_table,
					   rows.items, rows.count);
	free(rows.items);
	return error;
}

struct gm_error *gm_spans_since(const struct gm_options *options, const struct gm_source *since,
				bool each)
{
	struct look before = {}, after = {};
	struct gm_moves moves = {};
	struct gm_error *error = look_at(since, &before);

	if (!error)
		error = look_at(&options->sources.items[0], &after);
	if (!error)
		error = gm_lives_compare(&before.lives, &after.lives, &moves);
	if (!error) {
		say_if_another(&before, &after);
		error = print(options, &moves, each);
	}
	free(moves.items);
	look_deinit(&after);
	look_deinit(&before);
	return error;
}
