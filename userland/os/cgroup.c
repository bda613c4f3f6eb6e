// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* strsep */
#include "os/cgroup.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "os/file.h"
#include "os/host.h"

#define CGROUP_FILE_BYTES ((size_t)1 << 16)
/* Version 1 has no word for "no limit": it is LONG_MAX rounded down to a page. */
#define V1_NO_LIMIT ((uint64_t)LONG_MAX / 4096 * 4096)

struct hierarchy {
	const char *mount;
	const char *current_file;
	const char *max_file;
};

static const struct hierarchy v1 = { "/sys/fs/cgroup/memory", "memory.usage_in_bytes",
				     "memory.limit_in_bytes" };
static const struct hierarchy v2 = { "/sys/fs/cgroup", "memory.current", "memory.max" };

static uint64_t read_bytes(const struct hierarchy *hierarchy, const char *group, const char *file)
{
	gm_autofree char *text = NULL;
	char path[PATH_MAX];
	uint64_t value;
	size_t size;
	int length;

	length = snprintf(path, sizeof(path), "%s%s/%s", hierarchy->mount, group, file);
	if (length >= (int)sizeof(path))
		return GM_UNKNOWN;
	gm_error_destroy(gm_file_read(path, CGROUP_FILE_BYTES, &text, &size));
	if (!text || sscanf(text, "%" SCNu64, &value) != 1)
		return GM_UNKNOWN;
	return value >= V1_NO_LIMIT ? GM_UNKNOWN : value;
}

static bool names_memory(char *controllers)
{
	char *name;

	while ((name = strsep(&controllers, ","))) {
		if (!strcmp(name, "memory"))
			return true;
	}
	return false;
}

/* "0::/path" in version 2, "7:memory:/path" in version 1, cgroups(7); the memory
 * controller sits in one of them, and where both show, in version 1.
 */
static const struct hierarchy *find_group(char *text, char **group)
{
	const struct hierarchy *found = NULL;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		char *id = strsep(&line, ":"), *controllers = strsep(&line, ":");

		if (!line)
			continue;
		if (!found && !strcmp(id, "0") && !*controllers) {
			found = &v2;
			*group = line;
		} else if (names_memory(controllers)) {
			found = &v1;
			*group = line;
		}
	}
	return found;
}

/* What one level uses, and may use at most. */
struct level {
	uint64_t current;
	uint64_t max;
};

static bool limited(const struct level *level)
{
	return level->current != GM_UNKNOWN && level->max != GM_UNKNOWN;
}

/* Bytes until the limit. */
static uint64_t room(const struct level *level)
{
	return level->max > level->current ? level->max - level->current : 0;
}

/* A limit on any level binds; of those the one that will be reached first. Without any, the
 * lowest level. @group is cut up.
 */
static struct level tightest(const struct hierarchy *hierarchy, char *group)
{
	struct level tightest = { GM_UNKNOWN, GM_UNKNOWN };
	char *slash;

	do {
		struct level level = {
			.current = read_bytes(hierarchy, group, hierarchy->current_file),
			.max = read_bytes(hierarchy, group, hierarchy->max_file),
		};

		if (tightest.current == GM_UNKNOWN ||
		    (limited(&level) && (!limited(&tightest) || room(&level) < room(&tightest))))
			tightest = level;
		slash = strrchr(group, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return tightest;
}

void gm_cgroup_memory(pid_t pid, uint64_t *current_bytes, uint64_t *max_bytes)
{
	struct level level = { GM_UNKNOWN, GM_UNKNOWN };
	const struct hierarchy *hierarchy;
	gm_autofree char *text = NULL;
	char *group;
	size_t size;

	gm_error_destroy(gm_proc_read(pid, "cgroup", CGROUP_FILE_BYTES, &text, &size));
	hierarchy = text ? find_group(text, &group) : NULL;
	if (hierarchy)
		level = tightest(hierarchy, group);
	*current_bytes = level.current;
	*max_bytes = level.max;
}
