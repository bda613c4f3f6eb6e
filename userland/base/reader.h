/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reader over bytes that others wrote: it cannot pass their end.
 *
 * Every call returns false, and moves nothing, where the bytes do not suffice.
 * Numbers are little-endian, as on every machine gomem reads.
 */
#ifndef GM_BASE_READER_H
#define GM_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct gm_reader - a position in a buffer it does not own
 * @data: first byte; @size: how many; @at: offset of the next one, at most @size
 */
struct gm_reader {
	const uint8_t *data;
	size_t size;
	size_t at;
};

void gm_reader_init(struct gm_reader *reader, const void *data, size_t size);

size_t gm_reader_left(const struct gm_reader *reader);

/* To an offset from the start; the end itself is allowed. */
bool gm_reader_seek(struct gm_reader *reader, uint64_t offset);
bool gm_reader_skip(struct gm_reader *reader, uint64_t bytes);

bool gm_reader_u8(struct gm_reader *reader, uint8_t *value);
bool gm_reader_u16(struct gm_reader *reader, uint16_t *value);
bool gm_reader_u32(struct gm_reader *reader, uint32_t *value);
bool gm_reader_u64(struct gm_reader *reader, uint64_t *value);

/* @size bytes in place, not copied: valid as long as the buffer is. */
bool gm_reader_bytes(struct gm_reader *reader, size_t size, const uint8_t **bytes);

#endif
