/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory cgroup of a process, version 1 or 2. */
#ifndef GM_OS_CGROUP_H
#define GM_OS_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

/* Bytes charged and the limit, of that level on the way up to the root which has the least
 * room left; where none has a limit, of the lowest. GM_UNKNOWN where there is no cgroup, it
 * is not visible from here, or there is no limit.
 */
void gm_cgroup_memory(pid_t pid, uint64_t *current_bytes, uint64_t *max_bytes);

#endif
