// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/zip.h"

#include <errno.h>
#include <zstd.h>

/* The fastest that still folds the zeros and the alike, of which there are most. */
#define LEVEL 1

struct gm_error *gm_zip(const void *bytes, size_t size, void **packed, size_t *packed_size)
{
	size_t room = ZSTD_compressBound(size), used;
	void *buffer = malloc(room);

	if (!buffer)
		return gm_error_create(ENOMEM, "out of memory");
	used = ZSTD_compress(buffer, room, bytes, size, LEVEL);
	if (ZSTD_isError(used)) {
		free(buffer);
		return gm_error_create(ENOMEM, "cannot pack %zu bytes: %s", size,
				       ZSTD_getErrorName(used));
	}
	*packed = buffer;
	*packed_size = used;
	return NULL;
}

struct gm_error *gm_unzip(const void *packed, size_t packed_size, size_t max, void **bytes,
			  size_t *size)
{
	unsigned long long claimed = ZSTD_getFrameContentSize(packed, packed_size);
	void *buffer;
	size_t got;

	/* These two are the largest numbers there are. */
	if (claimed == ZSTD_CONTENTSIZE_ERROR || claimed == ZSTD_CONTENTSIZE_UNKNOWN ||
	    claimed > max)
		return gm_error_create(EBADMSG,
				       "cannot unpack %zu bytes: they are no packed bytes, "
				       "or too many",
				       packed_size);
	buffer = malloc(claimed + 1);
	if (!buffer)
		return gm_error_create(ENOMEM, "out of memory");
	got = ZSTD_decompress(buffer, claimed, packed, packed_size);
	if (ZSTD_isError(got) || got != claimed) {
		free(buffer);
		return gm_error_create(EBADMSG, "cannot unpack %zu bytes: they are damaged",
				       packed_size);
	}
	*bytes = buffer;
	*size = got;
	return NULL;
}
