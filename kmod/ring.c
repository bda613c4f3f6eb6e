// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

#include <linux/kprobes.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

int gomem_ring_init(struct gomem_ring *ring, unsigned int cpu, u32 slots)
{
	ring->slots = vzalloc_node(slots * sizeof(*ring->slots), cpu_to_node(cpu));
	if (!ring->slots)
		return -ENOMEM;
	ring->mask = slots - 1;
	ring->cpu = cpu;
	ring->put_ns = ktime_get_mono_fast_ns();
	ring->taken_ns = ring->put_ns;
	return 0;
}

void gomem_ring_deinit(struct gomem_ring *ring)
{
	vfree(ring->slots);
}

static __always_inline struct gomem_event lost_record(const struct gomem_ring *ring, u64 time_ns,
						      u64 lost)
{
	return (struct gomem_event){
		.time_ns = time_ns,
		.bytes = lost,
		.cpu = ring->cpu,
		.kind = GOMEM_KIND_lost,
	};
}

enum gomem_ring_put gomem_ring_put(struct gomem_ring *ring, const struct gomem_event *event)
{
	/* Pairs with the release in gomem_ring_take(): what was there has been copied. */
	u64 head = ring->head, tail = smp_load_acquire(&ring->tail);
	bool gap = atomic64_read(&ring->lost);
	u64 lost;

	if (head - tail + gap > ring->mask) {
		atomic64_inc(&ring->lost);
		return GOMEM_RING_LOST;
	}
	lost = gap ? atomic64_xchg(&ring->lost, 0) : 0;
	if (lost)
		ring->slots[head++ & ring->mask] = lost_record(ring, ring->put_ns, lost);
	ring->slots[head++ & ring->mask] = *event;
	ring->put_ns = event->time_ns;
	tail = ring->head;
	/* Pairs with the acquires of the consumer, who then sees the records. */
	smp_store_release(&ring->head, head);
	smp_mb(); /* either the consumer's last look at head sees it, or it is seen to wait */
	return READ_ONCE(ring->tail) == tail ? GOMEM_RING_FIRST : GOMEM_RING_PUT;
}

NOKPROBE_SYMBOL(gomem_ring_put);

bool gomem_ring_has(const struct gomem_ring *ring)
{
	return READ_ONCE(ring->head) != READ_ONCE(ring->tail) || READ_ONCE(ring->gap) ||
	       atomic64_read(&ring->lost);
}

void gomem_ring_look(struct gomem_ring *ring)
{
	ring->seen = smp_load_acquire(&ring->head); /* pairs with gomem_ring_put() */
	if (ring->seen == ring->tail)
		ring->gap += atomic64_xchg(&ring->lost, 0);
}

static const struct gomem_event *slot(const struct gomem_ring *ring, u64 index)
{
	return &ring->slots[index & ring->mask];
}

u64 gomem_ring_time(const struct gomem_ring *ring)
{
	if (ring->gap)
		return ring->taken_ns;
	return ring->tail == ring->seen ? U64_MAX : slot(ring, ring->tail)->time_ns;
}

static long take_gap(struct gomem_ring *ring, struct gomem_event __user *to)
{
	const struct gomem_event event = lost_record(ring, ring->taken_ns, ring->gap);

	if (copy_to_user(to, &event, sizeof(event)))
		return -EFAULT;
	WRITE_ONCE(ring->gap, 0);
	return 1;
}

/* Where a run ends that lies in one piece: at @until, what was seen, or the last slot. */
static u64 run_end(const struct gomem_ring *ring, u64 until, size_t max)
{
	u64 end = min(ring->seen, (ring->tail | ring->mask) + 1), at = ring->tail + 1;

	end = min_t(u64, end, ring->tail + max);
	while (at < end && slot(ring, at)->time_ns <= until)
		at++;
	return at;
}

long gomem_ring_take(struct gomem_ring *ring, u64 until, struct gomem_event __user *to, size_t max)
{
	u64 end;
	long n;

	if (ring->gap)
		return take_gap(ring, to);
	end = run_end(ring, until, max);
	n = end - ring->tail;
	if (copy_to_user(to, slot(ring, ring->tail), n * sizeof(*to)))
		return -EFAULT;
	ring->taken_ns = slot(ring, end - 1)->time_ns;
	/* Pairs with the acquire in gomem_ring_put(), which may write there again. */
	smp_store_release(&ring->tail, end);
	return n;
}
