// SPDX-License-Identifier: GPL-2.0-or-later
/* The report for programs: schema gomem.report/1. Sizes are bytes. The values of
 * "resident" and not_explained_bytes sum to rss_bytes.
 */
#include "cmd_report.h"

static void add_count(json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void add_text(json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key,
			       value ? json_object_new_string(gm_report_clean(value).text) : NULL);
}

static void add_flag(json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

/* Classes and states of no bytes are left out. */
static json_object *bill_json(const struct gm_bill *bill)
{
	json_object *classes = json_object_new_object();

	for (size_t i = 0; i < GM_GO_CLASSES; i++) {
		json_object *states = NULL;

		for (size_t state = 0; state < GOMEM_PAGE_STATES; state++) {
			if (!bill->bytes[i][state])
				continue;
			if (!states)
				states = json_object_new_object();
			add_count(states, gm_page_state_name(state), bill->bytes[i][state]);
		}
		if (states)
			json_object_object_add(classes, gm_go_class_name(i), states);
	}
	return classes;
}

static json_object *resident_json(const struct gm_bill *bill)
{
	json_object *classes = json_object_new_object();

	for (size_t i = 0; i < GM_GO_CLASSES; i++)
		if (bill->resident[i])
			add_count(classes, gm_go_class_name(i), bill->resident[i]);
	return classes;
}

static json_object *lines_json(const struct gm_lines *lines)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < lines->count; i++) {
		struct gm_clean line = gm_report_clean(lines->lines[i].text);

		json_object_array_add(array, json_object_new_string(line.text));
	}
	return array;
}

static json_object *checks_json(const struct gm_cause *cause)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < cause->check_count; i++) {
		json_object *check = json_object_new_object();

		add_flag(check, "pass", cause->checks[i].pass);
		add_text(check, "text", cause->checks[i].text.text);
		json_object_array_add(array, check);
	}
	return array;
}

static json_object *fixes_json(const struct gm_cause *cause)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < cause->fix_count; i++) {
		json_object *fix = json_object_new_object();

		add_text(fix, "run", cause->fixes[i].run.text);
		add_text(fix, "effect", cause->fixes[i].effect.text);
		add_count(fix, "gain_low_bytes", cause->fixes[i].low);
		add_count(fix, "gain_high_bytes", cause->fixes[i].high);
		json_object_array_add(array, fix);
	}
	return array;
}

static json_object *cause_json(const struct gm_cause *cause)
{
	json_object *object = json_object_new_object();

	add_text(object, "id", cause->id);
	add_flag(object, "fault", cause->fault);
	add_text(object, "confidence", gm_confidence_name(cause->confidence));
	add_text(object, "headline", cause->headline.text);
	add_text(object, "detail", cause->detail.text);
	add_count(object, "low_bytes", cause->low);
	add_count(object, "high_bytes", cause->high);
	json_object_object_add(object, "checks", checks_json(cause));
	json_object_object_add(object, "evidence", lines_json(&cause->evidence));
	json_object_object_add(object, "fixes", fixes_json(cause));
	return object;
}

static json_object *causes_json(const struct gm_verdict *verdict)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < verdict->cause_count; i++)
		json_object_array_add(array, cause_json(&verdict->causes[i]));
	return array;
}

/* null for GM_UNKNOWN. */
static void add_known(json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key,
			       value == GM_UNKNOWN ? NULL : json_object_new_uint64(value));
}

static json_object *host_json(const struct gm_report *report)
{
	json_object *object = json_object_new_object();

	add_text(object, "kernel", report->host->kernel);
	add_text(object, "thp_enabled", report->host->thp_enabled);
	add_known(object, "max_ptes_none", report->host->max_ptes_none);
	add_known(object, "cgroup_bytes", report->process->cgroup_current_bytes);
	add_known(object, "cgroup_max_bytes", report->process->cgroup_max_bytes);
	return object;
}

static json_object *cost_json(const struct gm_report_cost *cost)
{
	json_object *object = json_object_new_object();

	add_text(object, "pages_source", cost->pages);
	add_text(object, "missing", cost->missing);
	add_count(object, "pages_ns", cost->pages_ns);
	add_count(object, "spans_ns", cost->spans_ns);
	add_flag(object, "module", cost->module);
	if (!cost->module)
		return object;
	add_count(object, "walk_us", cost->walk_us);
	add_count(object, "hold_us", cost->hold_us);
	add_count(object, "probes_missed", cost->missed);
	add_count(object, "events_lost", cost->dropped);
	return object;
}

static json_object *totals_json(const struct gm_go_totals *totals)
{
	json_object *object = json_object_new_object();

	add_count(object, "heap_alloc_bytes", totals->heap_alloc);
	add_count(object, "heap_sys_bytes", totals->heap_sys);
	add_count(object, "heap_idle_bytes", totals->heap_idle);
	add_count(object, "heap_inuse_bytes", totals->heap_inuse);
	add_count(object, "heap_released_bytes", totals->heap_released);
	add_count(object, "heap_objects", totals->heap_objects);
	add_count(object, "stack_inuse_bytes", totals->stack_inuse);
	return object;
}

json_object *gm_report_json(const struct gm_report *report)
{
	const struct gm_bill *bill = report->bill;
	const struct gm_go_heap *heap = report->heap;
	json_object *object = json_object_new_object();

	json_object_object_add(object, "pid", json_object_new_int(report->pid));
	add_text(object, "comm", report->process->comm);
	add_text(object, "go_version", heap ? heap->version : NULL);
	add_text(object, "go_layout", heap ? heap->layout : NULL);
	add_text(object, "go_problem", heap ? NULL : report->heap_problem);
	add_count(object, "rss_bytes", bill->rss);
	add_count(object, "virtual_bytes", bill->virtual_bytes);
	add_count(object, "swap_bytes", bill->swap);
	json_object_object_add(object, "bill", bill_json(bill));
	json_object_object_add(object, "resident", resident_json(bill));
	json_object_object_add(object, "not_explained_bytes",
			       json_object_new_int64(bill->unexplained));
	add_count(object, "released_huge_pages", bill->released_huge);
	json_object_object_add(object, "totals", heap ? totals_json(&heap->totals) : NULL);
	json_object_object_add(object, "causes", causes_json(report->verdict));
	add_flag(object, "causes_overlap", report->verdict->overlap);
	json_object_object_add(object, "ruled_out", lines_json(&report->verdict->ruled_out));
	json_object_object_add(object, "unchecked", lines_json(&report->verdict->unchecked));
	json_object_object_add(object, "host", host_json(report));
	json_object_object_add(object, "cost", cost_json(&report->cost));
	return object;
}
