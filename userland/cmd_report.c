// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl report: where the memory of a process went, why, and what to do. */
#include "cmd_report.h"

#include "cmd.h"
#include "cmd_subject.h"

static const char usage[] =
	"Usage: gomemctl report [SOURCE] [--json]\n"
	"\n"
	"Says where the memory of a Go program went: the cause, its size and how sure that\n"
	"is, the bill by Go class, the evidence, and what to do. Without -p, the module's\n"
	"targets.\n";

/**
 * struct look - all that was read of one target
 * @problem: why the subject has no heap
 */
struct look {
	struct gm_process process;
	struct gm_host host;
	struct gm_subject subject;
	struct gm_error *problem;
	struct gm_bill *bill;
	struct gm_bill *bill_again;
	struct gm_strip strip;
	struct gm_verdict_events events;
	struct gm_report_cost cost;
};

static void look_deinit(struct look *look)
{
	gm_subject_deinit(&look->subject);
	gm_error_destroy(look->problem);
	gm_bill_destroy(look->bill);
	gm_bill_destroy(look->bill_again);
}

static bool overlaps_heap(const struct gm_go_heap *heap, size_t *at, uint64_t start, uint64_t end)
{
	for (; *at < heap->regions.count; (*at)++) {
		const struct gm_go_region *region = &heap->regions.items[*at];

		if (region->end > start && region->class_ <= GM_GO_RELEASED)
			return region->start < end;
	}
	return false;
}

static void add_events(struct look *look)
{
	const struct gm_module_vmas *vmas = &look->subject.watch.vmas;
	size_t at = 0;

	for (size_t i = 0; look->subject.heap && i < vmas->count; i++) {
		const struct gm_module_vma *vma = &vmas->items[i];

		if (!overlaps_heap(look->subject.heap, &at, vma->start, vma->end))
			continue;
		look->events.collapses += vma->collapses;
		look->events.huge_faults += vma->huge_faults;
		look->events.released_bytes += vma->released << 10;
	}
}

/* What the module knows; nothing where it does not watch. */
static struct gm_error *read_watch(struct look *look)
{
	const struct gm_module_watch *watch = &look->subject.watch;
	struct gm_error *error = gm_subject_read_watch(&look->subject);

	if (error || !watch->watched)
		return error;
	look->events.age_ms = watch->age_ms;
	look->cost.walk_us = watch->walk_us;
	look->cost.hold_us = watch->hold_us;
	look->cost.dropped = watch->dropped;
	look->cost.missed = watch->missed;
	add_events(look);
	return NULL;
}

/* Spans, then pages at once, then what both looked like a moment later. */
static struct gm_error *read_memory(const struct gm_source *source, struct look *look)
{
	struct gm_subject *subject = &look->subject;
	struct gm_error *error = gm_subject_open(source, subject);

	if (error)
		return error;
	look->problem = gm_subject_read_heap(subject);
	error = gm_subject_read_pages(subject);
	if (!error)
		error = read_watch(look);
	if (error)
		return error;
	gm_subject_look_again(subject);
	error = gm_subject_read_process(subject, &look->process);
	gm_subject_read_host(subject, &look->host);
	return error;
}

static struct gm_error *join(struct look *look)
{
	const struct gm_subject *subject = &look->subject;
	struct gm_error *error;

	error = gm_bill_compute(subject->maps, subject->pages, subject->heap, subject->rss_again,
				&look->bill);
	if (!error && subject->heap_again)
		error = gm_bill_compute(subject->maps, subject->pages, subject->heap_again,
					subject->rss_again, &look->bill_again);
	if (!error && subject->heap)
		gm_strip_compute(subject->maps, subject->pages, subject->heap, &look->strip);
	return error;
}

static bool huge_known(const struct look *look)
{
	uint64_t huge = 0;

	for (size_t i = 0; i < GM_GO_CLASSES; i++)
		huge += look->bill->bytes[i][GOMEM_PAGE_THP];
	return gm_pages_know_huge(look->subject.pages->source, huge);
}

static void judge(const struct look *look, struct gm_verdict *verdict)
{
	struct gm_verdict_input input = {
		.bill = look->bill,
		.again = look->subject.heap_still ? look->bill : look->bill_again,
		.heap = look->subject.heap,
		.heap_problem = look->problem ? look->problem->message : NULL,
		.host = &look->host,
		.process = &look->process,
		.events = look->subject.watch.watched ? &look->events : NULL,
		.huge_known = huge_known(look),
	};

	gm_verdict_judge(&input, verdict);
}

static void fill_cost(struct look *look)
{
	look->cost.pages = gm_pages_source_name(look->subject.pages->source);
	look->cost.missing = look->subject.pages->missing;
	look->cost.pages_ns = look->subject.pages->took_ns;
	look->cost.spans_ns = look->subject.heap ? look->subject.heap->took_ns : 0;
	look->cost.past = look->subject.source->kind != GM_SOURCE_PID;
	look->cost.module = look->subject.watch.watched;
}

static struct gm_error *look_at(const struct gm_source *source, struct look *look)
{
	struct gm_error *error = read_memory(source, look);

	if (!error)
		error = join(look);
	if (!error)
		fill_cost(look);
	return error;
}

static void show(const struct look *look, json_object *reports)
{
	struct gm_verdict verdict;
	struct gm_report report = {
		.pid = look->subject.pid,
		.process = &look->process,
		.host = &look->host,
		.heap = look->subject.heap,
		.heap_problem = look->problem ? look->problem->message : NULL,
		.bill = look->bill,
		.strip = look->subject.heap ? &look->strip : NULL,
		.verdict = &verdict,
		.cost = look->cost,
	};

	judge(look, &verdict);
	if (reports)
		json_object_array_add(reports, gm_report_json(&report));
	else
		gm_report_print(stdout, &report);
}

static void print_json(json_object *reports)
{
	json_object *document = json_object_new_object();

	json_object_object_add(document, "schema", json_object_new_string("gomem.report/1"));
	json_object_object_add(document, "reports", reports);
	puts(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
}

/* Every target gets its report; one that fails does not stop the others. */
static int report_all(const struct gm_options *options, json_object *reports)
{
	int exit_code = GM_EXIT_DONE;
	bool separate = false;

	for (size_t i = 0; i < options->sources.count; i++) {
		struct look look = { 0 };
		struct gm_error *error = look_at(&options->sources.items[i], &look);

		if (error) {
			exit_code = gm_cmd_fail("report", error);
		} else {
			fputs(separate ? "\n" : "", stdout);
			separate = !reports;
			show(&look, reports);
		}
		look_deinit(&look);
	}
	return exit_code;
}

static int report(const struct gm_options *options)
{
	json_object *reports;
	int exit_code;

	if (options->format != GM_OUT_JSON)
		return report_all(options, NULL);
	reports = json_object_new_array();
	exit_code = report_all(options, reports);
	print_json(reports);
	return exit_code;
}

int gm_cmd_report(int argc, char **argv)
{
	static const struct gm_syntax syntax = { .usage = usage };
	struct gm_options options;
	int exit_code;

	if (gm_options_parse(&options, argc, argv, &syntax, &exit_code))
		exit_code = report(&options);
	gm_options_deinit(&options);
	return exit_code;
}
