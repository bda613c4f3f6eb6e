// SPDX-License-Identifier: GPL-2.0-or-later
/* Opens recordings, and finds samples in them. */
#define _GNU_SOURCE 1 /* strptime */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "recording/reader.h"

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

struct gm_error *gm_recording_damaged(const struct gm_recording *recording, const char *what)
{
	return gm_error_create(EBADMSG, "cannot use the recording %s: %s",
			       gm_db_path(recording->db), what);
}

struct gm_error *gm_recording_number(struct gm_recording *recording, const char *sql,
				     int64_t *number)
{
	sqlite3_stmt *statement;
	struct gm_error *error = gm_db_prepare(recording->db, &statement, "%s", sql);
	bool row = false;

	if (!error)
		error = gm_db_step(recording->db, statement, &row);
	*number = row ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return error;
}

static struct gm_error *check_version(struct gm_recording *recording)
{
	int64_t id, version;
	struct gm_error *error = gm_recording_number(recording, "PRAGMA application_id", &id);

	if (!error && id != GM_RECORDING_ID)
		return gm_recording_damaged(recording, "gomemctl record did not make it");
	if (!error)
		error = gm_recording_number(recording, "PRAGMA user_version", &version);
	if (!error && version != GM_RECORDING_VERSION)
		error = gm_error_create(ENOTSUP,
					"cannot use the recording %s: it has version %lld, this "
					"gomemctl knows %d",
					gm_db_path(recording->db), (long long)version,
					GM_RECORDING_VERSION);
	return error;
}

/* Tables that were made otherwise could hold anything, computed columns among it. */
static struct gm_error *check_tables(struct gm_recording *recording)
{
	struct gm_error *error = gm_db_check_table(recording->db, "memory_blocks", GM_BLOCKS_SQL);

	if (!error)
		error = gm_db_check_table(recording->db, "runs", GM_RUNS_SQL);
	if (!error)
		error = gm_db_check_table(recording->db, "goroutine_states", GM_STATES_SQL);
	for (size_t i = 0; i < GM_TABLES && !error; i++) {
		gm_autofree char *sql = gm_db_table_sql(&gm_tables[i]);

		error = sql ? gm_db_check_table(recording->db, gm_tables[i].name, sql) :
			      no_memory();
	}
	return error;
}

struct gm_error *gm_recording_open(const char *path, struct gm_recording **out)
{
	gm_auto(gm_recording) struct gm_recording *recording = calloc(1, sizeof(*recording));
	struct gm_error *error;

	if (!recording)
		return no_memory();
	error = gm_db_open(path, &recording->db);
	if (!error)
		error = check_version(recording);
	if (!error)
		error = check_tables(recording);
	if (error)
		return error;
	*out = recording;
	recording = NULL;
	return NULL;
}

void gm_recording_destroy(struct gm_recording *recording)
{
	if (!recording)
		return;
	gm_db_destroy(recording->db);
	free(recording);
}

/* "2026-11-21 10:30:00", its seconds or its date left out; local. -1: none. */
static time_t parse_time(const char *text, time_t day)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					       "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm time = {};
		const char *end;

		localtime_r(&day, &time);
		time.tm_sec = 0;
		time.tm_isdst = -1;
		end = strptime(text, formats[i], &time);
		if (end && !*end)
			return mktime(&time);
	}
	return -1;
}

static struct gm_error *find_time(struct gm_recording *recording, const char *which,
				  int64_t *sample)
{
	const char *format = "SELECT max(sample) FROM samples WHERE time_ms < %lld";
	sqlite3_stmt *statement;
	struct gm_error *error;
	bool row = false;
	int64_t last;
	time_t time;

	error = gm_recording_number(recording, "SELECT max(time_ms) FROM samples", &last);
	if (error)
		return error;
	time = parse_time(which, last / 1000);
	if (time < 0)
		return gm_error_create(EINVAL,
				       "no sample is \"%s\": give a number from 1 on, or a "
				       "time such as 10:30 or \"2026-11-21 10:30:00\"",
				       which);
	error = gm_db_prepare(recording->db, &statement, format, ((long long)time + 1) * 1000);
	if (!error)
		error = gm_db_step(recording->db, statement, &row);
	*sample = row ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	if (!error && !*sample)
		error = gm_error_create(EINVAL, "%s has no sample at or before %s",
					gm_db_path(recording->db), which);
	return error;
}

struct gm_error *gm_recording_find(struct gm_recording *recording, const char *which,
				   int64_t *sample)
{
	struct gm_error *error;
	int64_t last, number;
	char *end;

	error = gm_recording_number(recording, "SELECT max(sample) FROM samples", &last);
	if (error)
		return error;
	*sample = last;
	if (!last)
		return gm_recording_damaged(recording, "it has no samples yet");
	if (!which)
		return NULL;
	errno = 0;
	number = strtoll(which, &end, 10);
	if (end == which || *end)
		return find_time(recording, which, sample);
	*sample = number;
	if (errno || number < 1 || number > last)
		return gm_error_create(EINVAL, "%s has no sample %s: its last is %lld",
				       gm_db_path(recording->db), which, (long long)last);
	return NULL;
}

struct gm_error *gm_recording_select_one(struct gm_recording *recording, enum gm_table table,
					 int64_t sample, void *row)
{
	return gm_db_select_one(recording->db, &gm_tables[table], sample, row);
}
