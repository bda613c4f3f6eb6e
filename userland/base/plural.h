/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "1 sample", "2 samples", "0 samples". */
#ifndef GM_BASE_PLURAL_H
#define GM_BASE_PLURAL_H

#include <stdint.h>

/* What comes after a noun that @count stands before. */
static inline const char *gm_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

#endif
