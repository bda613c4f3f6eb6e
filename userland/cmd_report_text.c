// SPDX-License-Identifier: GPL-2.0-or-later
/* The report for eyes: the verdict first. */
#include <string.h>

#include "cmd_report.h"

#define WIDTH 80
#define GIB 1073741824.0

struct gm_clean gm_report_clean(const char *text)
{
	struct gm_clean clean;
	size_t i;

	for (i = 0; i < sizeof(clean.text) - 1 && text[i]; i++)
		clean.text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	clean.text[i] = '\0';
	return clean;
}

/* How much of @text goes on a line of @room columns: whole words where there are any. */
static size_t line_length(const char *text, size_t room)
{
	size_t length = strlen(text), cut = room;

	if (length <= room)
		return length;
	while (cut && text[cut] != ' ')
		cut--;
	return cut ? cut : room;
}

void gm_report_print_wrapped(FILE *stream, const char *label, const char *text)
{
	size_t indent = strlen(label), room = WIDTH - indent;

	do {
		size_t length = line_length(text, room);

		fprintf(stream, "%s%*s", label, (int)(indent - strlen(label)), "");
		for (size_t i = 0; i < length; i++)
			fputc(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?', stream);
		fputc('\n', stream);
		text += length;
		text += strspn(text, " ");
		label = "";
	} while (*text);
}

static void print_lines(FILE *stream, const char *label, const struct gm_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		gm_report_print_wrapped(stream, i ? "          " : label, lines->lines[i].text);
}

static void print_title(FILE *stream, const struct gm_report *report)
{
	const struct gm_process *process = report->process;
	uint64_t used = process->cgroup_current_bytes, limit = process->cgroup_max_bytes;

	fprintf(stream, "%s  pid %d", gm_report_clean(process->comm).text, (int)report->pid);
	if (report->heap)
		fprintf(stream, "  %s", gm_report_clean(report->heap->version).text);
	if (used != GM_UNKNOWN && limit != GM_UNKNOWN && limit)
		fprintf(stream, "  cgroup %.2f of %.2f GiB (%.0f%%)", used / GIB, limit / GIB,
			100.0 * used / limit);
	fputs("\n\n", stream);
}

static void print_cause(FILE *stream, const struct gm_cause *cause)
{
	char confidence[32];

	snprintf(confidence, sizeof(confidence), "confidence: %s",
		 gm_confidence_name(cause->confidence));
	fprintf(stream, "CAUSE  %-*s %s\n", WIDTH - 8 - (int)strlen("confidence: medium"),
		cause->headline.text, confidence);
	gm_report_print_wrapped(stream, "       ", cause->detail.text);
}

static void print_failed_checks(FILE *stream, const struct gm_cause *cause)
{
	const char *label = "UNPROVED  ";

	for (size_t i = 0; i < cause->check_count; i++) {
		if (cause->checks[i].pass)
			continue;
		gm_report_print_wrapped(stream, label, cause->checks[i].text.text);
		label = "          ";
	}
}

static void print_evidence(FILE *stream, const struct gm_verdict *verdict)
{
	for (size_t i = 0; i < verdict->cause_count; i++) {
		print_lines(stream, "EVIDENCE  ", &verdict->causes[i].evidence);
		print_failed_checks(stream, &verdict->causes[i]);
	}
}

static void gain_text(const struct gm_fix *fix, char *text, size_t size)
{
	double low = fix->low / 1048576.0, high = fix->high / 1048576.0;

	if (fix->low == fix->high)
		snprintf(text, size, "gains %.0f MiB", high);
	else
		snprintf(text, size, "gains %.0f to %.0f MiB", low, high);
}

static void print_fixes(FILE *stream, const struct gm_verdict *verdict)
{
	size_t number = 0;

	for (size_t i = 0; i < verdict->cause_count; i++)
		for (size_t j = 0; j < verdict->causes[i].fix_count; j++) {
			const struct gm_fix *fix = &verdict->causes[i].fixes[j];
			char label[16], text[256], gain[64];

			snprintf(label, sizeof(label), "%-7s%zu  ", number ? "" : "FIX",
				 number + 1);
			number++;
			gm_report_print_wrapped(stream, label, fix->run.text);
			gain_text(fix, gain, sizeof(gain));
			snprintf(text, sizeof(text), "%s: %s", gain, fix->effect.text);
			gm_report_print_wrapped(stream, "          ", text);
		}
}

static void print_cost(FILE *stream, const struct gm_report *report)
{
	const struct gm_report_cost *cost = &report->cost;
	char text[512];
	size_t used;

	used = snprintf(text, sizeof(text), "pages %.1f ms from %s", cost->pages_ns / 1e6,
			cost->pages);
	if (report->heap)
		used += snprintf(text + used, sizeof(text) - used, ", spans %.1f ms",
				 cost->spans_ns / 1e6);
	if (cost->module)
		snprintf(text + used, sizeof(text) - used,
			 ", walk %.1f ms, longest lock hold %.3f ms, "
			 "probes missed %lu, events lost %lu",
			 cost->walk_us / 1e3, cost->hold_us / 1e3, (unsigned long)cost->missed,
			 (unsigned long)cost->dropped);
	gm_report_print_wrapped(stream, "COST      ", text);
	if (cost->missing)
		gm_report_print_wrapped(stream, "          ", cost->missing);
	if (!cost->module && !cost->past)
		gm_report_print_wrapped(stream, "          ",
					"with gomem.ko watching it: since when and by what "
					"(faults, collapses, releases), exact page states");
}

void gm_report_print(FILE *stream, const struct gm_report *report)
{
	static const char overlap[] = "(their sizes overlap: what pinned huge pages have empty is "
				      "idle or in free slots, too)";
	const struct gm_verdict *verdict = report->verdict;

	print_title(stream, report);
	for (size_t i = 0; i < verdict->cause_count; i++)
		print_cause(stream, &verdict->causes[i]);
	if (verdict->overlap)
		gm_report_print_wrapped(stream, "       ", overlap);
	fputc('\n', stream);
	gm_report_print_bill(stream, report);
	if (report->strip)
		gm_report_print_strip(stream, report->strip);
	print_evidence(stream, verdict);
	print_fixes(stream, verdict);
	print_lines(stream, "RULED OUT ", &verdict->ruled_out);
	print_lines(stream, "UNCHECKED ", &verdict->unchecked);
	print_cost(stream, report);
}
