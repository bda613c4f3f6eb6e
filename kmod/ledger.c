// SPDX-License-Identifier: GPL-2.0
#include "ledger.h"

#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "records.h"

#define TICK_JIFFIES 64 /* the unit of times: 30 bits of it are years */
#define TICK_MS (MSEC_PER_SEC * TICK_JIFFIES / HZ)
#define MINUTE (60 * MSEC_PER_SEC / TICK_MS)
#define READ_AT_ONCE 64 /* buckets and records, and the rest of a chain, without a pause */
#define NEARLY_FULL BIT(31) /* far from what a u32 holds */
#define RELEASE_PENDING 1 /* in last_release: nothing became huge there since */

/* Where a record keeps a counter, and how wide it is. */
struct field {
	u8 offset;
	u8 bytes;
};

#define FIELD(name)                                                                          \
	{                                                                                    \
		offsetof(struct gomem_record, name), sizeof_field(struct gomem_record, name) \
	}

static const struct field fields[GOMEM_COUNTERS] = {
	[GOMEM_COUNT_faults] = FIELD(faults),
	[GOMEM_COUNT_zero_faults] = FIELD(zero_faults),
	[GOMEM_COUNT_mthp_faults] = FIELD(mthp_faults),
	[GOMEM_COUNT_huge_faults] = FIELD(huge_faults),
	[GOMEM_COUNT_fallbacks] = FIELD(fallbacks),
	[GOMEM_COUNT_cow] = FIELD(cow),
	[GOMEM_COUNT_swapins] = FIELD(swapins),
	[GOMEM_COUNT_swapouts] = FIELD(swapouts),
	[GOMEM_COUNT_splits] = FIELD(splits),
	[GOMEM_COUNT_collapses] = FIELD(collapses),
	[GOMEM_COUNT_refills] = FIELD(refills),
	[GOMEM_COUNT_filled] = FIELD(filled),
	[GOMEM_COUNT_migrated] = FIELD(migrated),
	[GOMEM_COUNT_released] = FIELD(released),
	[GOMEM_COUNT_releases] = FIELD(releases),
	[GOMEM_COUNT_churn] = FIELD(churn),
};

/* Adds in the aligned word that holds the counter (little endian); false when it is full. */
static __always_inline bool add(struct gomem_record *record, enum gomem_counter counter,
				unsigned int n)
{
	const struct field *field = &fields[counter];
	u32 *word = (u32 *)record + field->offset / sizeof(u32);
	unsigned int shift = field->offset % sizeof(u32) * BITS_PER_BYTE;
	u32 max = U32_MAX >> (sizeof(u32) - field->bytes) * BITS_PER_BYTE;
	u32 seen = READ_ONCE(*word), old;

	do {
		old = seen;
		if (n > max - (old >> shift & max))
			return false;
		seen = cmpxchg(word, old, old + (n << shift));
	} while (seen != old);
	return true;
}

/* Returns the record that counted it: the one given, or where that is full a new one. */
static struct gomem_record *count(struct gomem_ledger *ledger, const struct gomem_place *place,
				  struct gomem_record *record, enum gomem_counter counter,
				  unsigned int n)
{
	while (record && !add(record, counter, n))
		record = gomem_records_continue(ledger, place, record);
	if (!record)
		atomic64_inc(&ledger->dropped);
	return record;
}

NOKPROBE_SYMBOL(count);

void gomem_ledger_count(struct gomem_ledger *ledger, const struct gomem_place *place,
			enum gomem_counter counter, unsigned int n)
{
	count(ledger, place, gomem_records_get(ledger, place), counter, n);
}

NOKPROBE_SYMBOL(gomem_ledger_count);

static u32 now(void)
{
	return jiffies / TICK_JIFFIES;
}

static void set_time(u32 *at, u32 time)
{
	if (READ_ONCE(*at) != time)
		WRITE_ONCE(*at, time);
}

static bool is_recent(u32 release, u32 time)
{
	return release && time - release <= MINUTE;
}

static struct gomem_record *count_churn(struct gomem_ledger *ledger,
					const struct gomem_place *place,
					struct gomem_record *record, u32 time, unsigned int pages)
{
	u32 released = READ_ONCE(record->released), churn = READ_ONCE(record->churn);

	if (!is_recent(READ_ONCE(record->last_release) >> 1, time) || churn >= released)
		return record;
	return count(ledger, place, record, GOMEM_COUNT_churn, min(pages, released - churn));
}

NOKPROBE_SYMBOL(count_churn);

static __always_inline void stamp_fault(struct gomem_record *record, u32 time)
{
	if (READ_ONCE(record->last_fault) == time)
		return;
	if (!READ_ONCE(record->first_fault))
		WRITE_ONCE(record->first_fault, time);
	WRITE_ONCE(record->last_fault, time);
}

/* add() of 1 where it is easy: so far from full, those who add at once cannot overflow it. */
static __always_inline bool add_one(u32 *counter)
{
	if (READ_ONCE(*counter) >= NEARLY_FULL)
		return false;
	atomic_inc((atomic_t *)counter);
	return true;
}

static noinline void refill_full(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
				 unsigned long hi, struct gomem_record *record)
{
	const struct gomem_place place = { addr, lo, hi };

	count(ledger, &place, record, GOMEM_COUNT_churn, 1);
}

NOKPROBE_SYMBOL(refill_full);

/* @record counted the fault: its history, and count_churn() of the page that it fills. */
static __always_inline void finish(struct gomem_ledger *ledger, unsigned long addr,
				   unsigned long lo, unsigned long hi, bool fills,
				   struct gomem_record *record)
{
	u32 time = now();

	stamp_fault(record, time);
	if (fills && is_recent(READ_ONCE(record->last_release) >> 1, time) &&
	    READ_ONCE(record->churn) < READ_ONCE(record->released) && !add_one(&record->churn))
		refill_full(ledger, addr, lo, hi, record);
}

/* Not the CPU's last, or nearly full. */
static noinline void find_fault(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
				unsigned long hi, bool fills)
{
	const struct gomem_place place = { addr, lo, hi };
	struct gomem_record *record = gomem_records_get(ledger, &place);

	record = count(ledger, &place, record, GOMEM_COUNT_faults, 1);
	if (!record)
		return;
	this_cpu_write(*ledger->last, record);
	finish(ledger, addr, lo, hi, fills, record);
}

NOKPROBE_SYMBOL(find_fault);

/*
 * A part of every fault's price: functions are called at its end alone, so that it need
 * not save anything.
 */
void gomem_ledger_fault(struct gomem_ledger *ledger, unsigned long addr, unsigned long lo,
			unsigned long hi, bool fills)
{
	struct gomem_record *record = this_cpu_read(*ledger->last);

	if (likely(record && gomem_records_is_at(record, addr, lo, hi, READ_ONCE(ledger->epoch)) &&
		   add_one(&record->faults)))
		finish(ledger, addr, lo, hi, fills, record);
	else
		find_fault(ledger, addr, lo, hi, fills);
}

NOKPROBE_SYMBOL(gomem_ledger_fault);

void gomem_ledger_more(struct gomem_ledger *ledger, const struct gomem_place *place,
		       unsigned int pages)
{
	struct gomem_record *record = gomem_records_get(ledger, place);

	if (record)
		count_churn(ledger, place, record, now(), pages);
}

NOKPROBE_SYMBOL(gomem_ledger_more);

void gomem_ledger_release(struct gomem_ledger *ledger, const struct gomem_place *place,
			  unsigned int pages)
{
	struct gomem_record *record = gomem_records_get(ledger, place);

	record = count(ledger, place, record, GOMEM_COUNT_released, pages);
	if (record)
		record = count(ledger, place, record, GOMEM_COUNT_releases, 1);
	if (record)
		set_time(&record->last_release, now() << 1 | RELEASE_PENDING);
}

NOKPROBE_SYMBOL(gomem_ledger_release);

/* Was anything released since it was a huge page last? Asked once. */
static bool take_release(struct gomem_record *record)
{
	u32 release = READ_ONCE(record->last_release);

	set_time(&record->last_release, release & ~RELEASE_PENDING);
	return release & RELEASE_PENDING;
}

static struct gomem_record *count_huge_fault(struct gomem_ledger *ledger,
					     const struct gomem_place *place,
					     struct gomem_record *record, unsigned int filled)
{
	record = count(ledger, place, record, GOMEM_COUNT_huge_faults, 1);
	if (!record)
		return NULL;
	take_release(record);
	return count_churn(ledger, place, record, now(), filled);
}

NOKPROBE_SYMBOL(count_huge_fault);

static struct gomem_record *count_collapse(struct gomem_ledger *ledger,
					   const struct gomem_place *place,
					   struct gomem_record *record, unsigned int filled)
{
	record = count(ledger, place, record, GOMEM_COUNT_collapses, 1);
	if (record && take_release(record))
		record = count(ledger, place, record, GOMEM_COUNT_refills, 1);
	if (record)
		record = count(ledger, place, record, GOMEM_COUNT_filled, filled);
	return record;
}

NOKPROBE_SYMBOL(count_collapse);

void gomem_ledger_huge(struct gomem_ledger *ledger, const struct gomem_place *place,
		       enum gomem_huge_by by, unsigned int filled)
{
	struct gomem_record *record = gomem_records_get(ledger, place);

	if (by == GOMEM_HUGE_BY_FAULT)
		record = count_huge_fault(ledger, place, record, filled);
	else
		record = count_collapse(ledger, place, record, filled);
	if (record)
		WRITE_ONCE(record->last_huge, now() << 2 | by);
}

NOKPROBE_SYMBOL(gomem_ledger_huge);

void gomem_ledger_add_unseen(struct gomem_ledger *ledger, unsigned long pages)
{
	atomic64_add(pages, &ledger->unseen);
}

NOKPROBE_SYMBOL(gomem_ledger_add_unseen);

#define ADD_COUNTER(name) sum->of[GOMEM_COUNT_##name] += READ_ONCE(record->name);

void gomem_ledger_add(const struct gomem_record *record, struct gomem_counts *sum)
{
	GOMEM_WIDE(ADD_COUNTER)
	GOMEM_NARROW(ADD_COUNTER)
	GOMEM_TINY(ADD_COUNTER)
}

/* @time may be of a moment after @at. */
static u64 ms_since(u32 time, u32 at)
{
	return time ? (u64)max_t(s32, at - time, 0) * TICK_MS : U64_MAX;
}

struct gomem_history gomem_ledger_history(const struct gomem_record *record)
{
	u32 huge = READ_ONCE(record->last_huge), at = now();

	return (struct gomem_history){
		.first_fault = ms_since(READ_ONCE(record->first_fault), at),
		.last_fault = ms_since(READ_ONCE(record->last_fault), at),
		.last_release = ms_since(READ_ONCE(record->last_release) >> 1, at),
		.last_huge = ms_since(huge >> 2, at),
		.by = huge & 3,
	};
}

/* Return: how many records it has. */
static unsigned int read_chain(struct gomem_ledger *ledger, const u32 *link, gomem_ledger_fn each,
			       void *arg)
{
	struct gomem_record *record;
	unsigned int n = 0;

	for (; (record = gomem_records_next(ledger, link)); link = &record->next) {
		if (gomem_records_epoch(record) == READ_ONCE(ledger->epoch))
			each(arg, gomem_records_page(record), record);
		n++;
	}
	return n;
}

void gomem_ledger_read(struct gomem_ledger *ledger, gomem_ledger_fn each, void *arg,
		       struct gomem_ledger_state *state)
{
	unsigned int i = 0, done;

	while (i < GOMEM_RECORDS_BUCKETS) {
		rcu_read_lock();
		for (done = 0; done < READ_AT_ONCE && i < GOMEM_RECORDS_BUCKETS; done++, i++) {
			if (READ_ONCE(ledger->buckets[i]))
				done += read_chain(ledger, &ledger->buckets[i], each, arg);
		}
		rcu_read_unlock();
		cond_resched();
	}
	*state = gomem_ledger_state(ledger);
}
