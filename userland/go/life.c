// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/life.h"

/* Go src/runtime/mheap.go, mspan.sweepgen less mheap_.sweepgen: -2 wants sweeping, -1 is
 * being swept, 0 was; 1 and 3 are a P's, taken before it was swept and swept since.
 */
static bool cached(const struct gm_go_span *span, uint32_t sweepgen)
{
	return span->sweepgen == sweepgen + 1 || span->sweepgen == sweepgen + 3;
}

enum gm_go_life gm_go_span_life(const struct gm_go_span *span, uint32_t sweepgen)
{
	if (span->manual)
		return span->stack ? GM_GO_LIFE_STACKS : GM_GO_LIFE_WORK_BUF;
	if (cached(span, sweepgen))
		return GM_GO_LIFE_CACHED;
	return span->allocated >= span->elems ? GM_GO_LIFE_FULL : GM_GO_LIFE_IN_USE;
}

enum gm_go_sweep gm_go_span_sweep(const struct gm_go_span *span, uint32_t sweepgen)
{
	if (span->manual)
		return GM_GO_SWEEP_NONE;
	if (span->unswept)
		return GM_GO_UNSWEPT;
	return span->sweepgen == sweepgen - 1 ? GM_GO_SWEEPING : GM_GO_SWEPT;
}

const char *gm_go_life_name(enum gm_go_life life)
{
	static const char *const names[GM_GO_LIVES] = {
		[GM_GO_LIFE_IN_USE] = "in-use",	    [GM_GO_LIFE_CACHED] = "cached",
		[GM_GO_LIFE_FULL] = "full",	    [GM_GO_LIFE_STACKS] = "stacks",
		[GM_GO_LIFE_WORK_BUF] = "work-buf", [GM_GO_LIFE_IDLE] = "idle",
		[GM_GO_LIFE_RELEASED] = "released",
	};

	return life < GM_GO_LIVES ? names[life] : "unknown";
}

const char *gm_go_sweep_name(enum gm_go_sweep sweep)
{
	static const char *const names[GM_GO_SWEEPS] = {
		[GM_GO_SWEEP_NONE] = "-",
		[GM_GO_SWEPT] = "swept",
		[GM_GO_UNSWEPT] = "unswept",
		[GM_GO_SWEEPING] = "sweeping",
	};

	return sweep < GM_GO_SWEEPS ? names[sweep] : "unknown";
}
