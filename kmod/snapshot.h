/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process's memory was at one look: a row per VMA, from a walk and the ledger.
 */
#ifndef GOMEM_SNAPSHOT_H
#define GOMEM_SNAPSHOT_H

#include <linux/kref.h>
#include <linux/list.h>

#include "ledger.h"
#include "vec.h"
#include "view.h"

/**
 * struct gomem_row - one VMA, or what was seen of it before it changed during the look
 * @start: its range is [start, end)
 * @end: see @start
 * @flags: vm_flags
 * @kind: "anon" and so on, see GOMEM_VMAS_COLUMNS
 * @name: path or name, raw; NULL if none. The snapshot's
 * @sizes: pages
 * @counts: the events of the records inside the range, never NULL. The snapshot's
 */
struct gomem_row {
	unsigned long start;
	unsigned long end;
	unsigned long flags;
	const char *kind;
	const char *name;
	struct gomem_tally sizes;
	struct gomem_counts *counts;
};

/**
 * struct gomem_snapshot - all rows and their sum
 * @ref: take and put with gomem_snapshot_get() and gomem_snapshot_put()
 * @rows: struct gomem_row, by address; see gomem_snapshot_row()
 * @sizes: the sum of the rows
 * @counts: the sum of all records, those outside of any VMA included
 * @ledger: what the ledger held
 * @seen_ns: when the look ended, CLOCK_MONOTONIC
 * @walk_ns: how long it took
 * @hold_ns: the longest time it held a lock
 * @counts_of_rows: the memory of the rows' counts
 * @names: the names' memory
 */
struct gomem_snapshot {
	struct kref ref;
	struct gomem_vec rows;
	struct gomem_tally sizes;
	struct gomem_counts counts;
	struct gomem_ledger_state ledger;
	u64 seen_ns;
	u64 walk_ns;
	u64 hold_ns;
	struct gomem_vec counts_of_rows;
	struct list_head names;
};

/**
 * gomem_snapshot_take() - look at a process
 * @mm: its memory, or NULL when that is gone: then there are no rows, only counts. The
 *	caller holds mm_users.
 * @ledger: its ledger
 *
 * May sleep. Return: a snapshot; -ENOMEM; -EINTR when killed; -EBUSY when its VMAs change faster
 * than they are looked at.
 */
struct gomem_snapshot *gomem_snapshot_take(struct mm_struct *mm, struct gomem_ledger *ledger);

/** gomem_snapshot_get() - one more reference */
static inline struct gomem_snapshot *gomem_snapshot_get(struct gomem_snapshot *snapshot)
{
	kref_get(&snapshot->ref);
	return snapshot;
}

/** gomem_snapshot_bytes() - the memory it takes */
size_t gomem_snapshot_bytes(const struct gomem_snapshot *snapshot);

/** gomem_snapshot_put() - one less; the last frees it. NULL is fine */
void gomem_snapshot_put(struct gomem_snapshot *snapshot);

/** gomem_snapshot_row() - the row at @index, or NULL past the last */
const struct gomem_row *gomem_snapshot_row(const struct gomem_snapshot *snapshot,
					   unsigned long index);

#endif /* GOMEM_SNAPSHOT_H */
