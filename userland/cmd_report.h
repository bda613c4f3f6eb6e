/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One target's report, and its two forms. Only cmd_report*.c and its tests see this. */
#ifndef GM_CMD_REPORT_H
#define GM_CMD_REPORT_H

#include <json-c/json.h>
#include <stdio.h>

#include "go/heap.h"
#include "join/bill.h"
#include "join/strip.h"
#include "os/host.h"
#include "verdict/verdict.h"

/**
 * struct gm_report_cost - what looking cost
 * @pages: "module", "PAGEMAP_SCAN" or "pagemap"
 * @missing: what the pages' source cannot tell, NULL where nothing is missing
 * @pages_ns: to read the pages; @spans_ns: to read the spans, once
 * @past: the process is looked at afterwards
 * @module: the module watches the target; the rest is then known
 * @walk_us: the module's walk; @hold_us: its longest hold of a lock
 * @missed: probe hits the kernel could not run
 * @dropped: events lost because the ledger was full
 */
struct gm_report_cost {
	const char *pages;
	const char *missing;
	uint64_t pages_ns;
	uint64_t spans_ns;
	bool past;
	bool module;
	uint64_t walk_us;
	uint64_t hold_us;
	uint64_t missed;
	uint64_t dropped;
};

/**
 * struct gm_report - all that is shown of one target; owns nothing
 * @heap: NULL where the Go heap could not be read, @heap_problem then says why
 * @strip: NULL with @heap
 */
struct gm_report {
	pid_t pid;
	const struct gm_process *process;
	const struct gm_host *host;
	const struct gm_go_heap *heap;
	const char *heap_problem;
	const struct gm_bill *bill;
	const struct gm_strip *strip;
	const struct gm_verdict *verdict;
	struct gm_report_cost cost;
};

/* 80 columns of ASCII; whatever else the target's names hold is printed as '?'. */
void gm_report_print(FILE *stream, const struct gm_report *report);

/* The bill as a tree and the strip under it, a part of the above. */
void gm_report_print_bill(FILE *stream, const struct gm_report *report);
void gm_report_print_strip(FILE *stream, const struct gm_strip *strip);

/* @text at @label, wrapped at 80 columns, later lines under the first. */
void gm_report_print_wrapped(FILE *stream, const char *label, const char *text);

/* An object of the schema gomem.report/1, NULL when memory is out; the caller puts it. */
json_object *gm_report_json(const struct gm_report *report);

/* Printable ASCII of what a target may have named itself, cut at 255. */
struct gm_clean {
	char text[256];
};

struct gm_clean gm_report_clean(const char *text);

#endif
