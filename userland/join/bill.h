/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions x pages -> the bill. Pure: sorted arrays in, rows out. */
#ifndef GM_JOIN_BILL_H
#define GM_JOIN_BILL_H

#include "base/error.h"
#include "go/heap.h"
#include "os/maps.h"
#include "os/pages.h"

#define GM_HUGE_BYTES (2ULL << 20)

/**
 * struct gm_huge - one 2 MiB page mapped by a PMD inside the Go heap
 * @start: address, 2 MiB aligned
 * @bytes: of each class in it; the sum is 2 MiB, less bytes that have no class
 */
struct gm_huge {
	uint64_t start;
	uint32_t bytes[GM_GO_CLASSES];
};

/**
 * struct gm_class_use - one size class, from the spans and their pages
 * @size_class: 0 to 67; 0 is the large objects, elem_bytes is then 0
 *
 * span_bytes = object_bytes + free_bytes + tail_bytes, stacks and other manual
 * spans left out. Sums stick at UINT64_MAX.
 */
struct gm_class_use {
	uint8_t size_class;
	uint64_t elem_bytes;
	uint64_t spans;
	uint64_t span_bytes;
	uint64_t slots;
	uint64_t objects;
	uint64_t object_bytes;
	uint64_t free_bytes;
	uint64_t tail_bytes;
	uint64_t resident_bytes;
};

/**
 * struct gm_bill - where the memory went
 * @bytes: by Go class and page state; a page that several classes share is
 *	split among them by bytes, so every column still sums to what is resident.
 *	The absent column is the mapped address space that the others leave.
 * @resident: the resident columns of @bytes, summed by class
 * @rss: what a second look saw resident, or the pages where there was none, bytes
 * @pages_rss: what the pages say is resident in all
 * @swap: swapped out, bytes
 * @virtual_bytes: the VMAs' sizes, as VmSize counts them
 * @released_huge: huge pages that hold released bytes
 * @classless: resident bytes of @pages_rss in no region and no VMA
 * @unexplained: @rss less the sum of @resident; negative when the target shrank meanwhile
 * @huge: by address
 */
struct gm_bill {
	uint64_t bytes[GM_GO_CLASSES][GOMEM_PAGE_STATES];
	uint64_t resident[GM_GO_CLASSES];
	uint64_t rss;
	uint64_t pages_rss;
	uint64_t swap;
	uint64_t virtual_bytes;
	uint64_t released_huge;
	uint64_t classless;
	int64_t unexplained;
	struct gm_class_use classes[GM_GO_SIZE_CLASSES];
	struct {
		GM_VEC(struct gm_huge);
	} huge;
};

/* @heap: NULL for a program that is not Go. @rss_again: resident bytes by a second
 * look after @pages was read, 0 where there was none.
 * EINVAL: an input is out of order, or overlaps, or passes the end of the address space.
 */
struct gm_error *gm_bill_compute(const struct gm_maps *maps, const struct gm_pages *pages,
				 const struct gm_go_heap *heap, uint64_t rss_again,
				 struct gm_bill **bill) GM_MUST_CHECK;
void gm_bill_destroy(struct gm_bill *bill);
GM_DEFINE_AUTO(gm_bill)

#endif
