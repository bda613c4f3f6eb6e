// SPDX-License-Identifier: GPL-2.0-or-later
#include "verdict/cause.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_PRINT(line)                                                          \
	do {                                                                      \
		va_list arguments;                                                \
		va_start(arguments, format);                                      \
		vsnprintf((line)->text, sizeof((line)->text), format, arguments); \
		va_end(arguments);                                                \
	} while (0)

void gm_line_set(struct gm_line *line, const char *format, ...)
{
	LINE_PRINT(line);
}

void gm_lines_add(struct gm_lines *lines, const char *format, ...)
{
	if (lines->count < GM_VERDICT_LINES)
		LINE_PRINT(&lines->lines[lines->count++]);
}

void gm_cause_check(struct gm_cause *cause, bool pass, bool essential, const char *format, ...)
{
	struct gm_check *check = &cause->checks[cause->check_count++];

	check->pass = pass;
	check->essential = essential;
	LINE_PRINT(&check->text);
}

void gm_cause_check_pacing(struct gm_cause *cause, const struct gm_go_heap *heap)
{
	bool usual = heap->gc_percent > 0 && heap->gc_percent <= 300 &&
		     heap->memory_limit == INT64_MAX;

	gm_cause_check(cause, usual, false,
		       "neither GOMEMLIMIT nor a GOGC that is off or over 300 asks for it");
}

struct gm_fix *gm_cause_fix(struct gm_cause *cause, uint64_t low, uint64_t high, const char *format,
			    ...)
{
	struct gm_fix *fix = &cause->fixes[cause->fix_count++];

	fix->low = low;
	fix->high = high;
	LINE_PRINT(&fix->run);
	return fix;
}

void gm_cause_conclude(struct gm_cause *cause)
{
	cause->confidence = GM_CONFIDENCE_HIGH;
	for (size_t i = 0; i < cause->check_count; i++) {
		const struct gm_check *check = &cause->checks[i];

		if (!check->pass && check->essential)
			cause->confidence = GM_CONFIDENCE_LOW;
		else if (!check->pass && cause->confidence == GM_CONFIDENCE_HIGH)
			cause->confidence = GM_CONFIDENCE_MEDIUM;
	}
}

struct gm_size gm_size(uint64_t bytes)
{
	struct gm_size size;

	if (bytes >= 1ULL << 30)
		snprintf(size.text, sizeof(size.text), "%.2f GiB", bytes / 1073741824.0);
	else if (bytes >= 10ULL << 20)
		snprintf(size.text, sizeof(size.text), "%.0f MiB", bytes / 1048576.0);
	else if (bytes >= 1ULL << 20)
		snprintf(size.text, sizeof(size.text), "%.1f MiB", bytes / 1048576.0);
	else
		snprintf(size.text, sizeof(size.text), "%.0f KiB", bytes / 1024.0);
	return size;
}

unsigned int gm_percent(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned int)((__uint128_t)part * 100 / whole) : 0;
}

uint64_t gm_worth(const struct gm_bill *bill)
{
	uint64_t share = bill->rss / 20;

	return share > 16ULL << 20 ? share : 16ULL << 20;
}

bool gm_go_at_least(const char *version, unsigned int minor, unsigned int patch)
{
	unsigned int is_minor, is_patch = 0;

	if (!version || sscanf(version, "go1.%3u.%3u", &is_minor, &is_patch) < 1)
		return false;
	return is_minor > minor || (is_minor == minor && is_patch >= patch);
}

struct gm_range gm_range_of(uint64_t first, uint64_t again)
{
	return first < again ? (struct gm_range){ first, again } :
			       (struct gm_range){ again, first };
}

bool gm_range_steady(struct gm_range range)
{
	return range.high - range.low <= range.high / 20;
}

const char *gm_confidence_name(enum gm_confidence confidence)
{
	static const char *const names[] = { "low", "medium", "high" };

	return names[confidence];
}
