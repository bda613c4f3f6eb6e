/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One CPU's events on their way to one reader: a ring with one producer, that CPU in
 * probe handlers, and one consumer, without a lock between them. What finds no room is
 * counted, and the count travels in the ring's order as a record of its own,
 * GOMEM_KIND_lost: the producer writes it before the next event that has room, and the
 * consumer makes it up when the ring is empty and no such event came.
 */
#ifndef GOMEM_RING_H
#define GOMEM_RING_H

#include <linux/atomic.h>
#include <linux/cache.h>

#include "gomem.h"

/**
 * struct gomem_ring - the ring
 * @slots: the records
 * @mask: their number, a power of two, less one
 * @cpu: the producer's
 * @head: records ever put; the producer's
 * @put_ns: time of the last one; the producer's
 * @lost: events that had no room and no record tells of yet
 * @tail: records ever taken; the consumer's, as all below
 * @seen: @head when the consumer looked
 * @gap: lost events to tell of before the record at @tail
 * @taken_ns: time of the last record taken
 */
struct gomem_ring {
	struct gomem_event *slots;
	u32 mask;
	u16 cpu;
	u64 head;
	u64 put_ns;
	atomic64_t lost;
	u64 tail ____cacheline_aligned_in_smp;
	u64 seen;
	u64 gap;
	u64 taken_ns;
};

/**
 * gomem_ring_init() - an empty ring
 * @ring: zeroed
 * @cpu: whose it is
 * @slots: how many records fit, a power of two
 *
 * May sleep. Return: 0, or -ENOMEM, and then there is nothing to undo.
 */
int gomem_ring_init(struct gomem_ring *ring, unsigned int cpu, u32 slots);

/** gomem_ring_deinit() - nobody uses it any more; a zeroed one is fine */
void gomem_ring_deinit(struct gomem_ring *ring);

/** enum gomem_ring_put - what became of an event; FIRST: it had room, all before were taken */
enum gomem_ring_put { GOMEM_RING_LOST, GOMEM_RING_PUT, GOMEM_RING_FIRST };

/**
 * gomem_ring_put() - one event, or one more that is lost
 *
 * The producer's, which nothing may interrupt to come here again. After it a full barrier:
 * who put itself on a wait queue and then found the ring empty is seen there.
 */
enum gomem_ring_put gomem_ring_put(struct gomem_ring *ring, const struct gomem_event *event);

/** gomem_ring_drop() - an event that may not be put, lost; for whoever interrupts a producer */
static inline void gomem_ring_drop(struct gomem_ring *ring)
{
	atomic64_inc(&ring->lost);
}

/** gomem_ring_has() - is there anything to take? For anybody */
bool gomem_ring_has(const struct gomem_ring *ring);

/** gomem_ring_look() - from now on the consumer takes what is there now */
void gomem_ring_look(struct gomem_ring *ring);

/** gomem_ring_time() - when the next record that was seen happened, U64_MAX for none */
u64 gomem_ring_time(const struct gomem_ring *ring);

/**
 * gomem_ring_take() - records in their order, to user memory
 * @ring: has one, gomem_ring_time() says
 * @until: takes none later than this; the first is not
 * @to: for @max records, at least one
 * @max: see @to
 *
 * May sleep. Return: how many, at least one, or -EFAULT and none was taken.
 */
long gomem_ring_take(struct gomem_ring *ring, u64 until, struct gomem_event __user *to, size_t max);

#endif /* GOMEM_RING_H */
