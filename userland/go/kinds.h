/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small numbers for the codes that occur. */
#ifndef GM_GO_KINDS_H
#define GM_GO_KINDS_H

#include "base/vec.h"
#include "go/types.h"

/**
 * struct gm_go_kinds - the codes, by their number
 * @slots: open hash table of numbers and one, 0: none
 */
struct gm_go_kinds {
	GM_VEC(gm_go_code);
	uint32_t *slots;
};

/* Deinit either way. */
struct gm_error *gm_go_kinds_init(struct gm_go_kinds *kinds) GM_MUST_CHECK;
void gm_go_kinds_deinit(struct gm_go_kinds *kinds);

/* The number of @code, a new one where it has none. E2BIG: there are too many. */
struct gm_error *gm_go_kinds_find(struct gm_go_kinds *kinds, gm_go_code code,
				  uint32_t *number) GM_MUST_CHECK;

#endif
