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

/** gomem_proc_event() - the column of a counter: those that count pages are in kB */
static __always_inline u64 gomem_proc_event(const struct gomem_counts *counts,
					    enum gomem_counter counter)
{
	switch (counter) {
	case GOMEM_COUNT_swapouts:
	case GOMEM_COUNT_filled:
	case GOMEM_COUNT_migrated:
	case GOMEM_COUNT_released:
	case GOMEM_COUNT_churn:
		return gomem_proc_kb(counts->of[counter]);
	default:
		return counts->of[counter];
	}
}

/*
 * The columns of GOMEM_SIZE_COLUMNS and GOMEM_EVENT_COLUMNS, in any row that has them:
 * from the variables sizes and counts into *row.
 */
#define GOMEM_PROC_SET_SIZE(name, type) row->name = gomem_proc_kb(sizes->name);
#define GOMEM_PROC_SET_EVENT(name, type) row->name = gomem_proc_event(counts, GOMEM_COUNT_##name);
#define GOMEM_PROC_SET_EVENTS                             \
	do {                                              \
		GOMEM_EVENT_COLUMNS(GOMEM_PROC_SET_EVENT) \
	} while (0)
#define GOMEM_PROC_SET_SIZES_AND_EVENTS                 \
	do {                                            \
		GOMEM_SIZE_COLUMNS(GOMEM_PROC_SET_SIZE) \
		GOMEM_PROC_SET_EVENTS;                  \
	} while (0)

#endif /* GOMEM_PROC_FIELDS_H */
