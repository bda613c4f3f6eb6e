// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl report: where the memory of a process went, why, and what to do. */
#include "cmd_report.h"

#include <errno.h>

#include "cmd.h"
#include "cmd_subject.h"
#include "os/module.h"

static const char usage[] =
	"Usage: gomemctl report [-p PID]... [--json]\n"
	"\n"
	"Says where the memory of a Go program went: the cause, its size and how sure that\n"
	"is, the bill by Go class, the evidence, and what to do. Without -p, the module's\n"
	"targets.\n";

/**
 * struct look - all that was read of one target
 * @again: the Go heap once more after the pages; NULL where that failed
 * @problem: why the subject has no heap
 * @rss_again: 0 where there was no second look
 */
struct look {
	struct gm_process process;
	struct gm_subject subject;
	struct gm_go_heap *again;
	struct gm_error *problem;
	uint64_t rss_again;
	struct gm_bill *bill;
	struct gm_bill *bill_again;
	struct gm_strip strip;
	bool watched;
	struct gm_verdict_events events;
	struct gm_report_cost cost;
};

static void look_deinit(struct look *look)
{
	gm_subject_deinit(&look->subject);
	gm_go_heap_destroy(look->again);
	gm_error_destroy(look->problem);
	gm_bill_destroy(look->bill);
	gm_bill_destroy(look->bill_again);
}

static struct gm_error *read_summary(struct gm_module *module, pid_t pid, struct look *look)
{
	struct gm_module_summaries rows = { 0 };
	struct gm_error *error = gm_module_read_summaries(module, &rows);

	for (size_t i = 0; i < rows.count; i++) {
		const struct gm_module_summary *row = &rows.items[i];

		/* An exited target's figures are not those of a later process of its pid. */
		if (row->pid != (uint64_t)pid || strcmp(row->state, "running"))
			continue;
		look->watched = true;
		look->rss_again = row->rss << 10;
		look->events.age_ms = row->age_ms;
		look->cost.walk_us = row->walk_us;
		look->cost.hold_us = row->hold_us;
		look->cost.dropped = row->dropped;
	}
	gm_module_summaries_deinit(&rows);
	return error;
}

static struct gm_error *read_missed(struct gm_module *module, struct look *look)
{
	struct gm_module_probes probes = { 0 };
	struct gm_error *error = gm_module_read_probes(module, &probes);

	for (size_t i = 0; i < probes.count; i++)
		look->cost.missed += probes.items[i].missed;
	gm_module_probes_deinit(&probes);
	return error;
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

static struct gm_error *read_events(struct gm_module *module, pid_t pid, struct look *look)
{
	struct gm_module_vmas vmas = { 0 };
	struct gm_error *error = gm_module_read_vmas(module, &vmas);
	size_t at = 0;

	for (size_t i = 0; look->subject.heap && i < vmas.count; i++) {
		const struct gm_module_vma *vma = &vmas.items[i];

		if (vma->pid != (uint64_t)pid ||
		    !overlaps_heap(look->subject.heap, &at, vma->start, vma->end))
			continue;
		look->events.collapses += vma->collapses;
		look->events.huge_faults += vma->huge_faults;
		look->events.released_bytes += vma->released << 10;
	}
	gm_module_vmas_deinit(&vmas);
	return error;
}

/* What the module knows of @pid; nothing where it does not watch it. */
static struct gm_error *read_module(struct gm_module *module, pid_t pid, struct look *look)
{
	struct gm_error *error = read_summary(module, pid, look);

	if (!error && look->watched)
		error = read_events(module, pid, look);
	if (!error && look->watched)
		error = read_missed(module, look);
	return error;
}

/* Spans, then pages at once, then what both looked like a moment later. */
static struct gm_error *read_memory(struct gm_module *module, pid_t pid, struct look *look)
{
	struct gm_subject *subject = &look->subject;
	struct gm_error *error = gm_subject_open(pid, subject);

	if (error)
		return error;
	look->problem = gm_subject_read_heap(subject);
	error = gm_subject_read_pages(subject);
	if (!error && module)
		error = read_module(module, pid, look);
	if (error)
		return error;
	if (!look->watched) /* the module's rss is a second look as good */
		gm_error_destroy(gm_process_rss(pid, &look->rss_again));
	if (subject->heap)
		gm_error_destroy(gm_go_heap_read(&subject->target, &look->again));
	return gm_process_read(pid, &look->process);
}

static struct gm_error *join(struct look *look)
{
	struct gm_error *error;

	error = gm_bill_compute(look->subject.maps, look->subject.pages, look->subject.heap,
				look->rss_again, &look->bill);
	if (!error && look->again)
		error = gm_bill_compute(look->subject.maps, look->subject.pages, look->again,
					look->rss_again, &look->bill_again);
	if (!error && look->subject.heap)
		error = gm_strip_compute(look->subject.maps, look->subject.pages,
					 look->subject.heap, &look->strip);
	return error;
}

/* Contiguous frames look huge to pagemap; none of them may only mean that it hides them. */
static bool huge_known(const struct look *look)
{
	uint64_t huge = 0;

	for (size_t i = 0; i < GM_GO_CLASSES; i++)
		huge += look->bill->bytes[i][GOMEM_PAGE_THP];
	return look->subject.pages->source != GM_PAGES_PAGEMAP || huge;
}

static void judge(const struct look *look, const struct gm_host *host, struct gm_verdict *verdict)
{
	struct gm_verdict_input input = {
		.bill = look->bill,
		.again = look->bill_again,
		.heap = look->subject.heap,
		.heap_problem = look->problem ? look->problem->message : NULL,
		.host = host,
		.process = &look->process,
		.events = look->watched ? &look->events : NULL,
		.huge_known = huge_known(look),
	};

	gm_verdict_judge(&input, verdict);
}

static void fill_cost(struct look *look)
{
	static const char *const sources[] = {
		[GM_PAGES_BEST] = "",
		[GM_PAGES_MODULE] = "the module",
		[GM_PAGES_SCAN] = "PAGEMAP_SCAN",
		[GM_PAGES_PAGEMAP] = "/proc/PID/pagemap",
	};

	look->cost.pages = sources[look->subject.pages->source];
	look->cost.missing = look->subject.pages->missing;
	look->cost.pages_ns = look->subject.pages->took_ns;
	look->cost.spans_ns = look->subject.heap ? look->subject.heap->took_ns : 0;
	look->cost.module = look->watched;
}

static struct gm_error *look_at(struct gm_module *module, pid_t pid, struct look *look)
{
	struct gm_error *error = read_memory(module, pid, look);

	if (!error)
		error = join(look);
	if (!error)
		fill_cost(look);
	return error;
}

static void show(const struct look *look, const struct gm_host *host, pid_t pid,
		 json_object *reports)
{
	struct gm_verdict verdict;
	struct gm_report report = {
		.pid = pid,
		.process = &look->process,
		.host = host,
		.heap = look->subject.heap,
		.heap_problem = look->problem ? look->problem->message : NULL,
		.bill = look->bill,
		.strip = look->subject.heap ? &look->strip : NULL,
		.verdict = &verdict,
		.cost = look->cost,
	};

	judge(look, host, &verdict);
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
static int report_all(struct gm_module *module, const struct gm_options *options,
		      json_object *reports)
{
	int exit_code = GM_EXIT_DONE;
	bool separate = false;
	struct gm_host host;

	gm_host_read(&host);
	for (size_t i = 0; i < options->pids.count; i++) {
		pid_t pid = options->pids.items[i];
		struct look look = { 0 };
		struct gm_error *error = look_at(module, pid, &look);

		if (error) {
			exit_code = gm_cmd_fail("report", error);
		} else {
			fputs(separate ? "\n" : "", stdout);
			separate = !reports;
			show(&look, &host, pid, reports);
		}
		look_deinit(&look);
	}
	return exit_code;
}

static int report(struct gm_module *module, const struct gm_options *options)
{
	json_object *reports;
	int exit_code;

	if (options->format != GM_OUT_JSON)
		return report_all(module, options, NULL);
	reports = json_object_new_array();
	exit_code = report_all(module, options, reports);
	print_json(reports);
	return exit_code;
}

int gm_cmd_report(int argc, char **argv)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_options options = { 0 };
	struct gm_error *error;
	int exit_code;

	if (!gm_options_parse(&options, argc, argv, usage, false, &exit_code)) {
		gm_options_deinit(&options);
		return exit_code;
	}
	error = gm_module_open(NULL, &module);
	if (error && error->code != ENOENT && error->code != EACCES) {
		exit_code = gm_cmd_fail("report", error);
	} else {
		gm_error_destroy(error);
		exit_code = report(module, &options);
	}
	gm_options_deinit(&options);
	return exit_code;
}
