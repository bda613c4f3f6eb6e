// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/plural.h"
#include "cmd_events.h"
#include "out/bytes.h"
#include "out/json.h"

#define NS 1000000000ULL
#define SCHEMA "gomem.events/1"

/* "12:34:56.123456", in the local time zone. */
static void time_of_day(uint64_t ns, char text[32])
{
	time_t seconds = ns / NS;
	struct tm local;
	size_t length;

	localtime_r(&seconds, &local);
	length = strftime(text, 16, "%H:%M:%S", &local);
	snprintf(text + length, 16, ".%06u", (unsigned int)(ns % NS / 1000));
}

static void print_text(const struct gomem_event *event, uint64_t clock_ns)
{
	char when[32], size[GM_OUT_BYTES_MAX], order[8] = "-";

	time_of_day(event->time_ns + clock_ns, when);
	if (event->kind == GOMEM_KIND_lost) {
		printf("%s %7s %7s %3u lost           %" PRIu64 " event%s\n", when, "-", "-",
		       event->cpu, (uint64_t)event->bytes, gm_plural(event->bytes));
		return;
	}
	if (event->order)
		snprintf(order, sizeof(order), "%u", event->order);
	printf("%s %7u %7u %3u %-13s %012" PRIx64 "-%012" PRIx64 " %9s %5s\n", when, event->pid,
	       event->tid, event->cpu, gm_event_kind_name(event->kind), (uint64_t)event->start,
	       (uint64_t)event->end, gm_out_bytes(event->bytes, size), order);
}

/* An event as JSON has it; GM_OUT_NONE where it has no such thing. */
struct row {
	const char *time;
	uint64_t monotonic_ns;
	uint64_t pid;
	uint64_t tid;
	uint64_t cpu;
	const char *kind;
	uint64_t start;
	uint64_t end;
	uint64_t size;
	uint64_t order;
	uint64_t lost;
};

#define COLUMN(name, type, field)                             \
	{                                                     \
		name, NULL, type, offsetof(struct row, field) \
	}

static const struct gm_out_column columns[] = {
	COLUMN("time", GM_OUT_STRING, time),
	COLUMN("monotonic_ns", GM_OUT_COUNT, monotonic_ns),
	COLUMN("pid", GM_OUT_COUNT, pid),
	COLUMN("tid", GM_OUT_COUNT, tid),
	COLUMN("cpu", GM_OUT_COUNT, cpu),
	COLUMN("kind", GM_OUT_STRING, kind),
	COLUMN("start", GM_OUT_HEX, start),
	COLUMN("end", GM_OUT_HEX, end),
	COLUMN("size_bytes", GM_OUT_BYTES, size),
	COLUMN("order", GM_OUT_COUNT, order),
	COLUMN("lost", GM_OUT_COUNT, lost),
};

static struct row row_of(const struct gomem_event *event, const char *time)
{
	bool is_lost = event->kind == GOMEM_KIND_lost;

	return (struct row){
		.time = time,
		.monotonic_ns = event->time_ns,
		.pid = is_lost ? GM_OUT_NONE : event->pid,
		.tid = is_lost ? GM_OUT_NONE : event->tid,
		.cpu = event->cpu,
		.kind = gm_event_kind_name(event->kind),
		.start = is_lost ? GM_OUT_NONE : event->start,
		.end = is_lost ? GM_OUT_NONE : event->end,
		.size = is_lost ? GM_OUT_NONE : event->bytes,
		.order = is_lost ? GM_OUT_NONE : event->order,
		.lost = is_lost ? event->bytes : GM_OUT_NONE,
	};
}

/* "2026-11-21T12:34:56.123456789Z" */
static void utc(uint64_t ns, char text[40])
{
	time_t seconds = ns / NS;
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(text, 28, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + length, 12, ".%09uZ", (unsigned int)(ns % NS));
}

static struct gm_error *print_json(const struct gomem_event *event, uint64_t clock_ns)
{
	static const struct gm_out_table table = { "events", columns,
						   sizeof(columns) / sizeof(*columns),
						   sizeof(struct row) };
	struct json_object *rows, *object = NULL;
	char when[40];
	struct row row;

	utc(event->time_ns + clock_ns, when);
	row = row_of(event, when);
	rows = gm_out_json_rows(&table, &row, 1);
	if (rows)
		object = json_object_array_get_idx(rows, 0);
	if (!object || !gm_out_json_add(object, "schema", json_object_new_string(SCHEMA))) {
		json_object_put(rows);
		return gm_error_create(ENOMEM, "out of memory");
	}
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(rows);
	return NULL;
}

void gm_events_print_title(enum gm_out_format format)
{
	if (format == GM_OUT_TEXT)
		printf("%-15s %7s %7s %3s %-13s %-25s %9s %5s\n", "TIME", "PID", "TID", "CPU",
		       "KIND", "RANGE", "SIZE", "ORDER");
}

struct gm_error *gm_events_print(const struct gomem_event *event, uint64_t clock_ns,
				 enum gm_out_format format)
{
	if (format == GM_OUT_JSON)
		return print_json(event, clock_ns);
	print_text(event, clock_ns);
	return NULL;
}
