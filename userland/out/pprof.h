/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile that pprof reads: stacks of names, and two numbers for each. */
#ifndef GM_OUT_PPROF_H
#define GM_OUT_PPROF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct gm_pprof;

/* What the numbers are: "objects" in "count", "space" in "bytes"; the second is what pprof shows
 * unless asked. Caller destroys.
 */
struct gm_error *gm_pprof_create(const char *const types[2], const char *const units[2],
				 struct gm_pprof **pprof) GM_MUST_CHECK;
void gm_pprof_destroy(struct gm_pprof *pprof);
GM_DEFINE_AUTO(gm_pprof)

#define GM_PPROF_STACK_MAX 64

/* @stack: @count names, at least one, the innermost first. */
struct gm_error *gm_pprof_add(struct gm_pprof *pprof, const char *const *stack, size_t count,
			      const uint64_t values[2]) GM_MUST_CHECK;

/* Packed by gzip, as pprof has it; an existing file is replaced. */
struct gm_error *gm_pprof_write(struct gm_pprof *pprof, const char *path) GM_MUST_CHECK;

#endif
