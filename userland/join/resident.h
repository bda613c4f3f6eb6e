/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of a stretch of memory is resident. */
#ifndef GM_JOIN_RESIDENT_H
#define GM_JOIN_RESIDENT_H

#include "os/pages.h"

/* Bytes of [@start, @end) that lie in resident pages of @pages, which are by address: of a page
 * that others share, only those within. 0 where @end is not above @start.
 */
uint64_t gm_resident_bytes(const struct gm_pages *pages, uint64_t start, uint64_t end);

#endif
