// SPDX-License-Identifier: GPL-2.0-or-later
#include "join/vma_use.h"

#include "join/cursor.h"

static bool is_anon(enum gomem_page_state state)
{
	return gm_page_resident(state) && state != GOMEM_PAGE_FILE && state != GOMEM_PAGE_SHMEM;
}

static void add(struct gm_vma_use *use, enum gomem_page_state state, uint64_t bytes)
{
	if (gm_page_resident(state))
		use->rss += bytes;
	if (is_anon(state))
		use->anon += bytes;
	if (state == GOMEM_PAGE_THP)
		use->thp += bytes;
	if (state == GOMEM_PAGE_SWAP)
		use->swap += bytes;
}

/* A run may reach beyond the VMA, into the next one. */
struct gm_vma_use gm_vma_use_next(const struct gm_vma *vma, const struct gm_pages *pages,
				  size_t *next)
{
	struct gm_vma_use use = {};

	for (; *next < pages->count; ++*next) {
		const struct gomem_page_run *run = &pages->items[*next];
		uint64_t end = gm_run_end(run);
		uint64_t from = run->start > vma->start ? run->start : vma->start;
		uint64_t to = end < vma->end ? end : vma->end;

		if (from < to)
			add(&use, run->state, to - from);
		if (end > vma->end)
			break;
	}
	return use;
}
