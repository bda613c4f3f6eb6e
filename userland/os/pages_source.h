/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between os/pages.c and the sources behind it; a source appends runs by address. */
#ifndef GM_OS_PAGES_SOURCE_H
#define GM_OS_PAGES_SOURCE_H

#include "os/pages.h"

#define GM_PAGE_BYTES 4096
#define GM_HUGE_BYTES 0x200000
#define GM_HUGE_PAGES (GM_HUGE_BYTES / GM_PAGE_BYTES)
#define GM_HUGE_ORDER 9

/* Absent pages are dropped, a run that goes on where the last one ended joins it. */
struct gm_error *gm_pages_append(struct gm_pages *pages, uint64_t start, uint64_t count,
				 enum gomem_page_state state, uint8_t order) GM_MUST_CHECK;

/* After a system call that took @took_ns with the mmap lock of the target held. Who waits for the
 * lock is woken when it is let go, and comes too late where the next call takes it at once: a
 * target of 2 GiB of 4 KiB pages, which maps 64 KiB over and over, was kept waiting for 60 ms at a
 * time, of which 2 or 3 are left when there is a pause. None after short calls.
 */
void gm_pages_pause(uint64_t took_ns);

/* Whether smaps counts what lies in @vma: not hugetlb, which is accounted apart, nor
 * the kernel's data pages.
 */
bool gm_pages_in_rss(const struct gm_vma *vma);

/* Present file-backed pages of @kind are FILE or SHMEM. */
enum gomem_page_state gm_pages_file_state(enum gm_vma_kind kind);

/* Frame numbers of the zero pages, found by reading memory of our own that was never
 * written; 0 where unknown (which no zero page has). Needs CAP_SYS_ADMIN.
 */
struct gm_zero_frames {
	uint64_t small;
	uint64_t huge;
};

void gm_zero_frames_find(struct gm_zero_frames *frames);

/* /proc/PID/pagemap entries, Documentation/admin-guide/mm/pagemap.rst. */
#define GM_PAGEMAP_FRAME ((1ULL << 55) - 1) /* where present; 0 without CAP_SYS_ADMIN */
#define GM_PAGEMAP_GUARD (1ULL << 58)
#define GM_PAGEMAP_FILE (1ULL << 61)
#define GM_PAGEMAP_SWAP (1ULL << 62)
#define GM_PAGEMAP_PRESENT (1ULL << 63)

/* At most @count entries from @address on; how many came, 0 at an error. */
size_t gm_pagemap_read(int fd, uint64_t address, uint64_t *entries, size_t count);

/* The sources. ENOTSUP: not available here, try the next. */
struct gm_error *gm_pages_read_module(pid_t pid, struct gm_pages *pages) GM_MUST_CHECK;
struct gm_error *gm_pages_read_scan(pid_t pid, const struct gm_maps *maps,
				    struct gm_pages *pages) GM_MUST_CHECK;
struct gm_error *gm_pages_read_pagemap(pid_t pid, const struct gm_maps *maps,
				       struct gm_pages *pages) GM_MUST_CHECK;

/* The module's runs from an open file, each checked against the contract. EIO: broken. */
struct gm_error *gm_pages_read_runs(int fd, struct gm_pages *pages) GM_MUST_CHECK;

#endif
