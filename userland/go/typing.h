/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the objects whose type is known to those they refer to. */
#ifndef GM_GO_TYPING_H
#define GM_GO_TYPING_H

#include "go/edges.h"
#include "go/ids.h"
#include "go/roots.h"
#include "go/target.h"

/* What a holder's reference says of an object; 0: nothing. */
struct gm_go_seed {
	uint32_t object;
	gm_go_code code;
	bool inside;
};

/* What variables say of what they refer to: appends to @seeds. */
struct gm_go_seeds {
	GM_VEC(struct gm_go_seed);
};

struct gm_error *gm_go_typing_seeds(const struct gm_go_roots *roots, struct gm_go_types *types,
				    struct gm_go_seeds *seeds) GM_MUST_CHECK;

/* Spreads what @typing knows, and @seeds, over all edges of @graph; objects that nothing told
 * of become those of their size. Memory: at most four bytes an object and a bit.
 */
struct gm_error *gm_go_typing_spread(struct gm_go_typing *typing, const struct gm_graph *graph,
				     const struct gm_go_ids *ids,
				     const struct gm_go_seeds *seeds) GM_MUST_CHECK;

/* Reads of the closures that nothing told the function of which it is: those without pointers,
 * which were not copied.
 */
struct gm_error *gm_go_typing_closures(struct gm_go_typing *typing,
				       const struct gm_go_target *target,
				       const struct gm_go_ids *ids) GM_MUST_CHECK;

#endif
