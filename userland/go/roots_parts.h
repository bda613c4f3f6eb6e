/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of roots.c, each in a file of its own. */
#ifndef GM_GO_ROOTS_PARTS_H
#define GM_GO_ROOTS_PARTS_H

#include "go/roots.h"

#define GM_GO_HOLDERS_MAX (1U << 22)

/* The holder called @name of @kind, made where there is none yet. */
struct gm_error *gm_go_roots_holder(struct gm_go_roots *roots, enum gm_go_holder_kind kind,
				    const char *name, uint32_t *holder) GM_MUST_CHECK;

/* Adds @root, which may be no object's. E2BIG: there are too many. */
struct gm_error *gm_go_roots_add(struct gm_go_roots *roots,
				 const struct gm_go_root *root) GM_MUST_CHECK;

/* Whether @word may point into a heap, of which nothing else is known yet. */
bool gm_go_roots_plausible(const struct gm_go_rooting *rooting, uint64_t word);

/* Globals, by the masks that the linker made of them. */
struct gm_error *gm_go_roots_globals(const struct gm_go_rooting *rooting,
				     struct gm_go_roots *roots) GM_MUST_CHECK;

/* Goroutines' stacks, by the pointer maps of their frames. */
struct gm_error *gm_go_roots_stacks(const struct gm_go_rooting *rooting, struct gm_go_types *types,
				    struct gm_go_roots *roots) GM_MUST_CHECK;

/* Finalizers, cleanups, weak handles; and the runtime's own few. */
struct gm_error *gm_go_roots_specials(const struct gm_go_rooting *rooting,
				      const struct gm_go_ids *ids,
				      struct gm_go_roots *roots) GM_MUST_CHECK;

#endif
