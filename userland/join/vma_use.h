/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of each VMA is there: VMAs x pages. */
#ifndef GM_JOIN_VMA_USE_H
#define GM_JOIN_VMA_USE_H

#include "os/maps.h"
#include "os/pages.h"

/* Bytes, as smaps counts them; @anon, @thp: of @rss. */
struct gm_vma_use {
	uint64_t rss;
	uint64_t anon;
	uint64_t thp;
	uint64_t swap;
};

/* What of @pages lies in @vma. @next: 0 for the first VMA, then for those
 * above it as it was left.
 */
struct gm_vma_use gm_vma_use_next(const struct gm_vma *vma, const struct gm_pages *pages,
				  size_t *next);

#endif
