/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that the module knows of one process. */
#ifndef GM_OS_MODULE_WATCH_H
#define GM_OS_MODULE_WATCH_H

#include <stdbool.h>

#include "os/module.h"

/**
 * struct gm_module_watch - of a target that runs
 * @watched: the module is there, may be read, and watches the process; else all is 0
 * @age_ms: since when
 * @rss_bytes: by its walk, which took @walk_us and held a lock for @hold_us at most
 * @dropped: events lost because the ledger was full
 * @missed: probe hits the kernel could not run, of all targets
 * @vmas: a row per VMA
 */
struct gm_module_watch {
	bool watched;
	uint64_t age_ms;
	uint64_t rss_bytes;
	uint64_t walk_us;
	uint64_t hold_us;
	uint64_t dropped;
	uint64_t missed;
	struct gm_module_vmas vmas;
};

/* A module that is not there, or not for us to read, is no error. EPROTO, EIO: it breaks the
 * contract. Deinit either way.
 */
struct gm_error *gm_module_watch_read(pid_t pid, struct gm_module_watch *watch) GM_MUST_CHECK;
void gm_module_watch_deinit(struct gm_module_watch *watch);

/* What happened to each 2 MiB of it, by address; none where it is not watched. EPROTO, EIO as
 * above. Deinit with gm_module_blocks_deinit() either way.
 */
struct gm_error *gm_module_watch_read_blocks(pid_t pid,
					     struct gm_module_blocks *blocks) GM_MUST_CHECK;

/* The same of the stacks that its memory came through. */
struct gm_error *gm_module_watch_read_stacks(pid_t pid,
					     struct gm_module_stacks *stacks) GM_MUST_CHECK;

#endif
