/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of roots.c, each in a file of its own. */
#ifndef GM_GO_ROOTS_PARTS_H
#define GM_GO_ROOTS_PARTS_H

#include "go/roots.h"

#define GM_GO_HOLDERS_MAX (1U << 22)

/* The holder called @name of @kind, made where there is none yet. */
struct gm_error *gm_go_roots_holder(struct gm_go_roots *roots, enum gm_go_holder_kind kind,
				    const char *name, uint32_t *holder) GM_MUST_CHECK;

/* @holder refers to @address, which may be no object's; @at: see struct gm_go_root. */
struct gm_error *gm_go_roots_add(struct gm_go_roots *roots, const struct gm_go_ids *ids,
				 uint32_t holder, uint64_t address, uint64_t at) GM_MUST_CHECK;

/* Globals, by the masks that the linker made of them. */
struct gm_error *gm_go_roots_globals(const struct gm_go_rooting *rooting,
				     struct gm_go_roots *roots) GM_MUST_CHECK;

/* Goroutines' stacks, by the pointer maps of their frames. */
struct gm_error *gm_go_roots_stacks(const struct gm_go_rooting *rooting,
				    struct gm_go_roots *roots) GM_MUST_CHECK;

/* Finalizers, cleanups, weak handles; and the runtime's own few. */
struct gm_error *gm_go_roots_specials(const struct gm_go_rooting *rooting,
				      struct gm_go_roots *roots) GM_MUST_CHECK;

#endif
