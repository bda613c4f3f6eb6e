/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose code it was: user stacks of first-touch faults, mmap and madvise, each kept once, and
 * who came through them. One table for all targets, of a fixed size, made when the
 * module's parameter "stacks" is first not 0. A target's entries end with its deletion
 * or exec.
 */
#ifndef GOMEM_STACKS_H
#define GOMEM_STACKS_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "gomem.h"
#include "target.h"

/** gomem_stacks_rate - every so many-th fault of a CPU is taken; 0 for nothing at all */
extern unsigned int gomem_stacks_rate;

/** gomem_stacks_record() - gomem_stacks_note() while stacks are wanted */
void gomem_stacks_record(struct gomem_target *target, enum gomem_kind kind, u64 bytes);

/**
 * gomem_stacks_note() - something happened to a target, for whom stacks are kept or not
 * @bytes: of the event, see GOMEM_KINDS
 *
 * For probe handlers. A fault that is taken counts for as many as the rate says; nothing is
 * done for what another process does to the target. What finds no place loses first
 * the thread and the goroutine, then is dropped, and both are counted.
 */
static __always_inline void gomem_stacks_note(struct gomem_target *target, enum gomem_kind kind,
					      u64 bytes)
{
	/* Pairs with the release in stacks.c: who sees a rate sees the table. */
	if (unlikely(smp_load_acquire(&gomem_stacks_rate)))
		gomem_stacks_record(target, kind, bytes);
}

/**
 * struct gomem_stacks_user - who came through a stack
 * @image: the target's, see struct gomem_target
 * @tid: the thread, in the initial pid namespace; 0 with @goid and @labels when given up
 * @kind: what happened
 * @goid: see struct gomem_trace
 * @labels: see struct gomem_trace
 * @count: how often
 * @bytes: of those events
 * @frame_count: of @frames
 * @frames: see struct gomem_trace; valid in the RCU section
 */
struct gomem_stacks_user {
	u64 image;
	pid_t tid;
	enum gomem_kind kind;
	u64 goid;
	u64 labels;
	u64 count;
	u64 bytes;
	unsigned int frame_count;
	const unsigned long *frames;
};

/** gomem_stacks_slots() - how many users there may be; 0 without a table */
unsigned int gomem_stacks_slots(void);

/** gomem_stacks_at() - the user in a slot; false when it is free. In an RCU read-side section */
bool gomem_stacks_at(unsigned int slot, struct gomem_stacks_user *user);

/**
 * struct gomem_stacks_stats - the table, since it was made
 * @rate: gomem_stacks_rate
 * @bytes: its size
 * @stacks: different stacks in it, those of deleted targets included until their place is needed
 * @users: likewise, of @slots
 * @slots: gomem_stacks_slots()
 * @merged: events whose thread and goroutine were given up for want of a place
 * @dropped: events that found no place
 * @unreadable: events whose stack or goroutine was in memory that was not there
 */
struct gomem_stacks_stats {
	unsigned int rate;
	u64 bytes;
	unsigned int stacks;
	unsigned int users;
	unsigned int slots;
	u64 merged;
	u64 dropped;
	u64 unreadable;
};

void gomem_stacks_stats(struct gomem_stacks_stats *stats);

/** gomem_stacks_init() - make the table if the parameter asks for it. Return: 0 or -ENOMEM */
int gomem_stacks_init(void);

/** gomem_stacks_exit() - free it; no hook is planted and no reader reads any more */
void gomem_stacks_exit(void);

#endif /* GOMEM_STACKS_H */
