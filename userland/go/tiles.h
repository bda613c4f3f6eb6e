/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pointer masks of Go types, looked up once. */
#ifndef GM_GO_TILES_H
#define GM_GO_TILES_H

#include "go/pointers.h"

struct gm_go_tiles;

struct gm_error *gm_go_tiles_create(const struct gm_go_target *target,
				    struct gm_go_tiles **tiles) GM_MUST_CHECK;
void gm_go_tiles_destroy(struct gm_go_tiles *tiles);

/* The tile of the type descriptor at @type, valid as long as @tiles; NULL where it cannot be
 * told: no descriptor stands there, or one that has no mask. Only a dead target is an error.
 */
struct gm_error *gm_go_tiles_find(struct gm_go_tiles *tiles, uint64_t type,
				  const struct gm_go_tile **tile) GM_MUST_CHECK;

/* Each word is a pointer. */
const struct gm_go_tile *gm_go_tiles_all(void);

#endif
