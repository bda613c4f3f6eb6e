// SPDX-License-Identifier: GPL-2.0-or-later
/* What nobody can do without who follows the references of a Go heap from outside: "copy PID"
 * copies all spans in use, a MiB at a time into the same buffer, and looks at nothing. It prints
 * the nanoseconds of CPU time that took, the fastest of some turns, and how many bytes there are.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd_subject.h"

#define TURNS 3
#define STEP (1UL << 20)

static char buffer[STEP];

static void stop_on(struct gm_error *error)
{
	if (!error)
		return;
	fprintf(stderr, "copy: %s\n", error->message);
	exit(1);
}

/* Of this process: what else runs on the machine is none of it. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void copy(struct gm_mem *mem, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end; at += STEP)
		stop_on(gm_mem_read(mem, at, buffer, end - at < STEP ? end - at : STEP));
}

/* Spans that follow each other are copied together. */
static uint64_t copy_all(const struct gm_subject *subject)
{
	const struct gm_go_spans *spans = &subject->heap->spans;
	uint64_t bytes = 0, start = 0, end = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct gm_go_span *span = &spans->items[i];

		if (span->manual)
			continue;
		if (span->start != end) {
			copy(subject->mem, start, end);
			start = span->start;
		}
		end = gm_go_span_end(span);
		bytes += end - span->start;
	}
	copy(subject->mem, start, end);
	return bytes;
}

int main(int argc, char **argv)
{
	struct gm_source source = { .kind = GM_SOURCE_PID };
	uint64_t least = UINT64_MAX, bytes = 0;
	struct gm_subject subject;

	if (argc != 2)
		return 2;
	source.pid = atoi(argv[1]);
	stop_on(gm_subject_open(&source, &subject));
	stop_on(gm_subject_read_heap(&subject));
	for (int i = 0; i < TURNS; i++) {
		uint64_t started = cpu_ns(), took;

		bytes = copy_all(&subject);
		took = cpu_ns() - started;
		least = took < least ? took : least;
	}
	printf("%" PRIu64 " %" PRIu64 "\n", least, bytes);
	gm_subject_deinit(&subject);
	return 0;
}
