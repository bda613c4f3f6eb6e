// SPDX-License-Identifier: GPL-2.0
#include "event.h"

#include <linux/kprobes.h>

#define NAME(name) #name,
static const char *const names[] = { GOMEM_KINDS(NAME) };

const char *gomem_event_name(unsigned int kind)
{
	return kind < GOMEM_KINDS_MAX ? names[kind] : NULL;
}

/* Kinds that are counted by address: once each, or as often as they have pages. */
static const struct {
	u8 counter;
	bool by_page;
} counters[] = {
	[GOMEM_KIND_mthp_fault] = { GOMEM_COUNT_mthp_faults },
	[GOMEM_KIND_fallback] = { GOMEM_COUNT_fallbacks },
	[GOMEM_KIND_zero_fault] = { GOMEM_COUNT_zero_faults },
	[GOMEM_KIND_cow] = { GOMEM_COUNT_cow },
	[GOMEM_KIND_swapin] = { GOMEM_COUNT_swapins },
	[GOMEM_KIND_swapout] = { GOMEM_COUNT_swapouts, true },
	[GOMEM_KIND_pmd_split] = { GOMEM_COUNT_splits },
	[GOMEM_KIND_migrate] = { GOMEM_COUNT_migrated, true },
	[GOMEM_KINDS_MAX] = {},
};

/* The counter 0, faults, has a function of its own, gomem_event_fault(). */
static_assert(GOMEM_COUNT_faults == 0);

static struct gomem_place place_of(const struct gomem_where *where)
{
	return (struct gomem_place){ where->start, where->lo, where->hi };
}

void gomem_event_zero_fault(struct gomem_target *target, const struct vm_area_struct *vma,
			    unsigned long addr)
{
	const struct gomem_place place = { addr, vma->vm_start, vma->vm_end };

	gomem_ledger_count(target->ledger, &place, GOMEM_COUNT_zero_faults, 1);
}

NOKPROBE_SYMBOL(gomem_event_zero_fault);

static void count_by_address(struct gomem_target *target, enum gomem_kind kind,
			     const struct gomem_where *where, u64 bytes)
{
	const struct gomem_place place = place_of(where);

	if (kind == GOMEM_KIND_huge_fault)
		gomem_ledger_huge(target->ledger, &place, GOMEM_HUGE_BY_FAULT, HPAGE_PMD_NR - 1);
	else if (counters[kind].counter)
		gomem_ledger_count(target->ledger, &place, counters[kind].counter,
				   counters[kind].by_page ? bytes >> PAGE_SHIFT : 1);
	if (kind == GOMEM_KIND_mthp_fault)
		gomem_ledger_more(target->ledger, &place, (bytes >> PAGE_SHIFT) - 1);
}

NOKPROBE_SYMBOL(count_by_address);

void gomem_event_note(struct gomem_target *target, enum gomem_kind kind,
		      const struct gomem_where *where, u64 bytes, unsigned int order)
{
	count_by_address(target, kind, where, bytes);
	gomem_event_tell(target, kind, where->start, where->end, bytes, order);
}

NOKPROBE_SYMBOL(gomem_event_note);

void gomem_event_collapse(struct gomem_target *target, unsigned long start, unsigned int filled)
{
	const struct gomem_where where = gomem_where_is(start, start + HPAGE_PMD_SIZE);
	const struct gomem_place place = place_of(&where);
	bool is_madvise = !(current->flags & PF_KTHREAD);

	gomem_ledger_huge(target->ledger, &place,
			  is_madvise ? GOMEM_HUGE_BY_MADVISE : GOMEM_HUGE_BY_KHUGEPAGED, filled);
	gomem_event_tell(target, GOMEM_KIND_collapse, where.start, where.end,
			 (u64)filled << PAGE_SHIFT, HPAGE_PMD_ORDER);
}

NOKPROBE_SYMBOL(gomem_event_collapse);

void gomem_event_zap(struct gomem_target *target, const struct gomem_where *where, u64 pages)
{
	gomem_event_tell(target, GOMEM_KIND_zap, where->start, where->end, pages << PAGE_SHIFT, 0);
}

NOKPROBE_SYMBOL(gomem_event_zap);

void gomem_event_sums(const struct gomem_target *target, struct gomem_event_sum *sums)
{
	const struct gomem_target_sums *of_cpu;
	unsigned int cpu, kind;

	memset(sums, 0, GOMEM_KINDS_MAX * sizeof(*sums));
	for_each_possible_cpu(cpu) {
		of_cpu = per_cpu_ptr(target->sums, cpu);
		for (kind = 0; kind < GOMEM_KINDS_MAX; kind++) {
			sums[kind].count += READ_ONCE(of_cpu->of[kind].count);
			sums[kind].bytes += READ_ONCE(of_cpu->of[kind].bytes);
		}
	}
}
