// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>

#include "count.h"
#include "lib.h"

const char *const event_names[EVENTS] = {
	[FAULTS] = "faults",	   [HUGE_FAULTS] = "huge_faults",
	[FALLBACKS] = "fallbacks", [COW] = "cow",
	[SWAPINS] = "swapins",	   [SPLITS] = "splits",
	[COLLAPSES] = "collapses", [RELEASED] = "released",
};

const char *count_machine_name(enum event event)
{
	switch (event) {
	case HUGE_FAULTS:
		return "thp_fault_alloc";
	case FALLBACKS:
		return "thp_fault_fallback";
	case SPLITS:
		return "thp_split_pmd";
	default:
		return NULL;
	}
}

struct counts count_range(pid_t pid, long start, long bytes)
{
	struct counts c;
	int i;

	for (i = 0; i < EVENTS; i++)
		c.v[i] = vmas_sum(pid, start, bytes, event_names[i]);
	return c;
}

struct counts count_target(pid_t pid)
{
	struct counts c;
	int i;

	for (i = 0; i < EVENTS; i++)
		c.v[i] = summary(pid, event_names[i]);
	return c;
}

struct counts count_machine(void)
{
	struct counts c;
	int i;

	for (i = 0; i < EVENTS; i++)
		c.v[i] = count_machine_name(i) ? vmstat(count_machine_name(i)) : 0;
	return c;
}

void count_check(const char *name, const struct counts *want, const char *source,
		 const struct counts *got, const char *from)
{
	int i;

	for (i = 0; i < EVENTS; i++)
		if (want->v[i] != got->v[i])
			break;
	if (i == EVENTS)
		tap_ok(true, "%s: %s", name, from);
	else
		tap_eq(want->v[i], source, got->v[i], from, "%s: %s", name, event_names[i]);
}
