/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For who follows many pointers to little things that lie close together: each page is read once,
 * not each thing.
 */
#ifndef GM_OS_MEM_CACHE_H
#define GM_OS_MEM_CACHE_H

#include "os/mem.h"

/* What @under has, as it was when a page was first asked for, as long as it stays in the cache of
 * 16 MiB. @under must live as long; caller destroys.
 */
struct gm_error *gm_mem_cache(struct gm_mem *under, struct gm_mem **mem) GM_MUST_CHECK;

#endif
