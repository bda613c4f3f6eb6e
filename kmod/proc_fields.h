/* SPDX-License-Identifier: GPL-2.0 */
/* What several files of /proc/gomem say in the same words and units. */
#ifndef GOMEM_PROC_FIELDS_H
#define GOMEM_PROC_FIELDS_H

#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/timekeeping.h>

#include "target.h"

/** gomem_proc_kb() - pages as kB */
static inline u64 gomem_proc_kb(u64 pages)
{
	return pages << (PAGE_SHIFT - 10);
}

/** gomem_proc_ms_since() - milliseconds since @ns, CLOCK_MONOTONIC */
static inline u64 gomem_proc_ms_since(u64 ns)
{
	return div_u64(ktime_get_ns() - ns, NSEC_PER_MSEC);
}

/** gomem_proc_state() - the column state */
static inline const char *gomem_proc_state(struct gomem_target *target)
{
	return gomem_target_is_exited(target) ? "exited" : "running";
}

/*
 * The columns of GOMEM_SIZE_COLUMNS and GOMEM_EVENT_COLUMNS, in any row that has them:
 * from the variables sizes and counts into *row.
 */
#define GOMEM_PROC_SET_SIZE(name, type) row->name = gomem_proc_kb(sizes->name);
#define GOMEM_PROC_SET_EVENT(name, type) row->name = counts->of[GOMEM_COUNT_##name];
#define GOMEM_PROC_SET_EVENTS                                 \
	do {                                                  \
		GOMEM_EVENT_COLUMNS(GOMEM_PROC_SET_EVENT)     \
		row->swapouts = gomem_proc_kb(row->swapouts); \
		row->filled = gomem_proc_kb(row->filled);     \
		row->migrated = gomem_proc_kb(row->migrated); \
		row->released = gomem_proc_kb(row->released); \
		row->churn = gomem_proc_kb(row->churn);       \
	} while (0)
#define GOMEM_PROC_SET_SIZES_AND_EVENTS                 \
	do {                                            \
		GOMEM_SIZE_COLUMNS(GOMEM_PROC_SET_SIZE) \
		GOMEM_PROC_SET_EVENTS;                  \
	} while (0)

#endif /* GOMEM_PROC_FIELDS_H */
