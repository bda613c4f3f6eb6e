/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Go heap in blocks of 2 MiB, the size of a huge page: what is in each, and what holds it. */
#ifndef GM_JOIN_BLOCKS_H
#define GM_JOIN_BLOCKS_H

#include "base/error.h"
#include "go/heap.h"
#include "join/bill.h"
#include "os/maps.h"
#include "os/pages.h"

#define GM_BLOCK_PAGES (GM_HUGE_BYTES / GM_GO_PAGE_BYTES)
#define GM_BLOCK_CLASSES (GM_GO_STACK_FREE + 1)

/**
 * struct gm_block - 2 MiB of address space of which the heap has at least a page
 * @start: address, 2 MiB aligned
 * @resident: bytes of each heap class that are resident, @others: of all else
 * @spans: how many reach into it; @holders: of those, how many have something there that
 *	cannot be given back: a live object, a stack, the collector's buffers
 * @free_pages: pages of 8 KiB that belong to no span, @longest_free: most of them in a row
 * @first_region, @regions: its regions in the heap's list; the outer two may reach beyond it
 * @huge: one PMD maps it
 */
struct gm_block {
	uint64_t start;
	uint32_t resident[GM_BLOCK_CLASSES];
	uint32_t others;
	uint32_t spans;
	uint32_t holders;
	uint32_t free_pages;
	uint32_t longest_free;
	size_t first_region;
	size_t regions;
	bool huge;
};

/* By address. */
struct gm_blocks {
	GM_VEC(struct gm_block);
};

/* EINVAL as gm_bill_compute(). The owner frees blocks->items either way. */
struct gm_error *gm_blocks_compute(const struct gm_maps *maps, const struct gm_pages *pages,
				   const struct gm_go_heap *heap,
				   struct gm_blocks *blocks) GM_MUST_CHECK;

/* The block that holds @address, NULL where the heap has nothing there. */
const struct gm_block *gm_blocks_find(const struct gm_blocks *blocks, uint64_t address);

/* Bytes resident in it. */
uint64_t gm_block_resident(const struct gm_block *block);

/* Resident bytes that no live object and no stack needs: what could be given back if it were
 * packed, or if what holds it went away.
 */
uint64_t gm_block_waste(const struct gm_block *block);

/**
 * struct gm_holder - a span that keeps a block
 * @span: index into the heap's spans
 * @bytes: of it in the block: live objects, stacks, collector's buffers
 */
struct gm_holder {
	uint32_t span;
	uint32_t bytes;
};

/* The first @max holders of @block, by address; returns how many. */
size_t gm_block_holders(const struct gm_block *block, const struct gm_go_heap *heap,
			struct gm_holder *holders, size_t max);

#endif
