// SPDX-License-Identifier: GPL-2.0-or-later
/* Goroutines of recordings, and the code that they are in. */
#include <errno.h>
#include <string.h>

#include "recording/reader.h"

#define STATES_BYTES_MAX ((size_t)1 << 30)
/* All of them; else looking for what is resident of them could take for ever. */
#define STACKS_BYTES_MAX (4ULL << 40)

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static bool makes_sense(const struct gm_row_state *row, bool after_goroutines)
{
	if (row->kind > GM_GO_G_SIGNALS || row->lack >= GM_GO_LACKS ||
	    row->frames > GM_GO_TRACE_MAX || row->stack_low >= row->stack_high ||
	    row->stack_high > GM_GO_ADDRESS_MAX)
		return false;
	return row->kind == GM_GO_G_GOROUTINE ? !after_goroutines : !row->frames;
}

static bool take_state(const struct gm_row_state *row, struct gm_go_population *population,
		       size_t *frames)
{
	struct gm_go_goroutine_state *state = gm_vec_push(&population->states);
	struct gm_go_trace *trace;

	if (!state)
		return false;
	*state = (struct gm_go_goroutine_state){
		.at = row->at,
		.id = row->id,
		.parent = row->parent,
		.kind = row->kind,
		.status = row->status,
		.wait_reason = row->wait_reason,
		.wait_since = row->wait_since,
		.go_pc = row->go_pc,
		.start_pc = row->start_pc,
		.pc = row->pc,
		.sp = row->sp,
		.stack_low = row->stack_low,
		.stack_high = row->stack_high,
		.m = row->m,
		.locked_m = row->locked_m,
		.labels = row->labels,
	};
	if (row->kind != GM_GO_G_GOROUTINE)
		return true;
	trace = gm_vec_push(population);
	if (!trace)
		return false;
	*trace = (struct gm_go_trace){ *frames, row->frames, row->lack };
	*frames += row->frames;
	return true;
}

static struct gm_error *take_states(struct gm_recording *recording, const char *bytes, size_t size,
				    struct gm_go_population *population)
{
	struct gm_row_state row;
	uint64_t count = 0;
	uint64_t stacks_bytes = 0;
	size_t frames = 0, rest;

	if (size >= sizeof(count))
		memcpy(&count, bytes, sizeof(count));
	if (size < sizeof(count) || count > GM_GO_GOROUTINES_MAX ||
	    (size - sizeof(count)) / sizeof(row) < count)
		return gm_recording_damaged(recording, "its goroutines are cut short");
	bytes += sizeof(count);
	rest = size - sizeof(count) - count * sizeof(row);
	for (; count; count--, bytes += sizeof(row)) {
		memcpy(&row, bytes, sizeof(row));
		stacks_bytes += row.stack_high - row.stack_low;
		if (!makes_sense(&row, population->count < population->states.count) ||
		    stacks_bytes > STACKS_BYTES_MAX)
			return gm_recording_damaged(recording, "a goroutine of it makes no sense");
		if (!take_state(&row, population, &frames))
			return no_memory();
	}
	if (rest != frames * sizeof(*population->pcs.items))
		return gm_recording_damaged(recording, "its stacks are cut short");
	if (!gm_vec_reserve(&population->pcs, frames + 1))
		return no_memory();
	memcpy(population->pcs.items, bytes, rest);
	population->pcs.count = frames;
	return NULL;
}

static struct gm_error *read_states(struct gm_recording *recording, int64_t id,
				    struct gm_go_population *population)
{
	gm_autofree void *bytes = NULL;
	const char *sql = "SELECT bytes FROM goroutine_states WHERE sample = %lld";
	struct gm_error *error;
	size_t size;

	error = gm_recording_read_blob(recording, sql, id, STATES_BYTES_MAX, &bytes, &size);
	return error ?: take_states(recording, bytes, size, population);
}

/* Takes the strings of @row. Rows of a set are neighbours. */
static struct gm_error *take_label(struct gm_recording *recording, struct gm_row_label *row,
				   struct gm_go_label_sets *sets)
{
	struct gm_go_label_set *set = sets->count ? &sets->items[sets->count - 1] : NULL;
	struct gm_go_label *label;

	if (!row->key || !row->value || (set && row->set < set->pointer))
		return gm_recording_damaged(recording, "a label of it makes no sense");
	if (!set || set->pointer != row->set) {
		set = gm_vec_push(sets);
		if (!set)
			return no_memory();
		set->pointer = row->set;
	}
	label = gm_vec_push(&set->labels);
	if (!label)
		return no_memory();
	*label = (struct gm_go_label){ row->key, row->value };
	row->key = NULL;
	row->value = NULL;
	return NULL;
}

struct gm_error *gm_recording_read_labels(struct gm_recording *recording, enum gm_table which,
					  int64_t id, struct gm_go_label_sets *sets)
{
	gm_autofree struct gm_row_label *rows = NULL;
	const struct gm_db_table *table = &gm_tables[which];
	struct gm_error *error;
	size_t count;

	error = gm_db_select(recording->db, table, id, (void **)&rows, &count);
	for (size_t i = 0; i < count; i++) {
		if (!error)
			error = take_label(recording, &rows[i], sets);
		gm_db_row_deinit(table, &rows[i]);
	}
	return error;
}

static struct gm_error *read_reasons(struct gm_recording *recording,
				     struct gm_go_wait_reasons *reasons)
{
	gm_autofree struct gm_row_wait_reason *rows = NULL;
	struct gm_error *error;
	size_t count;

	error = gm_db_select(recording->db, &gm_tables[GM_TABLE_WAIT_REASONS], GM_ALL_SAMPLES,
			     (void **)&rows, &count);
	for (size_t i = 0; i < count && !error; i++) {
		if (rows[i].number != i)
			return gm_recording_damaged(recording, "its wait reasons make no sense");
		strcpy(reasons->texts[i], rows[i].text);
		reasons->count = i + 1;
	}
	return error;
}

struct gm_error *gm_recording_read_population(struct gm_recording *recording, int64_t id,
					      struct gm_sample *sample)
{
	struct gm_error *error;

	if (sample->go_problem || sample->population_problem)
		return NULL;
	error = read_states(recording, id, &sample->population);
	if (!error)
		error = gm_recording_read_labels(recording, GM_TABLE_LABELS, id,
						 &sample->population.labels);
	return error ?: read_reasons(recording, &sample->population.reasons);
}

struct gm_error *gm_recording_read_codes(struct gm_recording *recording, struct gm_sample *sample)
{
	struct gm_error *error;

	error = gm_db_select(recording->db, &gm_tables[GM_TABLE_CODE], GM_ALL_SAMPLES,
			     (void **)&sample->codes.items, &sample->codes.count);
	if (!error)
		gm_sample_codes_sort(&sample->codes);
	return error;
}
