/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of a target: their names, reading them, and who else counts the same. */
#ifndef KSELFTEST_COUNT_H
#define KSELFTEST_COUNT_H

#include <sys/types.h>

enum event { FAULTS, HUGE_FAULTS, FALLBACKS, COW, SWAPINS, SPLITS, COLLAPSES, RELEASED, EVENTS };

/* The column of each. */
extern const char *const event_names[EVENTS];

struct counts {
	long v[EVENTS];
};

/* Of the VMAs of @pid in [@start, @start + @bytes). */
struct counts count_range(pid_t pid, long start, long bytes);
/* Of @pid since it was added. */
struct counts count_target(pid_t pid);
/* What /proc/vmstat counts of the same events in the whole machine; 0 where it does not. */
struct counts count_machine(void);
/* The name of an event's counter in /proc/vmstat, or NULL. */
const char *count_machine_name(enum event event);
/* One check: each of @got is as in @want; the first that is not is shown. */
void count_check(const char *name, const struct counts *want, const char *source,
		 const struct counts *got, const char *from);
/* Two checks, at the end of whatever the module had to bear: it counts right, and goes. */
void count_still_right(void);

#endif
