// SPDX-License-Identifier: GPL-2.0
#include "frag.h"

#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#include "compat/compat.h"
#include "setting.h"
#include "target.h"

#define SCOPE_MAX 48
#define VALUE_MAX 24

static const char *const settings[] = {
	"enabled",
	"defrag",
	"use_zero_page",
	"shmem_enabled",
	"hpage_pmd_size",
	"khugepaged/defrag",
	"khugepaged/max_ptes_none",
	"khugepaged/max_ptes_swap",
	"khugepaged/max_ptes_shared",
	"khugepaged/pages_to_scan",
	"khugepaged/scan_sleep_millisecs",
	"khugepaged/alloc_sleep_millisecs",
	"khugepaged/pages_collapsed",
	"khugepaged/full_scans",
};

/* Those, and one for each size of a huge page */
#define SETTINGS (ARRAY_SIZE(settings) + HPAGE_PMD_ORDER)

#define VM_EVENTS(X)                                            \
	X(thp_fault_alloc, THP_FAULT_ALLOC)                     \
	X(thp_fault_fallback, THP_FAULT_FALLBACK)               \
	X(thp_collapse_alloc, THP_COLLAPSE_ALLOC)               \
	X(thp_collapse_alloc_failed, THP_COLLAPSE_ALLOC_FAILED) \
	X(thp_split_page, THP_SPLIT_PAGE)                       \
	X(thp_split_page_failed, THP_SPLIT_PAGE_FAILED)         \
	X(thp_deferred_split_page, THP_DEFERRED_SPLIT_PAGE)     \
	X(thp_split_pmd, THP_SPLIT_PMD)                         \
	X(thp_swpout, THP_SWPOUT)                               \
	X(thp_swpout_fallback, THP_SWPOUT_FALLBACK)             \
	X(compact_migrate_scanned, COMPACTMIGRATE_SCANNED)      \
	X(compact_free_scanned, COMPACTFREE_SCANNED)            \
	X(compact_isolated, COMPACTISOLATED)                    \
	X(compact_stall, COMPACTSTALL)                          \
	X(compact_fail, COMPACTFAIL)                            \
	X(compact_success, COMPACTSUCCESS)                      \
	X(compact_daemon_wake, KCOMPACTD_WAKE)                  \
	X(pgmigrate_success, PGMIGRATE_SUCCESS)                 \
	X(pgmigrate_fail, PGMIGRATE_FAIL)

/* The names of /proc/vmstat. */
static const struct {
	const char *name;
	enum vm_event_item event;
} vm_events[] = {
#define VM_EVENT(name, event) { #name, event },
	VM_EVENTS(VM_EVENT)
};

struct teller {
	gomem_frag_fn each;
	void *arg;
	const char *scope;
};

static void tell_number(const struct teller *teller, const char *item, u64 number)
{
	char value[VALUE_MAX];

	snprintf(value, sizeof(value), "%llu", number);
	teller->each(teller->arg, teller->scope, item, value);
}

/* An index of vmstat: thousandths, -1000 where it has no meaning. */
static void tell_index(const struct teller *teller, const char *item, int index)
{
	char value[VALUE_MAX];

	snprintf(value, sizeof(value), "%s%d.%03d", index < 0 ? "-" : "", abs(index) / 1000,
		 abs(index) % 1000);
	teller->each(teller->arg, teller->scope, item, value);
}

/**
 * struct buddy - what a zone has for an order
 * @pages: free pages
 * @blocks: free blocks of any order
 * @suitable: blocks of the order that the free blocks hold
 */
struct buddy {
	u64 pages;
	u64 blocks;
	u64 suitable;
};

/* The free lists without the zone's lock, as they pass by. */
static struct buddy buddy_of(const struct zone *zone, unsigned int order)
{
	struct buddy buddy = {};
	unsigned int i;

	for (i = 0; i < NR_PAGE_ORDERS; i++) {
		u64 blocks = READ_ONCE(zone->free_area[i].nr_free);

		buddy.blocks += blocks;
		buddy.pages += blocks << i;
		if (i >= order)
			buddy.suitable += blocks << (i - order);
	}
	return buddy;
}

/*
 * __fragmentation_index() of mm/vmstat.c: would an allocation fail for want of memory
 * (towards 0) or because it is fragmented (towards 1)? -1: it would not fail.
 */
static int extfrag_index(const struct buddy *buddy, unsigned int order)
{
	u64 requested = 1ULL << order;

	if (!buddy->blocks)
		return 0;
	if (buddy->suitable)
		return -1000;
	return 1000 -
	       (int)div64_u64(1000 + div64_u64(buddy->pages * 1000, requested), buddy->blocks);
}

/* unusable_free_index() of mm/vmstat.c: the share of free memory in smaller blocks. */
static int unusable_index(const struct buddy *buddy, unsigned int order)
{
	if (!buddy->pages)
		return 1000;
	return div64_u64((buddy->pages - (buddy->suitable << order)) * 1000, buddy->pages);
}

static void tell_order(struct teller *teller, const struct zone *zone, unsigned int order)
{
	const struct buddy buddy = buddy_of(zone, order);

	tell_number(teller, "free", READ_ONCE(zone->free_area[order].nr_free));
	tell_index(teller, "extfrag", extfrag_index(&buddy, order));
	tell_index(teller, "unusable", unusable_index(&buddy, order));
}

static void tell_zone(struct teller *teller, int nid, const struct zone *zone)
{
	char scope[SCOPE_MAX];
	unsigned int order;

	teller->scope = scope;
	for (order = 0; order < NR_PAGE_ORDERS; order++) {
		snprintf(scope, sizeof(scope), "node%d/%s/order%u", nid, zone->name, order);
		tell_order(teller, zone, order);
	}
}

static void tell_zones(struct teller *teller)
{
	unsigned int i;
	int nid;

	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[i];

			if (populated_zone(zone))
				tell_zone(teller, nid, zone);
		}
	}
}

static void name_setting(unsigned int i, char name[GOMEM_SETTING_MAX])
{
	if (i < ARRAY_SIZE(settings))
		strscpy(name, settings[i], GOMEM_SETTING_MAX);
	else
		snprintf(name, GOMEM_SETTING_MAX, "hugepages-%lukB/enabled",
			 PAGE_SIZE >> 10 << (i - ARRAY_SIZE(settings) + 1));
}

/* A kernel without the setting has no row for it. */
static void tell_settings(struct teller *teller)
{
	char name[GOMEM_SETTING_MAX], value[GOMEM_SETTING_MAX];
	unsigned int i;

	teller->scope = "thp";
	for (i = 0; i < SETTINGS; i++) {
		name_setting(i, name);
		if (!gomem_setting_read(name, value) && *value)
			teller->each(teller->arg, teller->scope, name, value);
	}
}

static void tell_events(struct teller *teller, const unsigned long *since)
{
	unsigned long *now = kmalloc_array(NR_VM_EVENT_ITEMS, sizeof(*now), GFP_KERNEL);
	unsigned int i;

	if (!now)
		return;
	all_vm_events(now);
	for (i = 0; i < ARRAY_SIZE(vm_events); i++) {
		enum vm_event_item event = vm_events[i].event;

		tell_number(teller, vm_events[i].name, now[event] - (since ? since[i] : 0));
	}
	kfree(now);
}

void gomem_frag_host(gomem_frag_fn each, void *arg)
{
	struct teller teller = { each, arg };

	tell_settings(&teller);
	teller.scope = "vmstat";
	tell_events(&teller, NULL);
	tell_zones(&teller);
}

static void tell_page_tables(const struct teller *teller, struct gomem_target *target)
{
	struct mm_struct *mm = gomem_target_mm(target);

	if (!mm)
		return;
	tell_number(teller, "page_tables", mm_pgtables_bytes(mm) >> 10);
	mmput(mm);
}

void gomem_frag_target(struct gomem_target *target, const char *scope, gomem_frag_fn each,
		       void *arg)
{
	struct teller teller = { each, arg, scope };

	tell_page_tables(&teller, target);
	if (target->vm_events)
		tell_events(&teller, target->vm_events);
}

int gomem_frag_attach(struct gomem_target *target)
{
	unsigned long *all, *since;
	unsigned int i;

	if (target->vm_events)
		return 0;
	all = kmalloc_array(NR_VM_EVENT_ITEMS, sizeof(*all), GFP_KERNEL);
	since = kmalloc_array(ARRAY_SIZE(vm_events), sizeof(*since), GFP_KERNEL);
	if (!all || !since) {
		kfree(all);
		kfree(since);
		return -ENOMEM;
	}
	all_vm_events(all);
	for (i = 0; i < ARRAY_SIZE(vm_events); i++)
		since[i] = all[vm_events[i].event];
	kfree(all);
	target->vm_events = since;
	return 0;
}
