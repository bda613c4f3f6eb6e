// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* strsep */
#include "os/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "os/cgroup.h"
#include "os/file.h"

#define SMALL_FILE_BYTES ((size_t)1 << 20)
#define THP "/sys/kernel/mm/transparent_hugepage/"

/* *@text stays as it is where @path cannot be read. */
static void read_small(const char *path, char **text)
{
	size_t size;

	gm_error_destroy(gm_file_read(path, SMALL_FILE_BYTES, text, &size));
}

static uint64_t read_number(const char *path)
{
	gm_autofree char *text = NULL;
	uint64_t value;

	read_small(path, &text);
	return text && sscanf(text, "%" SCNu64, &value) == 1 ? value : GM_UNKNOWN;
}

/* "always [madvise] never": the word in brackets. */
static void read_choice(const char *path, char *choice, size_t size)
{
	gm_autofree char *text = NULL;
	const char *open_;

	*choice = '\0';
	read_small(path, &text);
	open_ = text ? strchr(text, '[') : NULL;
	if (open_)
		snprintf(choice, size, "%.*s", (int)strcspn(open_ + 1, "]"), open_ + 1);
}

/* The number after @key, at the start of a line, and blanks; GM_UNKNOWN without. */
static uint64_t find_number(const char *text, const char *key)
{
	size_t length = strlen(key);
	uint64_t value;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && sscanf(line + length, "%" SCNu64, &value) == 1)
			return value;
	}
	return GM_UNKNOWN;
}

static uint64_t find_kb(const char *text, const char *key)
{
	uint64_t kb = find_number(text, key);

	return kb > UINT64_MAX / 1024 ? GM_UNKNOWN : kb * 1024;
}

static void read_vmstat(struct gm_host *host)
{
	gm_autofree char *text = NULL;

	read_small("/proc/vmstat", &text);
	host->thp_fault_alloc = find_number(text, "thp_fault_alloc ");
	host->thp_fault_fallback = find_number(text, "thp_fault_fallback ");
	host->thp_collapse_alloc = find_number(text, "thp_collapse_alloc ");
	host->thp_collapse_alloc_failed = find_number(text, "thp_collapse_alloc_failed ");
	host->thp_split_pmd = find_number(text, "thp_split_pmd ");
}

void gm_host_read(struct gm_host *host)
{
	gm_autofree char *meminfo = NULL;
	struct utsname uts;

	*host = (struct gm_host){};
	read_small("/proc/meminfo", &meminfo);
	if (!uname(&uts))
		snprintf(host->kernel, sizeof(host->kernel), "%s", uts.release);
	read_choice(THP "enabled", host->thp_enabled, sizeof(host->thp_enabled));
	read_choice(THP "defrag", host->thp_defrag, sizeof(host->thp_defrag));
	host->max_ptes_none = read_number(THP "khugepaged/max_ptes_none");
	host->pages_to_scan = read_number(THP "khugepaged/pages_to_scan");
	host->scan_sleep_ms = read_number(THP "khugepaged/scan_sleep_millisecs");
	host->khugepaged_defrag = read_number(THP "khugepaged/defrag");
	host->mem_total_bytes = find_kb(meminfo, "MemTotal:");
	host->mem_available_bytes = find_kb(meminfo, "MemAvailable:");
	read_vmstat(host);
}

void gm_host_unknown(struct gm_host *host)
{
	*host = (struct gm_host){
		.max_ptes_none = GM_UNKNOWN,
		.pages_to_scan = GM_UNKNOWN,
		.scan_sleep_ms = GM_UNKNOWN,
		.khugepaged_defrag = GM_UNKNOWN,
		.thp_fault_alloc = GM_UNKNOWN,
		.thp_fault_fallback = GM_UNKNOWN,
		.thp_collapse_alloc = GM_UNKNOWN,
		.thp_collapse_alloc_failed = GM_UNKNOWN,
		.thp_split_pmd = GM_UNKNOWN,
		.mem_total_bytes = GM_UNKNOWN,
		.mem_available_bytes = GM_UNKNOWN,
	};
}

/* Any program may set its name to terminal codes or half a character. */
static void copy_comm(char *comm, size_t size, const char *text)
{
	snprintf(comm, size, "%.*s", (int)strcspn(text, "\n"), text);
	for (; *comm; comm++) {
		if (*comm < ' ' || *comm > '~')
			*comm = '?';
	}
}

/* Field 22 of stat; fields are counted from the last ')', since comm may hold blanks. */
static uint64_t start_ticks(const char *stat)
{
	const char *end = strrchr(stat, ')');
	uint64_t ticks;

	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
			   "%*d %*d %*d %*d %" SCNu64,
			   &ticks) != 1)
		return GM_UNKNOWN;
	return ticks;
}

uint64_t gm_process_memory_bytes(pid_t pid)
{
	gm_autofree char *status = NULL;
	uint64_t rss, swap;
	size_t size;

	gm_error_destroy(gm_proc_read(pid, "status", SMALL_FILE_BYTES, &status, &size));
	rss = find_kb(status, "VmRSS:");
	swap = find_kb(status, "VmSwap:");
	return rss > GM_UNKNOWN - swap ? GM_UNKNOWN : rss + swap;
}

struct gm_error *gm_process_read(pid_t pid, struct gm_process *process)
{
	gm_autofree char *comm = NULL, *status = NULL, *stat = NULL;
	struct gm_error *error;
	size_t size;

	*process = (struct gm_process){};
	error = gm_proc_read(pid, "comm", SMALL_FILE_BYTES, &comm, &size);
	if (!error)
		error = gm_proc_read(pid, "status", SMALL_FILE_BYTES, &status, &size);
	if (!error)
		error = gm_proc_read(pid, "stat", SMALL_FILE_BYTES, &stat, &size);
	if (error)
		return error;
	copy_comm(process->comm, sizeof(process->comm), comm);
	process->vm_size_bytes = find_kb(status, "VmSize:");
	process->vm_rss_bytes = find_kb(status, "VmRSS:");
	process->threads = find_number(status, "Threads:");
	process->start_ticks = start_ticks(stat);
	gm_cgroup_memory(pid, &process->cgroup_current_bytes, &process->cgroup_max_bytes);
	return NULL;
}
