/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the memory for goroutine stacks holds the stack of somebody. */
#ifndef GM_GO_STACKS_H
#define GM_GO_STACKS_H

#include "go/regions.h"
#include "go/spans.h"

/* Appends, by address, every byte of the stack spans of @spans: GM_GO_STACK where it
 * is the stack of a goroutine or thread (g0, gsignal), GM_GO_STACK_FREE where it waits for
 * one. Where the program does not say, all of it is GM_GO_STACK.
 */
struct gm_error *gm_go_stacks_read(const struct gm_go_target *target,
				   const struct gm_go_spans *spans,
				   struct gm_go_regions *regions) GM_MUST_CHECK;

#endif
