/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes packed and unpacked, by zstd. */
#ifndef GM_BASE_ZIP_H
#define GM_BASE_ZIP_H

#include <stddef.h>

#include "base/error.h"

/* The same bytes give the same @packed, which the caller frees. ENOMEM. */
struct gm_error *gm_zip(const void *bytes, size_t size, void **packed,
			size_t *packed_size) GM_MUST_CHECK;

/* Hostile @packed: EBADMSG where it is no such thing, or holds more than @max bytes. The caller
 * frees @bytes, which may be NULL for none.
 */
struct gm_error *gm_unzip(const void *packed, size_t packed_size, size_t max, void **bytes,
			  size_t *size) GM_MUST_CHECK;

#endif
