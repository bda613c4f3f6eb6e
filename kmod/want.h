/* SPDX-License-Identifier: GPL-2.0 */
/* What a reader of the event stream wants, and the words it says so with. */
#ifndef GOMEM_WANT_H
#define GOMEM_WANT_H

#include <linux/bits.h>
#include <linux/pid.h>

#include "gomem.h"

/**
 * struct gomem_want - the events it wants
 * @kinds: BIT_ULL(enum gomem_kind)
 * @pid: of this process alone, with a reference, or NULL
 */
struct gomem_want {
	u64 kinds;
	struct pid *pid;
};

/** gomem_want_init() - all there is */
void gomem_want_init(struct gomem_want *want);

/** gomem_want_deinit() - puts what it refers to */
void gomem_want_deinit(struct gomem_want *want);

/**
 * gomem_want_parse() - "kinds=A,B" and "pid=N", each replacing what was wanted before
 * @want: keeps what it had when there is an error
 * @text: cut up in place; a pid, or that of a thread, is of current's pid namespace
 *
 * Return: 0, -EINVAL for other words and kinds, -ESRCH when there is no such process.
 */
int gomem_want_parse(struct gomem_want *want, char *text);

/** gomem_want_is() - an event of @kind in the process @pid; for probe handlers */
static __always_inline bool gomem_want_is(const struct gomem_want *want, enum gomem_kind kind,
					  const struct pid *pid)
{
	return want->kinds & BIT_ULL(kind) && (!want->pid || want->pid == pid);
}

#endif /* GOMEM_WANT_H */
