// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>

#include "count.h"
#include "lib.h"
#include "verbs.h"

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

void count_still_right(void)
{
	struct target t = target_start();
	long p = target_call(&t, do_map, HUGE, 0, 0);

	module_require();
	gomem_add(t.pid);
	target_call(&t, do_touch, p, HUGE, PAGE);
	tap_eq(512, "as made", vmas_sum(t.pid, p, HUGE, "faults"), "/proc/gomem/vmas",
	       "faults after all that");
	tap_eq(0, "asked", module_unload(), "errno", "unload after all that");
	target_kill(&t);
}
