/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a span stands in its life, and where the sweeper stands with it. */
#ifndef GM_GO_LIFE_H
#define GM_GO_LIFE_H

#include "go/spans.h"

/**
 * enum gm_go_life - what becomes of a span, from being taken to being given back
 * @GM_GO_LIFE_IN_USE: has objects and free slots, and waits in a list for who wants one
 * @GM_GO_LIFE_CACHED: a P allocates from it
 * @GM_GO_LIFE_FULL: no slot of it is free
 * @GM_GO_LIFE_STACKS: memory for goroutine stacks
 * @GM_GO_LIFE_WORK_BUF: the collector's own
 * @GM_GO_LIFE_IDLE: no span any more: free pages that still have memory
 * @GM_GO_LIFE_RELEASED: free pages whose memory was given back, or never had any
 */
enum gm_go_life {
	GM_GO_LIFE_IN_USE,
	GM_GO_LIFE_CACHED,
	GM_GO_LIFE_FULL,
	GM_GO_LIFE_STACKS,
	GM_GO_LIFE_WORK_BUF,
	GM_GO_LIFE_IDLE,
	GM_GO_LIFE_RELEASED,
	GM_GO_LIVES,
};

/* @GM_GO_SWEEP_NONE: of a manual span, which nobody sweeps. */
enum gm_go_sweep {
	GM_GO_SWEEP_NONE,
	GM_GO_SWEPT,
	GM_GO_UNSWEPT,
	GM_GO_SWEEPING,
	GM_GO_SWEEPS,
};

/* @sweepgen: of the heap. */
enum gm_go_life gm_go_span_life(const struct gm_go_span *span, uint32_t sweepgen);
enum gm_go_sweep gm_go_span_sweep(const struct gm_go_span *span, uint32_t sweepgen);

/* "in-use", "work-buf"; "swept", "-". */
const char *gm_go_life_name(enum gm_go_life life);
const char *gm_go_sweep_name(enum gm_go_sweep sweep);

#endif
