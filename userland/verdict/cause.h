/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verdicts are written with. Inside the room only. */
#ifndef GM_VERDICT_CAUSE_H
#define GM_VERDICT_CAUSE_H

#include "verdict/verdict.h"

#define PRINTF_LIKE(n) __attribute__((format(printf, n, (n) + 1)))

void gm_line_set(struct gm_line *line, const char *format, ...) PRINTF_LIKE(2);

/* Dropped when the lines are full. */
void gm_lines_add(struct gm_lines *lines, const char *format, ...) PRINTF_LIKE(2);

void gm_cause_check(struct gm_cause *cause, bool pass, bool essential, const char *format, ...)
	PRINTF_LIKE(4);

/* That the program was not told to hold on to memory: a GOGC over 300, or off, and a
 * GOMEMLIMIT leave most of a heap empty between collections, as they should.
 */
void gm_cause_check_pacing(struct gm_cause *cause, const struct gm_go_heap *heap);

/* The effect is the caller's to set. */
struct gm_fix *gm_cause_fix(struct gm_cause *cause, uint64_t low, uint64_t high, const char *format,
			    ...) PRINTF_LIKE(4);

/* The confidence, from the checks. */
void gm_cause_conclude(struct gm_cause *cause);

/* "1.82 GiB", "809 MiB", "4.5 MiB", "12 KiB". */
struct gm_size {
	char text[24];
};

struct gm_size gm_size(uint64_t bytes);

/* Rounded down, 0 of nothing. */
unsigned int gm_percent(uint64_t part, uint64_t whole);

/* What is worth a person's attention: 5 % of RSS, and 16 MiB. */
uint64_t gm_worth(const struct gm_bill *bill);

/* "go1.24.4" is at least 1.@minor.@patch; false for what cannot be read. */
bool gm_go_at_least(const char *version, unsigned int minor, unsigned int patch);

/* The bytes that both looks at the spans saw resident, and that either saw. */
struct gm_range {
	uint64_t low;
	uint64_t high;
};

struct gm_range gm_range_of(uint64_t first, uint64_t again);

/* The two looks agree within 5 %. */
bool gm_range_steady(struct gm_range range);

/* One each: true and @cause filled where the bill shows it; else a line in @ruled_out.
 * The Go heap is known.
 */
bool gm_judge_thp_refill(const struct gm_verdict_input *input, struct gm_cause *cause,
			 struct gm_lines *ruled_out);
bool gm_judge_fragmentation(const struct gm_verdict_input *input, struct gm_cause *cause,
			    struct gm_lines *ruled_out);
bool gm_judge_pinned(const struct gm_verdict_input *input, struct gm_cause *cause,
		     struct gm_lines *ruled_out);
bool gm_judge_idle(const struct gm_verdict_input *input, struct gm_cause *cause,
		   struct gm_lines *ruled_out);

#endif
