// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds the heap, in recordings and out of them. */
#include "recording/reader.h"
#include "recording/writer.h"

struct gm_error *gm_recorder_add_holders(struct gm_recorder *recorder,
					 const struct gm_sample *sample)
{
	const struct gm_holders *holders = &sample->holders;
	struct gm_error *error;

	if (!sample->has_holders || sample->holders_problem)
		return NULL;
	error = gm_recorder_insert(recorder, GM_TABLE_REFS, &holders->totals, 1);
	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_HOLDERS, holders->items,
					   holders->count);
	if (!error)
		error = gm_recorder_insert(recorder, GM_TABLE_TYPES, holders->types.items,
					   holders->types.count);
	return error ?:
		       gm_recorder_insert(recorder, GM_TABLE_HOLDINGS, holders->parts.items,
					  holders->parts.count);
}

static struct gm_error *check(struct gm_recording *recording, const struct gm_holders *holders)
{
	bool ok = holders->totals.version && holders->totals.layout;

	for (size_t i = 0; i < holders->count && ok; i++)
		ok = holders->items[i].kind && holders->items[i].holder;
	for (size_t i = 0; i < holders->types.count && ok; i++)
		ok = holders->types.items[i].type;
	for (size_t i = 0; i < holders->parts.count && ok; i++)
		ok = holders->parts.items[i].holder < holders->count &&
		     holders->parts.items[i].type < holders->types.count;
	return ok ? NULL : gm_recording_damaged(recording, "its holders make no sense");
}

static struct gm_error *select_all(struct gm_recording *recording, enum gm_table table, int64_t id,
				   void *rows, size_t *count)
{
	return gm_db_select(recording->db, &gm_tables[table], id, rows, count);
}

struct gm_error *gm_recording_read_holders(struct gm_recording *recording, int64_t id,
					   struct gm_sample *sample)
{
	struct gm_holders *holders = &sample->holders;
	struct gm_error *error;

	if (!sample->has_holders || sample->holders_problem)
		return NULL;
	error = gm_recording_select_one(recording, GM_TABLE_REFS, id, &holders->totals);
	if (!error)
		error = select_all(recording, GM_TABLE_HOLDERS, id, &holders->items,
				   &holders->count);
	if (!error)
		error = select_all(recording, GM_TABLE_TYPES, id, &holders->types.items,
				   &holders->types.count);
	if (!error)
		error = select_all(recording, GM_TABLE_HOLDINGS, id, &holders->parts.items,
				   &holders->parts.count);
	return error ?: check(recording, holders);
}
