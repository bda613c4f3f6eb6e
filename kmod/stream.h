/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event stream, /proc/gomem/events, as struct gomem_event promises it: each open
 * file is a reader with a ring per CPU, from its first read() or poll() until it is
 * closed. Handlers put events there without a lock; a reader that falls behind, sleeps or
 * dies costs them nothing but the events that are lost to it, which are counted.
 */
#ifndef GOMEM_STREAM_H
#define GOMEM_STREAM_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>

#include "gomem.h"

/** gomem_stream_ops - /proc/gomem/events; a file open on it holds the module */
extern const struct proc_ops gomem_stream_ops;

/** gomem_stream_kinds - the kinds that some reader wants, BIT_ULL(enum gomem_kind) */
extern u64 gomem_stream_kinds;

/** gomem_stream_wants() - does anybody? Without a reader this is all that an event costs */
static __always_inline bool gomem_stream_wants(enum gomem_kind kind)
{
	return unlikely(READ_ONCE(gomem_stream_kinds) & BIT_ULL(kind));
}

/**
 * gomem_stream_put() - tell every reader who wants it of an event, here and now, by current
 * @pid: the target's
 * @kind: what happened
 * @start: where, [start, end)
 * @end: see @start
 * @bytes: see GOMEM_KINDS
 * @order: of the folio, or 0
 *
 * For probe handlers, with preemption off. One that interrupts another finds its events lost.
 */
void gomem_stream_put(struct pid *pid, enum gomem_kind kind, unsigned long start, unsigned long end,
		      u64 bytes, unsigned int order);

/**
 * struct gomem_stream_stats - what the stream costs
 * @readers: files open
 * @bytes: of their rings
 */
struct gomem_stream_stats {
	unsigned int readers;
	u64 bytes;
};

/** gomem_stream_stats() - as of now */
struct gomem_stream_stats gomem_stream_stats(void);

/**
 * struct gomem_stream_cpu - what a CPU's handlers told, of closed readers, too
 * @put: events that had room, each counted for each reader
 * @lost: those that had none
 */
struct gomem_stream_cpu {
	u64 put;
	u64 lost;
};

/** gomem_stream_cpu() - since the module was loaded, on @cpu */
struct gomem_stream_cpu gomem_stream_cpu(unsigned int cpu);

#endif /* GOMEM_STREAM_H */
