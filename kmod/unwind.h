/* SPDX-License-Identifier: GPL-2.0 */
/* The user stack of current, by frame pointers, and its goroutine; never waits for a page. */
#ifndef GOMEM_UNWIND_H
#define GOMEM_UNWIND_H

#include <linux/types.h>

#include "go.h"

#define GOMEM_UNWIND_FRAMES 32

/**
 * struct gomem_trace - where current came from
 * @goid: its goroutine, 0 when it runs none or that is not known
 * @labels: the goroutine's g.labels
 * @is_unreadable: the rest lies in memory that is not there now
 * @count: of @frames
 * @frames: code addresses, innermost first: the instruction current left user mode at,
 *	then return addresses
 */
struct gomem_trace {
	u64 goid;
	u64 labels;
	bool is_unreadable;
	unsigned int count;
	unsigned long frames[GOMEM_UNWIND_FRAMES];
};

/**
 * gomem_unwind() - trace current's user stack
 * @go: where to find the goroutine, or NULL
 * @trace: what was found, all of it set but the unused frames
 *
 * Code without frame pointers is left out, and ends the stack when it uses rbp otherwise.
 * On the runtime's own stacks (g0, gsignal) the goroutine is the one that the thread runs,
 * and its stack follows. For probe handlers.
 *
 * Return: false when current has no 64 bit user stack.
 */
bool gomem_unwind(const struct gomem_go *go, struct gomem_trace *trace);

#endif /* GOMEM_UNWIND_H */
