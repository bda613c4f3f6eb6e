/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happened to a target, told once: to its counts, its ledger, the stack table and
 * the event stream. Hooks find out what happened; who wants to know is decided here.
 */
#ifndef GOMEM_EVENT_H
#define GOMEM_EVENT_H

#include <linux/mm_types.h>
#include <linux/percpu.h>

#include "gomem.h"
#include "ledger.h"
#include "stacks.h"
#include "stream.h"
#include "target.h"

/**
 * struct gomem_where - a place in a target's memory
 * @start: the range is [start, end)
 * @end: see @start
 * @lo: the start of the VMA it lies in, or 0 when that is not known
 * @hi: the end of that VMA, or ULONG_MAX
 */
struct gomem_where {
	unsigned long start;
	unsigned long end;
	unsigned long lo;
	unsigned long hi;
};

/** gomem_where_in() - [start, end) of @vma */
static __always_inline struct gomem_where gomem_where_in(const struct vm_area_struct *vma,
							 unsigned long start, unsigned long end)
{
	return (struct gomem_where){ start, end, vma->vm_start, vma->vm_end };
}

/** gomem_where_is() - [start, end), whatever VMA that is */
static __always_inline struct gomem_where gomem_where_is(unsigned long start, unsigned long end)
{
	return (struct gomem_where){ start, end, 0, ULONG_MAX };
}

/*
 * For all of these: called in probe handlers with preemption off, they never sleep and
 * never allocate. A kind whose column is kept by address (GOMEM_EVENT_COLUMNS) is
 * counted in the ledger where @where starts.
 */

/** gomem_event_tell() - who does not ask where it was: the sums, the stacks and the stream */
static __always_inline void gomem_event_tell(struct gomem_target *target, enum gomem_kind kind,
					     unsigned long start, unsigned long end, u64 bytes,
					     unsigned int order)
{
	struct gomem_target_sums __percpu *sums = target->sums;

	this_cpu_inc(sums->of[kind].count);
	this_cpu_add(sums->of[kind].bytes, bytes);
	gomem_stacks_note(target, kind, bytes);
	if (gomem_stream_wants(kind))
		gomem_stream_put(target->pid, kind, start, end, bytes, order);
}

/** gomem_event_zero_fault() - count that a fault found nothing and only reads */
void gomem_event_zero_fault(struct gomem_target *target, const struct vm_area_struct *vma,
			    unsigned long addr);

/**
 * gomem_event_fault() - current, or a remote on the target's behalf, takes a page fault
 * @kind: file_fault, anon_fault or zero_fault; or GOMEM_KINDS_MAX when it found the page there (a
 *	write to a protected page, a page in swap, a race): then only the fault counts
 * @vma: where
 * @addr: the page
 */
static __always_inline void gomem_event_fault(struct gomem_target *target, enum gomem_kind kind,
					      const struct vm_area_struct *vma, unsigned long addr)
{
	gomem_ledger_fault(target->ledger, addr, vma->vm_start, vma->vm_end,
			   kind == GOMEM_KIND_anon_fault);
	if (kind == GOMEM_KINDS_MAX)
		return;
	if (unlikely(kind == GOMEM_KIND_zero_fault))
		gomem_event_zero_fault(target, vma, addr);
	gomem_event_tell(target, kind, addr, addr + PAGE_SIZE, PAGE_SIZE, 0);
}

/**
 * gomem_event_note() - any other event
 * @bytes: see GOMEM_KINDS
 * @order: of the folio, or 0
 */
void gomem_event_note(struct gomem_target *target, enum gomem_kind kind,
		      const struct gomem_where *where, u64 bytes, unsigned int order);

/**
 * gomem_event_collapse() - 2 MiB became a huge page, by khugepaged or MADV_COLLAPSE
 * @filled: pages of it that were empty or the zero page
 */
void gomem_event_collapse(struct gomem_target *target, unsigned long start, unsigned int filled);

/**
 * gomem_event_zap() - [start, end) is unmapped to give it back
 * @pages: of it, resident and not given back before. The ledger was told, by 2 MiB
 *	(gomem_ledger_release())
 */
void gomem_event_zap(struct gomem_target *target, const struct gomem_where *where, u64 pages);

/** struct gomem_event_sum - events of one kind since attach, and their bytes */
struct gomem_event_sum {
	u64 count;
	u64 bytes;
};

/** gomem_event_sums() - add up what a target counted, [GOMEM_KINDS_MAX] by kind */
void gomem_event_sums(const struct gomem_target *target, struct gomem_event_sum *sums);

/** gomem_event_name() - the name of a kind, NULL for none */
const char *gomem_event_name(unsigned int kind);

#endif /* GOMEM_EVENT_H */
