/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is wanted soon. */
#ifndef GM_BASE_FETCH_H
#define GM_BASE_FETCH_H

/* Has the line of @address, which need not be mapped, come into the caches. A function that does
 * nothing else does nothing in the eyes of gcc, which leaves out its calls: hence the asm.
 */
static inline void gm_fetch(const void *address)
{
	__builtin_prefetch(address);
	__asm__ volatile("");
}

#endif
