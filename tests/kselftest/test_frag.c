// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/gomem/frag against what the kernel says of itself: sysfs, /proc/vmstat,
 * /proc/buddyinfo, the indices of debugfs and VmPTE. The host moves on between two reads: what
 * is compared is read again until both agree, a few times.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib.h"
#include "memory.h"
#include "verbs.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define TRIES 20
#define VALUE_MAX 64

static struct target target;

/* The value of an item of @t, which is freed; false without one. */
static bool item_of(struct table *t, const char *scope, const char *name, char value[VALUE_MAX])
{
	bool found = false;
	int row;

	for (row = 0; row < t->rows && !found; row++) {
		found = !strcmp(table_str(t, row, "scope"), scope) &&
			!strcmp(table_str(t, row, "item"), name);
		if (found)
			snprintf(value, VALUE_MAX, "%s", table_str(t, row, "value"));
	}
	table_free(t);
	return found;
}

static bool item(const char *scope, const char *name, char value[VALUE_MAX])
{
	return item_of(table_read("frag"), scope, name, value);
}

/* What sysfs says of a setting, the word in brackets if there is one; false without the file. */
static bool sysfs(const char *name, char value[VALUE_MAX])
{
	char path[128], *text, *from, *to;

	snprintf(path, sizeof(path), THP "%s", name);
	text = file_read(path);
	if (!text)
		return false;
	from = strchr(text, '[');
	from = from ? from + 1 : text;
	to = strpbrk(from, "]\n");
	snprintf(value, VALUE_MAX, "%.*s", (int)(to ? to - from : (long)strlen(from)), from);
	free(text);
	return true;
}

static void check_setting(const char *name)
{
	char want[VALUE_MAX] = "none", got[VALUE_MAX] = "none";
	bool theirs = sysfs(name, want), ours = item("thp", name, got);

	tap_ok(theirs == ours && !strcmp(want, got), "%s: sysfs says %s, frag %s", name, want, got);
}

static void check_settings(void)
{
	static const char *const names[] = {
		"enabled",
		"defrag",
		"use_zero_page",
		"shmem_enabled",
		"hpage_pmd_size",
		"khugepaged/defrag",
		"khugepaged/max_ptes_none",
		"khugepaged/max_ptes_swap",
		"khugepaged/pages_to_scan",
		"khugepaged/scan_sleep_millisecs",
		"hugepages-64kB/enabled",
		"hugepages-2048kB/enabled",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		check_setting(names[i]);
	mm_set("transparent_hugepage/enabled", "never");
	check_setting("enabled");
	mm_set("transparent_hugepage/enabled", "madvise");
	check_setting("enabled");
}

/*
 * Who reads sees another file where the setting is: neither it nor who reads after it is told
 * what that says. The setting is read first, where it is.
 */
static void check_other_mounts(void)
{
	char want[VALUE_MAX] = "", got[VALUE_MAX] = "", seen[VALUE_MAX] = "";

	sysfs("enabled", want);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("/sys/kernel/mm/ksm/run", THP "enabled", NULL, MS_BIND, NULL))
		die("mounting over " THP "enabled failed: %s", strerror(errno));
	sysfs("enabled", seen);
	tap_ok(strcmp(want, seen), "a mount over enabled: sysfs said %s, there it says %s", want,
	       seen);
	item("thp", "enabled", got);
	tap_ok(!strcmp(want, got), "a mount over enabled: sysfs said %s, frag %s", want, got);
	umount(THP "enabled");
}

static void check_vmstat(const char *name)
{
	char value[VALUE_MAX] = "none";
	long want = -1, got = -2;
	int try;

	for (try = 0; try < TRIES && got != want; try++) {
		want = vmstat(name);
		got = item("vmstat", name, value) ? atol(value) : -2;
	}
	tap_eq(want, "/proc/vmstat", got, "frag", "%s", name);
}

/* Field @order (0 the first) of the line of @zone in a file like /proc/buddyinfo. */
static bool zone_field(const char *path, const char *zone, int order, char value[VALUE_MAX])
{
	char *text = file_read(path), *line, *save, *field = NULL, *rest, name[32];
	int i;

	if (!text)
		die("cannot read %s", path);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "Node 0, zone %31s", name) != 1 || strcmp(name, zone))
			continue;
		rest = strstr(line, zone) + strlen(zone);
		for (i = 0; i <= order; i++, rest = NULL)
			field = strtok_r(rest, " ", &line);
		snprintf(value, VALUE_MAX, "%s", field ? field : "");
		break;
	}
	free(text);
	return field;
}

/*
 * A reader of frag has a block of some order for its text until it closes the file: what the
 * kernel says is read before that.
 */
static void check_zone(const char *path, const char *name, int order)
{
	char scope[32], want[VALUE_MAX] = "none", got[VALUE_MAX] = "";
	int try, fd;

	snprintf(scope, sizeof(scope), "node0/DMA32/order%d", order);
	for (try = 0; try < TRIES && strcmp(want, got); try++) {
		fd = open("/proc/gomem/frag", O_RDONLY);
		if (fd < 0 || !item_of(table_from(fd, "frag"), scope, name, got) ||
		    !zone_field(path, "DMA32", order, want))
			die("no %s of order %d in %s or frag", name, order, path);
		close(fd);
	}
	tap_ok(!strcmp(want, got), "%s %s: %s says %s, frag %s", scope, name, path, want, got);
}

static void check_zones(void)
{
	static const int orders[] = { 0, 3, 9, 10 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		check_zone("/proc/buddyinfo", "free", orders[i]);
		check_zone("/sys/kernel/debug/extfrag/extfrag_index", "extfrag", orders[i]);
		check_zone("/sys/kernel/debug/extfrag/unusable_index", "unusable", orders[i]);
	}
}

static void check_target(void)
{
	long p = target_call(&target, do_map, 64 * HUGE, 0, 0);
	char scope[32], path[64], value[VALUE_MAX] = "none", *status, *line;

	target_call(&target, do_touch, p, 64 * HUGE, HUGE);
	snprintf(scope, sizeof(scope), "pid%d", target.pid);
	snprintf(path, sizeof(path), "/proc/%d/status", target.pid);
	status = file_read(path);
	line = status ? strstr(status, "VmPTE:") : NULL;
	if (!line)
		die("%s has no VmPTE", path);
	item(scope, "page_tables", value);
	tap_eq(atol(line + 6), "VmPTE", atol(value), "frag", "page tables (kB)");
	free(status);

	p = target_call(&target, do_map, 3 * HUGE, MADV_HUGEPAGE, 0);
	target_call(&target, do_touch, p, 3 * HUGE, HUGE);
	item(scope, "thp_fault_alloc", value);
	tap_ok(atol(value) == 3, "huge pages since it was attached: 3 by construction, %s", value);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	target = target_start();
	gomem_add(target.pid);

	check_settings();
	check_other_mounts();
	check_vmstat("thp_fault_alloc");
	check_vmstat("compact_stall");
	check_vmstat("pgmigrate_success");
	check_vmstat("thp_split_pmd");
	check_zones();
	check_target();

	target_exit(&target);
	module_unload();
	return tap_done();
}
