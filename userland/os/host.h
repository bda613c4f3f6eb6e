/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the host and of a process that verdicts need beside the pages. */
#ifndef GM_OS_HOST_H
#define GM_OS_HOST_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* The kernel does not say, or has no such thing. */
#define GM_UNKNOWN UINT64_MAX

/**
 * struct gm_host - the host's settings and counters; a string is "" and a number
 * GM_UNKNOWN where the kernel has none
 * @kernel: release, as uname -r
 * @thp_enabled: always, madvise or never; @thp_defrag: the word in use
 * @max_ptes_none: absent or zero pages of 512 that khugepaged may fill, default 511
 * @pages_to_scan, @scan_sleep_ms: so many 4 KiB pages, then so long a pause
 * @khugepaged_defrag: 1 where khugepaged may compact and reclaim to get a huge page
 * @thp_fault_alloc and on: /proc/vmstat, counted since boot
 */
struct gm_host {
	char kernel[65];
	char thp_enabled[16];
	char thp_defrag[16];
	uint64_t max_ptes_none;
	uint64_t pages_to_scan;
	uint64_t scan_sleep_ms;
	uint64_t khugepaged_defrag;
	uint64_t thp_fault_alloc;
	uint64_t thp_fault_fallback;
	uint64_t thp_collapse_alloc;
	uint64_t thp_collapse_alloc_failed;
	uint64_t thp_split_pmd;
	uint64_t mem_total_bytes;
	uint64_t mem_available_bytes;
};

/* Never fails: what cannot be read is unknown. */
void gm_host_read(struct gm_host *host);

/* A host of which nothing is known. */
void gm_host_unknown(struct gm_host *host);

/**
 * struct gm_process - what /proc/PID says of a process, beside its memory map
 * @comm: control characters and non-ASCII bytes replaced by '?'
 * @start_ticks: since boot; with the pid it tells a process from a later one
 * @cgroup_current_bytes, @cgroup_max_bytes: of its memory cgroup, v1 or v2;
 *	GM_UNKNOWN where there is none, and for no limit
 */
struct gm_process {
	char comm[64];
	uint64_t vm_size_bytes;
	uint64_t vm_rss_bytes;
	uint64_t threads;
	uint64_t start_ticks;
	uint64_t cgroup_current_bytes;
	uint64_t cgroup_max_bytes;
};

/* Resident and swapped out, GM_UNKNOWN where it does not say. */
uint64_t gm_process_memory_bytes(pid_t pid);

/* ESRCH where it is gone. */
struct gm_error *gm_process_read(pid_t pid, struct gm_process *process) GM_MUST_CHECK;

#endif
