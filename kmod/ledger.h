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

#define X(name, type) GOMEM_EVENT_##name,
/** enum gomem_event - the events of GOMEM_EVENT_COLUMNS, released counted in pages */
enum gomem_event { GOMEM_EVENT_COLUMNS(X) GOMEM_EVENTS };
#undef X

/** struct gomem_counts - how often each event happened */
struct gomem_counts {
	u64 of[GOMEM_EVENTS];
};

/**
 * struct gomem_ledger_state - how complete the counts are
 * @records: records in use
 * @dropped: events lost, the ledger being full
 * @unseen: pages of released address space that no one looked at
 */
struct gomem_ledger_state {
	u64 records;
	u64 dropped;
	u64 unseen;
};

struct gomem_ledger;

/** gomem_ledger_create() - an empty ledger, about 100 KiB; NULL without memory */
struct gomem_ledger *gomem_ledger_create(void);

/** gomem_ledger_destroy() - free it; no one may use it any more. May sleep; NULL is fine */
void gomem_ledger_destroy(struct gomem_ledger *ledger);

/**
 * gomem_ledger_count() - an event happened
 * @ledger: where to count
 * @addr: where it happened
 * @lo: the start of the VMA, or 0 when any record of the block will do
 * @hi: the end of the VMA, or ULONG_MAX
 * @event: what happened
 * @n: how often
 *
 * For probe handlers: never sleeps, never allocates. The caller is in an RCU read-side
 * section or has preemption off. A full ledger drops the event and counts that.
 */
void gomem_ledger_count(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
			unsigned long hi, enum gomem_event event, unsigned int n);

/** gomem_ledger_add_unseen() - so many pages were released unseen; for probe handlers */
void gomem_ledger_add_unseen(struct gomem_ledger *ledger, unsigned long pages);

/** gomem_ledger_reset() - forget everything; for probe handlers as well */
void gomem_ledger_reset(struct gomem_ledger *ledger);

/** typedef gomem_ledger_fn - gets the position of a record and what it counted */
typedef void (*gomem_ledger_fn)(void *arg, unsigned long pos, const struct gomem_counts *counts);

/**
 * gomem_ledger_read() - call @each with the position and counts of every record
 *
 * In no order. May sleep between calls; @each may not. Events go on meanwhile: each
 * counter is read once, so a sum is what was counted at some moment of the read.
 */
void gomem_ledger_read(struct gomem_ledger *ledger, gomem_ledger_fn each, void *arg,
		       struct gomem_ledger_state *state);

#endif /* GOMEM_LEDGER_H */
