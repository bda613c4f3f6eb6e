// SPDX-License-Identifier: GPL-2.0-or-later
#include "os/module_watch.h"

#include <errno.h>
#include <string.h>

static struct gm_error *read_summary(struct gm_module *module, pid_t pid,
				     struct gm_module_watch *watch)
{
	struct gm_module_summaries rows = {};
	struct gm_error *error = gm_module_read_summaries(module, &rows);

	for (size_t i = 0; i < rows.count; i++) {
		const struct gm_module_summary *row = &rows.items[i];

		/* An exited target's figures are not those of a later process of its pid. */
		if (row->pid != (uint64_t)pid || strcmp(row->state, "running"))
			continue;
		watch->watched = true;
		watch->age_ms = row->age_ms;
		watch->rss_bytes = row->rss << 10;
		watch->walk_us = row->walk_us;
		watch->hold_us = row->hold_us;
		watch->dropped = row->dropped;
	}
	gm_module_summaries_deinit(&rows);
	return error;
}

static struct gm_error *read_missed(struct gm_module *module, struct gm_module_watch *watch)
{
	struct gm_module_probes probes = {};
	struct gm_error *error = gm_module_read_probes(module, &probes);

	for (size_t i = 0; i < probes.count; i++)
		watch->missed += probes.items[i].missed;
	gm_module_probes_deinit(&probes);
	return error;
}

/* Of rows that begin with a pid. */
static void keep_own(void *rows, size_t *count, size_t row_bytes, pid_t pid)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		const char *row = (const char *)rows + i * row_bytes;

		if (*(const uint64_t *)row == (uint64_t)pid)
			memmove((char *)rows + kept++ * row_bytes, row, row_bytes);
	}
	*count = kept;
}

static struct gm_error *read_watch(struct gm_module *module, pid_t pid,
				   struct gm_module_watch *watch)
{
	struct gm_error *error = read_summary(module, pid, watch);

	if (error || !watch->watched)
		return error;
	error = gm_module_read_vmas(module, &watch->vmas);
	keep_own(watch->vmas.items, &watch->vmas.count, sizeof(*watch->vmas.items), pid);
	return error ?: read_missed(module, watch);
}

struct gm_error *gm_module_watch_read(pid_t pid, struct gm_module_watch *watch)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_error *error = gm_module_open(NULL, &module);

	*watch = (struct gm_module_watch){};
	if (!error)
		error = read_watch(module, pid, watch);
	if (!gm_module_is_not_ours(error))
		return error;
	gm_error_destroy(error);
	return NULL;
}

void gm_module_watch_deinit(struct gm_module_watch *watch)
{
	gm_module_vmas_deinit(&watch->vmas);
}

/* NULL where it is not there, not for us to read, or does not watch @pid. */
static struct gm_error *open_watching(pid_t pid, struct gm_module **module)
{
	struct gm_module_watch watch = {};
	struct gm_error *error = gm_module_open(NULL, module);

	if (!error)
		error = read_summary(*module, pid, &watch);
	if (!error && watch.watched)
		return NULL;
	gm_module_destroy(*module);
	*module = NULL;
	if (!gm_module_is_not_ours(error))
		return error;
	gm_error_destroy(error);
	return NULL;
}

struct gm_error *gm_module_watch_read_blocks(pid_t pid, struct gm_module_blocks *blocks)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_error *error = open_watching(pid, &module);

	*blocks = (struct gm_module_blocks){};
	if (module)
		error = gm_module_read_blocks(module, blocks);
	keep_own(blocks->items, &blocks->count, sizeof(*blocks->items), pid);
	return error;
}

struct gm_error *gm_module_watch_read_stacks(pid_t pid, struct gm_module_stacks *stacks)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_error *error = open_watching(pid, &module);

	*stacks = (struct gm_module_stacks){};
	if (module)
		error = gm_module_read_stacks(module, stacks);
	keep_own(stacks->items, &stacks->count, sizeof(*stacks->items), pid);
	return error;
}
