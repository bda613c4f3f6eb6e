// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* strdup, asprintf */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/file.h"
#include "os/pages_source.h"

/* include/uapi/linux/fs.h of Linux 6.7, which the headers here may predate. */
#define CATEGORY_FILE (1 << 2)
#define CATEGORY_PRESENT (1 << 3)
#define CATEGORY_SWAPPED (1 << 4)
#define CATEGORY_PFNZERO (1 << 5)
#define CATEGORY_HUGE (1 << 6)
#define CATEGORY_GUARD (1 << 8) /* 6.15: guard markers, which earlier are called swapped */

struct scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_argument {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct scan_argument)

/* No more than the kernel's own buffer has: it fills a larger one in rounds, and when a
 * round after the first reaches the end, walk_end is left where the one before stopped
 * (fs/proc/task_mmu.c, do_pagemap_scan(), seen in 6.18), so pages would come twice.
 */
#define REGIONS_MAX 512
/* The kernel holds the mmap lock for a whole call, and a target that maps or unmaps waits for it:
 * a window is halved when it took longer than this, and doubled when it took far less. A GiB of
 * 4 KiB pages takes 11 to 18 ms on 6.18.
 */
#define HOLD_NS 250000
#define WINDOW_MIN ((uint64_t)2 << 20)
#define WINDOW_START ((uint64_t)8 << 20)
#define WINDOW_MAX ((uint64_t)64 << 20)

struct scan {
	pid_t pid;
	int fd;
	uint64_t window_bytes;
	uint64_t return_mask;
	struct gm_zero_frames zero;
	struct gm_pages *pages;
	struct scan_region regions[REGIONS_MAX];
};

/* Kernels before mid-2025 call the huge zero page huge but not zero; its frame tells. */
static bool is_huge_zero(const struct scan *scan, uint64_t address)
{
	uint64_t entry;

	return scan->zero.huge && gm_pagemap_read(scan->fd, address, &entry, 1) == 1 &&
	       (entry & GM_PAGEMAP_FRAME) == scan->zero.huge;
}

static enum gomem_page_state region_state(const struct gm_vma *vma, uint64_t categories)
{
	if (categories & CATEGORY_GUARD)
		return GOMEM_PAGE_ABSENT;
	if (categories & CATEGORY_SWAPPED)
		return GOMEM_PAGE_SWAP;
	if (!(categories & CATEGORY_PRESENT))
		return GOMEM_PAGE_ABSENT;
	if (categories & CATEGORY_PFNZERO)
		return GOMEM_PAGE_ZERO;
	if (categories & CATEGORY_FILE)
		return gm_pages_file_state(vma->kind);
	/* A shared mapping has no anonymous pages: these are a device's, not counted in RSS. */
	if (vma->perms[3] == 's')
		return GOMEM_PAGE_ABSENT;
	return categories & CATEGORY_HUGE ? GOMEM_PAGE_THP : GOMEM_PAGE_ANON;
}

/* Each huge page by itself, since some may be the huge zero page. */
static struct gm_error *append_thps(struct scan *scan, const struct scan_region *region)
{
	struct gm_error *error = NULL;
	uint64_t next;

	for (uint64_t at = region->start; !error && at < region->end; at = next) {
		enum gomem_page_state state = is_huge_zero(scan, at) ? GOMEM_PAGE_ZERO :
								       GOMEM_PAGE_THP;

		next = (at / GM_HUGE_BYTES + 1) * GM_HUGE_BYTES;
		if (next > region->end)
			next = region->end;
		error = gm_pages_append(scan->pages, at, (next - at) / GM_PAGE_BYTES, state,
					GM_HUGE_ORDER);
	}
	return error;
}

static struct gm_error *append_region(struct scan *scan, const struct gm_vma *vma,
				      const struct scan_region *region)
{
	enum gomem_page_state state = region_state(vma, region->categories);
	uint64_t count = (region->end - region->start) / GM_PAGE_BYTES;

	if (state == GOMEM_PAGE_THP)
		return append_thps(scan, region);
	return gm_pages_append(scan->pages, region->start, count, state,
			       region->categories & CATEGORY_HUGE ? GM_HUGE_ORDER : 0);
}

static void adapt_window(struct scan *scan, uint64_t took_ns)
{
	if (took_ns > HOLD_NS && scan->window_bytes > WINDOW_MIN)
		scan->window_bytes /= 2;
	else if (took_ns < HOLD_NS / 4 && scan->window_bytes < WINDOW_MAX)
		scan->window_bytes *= 2;
}

static int scan_call(struct scan *scan, uint64_t start, uint64_t end, uint64_t *walk_end)
{
	struct scan_argument argument = {
		.size = sizeof(argument),
		.start = start,
		.end = end,
		.vec = (uintptr_t)scan->regions,
		.vec_len = REGIONS_MAX,
		.category_anyof_mask = CATEGORY_PRESENT | CATEGORY_SWAPPED,
		.return_mask = scan->return_mask,
	};
	uint64_t begin = gm_clock_ns(), took_ns;
	int count = ioctl(scan->fd, PAGEMAP_SCAN, &argument);

	took_ns = gm_clock_ns() - begin;
	adapt_window(scan, took_ns);
	gm_pages_pause(took_ns);
	*walk_end = argument.walk_end;
	return count;
}

static struct gm_error *scan_window(struct scan *scan, const struct gm_vma *vma, uint64_t start,
				    uint64_t end)
{
	struct gm_error *error = NULL;

	while (!error && start < end) {
		uint64_t walk_end;
		int count = scan_call(scan, start, end, &walk_end);

		if (count < 0)
			return gm_proc_error(scan->pid, "pagemap", errno);
		if (walk_end <= start)
			return gm_error_create(EIO,
					       "cannot scan the pages of process %d: the kernel "
					       "got no further than 0x%llx",
					       (int)scan->pid, (unsigned long long)start);
		for (int i = 0; !error && i < count; i++)
			error = append_region(scan, vma, &scan->regions[i]);
		start = walk_end;
	}
	return error;
}

static struct gm_error *scan_vma(struct scan *scan, const struct gm_vma *vma)
{
	struct gm_error *error = NULL;

	/* Windows end at multiples of their size, so that none cuts a huge page in two. */
	for (uint64_t at = vma->start, end; !error && at < vma->end; at = end) {
		end = (at / scan->window_bytes + 1) * scan->window_bytes;
		if (end > vma->end)
			end = vma->end;
		error = scan_window(scan, vma, at, end);
	}
	return error;
}

/* An empty scan tells whether the kernel knows the ioctl, and then the newer category. */
static bool scan_supported(struct scan *scan)
{
	uint64_t walk_end;

	scan->return_mask = CATEGORY_FILE | CATEGORY_PRESENT | CATEGORY_SWAPPED | CATEGORY_PFNZERO |
			    CATEGORY_HUGE | CATEGORY_GUARD;
	if (scan_call(scan, 0, GM_PAGE_BYTES, &walk_end) >= 0)
		return true;
	scan->return_mask &= ~CATEGORY_GUARD;
	return scan_call(scan, 0, GM_PAGE_BYTES, &walk_end) >= 0;
}

static struct gm_error *say_missing(struct scan *scan)
{
	struct gm_pages *pages = scan->pages;

	if (asprintf(&pages->missing,
		     "PAGEMAP_SCAN cannot tell lazyfree, mthp and migrating pages "
		     "from others%s",
		     scan->zero.huge ? "" :
				       ", nor, on some kernels, the huge zero page from thp") >= 0)
		return NULL;
	pages->missing = NULL;
	return gm_error_create(ENOMEM, "out of memory");
}

static struct gm_error *scan_maps(struct scan *scan, const struct gm_maps *maps)
{
	struct gm_error *error = NULL;

	if (!scan_supported(scan))
		return gm_error_create(ENOTSUP, "the kernel has no PAGEMAP_SCAN; it came with "
						"Linux 6.7");
	gm_zero_frames_find(&scan->zero);
	for (size_t i = 0; !error && i < maps->count; i++) {
		if (gm_pages_in_rss(&maps->items[i]))
			error = scan_vma(scan, &maps->items[i]);
	}
	return error ? error : say_missing(scan);
}

struct gm_error *gm_pages_read_scan(pid_t pid, const struct gm_maps *maps, struct gm_pages *pages)
{
	struct scan scan = { .pid = pid, .window_bytes = WINDOW_START, .pages = pages };
	struct gm_error *error = gm_proc_open(pid, "pagemap", &scan.fd);

	if (error)
		return error;
	error = scan_maps(&scan, maps);
	close(scan.fd);
	return error;
}
