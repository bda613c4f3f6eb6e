/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each page of a process is, from the best source there is. */
#ifndef GM_OS_PAGES_H
#define GM_OS_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"
#include "gomem.h"
#include "os/maps.h"

enum gm_pages_source {
	GM_PAGES_BEST, /* the first of those below that works */
	GM_PAGES_MODULE, /* /proc/gomem/PID/pages: every state, exact */
	GM_PAGES_SCAN, /* PAGEMAP_SCAN, Linux 6.7: present, huge, swapped, zero, file */
	GM_PAGES_PAGEMAP, /* /proc/PID/pagemap: huge only by contiguous PFNs, and only for root */
	GM_PAGES_CORE, /* gm_core_pages(): never read from a process */
};

/**
 * struct gm_pages - the present and swapped pages of a process, as runs by address
 * @source: where they came from, never GM_PAGES_BEST
 * @missing: what this source cannot tell, one sentence, NULL where nothing is missing; owned
 * @took_ns: how long the read took
 */
struct gm_pages {
	GM_VEC(struct gomem_page_run);
	enum gm_pages_source source;
	char *missing;
	uint64_t took_ns;
};

/* @maps: of the same process, read just before. */
struct gm_error *gm_pages_read(pid_t pid, const struct gm_maps *maps, enum gm_pages_source source,
			       struct gm_pages **pages) GM_MUST_CHECK;
void gm_pages_destroy(struct gm_pages *pages);
GM_DEFINE_AUTO(gm_pages)

/* Resident bytes, as a look of its own at maps and pages finds them. smaps and smaps_rollup would
 * say it, too, but hold the mmap lock while they walk a whole VMA: 22 ms for a GiB of heap.
 */
struct gm_error *gm_pages_rss(pid_t pid, enum gm_pages_source source,
			      uint64_t *bytes) GM_MUST_CHECK;

/* The run that holds @address, NULL where the page is absent. */
const struct gomem_page_run *gm_pages_find(const struct gm_pages *pages, uint64_t address);

/* "thp" and the like, DESIGN's words. */
const char *gm_page_state_name(enum gomem_page_state state);

/* "PAGEMAP_SCAN" and the like, for eyes. */
const char *gm_pages_source_name(enum gm_pages_source source);

/* Whether @source tells huge pages from others; @any: one looked huge. Contiguous frames look so
 * to pagemap: none of them may only mean that it hides them. A core has no word on it.
 */
bool gm_pages_know_huge(enum gm_pages_source source, bool any);

/* Counted in RSS: present, and not the zero page. */
bool gm_page_resident(enum gomem_page_state state);

#endif
