/* SPDX-License-Identifier: GPL-2.0 */
/* The ledger's records: how they lie in memory, how one is found and made. For ledger.c. */
#ifndef GOMEM_RECORDS_H
#define GOMEM_RECORDS_H

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ledger.h"

#define GOMEM_RECORDS_BLOCK_SHIFT 21 /* a huge page: the unit of every question about them */
#define GOMEM_RECORDS_BUCKET_BITS 12
#define GOMEM_RECORDS_BUCKETS BIT(GOMEM_RECORDS_BUCKET_BITS)
#define GOMEM_RECORDS_SLABS_MAX 127 /* just under 8 MiB in all */

/*
 * The counters of a record, by width. One that is full goes on in a new record of the
 * same position, so the narrow ones are those that are rarely counted.
 */
#define GOMEM_WIDE(X) X(faults) X(released) X(churn)
#define GOMEM_NARROW(X) \
	X(zero_faults)  \
	X(mthp_faults)  \
	X(huge_faults)  \
	X(fallbacks)    \
	X(cow)          \
	X(swapins)      \
	X(swapouts)     \
	X(splits)       \
	X(filled)       \
	X(migrated)     \
	X(releases)
#define GOMEM_TINY(X) X(collapses) X(refills)

#define GOMEM_MEMBER_WIDE(name) u32 name;
#define GOMEM_MEMBER_NARROW(name) u16 name;
#define GOMEM_MEMBER_TINY(name) u8 name;

/*
 * One cache line. @pos is the page address; its low bits, free in a page address, hold
 * the epoch, so that a reset makes every record stale at once. Times are 0 for never.
 * @last_release has a bit below the time, @last_huge enum gomem_huge_by in two.
 */
struct gomem_record {
	u64 pos;
	u32 next; /* an index, see gomem_records_next() */
	u32 first_fault;
	u32 last_fault;
	u32 last_release;
	u32 last_huge;

	GOMEM_WIDE(GOMEM_MEMBER_WIDE)
	GOMEM_NARROW(GOMEM_MEMBER_NARROW)
	GOMEM_TINY(GOMEM_MEMBER_TINY)
} __aligned(64);

/**
 * struct gomem_ledger - see ledger.h
 * @epoch: which records count, below PAGE_SIZE
 * @dropped: events that found no record
 * @unseen: pages
 * @lock: guards @free, @spare, @used and every insertion; taken in probe handlers
 * @free: records not in use, by their next
 * @spare: how many those are
 * @used: records of this epoch
 * @swept: no record is of an epoch before this one; it and @slabs are the worker's alone
 * @slab_count: how many of @slabs there are
 * @slabs: the records' memory
 * @last: per CPU, the record of the last fault: the next is likely to be its neighbour
 * @work: takes stale records back, gets more memory
 * @buckets: chains of records by block, as indices; 0 is the end
 */
struct gomem_ledger {
	unsigned int epoch;
	atomic64_t dropped;
	atomic64_t unseen;
	raw_spinlock_t lock;
	u32 free;
	unsigned long spare;
	unsigned long used;
	unsigned int swept;
	unsigned int slab_count;
	struct gomem_record *slabs[GOMEM_RECORDS_SLABS_MAX];
	struct gomem_record *__percpu *last;
	struct work_struct work;
	u32 buckets[GOMEM_RECORDS_BUCKETS];
};

/** gomem_records_page() - the page of the event that made it */
static inline unsigned long gomem_records_page(const struct gomem_record *record)
{
	return record->pos & PAGE_MASK;
}

/** gomem_records_epoch() - which reset of the ledger it comes after */
static inline unsigned int gomem_records_epoch(const struct gomem_record *record)
{
	return record->pos & ~PAGE_MASK;
}

/** gomem_records_is_at() - does it count for @addr in the VMA [@lo, @hi), in this @epoch? */
static __always_inline bool gomem_records_is_at(const struct gomem_record *record,
						unsigned long addr, unsigned long lo,
						unsigned long hi, unsigned int epoch)
{
	u64 pos = READ_ONCE(record->pos);
	unsigned long page = pos & PAGE_MASK;

	return (page ^ addr) >> GOMEM_RECORDS_BLOCK_SHIFT == 0 && page >= lo && page < hi &&
	       (pos & ~PAGE_MASK) == epoch;
}

/**
 * gomem_records_next() - the record that a bucket or a record links to, or NULL
 *
 * Called in a handler (preemption off), in an RCU read-side section or under the lock.
 */
struct gomem_record *gomem_records_next(const struct gomem_ledger *ledger, const u32 *link);

/** gomem_records_get() - the newest record of a place, made if need be; NULL when full */
struct gomem_record *gomem_records_get(struct gomem_ledger *ledger,
				       const struct gomem_place *place);

/** gomem_records_continue() - a record to go on in where @full is, unless there is one */
struct gomem_record *gomem_records_continue(struct gomem_ledger *ledger,
					    const struct gomem_place *place,
					    const struct gomem_record *full);

#endif /* GOMEM_RECORDS_H */
