// SPDX-License-Identifier: GPL-2.0
#include "slot.h"

#include <linux/hash.h>
#include <linux/log2.h>

static struct gomem_slot *slot_of(struct gomem_slots *slots, const struct task_struct *task)
{
	unsigned int first = hash_ptr(current, ilog2(GOMEM_SLOTS)), i;

	for (i = 0; i < GOMEM_SLOTS; i++) {
		struct gomem_slot *slot = &slots->slots[(first + i) % GOMEM_SLOTS];

		if (READ_ONCE(slot->task) == task)
			return slot;
	}
	return NULL;
}

NOKPROBE_SYMBOL(slot_of);

struct gomem_call *gomem_slot_find(struct gomem_slots *slots)
{
	struct gomem_slot *slot = atomic_read(&slots->taken) ? slot_of(slots, current) : NULL;

	return slot ? &slot->call : NULL;
}

NOKPROBE_SYMBOL(gomem_slot_find);

struct gomem_call *gomem_slot_take(struct gomem_slots *slots)
{
	struct gomem_call *call = gomem_slot_find(slots);
	struct gomem_slot *slot;

	while (!call && (slot = slot_of(slots, NULL))) {
		if (!cmpxchg(&slot->task, NULL, current)) {
			atomic_inc(&slots->taken);
			call = &slot->call;
		}
	}
	return call;
}

NOKPROBE_SYMBOL(gomem_slot_take);

void gomem_slot_drop(struct gomem_slots *slots)
{
	struct gomem_call *call = gomem_slot_find(slots);

	if (call) {
		/* What this task wrote there comes before what the next one does. */
		smp_store_release(&container_of(call, struct gomem_slot, call)->task, NULL);
		atomic_dec(&slots->taken);
	}
}

NOKPROBE_SYMBOL(gomem_slot_drop);
