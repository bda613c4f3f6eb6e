/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cmd_refs*.c share. */
#ifndef GM_CMD_REFS_H
#define GM_CMD_REFS_H

#include "join/holders.h"
#include "out/table.h"

/* All processes: rows by process, largest first. */
struct gm_refs_look {
	struct {
		GM_VEC(struct gm_holders_row);
	} rows;
	struct {
		GM_VEC(struct gm_holders_type);
	} types;
	struct {
		GM_VEC(struct gm_holders_totals);
	} totals;
};

/* Reads the heap of @target, which the caller destroys, and follows its references; @how has what
 * the caller wants to be told. ENOTSUP: the program does not say where its variables are. The
 * caller deinits @refs either way.
 */
struct gm_error *gm_refs_follow(const struct gm_go_target *target, const struct gm_go_rooting *how,
				struct gm_go_heap **heap, struct gm_go_refs *refs) GM_MUST_CHECK;

/* What this process took so far, at most. */
uint64_t gm_refs_peak_bytes(void);

/* Who holds how much of which type, to a file: for pprof, and as a graph for dot, of which it has
 * the 200 largest edges.
 */
struct gm_error *gm_refs_write_pprof(const struct gm_holders *holders,
				     const char *path) GM_MUST_CHECK;
struct gm_error *gm_refs_write_dot(const struct gm_holders *holders,
				   const char *path) GM_MUST_CHECK;

/* Text has the largest @top of each process, all where that is 0. */
struct gm_error *gm_refs_print(const struct gm_refs_look *look, enum gm_out_format format,
			       uint64_t top) GM_MUST_CHECK;

#endif
