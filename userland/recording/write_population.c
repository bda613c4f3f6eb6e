// SPDX-License-Identifier: GPL-2.0-or-later
/* Goroutines in recordings: a packed blob of all, and tables for those who query. */
#include <errno.h>
#include <string.h>

#include "base/zip.h"
#include "recording/writer.h"

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

static struct gm_row_state state_row(const struct gm_go_goroutine_state *state,
				     const struct gm_go_trace *trace)
{
	return (struct gm_row_state){
		.at = state->at,
		.id = state->id,
		.parent = state->parent,
		.wait_since = state->wait_since,
		.go_pc = state->go_pc,
		.start_pc = state->start_pc,
		.pc = state->pc,
		.sp = state->sp,
		.stack_low = state->stack_low,
		.stack_high = state->stack_high,
		.m = state->m,
		.locked_m = state->locked_m,
		.labels = state->labels,
		.frames = trace ? trace->count : 0,
		.wait_reason = state->wait_reason,
		.kind = state->kind,
		.status = state->status,
		.lack = trace ? trace->lack : GM_GO_LACK_NONE,
	};
}

/* Frames in the order of the goroutines, as the reader counts on. */
static size_t put_frames(const struct gm_go_population *population, char *at)
{
	const char *begin = at;

	for (size_t i = 0; i < population->count; i++) {
		const struct gm_go_trace *trace = &population->items[i];
		size_t size = trace->count * sizeof(*population->pcs.items);

		if (size)
			memcpy(at, population->pcs.items + trace->first, size);
		at += size;
	}
	return at - begin;
}

static struct gm_error *add_states(struct gm_recorder *recorder,
				   const struct gm_go_population *population)
{
	gm_autofree void *packed = NULL;
	gm_autofree char *bytes = NULL;
	uint64_t count = population->states.count;
	size_t rows = count * sizeof(struct gm_row_state), size;
	struct gm_error *error;

	bytes = malloc(sizeof(count) + rows +
		       population->pcs.count * sizeof(*population->pcs.items));
	if (!bytes)
		return no_memory();
	memcpy(bytes, &count, sizeof(count));
	for (size_t i = 0; i < count; i++) {
		const struct gm_row_state row =
			state_row(&population->states.items[i],
				  i < population->count ? &population->items[i] : NULL);

		memcpy(bytes + sizeof(count) + i * sizeof(row), &row, sizeof(row));
	}
	size = sizeof(count) + rows;
	size += put_frames(population, bytes + size);
	error = gm_zip(bytes, size, &packed, &size);
	return error ?:
		       gm_recorder_insert_blob(recorder, "goroutine_states", recorder->samples,
					       packed, size);
}

struct gm_error *gm_recorder_add_labels(struct gm_recorder *recorder, enum gm_table table,
					const struct gm_go_label_sets *sets)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < sets->count; i++) {
		const struct gm_go_label_set *set = &sets->items[i];

		for (size_t j = 0; j < set->labels.count && !error; j++) {
			const struct gm_row_label row = { set->pointer, set->labels.items[j].key,
							  set->labels.items[j].value };

			error = gm_recorder_insert(recorder, table, &row, 1);
		}
	}
	return error;
}

static struct gm_error *insert_for_all(struct gm_recorder *recorder, enum gm_table table,
				       const void *rows, size_t count)
{
	return gm_db_insert(recorder->db, &gm_tables[table], GM_ALL_SAMPLES, rows, count);
}

/* The same for all samples, as the program is. */
static struct gm_error *add_reasons(struct gm_recorder *recorder,
				    const struct gm_go_wait_reasons *reasons)
{
	struct gm_error *error = NULL;

	if (recorder->has_reasons)
		return NULL;
	recorder->has_reasons = reasons->count;
	for (size_t i = 0; i < reasons->count && !error; i++) {
		struct gm_row_wait_reason row = { .number = i };

		strcpy(row.text, reasons->texts[i]);
		error = insert_for_all(recorder, GM_TABLE_WAIT_REASONS, &row, 1);
	}
	return error;
}

struct gm_error *gm_recorder_add_population(struct gm_recorder *recorder,
					    const struct gm_sample *sample)
{
	const struct gm_go_population *population = &sample->population;
	struct gm_error *error =
		insert_for_all(recorder, GM_TABLE_CODE, sample->codes.items, sample->codes.count);

	if (error || sample->go_problem || sample->population_problem)
		return error;
	error = add_states(recorder, population);
	if (!error)
		error = gm_recorder_add_labels(recorder, GM_TABLE_LABELS, &population->labels);
	if (!error)
		error = add_reasons(recorder, &population->reasons);
	return error ?:
		       gm_recorder_insert(recorder, GM_TABLE_GOROUTINES, sample->groups.items,
					  sample->groups.count);
}
