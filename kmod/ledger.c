// SPDX-License-Identifier: GPL-2.0
#include "ledger.h"

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#define BLOCK_SHIFT 21 /* a huge page: the unit of every question about them */
#define BUCKETS 4096
#define SLAB_RECORDS 1024 /* what a fault storm may take before the worker runs */
#define SLABS_MAX 127 /* just under 8 MiB in all */

/*
 * One cache line. @pos is the page address; its low bits, free in a page address, hold
 * the epoch, so that a reset makes every record stale at once.
 */
struct record {
	struct record __rcu *next;
	u64 pos;
	atomic64_t faults;
	atomic_t rest[GOMEM_EVENTS - 1];
} __aligned(64);

static_assert(sizeof(struct record) == 64);
static_assert(GOMEM_EVENT_faults == 0);

/**
 * struct gomem_ledger - see ledger.h
 * @epoch: which records count, below PAGE_SIZE
 * @dropped: events that found no record
 * @unseen: pages
 * @lock: guards @free, @spare, @used and every insertion; taken in probe handlers
 * @free: records not in use, by @next
 * @spare: how many those are
 * @used: records of this epoch
 * @swept: no record is of an epoch before this one; it and @slabs are the worker's alone
 * @slab_count: how many of @slabs there are
 * @slabs: the records' memory
 * @work: takes stale records back, gets more memory
 * @buckets: chains of records by block
 */
struct gomem_ledger {
	unsigned int epoch;
	atomic64_t dropped;
	atomic64_t unseen;
	raw_spinlock_t lock;
	struct record *free;
	unsigned long spare;
	unsigned long used;
	unsigned int swept;
	unsigned int slab_count;
	struct record *slabs[SLABS_MAX];
	struct work_struct work;
	struct record __rcu *buckets[BUCKETS];
};

/* Neighbours go to neighbouring buckets: a heap of 8 GiB has no chain longer than 1. */
static struct record __rcu **bucket_of(struct gomem_ledger *ledger, unsigned long addr)
{
	unsigned long block = addr >> BLOCK_SHIFT;

	return &ledger->buckets[(block ^ (block >> 12) ^ (block >> 24)) % BUCKETS];
}

static unsigned long page_of(const struct record *record)
{
	return record->pos & PAGE_MASK;
}

static unsigned int epoch_of(const struct record *record)
{
	return record->pos & ~PAGE_MASK;
}

/* Called in a handler (preemption off), in an RCU read-side section or under the lock. */
static struct record *next_of(struct record __rcu *const *link)
{
	return rcu_dereference_raw(*link);
}

static struct record *find(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
			   unsigned long hi)
{
	unsigned int epoch = READ_ONCE(ledger->epoch);
	struct record *record = next_of(bucket_of(ledger, addr));

	for (; record; record = next_of(&record->next)) {
		unsigned long page = page_of(record);

		if ((page ^ addr) >> BLOCK_SHIFT == 0 && page >= lo && page < hi &&
		    epoch_of(record) == epoch)
			break;
	}
	return record;
}

NOKPROBE_SYMBOL(find);

static struct record *take_free(struct gomem_ledger *ledger, unsigned long addr)
{
	struct record *record = ledger->free;

	lockdep_assert_held(&ledger->lock);
	if (!record)
		return NULL;
	ledger->free = rcu_dereference_protected(record->next, true);
	ledger->spare--;
	ledger->used++;
	memset(record, 0, sizeof(*record));
	record->pos = (addr & PAGE_MASK) | ledger->epoch;
	return record;
}

NOKPROBE_SYMBOL(take_free);

static struct record *insert(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
			     unsigned long hi)
{
	struct record __rcu **bucket = bucket_of(ledger, addr);
	struct record *record;
	unsigned long flags;
	bool is_low;

	raw_spin_lock_irqsave(&ledger->lock, flags);
	record = find(ledger, addr, lo, hi);
	if (!record) {
		record = take_free(ledger, addr);
		if (record) {
			RCU_INIT_POINTER(record->next, next_of(bucket));
			rcu_assign_pointer(*bucket, record);
		}
	}
	is_low = ledger->spare < SLAB_RECORDS / 2;
	raw_spin_unlock_irqrestore(&ledger->lock, flags);
	if (is_low && READ_ONCE(ledger->slab_count) < SLABS_MAX)
		queue_work(system_unbound_wq, &ledger->work);
	return record;
}

NOKPROBE_SYMBOL(insert);

/*
 * A counter on its way to 2^32 stops with room for what all CPUs may add at once, and
 * what it misses is counted as dropped.
 */
static bool add(struct record *record, enum gomem_event event, unsigned int n)
{
	atomic_t *counter;

	if (event == GOMEM_EVENT_faults) {
		atomic64_add(n, &record->faults);
		return true;
	}
	counter = &record->rest[event - 1];
	if ((u32)atomic_read(counter) >= 3U << 30)
		return false;
	atomic_add(n, counter);
	return true;
}

NOKPROBE_SYMBOL(add);

void gomem_ledger_count(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
			unsigned long hi, enum gomem_event event, unsigned int n)
{
	struct record *record = find(ledger, addr, lo, hi);

	if (!record)
		record = insert(ledger, addr, lo, hi);
	if (!record || !add(record, event, n))
		atomic64_inc(&ledger->dropped);
}

NOKPROBE_SYMBOL(gomem_ledger_count);

void gomem_ledger_add_unseen(struct gomem_ledger *ledger, unsigned long pages)
{
	atomic64_add(pages, &ledger->unseen);
}

NOKPROBE_SYMBOL(gomem_ledger_add_unseen);

void gomem_ledger_reset(struct gomem_ledger *ledger)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ledger->lock, flags);
	WRITE_ONCE(ledger->epoch, (ledger->epoch + 1) & ~PAGE_MASK);
	ledger->used = 0;
	atomic64_set(&ledger->dropped, 0);
	atomic64_set(&ledger->unseen, 0);
	raw_spin_unlock_irqrestore(&ledger->lock, flags);
	queue_work(system_unbound_wq, &ledger->work);
}

NOKPROBE_SYMBOL(gomem_ledger_reset);

/* Gives a list of @n records, linked from @first to @last, to the free list. */
static void give_back(struct gomem_ledger *ledger, struct record *first, struct record *last,
		      unsigned long n)
{
	raw_spin_lock_irq(&ledger->lock);
	RCU_INIT_POINTER(last->next, ledger->free);
	ledger->free = first;
	ledger->spare += n;
	raw_spin_unlock_irq(&ledger->lock);
}

/*
 * Cuts the stale records off a chain: new ones go to its head, so they are its tail.
 * Who reads that tail now may go on into @rest, which is stale as well.
 */
static struct record *cut(struct gomem_ledger *ledger, struct record __rcu **link,
			  struct record *rest, struct record **last, unsigned long *n)
{
	struct record *first, *record;

	raw_spin_lock_irq(&ledger->lock);
	while ((record = next_of(link)) && epoch_of(record) == ledger->epoch)
		link = &record->next;
	RCU_INIT_POINTER(*link, NULL);
	raw_spin_unlock_irq(&ledger->lock);
	if (!record)
		return rest;
	first = record;
	for (++*n; next_of(&record->next); ++*n)
		record = next_of(&record->next);
	if (!rest)
		*last = record;
	rcu_assign_pointer(record->next, rest);
	return first;
}

static void sweep(struct gomem_ledger *ledger)
{
	unsigned int epoch = READ_ONCE(ledger->epoch);
	struct record *stale = NULL, *last = NULL;
	unsigned long n = 0;
	unsigned int i;

	if (epoch == ledger->swept)
		return;
	for (i = 0; i < BUCKETS; i++) {
		stale = cut(ledger, &ledger->buckets[i], stale, &last, &n);
		cond_resched();
	}
	synchronize_rcu();
	if (stale)
		give_back(ledger, stale, last, n);
	ledger->swept = epoch;
}

static int grow(struct gomem_ledger *ledger)
{
	struct record *slab;
	unsigned int i;

	if (ledger->slab_count == SLABS_MAX)
		return -ENOSPC;
	slab = kvcalloc(SLAB_RECORDS, sizeof(*slab), GFP_KERNEL);
	if (!slab)
		return -ENOMEM;
	ledger->slabs[ledger->slab_count] = slab;
	WRITE_ONCE(ledger->slab_count, ledger->slab_count + 1);
	for (i = 0; i < SLAB_RECORDS - 1; i++)
		RCU_INIT_POINTER(slab[i].next, &slab[i + 1]);
	give_back(ledger, slab, &slab[i], SLAB_RECORDS);
	return 0;
}

static void ledger_work(struct work_struct *work)
{
	struct gomem_ledger *ledger = container_of(work, struct gomem_ledger, work);

	sweep(ledger);
	while (READ_ONCE(ledger->spare) < SLAB_RECORDS) {
		if (grow(ledger))
			break;
	}
}

struct gomem_ledger *gomem_ledger_create(void)
{
	struct gomem_ledger *ledger = vzalloc(sizeof(*ledger));

	if (!ledger)
		return NULL;
	raw_spin_lock_init(&ledger->lock);
	INIT_WORK(&ledger->work, ledger_work);
	if (grow(ledger)) {
		vfree(ledger);
		return NULL;
	}
	return ledger;
}

void gomem_ledger_destroy(struct gomem_ledger *ledger)
{
	unsigned int i;

	if (!ledger)
		return;
	cancel_work_sync(&ledger->work);
	for (i = 0; i < ledger->slab_count; i++)
		kvfree(ledger->slabs[i]);
	vfree(ledger);
}

static void read_record(const struct record *record, struct gomem_counts *counts)
{
	unsigned int i;

	counts->of[GOMEM_EVENT_faults] = atomic64_read(&record->faults);
	for (i = 1; i < GOMEM_EVENTS; i++)
		counts->of[i] = (u32)atomic_read(&record->rest[i - 1]);
}

void gomem_ledger_read(struct gomem_ledger *ledger, gomem_ledger_fn each, void *arg,
		       struct gomem_ledger_state *state)
{
	struct gomem_counts counts;
	struct record *record;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++) {
		rcu_read_lock();
		for (record = next_of(&ledger->buckets[i]); record;
		     record = next_of(&record->next)) {
			if (epoch_of(record) != READ_ONCE(ledger->epoch))
				continue;
			read_record(record, &counts);
			each(arg, page_of(record), &counts);
		}
		rcu_read_unlock();
		cond_resched();
	}
	state->records = READ_ONCE(ledger->used);
	state->dropped = atomic64_read(&ledger->dropped);
	state->unseen = atomic64_read(&ledger->unseen);
}
