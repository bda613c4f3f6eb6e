/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime's own memory: which of it is known, to the byte. */
#ifndef GM_GO_META_H
#define GM_GO_META_H

#include "go/chunks.h"
#include "go/regions.h"
#include "go/spans.h"

/* Appends, by address: @mspans, the page allocator's tables, the arena index and the
 * bit arenas, each as its class; what else surely is the runtime's as GM_GO_OTHER_SYS:
 * persistentalloc's chunks, VMAs that Go has named, and, where the program has no cgo,
 * the rest of the anonymous VMAs that hold any of this.
 */
struct gm_error *gm_go_meta_read(const struct gm_go_target *target,
				 const struct gm_go_arenas *arenas, uint64_t index_at,
				 const struct gm_go_regions *mspans,
				 const struct gm_go_tables *tables,
				 struct gm_go_regions *regions) GM_MUST_CHECK;

#endif
