// SPDX-License-Identifier: GPL-2.0
#include "records.h"

#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/once.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"

#define CHAIN_MAX 1024 /* two blocks of small VMAs; a longer one is full: handlers must end */
#define SLAB_BITS 10
#define SLAB_RECORDS BIT(SLAB_BITS) /* what a fault storm may take before the worker runs */

static_assert(sizeof(struct gomem_record) == 64);

static u64 hash_key; /* so that no target can choose its buckets */

static u32 *bucket_of(struct gomem_ledger *ledger, unsigned long addr)
{
	u64 hash = (addr >> GOMEM_RECORDS_BLOCK_SHIFT) * (hash_key | 1);

	return &ledger->buckets[hash_64(hash ^ hash >> 32, GOMEM_RECORDS_BUCKET_BITS)];
}

/* Index 0 is no record, at the price of the first one of the first slab. */
static struct gomem_record *record_at(const struct gomem_ledger *ledger, u32 index)
{
	return index ? &ledger->slabs[index >> SLAB_BITS][index % SLAB_RECORDS] : NULL;
}

struct gomem_record *gomem_records_next(const struct gomem_ledger *ledger, const u32 *link)
{
	/* Pairs with the release of who linked it: the record is whole. */
	return record_at(ledger, smp_load_acquire(link));
}

static bool is_at(const struct gomem_record *record, const struct gomem_place *place,
		  unsigned int epoch)
{
	return gomem_records_is_at(record, place->addr, place->lo, place->hi, epoch);
}

/**
 * struct search - how far a bucket was searched
 * @head: its newest record then, as an index
 * @steps: records looked at
 */
struct search {
	u32 head;
	unsigned int steps;
};

/* The newest record of that place among those that came since @search, which goes on with them. */
static struct gomem_record *find(struct gomem_ledger *ledger, const struct gomem_place *place,
				 struct search *search)
{
	const struct gomem_record *known = record_at(ledger, search->head);
	unsigned int epoch = READ_ONCE(ledger->epoch), n = search->steps;
	/* Pairs with the release of who linked it. */
	u32 head = smp_load_acquire(bucket_of(ledger, place->addr));
	struct gomem_record *record = record_at(ledger, head);

	while (record != known && n < CHAIN_MAX && record && !is_at(record, place, epoch)) {
		record = gomem_records_next(ledger, &record->next);
		n++;
	}
	*search = (struct search){ head, n };
	return record != known && n < CHAIN_MAX ? record : NULL;
}

NOKPROBE_SYMBOL(find);

/* A record for @place, which goes on where a full one left off. */
static u32 take_free(struct gomem_ledger *ledger, const struct gomem_place *place,
		     const struct gomem_record *full)
{
	struct gomem_record *record = record_at(ledger, ledger->free);
	u32 index = ledger->free;

	lockdep_assert_held(&ledger->lock);
	if (!record)
		return 0;
	ledger->free = record->next;
	ledger->spare--;
	ledger->used++;
	memset(record, 0, sizeof(*record));
	record->pos = (place->addr & PAGE_MASK) | ledger->epoch;
	if (full) {
		record->first_fault = full->first_fault;
		record->last_fault = full->last_fault;
		record->last_release = full->last_release;
		record->last_huge = full->last_huge;
	}
	return index;
}

NOKPROBE_SYMBOL(take_free);

/* Under the lock is looked at what came since the search without it. */
static struct gomem_record *insert_locked(struct gomem_ledger *ledger,
					  const struct gomem_place *place,
					  const struct gomem_record *full, struct search *search)
{
	struct gomem_record *record = find(ledger, place, search);
	u32 *bucket = bucket_of(ledger, place->addr), index;

	if (record && record != full)
		return record;
	if (search->steps == CHAIN_MAX)
		return NULL;
	index = take_free(ledger, place, full);
	record = record_at(ledger, index);
	if (record) {
		record->next = *bucket;
		/* Pairs with gomem_records_next(). */
		smp_store_release(bucket, index);
	}
	return record;
}

NOKPROBE_SYMBOL(insert_locked);

static struct gomem_record *insert(struct gomem_ledger *ledger, const struct gomem_place *place,
				   const struct gomem_record *full, struct search *search)
{
	struct gomem_record *record;
	unsigned long flags;
	bool is_low;

	raw_spin_lock_irqsave(&ledger->lock, flags);
	record = insert_locked(ledger, place, full, search);
	is_low = ledger->spare < SLAB_RECORDS / 2;
	raw_spin_unlock_irqrestore(&ledger->lock, flags);
	if (is_low && READ_ONCE(ledger->slab_count) < GOMEM_RECORDS_SLABS_MAX)
		queue_work(system_dfl_wq, &ledger->work);
	return record;
}

NOKPROBE_SYMBOL(insert);

struct gomem_record *gomem_records_get(struct gomem_ledger *ledger, const struct gomem_place *place)
{
	struct search search = {};

	return find(ledger, place, &search) ?: insert(ledger, place, NULL, &search);
}

NOKPROBE_SYMBOL(gomem_records_get);

struct gomem_record *gomem_records_continue(struct gomem_ledger *ledger,
					    const struct gomem_place *place,
					    const struct gomem_record *full)
{
	struct search search = {};

	return insert(ledger, place, full, &search);
}

NOKPROBE_SYMBOL(gomem_records_continue);

void gomem_ledger_reset(struct gomem_ledger *ledger)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ledger->lock, flags);
	WRITE_ONCE(ledger->epoch, (ledger->epoch + 1) & ~PAGE_MASK);
	ledger->used = 0;
	atomic64_set(&ledger->dropped, 0);
	atomic64_set(&ledger->unseen, 0);
	raw_spin_unlock_irqrestore(&ledger->lock, flags);
	queue_work(system_dfl_wq, &ledger->work);
}

NOKPROBE_SYMBOL(gomem_ledger_reset);

/**
 * struct list - records linked by their next
 * @first: index of the first, 0 for none
 * @last: the last record
 * @n: how many
 */
struct list {
	u32 first;
	struct gomem_record *last;
	unsigned long n;
};

static void give_back(struct gomem_ledger *ledger, const struct list *list)
{
	raw_spin_lock_irq(&ledger->lock);
	list->last->next = ledger->free;
	ledger->free = list->first;
	ledger->spare += list->n;
	raw_spin_unlock_irq(&ledger->lock);
}

/* Takes the stale records off a chain: new ones go to its head, so they are its tail. */
static u32 cut(struct gomem_ledger *ledger, u32 *link)
{
	struct gomem_record *record;
	u32 index;

	raw_spin_lock_irq(&ledger->lock);
	while ((record = gomem_records_next(ledger, link)) &&
	       gomem_records_epoch(record) == ledger->epoch)
		link = &record->next;
	index = *link;
	WRITE_ONCE(*link, 0);
	raw_spin_unlock_irq(&ledger->lock);
	return index;
}

/* Puts the records from @first on before the list; who reads them may go on into it. */
static void prepend(struct gomem_ledger *ledger, struct list *list, u32 first)
{
	struct gomem_record *last = record_at(ledger, first);

	if (!last)
		return;
	for (list->n++; last->next; list->n++)
		last = record_at(ledger, last->next);
	if (!list->first)
		list->last = last;
	/* Pairs with gomem_records_next(). */
	smp_store_release(&last->next, list->first);
	list->first = first;
}

/*
 * No handler has a stale record any more that it could put there. Once its memory is free, its
 * position would be taken for that of an epoch that has the same number again.
 */
static void forget_last(struct gomem_ledger *ledger)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(*per_cpu_ptr(ledger->last, cpu), NULL);
}

static void sweep(struct gomem_ledger *ledger)
{
	unsigned int epoch = READ_ONCE(ledger->epoch), i;
	struct list stale = {};

	if (epoch == ledger->swept)
		return;
	for (i = 0; i < GOMEM_RECORDS_BUCKETS; i++) {
		prepend(ledger, &stale, cut(ledger, &ledger->buckets[i]));
		cond_resched();
	}
	synchronize_rcu();
	forget_last(ledger);
	if (stale.n)
		give_back(ledger, &stale);
	ledger->swept = epoch;
}

static int grow(struct gomem_ledger *ledger)
{
	u32 base = ledger->slab_count << SLAB_BITS, i = !base;
	struct list fresh = { .first = base + i, .n = SLAB_RECORDS - i };
	struct gomem_record *slab;

	if (ledger->slab_count == GOMEM_RECORDS_SLABS_MAX)
		return -ENOSPC;
	slab = kvcalloc(SLAB_RECORDS, sizeof(*slab), GFP_KERNEL);
	if (!slab)
		return -ENOMEM;
	ledger->slabs[ledger->slab_count] = slab;
	WRITE_ONCE(ledger->slab_count, ledger->slab_count + 1);
	for (; i < SLAB_RECORDS - 1; i++)
		slab[i].next = base + i + 1;
	fresh.last = &slab[i];
	give_back(ledger, &fresh);
	return 0;
}

static void ledger_work(struct work_struct *work)
{
	struct gomem_ledger *ledger = container_of(work, struct gomem_ledger, work);

	sweep(ledger);
	while (READ_ONCE(ledger->spare) < SLAB_RECORDS - 1) {
		if (grow(ledger))
			break;
	}
}

struct gomem_ledger *gomem_ledger_create(void)
{
	struct gomem_ledger *ledger = vzalloc(sizeof(*ledger));

	if (!ledger)
		return NULL;
	get_random_once(&hash_key, sizeof(hash_key));
	raw_spin_lock_init(&ledger->lock);
	INIT_WORK(&ledger->work, ledger_work);
	ledger->last = alloc_percpu(struct gomem_record *);
	if (!ledger->last || grow(ledger)) {
		free_percpu(ledger->last);
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
	free_percpu(ledger->last);
	vfree(ledger);
}

struct gomem_ledger_state gomem_ledger_state(struct gomem_ledger *ledger)
{
	unsigned int slabs = READ_ONCE(ledger->slab_count);

	return (struct gomem_ledger_state){
		.bytes = sizeof(*ledger) + slabs * SLAB_RECORDS * sizeof(struct gomem_record),
		.records = READ_ONCE(ledger->used),
		.dropped = atomic64_read(&ledger->dropped),
		.unseen = atomic64_read(&ledger->unseen),
	};
}
