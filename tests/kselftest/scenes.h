/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of every kind, set up by known steps: what test_vmas and test_pages look at. */
#ifndef KSELFTEST_SCENES_H
#define KSELFTEST_SCENES_H

#include "lib.h"
#include "memory.h"

/**
 * struct scene - one kind of memory
 * @name: for people
 * @make: run in a fresh target; returns an address in the VMA in question
 * @prepare: run in the test before, may be NULL
 * @finish: run in the test after, may be NULL
 * @want: what smaps must show for that VMA by construction, kB; SIZE is not looked at
 * @any: @want is not known, only that the VMA is there
 */
struct scene {
	const char *name;
	target_fn make;
	void (*prepare)(void);
	void (*finish)(struct target *t, long addr);
	long want[SIZES];
	bool any;
};

extern const struct scene scenes[];
extern const int scene_count;

/**
 * scene_each - show @look every scene in turn
 *
 * Each has its own target, set up, added to the module's targets, and stopped;
 * it is deleted and killed afterwards. That smaps agrees with @want is checked here.
 */
void scene_each(void (*look)(const struct scene *s, pid_t pid));

#endif
