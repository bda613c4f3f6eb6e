/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bill and the host's state -> causes, evidence, fixes. Pure: no I/O, no allocation. */
#ifndef GM_VERDICT_VERDICT_H
#define GM_VERDICT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "go/heap.h"
#include "join/bill.h"
#include "os/host.h"

#define GM_VERDICT_CHECKS 7
#define GM_VERDICT_LINES 8
#define GM_VERDICT_FIXES 4
#define GM_VERDICT_CAUSES 4

enum gm_confidence { GM_CONFIDENCE_LOW, GM_CONFIDENCE_MEDIUM, GM_CONFIDENCE_HIGH };

/* One sentence or less, cut where it is too long. */
struct gm_line {
	char text[256];
};

struct gm_lines {
	size_t count;
	struct gm_line lines[GM_VERDICT_LINES];
};

/**
 * struct gm_check - one thing that must hold for the cause
 * @pass: it does
 * @essential: without it the confidence is low; without another it is medium
 * @text: what was looked at and what was seen
 */
struct gm_check {
	bool pass;
	bool essential;
	struct gm_line text;
};

/**
 * struct gm_fix - what to do about it
 * @run: a command or a setting
 * @effect: what it does, and what it costs
 * @low: bytes of RSS it gives back at least; @high: at most
 */
struct gm_fix {
	struct gm_line run;
	struct gm_line effect;
	uint64_t low;
	uint64_t high;
};

/**
 * struct gm_cause - one verdict
 * @id: a stable name: thp-refill, pinned-huge-pages, span-fragmentation, idle-not-released,
 *	limit-near, virtual-only, no-fault, cannot-tell
 * @fault: something is wrong; the last four are not faults
 * @low: bytes of RSS it explains at least; @high: at most
 * @confidence: high only when each check holds
 */
struct gm_cause {
	const char *id;
	bool fault;
	uint64_t low;
	uint64_t high;
	enum gm_confidence confidence;
	struct gm_line headline;
	struct gm_line detail;
	size_t check_count;
	struct gm_check checks[GM_VERDICT_CHECKS];
	struct gm_lines evidence;
	size_t fix_count;
	struct gm_fix fixes[GM_VERDICT_FIXES];
};

/**
 * struct gm_verdict - the answer
 * @causes: largest first, at least one
 * @ruled_out: what was looked at and is not it, with the figure that says so
 * @unchecked: what could not be looked at, and why
 * @overlap: some bytes are of two causes, so that their sizes do not add up
 */
struct gm_verdict {
	size_t cause_count;
	struct gm_cause causes[GM_VERDICT_CAUSES];
	struct gm_lines ruled_out;
	struct gm_lines unchecked;
	bool overlap;
};

/* What the module counted in the Go heap's address range since attach. */
struct gm_verdict_events {
	uint64_t collapses;
	uint64_t huge_faults;
	uint64_t released_bytes;
	uint64_t age_ms;
};

/**
 * struct gm_verdict_input - all that is known
 * @again: the bill of the same pages with the spans as they were after those were
 *	read; NULL where there was no second read
 * @heap: NULL where it could not be read, @heap_problem then says why
 * @process: NULL where nothing is known of its cgroup
 * @events: NULL without the module
 * @huge_known: the page source tells huge pages from small ones
 */
struct gm_verdict_input {
	const struct gm_bill *bill;
	const struct gm_bill *again;
	const struct gm_go_heap *heap;
	const char *heap_problem;
	const struct gm_host *host;
	const struct gm_process *process;
	const struct gm_verdict_events *events;
	bool huge_known;
};

void gm_verdict_judge(const struct gm_verdict_input *input, struct gm_verdict *verdict);

const char *gm_confidence_name(enum gm_confidence confidence);

#endif
