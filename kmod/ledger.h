/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Remember: counters by address.
 *
 * A ledger holds one small record per 2 MiB of address space and VMA that ever had an
 * event. A record has a position, the page of the event that made it, and belongs to
 * whatever VMA contains that position: an event goes to a record of its block that lies
 * inside its VMA, else it makes one. So the counts of two VMAs that share a block are
 * told apart, and no hook has to follow VMAs as they split, merge and grow.
 */
#ifndef GOMEM_LEDGER_H
#define GOMEM_LEDGER_H

#include <linux/types.h>

#include "gomem.h"

#define GOMEM_COUNT_MEMBER(name, type) GOMEM_COUNT_##name,
/**
 * enum gomem_counter - the counters of GOMEM_EVENT_COLUMNS
 *
 * Those whose column is in kB (swapouts, filled, migrated, released, churn) count pages.
 */
enum gomem_counter { GOMEM_EVENT_COLUMNS(GOMEM_COUNT_MEMBER) GOMEM_COUNTERS };
#undef GOMEM_COUNT_MEMBER

/** enum gomem_huge_by - who made 2 MiB a huge page */
enum gomem_huge_by {
	GOMEM_HUGE_BY_NONE,
	GOMEM_HUGE_BY_FAULT,
	GOMEM_HUGE_BY_KHUGEPAGED,
	GOMEM_HUGE_BY_MADVISE,
};

/** struct gomem_counts - how often each event happened */
struct gomem_counts {
	u64 of[GOMEM_COUNTERS];
};

/** gomem_counts_add() - add @counts to @sum */
static inline void gomem_counts_add(struct gomem_counts *sum, const struct gomem_counts *counts)
{
#define GOMEM_COUNTS_ADD(name, type) sum->of[GOMEM_COUNT_##name] += counts->of[GOMEM_COUNT_##name];
	GOMEM_EVENT_COLUMNS(GOMEM_COUNTS_ADD)
#undef GOMEM_COUNTS_ADD
}

/**
 * struct gomem_history - when things happened last, milliseconds ago in steps of 64 jiffies
 * @first_fault: U64_MAX for never, as for the others
 * @last_fault: see @first_fault
 * @last_release: see @first_fault
 * @last_huge: when it became a huge page
 * @by: who made it one
 */
struct gomem_history {
	u64 first_fault;
	u64 last_fault;
	u64 last_release;
	u64 last_huge;
	enum gomem_huge_by by;
};

/**
 * struct gomem_ledger_state - how complete the counts are
 * @bytes: memory it takes
 * @records: records in use
 * @dropped: events lost, the ledger being full
 * @unseen: pages of released address space that no one looked at
 */
struct gomem_ledger_state {
	u64 bytes;
	u64 records;
	u64 dropped;
	u64 unseen;
};

struct gomem_ledger;

/** gomem_ledger_create() - an empty ledger, about 80 KiB; NULL without memory */
struct gomem_ledger *gomem_ledger_create(void);

/** gomem_ledger_destroy() - free it; no one may use it any more. May sleep; NULL is fine */
void gomem_ledger_destroy(struct gomem_ledger *ledger);

/**
 * struct gomem_place - where something is to be counted
 * @addr: the address
 * @lo: the start of the VMA, or 0 when any record of the block will do
 * @hi: the end of the VMA, or ULONG_MAX
 */
struct gomem_place {
	unsigned long addr;
	unsigned long lo;
	unsigned long hi;
};

/*
 * For probe handlers: these never sleep and never allocate. The caller is in an RCU
 * read-side section or has preemption off. A full ledger drops the event and counts that.
 */

/** gomem_ledger_count() - it happened @n times */
void gomem_ledger_count(struct gomem_ledger *ledger, const struct gomem_place *place,
			enum gomem_counter counter, unsigned int n);

/** gomem_ledger_fault() - a fault at @addr of a VMA [@lo, @hi); does it bring in a page? */
void gomem_ledger_fault(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
			unsigned long hi, bool fills);

/** gomem_ledger_more() - the fault that was told of brings in so many @pages more */
void gomem_ledger_more(struct gomem_ledger *ledger, const struct gomem_place *place,
		       unsigned int pages);

/** gomem_ledger_release() - @pages that were resident are given back */
void gomem_ledger_release(struct gomem_ledger *ledger, const struct gomem_place *place,
			  unsigned int pages);

/**
 * gomem_ledger_huge() - the block becomes a huge page
 * @by: who does it
 * @filled: pages that become resident by that
 */
void gomem_ledger_huge(struct gomem_ledger *ledger, const struct gomem_place *place,
		       enum gomem_huge_by by, unsigned int filled);

/** gomem_ledger_add_unseen() - so many pages were released unseen */
void gomem_ledger_add_unseen(struct gomem_ledger *ledger, unsigned long pages);

/** gomem_ledger_reset() - forget everything */
void gomem_ledger_reset(struct gomem_ledger *ledger);

struct gomem_record;

/**
 * typedef gomem_ledger_fn - gets a record: its position, and the record to ask
 *
 * A position may have several records, whose counts add up.
 */
typedef void (*gomem_ledger_fn)(void *arg, unsigned long pos, const struct gomem_record *record);

/**
 * gomem_ledger_read() - call @each with every record
 *
 * In no order. May sleep between calls; @each may not. Events go on meanwhile: when each
 * record is added once, a sum is what was counted at some moment of the read.
 */
void gomem_ledger_read(struct gomem_ledger *ledger, gomem_ledger_fn each, void *arg,
		       struct gomem_ledger_state *state);

/** gomem_ledger_add() - add what the record counted to @sum; for a gomem_ledger_fn */
void gomem_ledger_add(const struct gomem_record *record, struct gomem_counts *sum);

/** gomem_ledger_history() - when things happened to the record; for a gomem_ledger_fn */
struct gomem_history gomem_ledger_history(const struct gomem_record *record);

/** gomem_ledger_state() - how it is now */
struct gomem_ledger_state gomem_ledger_state(struct gomem_ledger *ledger);

#endif /* GOMEM_LEDGER_H */
