// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/reader.h"

#include <endian.h>
#include <string.h>

void gm_reader_init(struct gm_reader *reader, const void *data, size_t size)
{
	*reader = (struct gm_reader){ .data = data, .size = size };
}

size_t gm_reader_left(const struct gm_reader *reader)
{
	return reader->size - reader->at;
}

bool gm_reader_seek(struct gm_reader *reader, uint64_t offset)
{
	if (offset > reader->size)
		return false;
	reader->at = offset;
	return true;
}

bool gm_reader_skip(struct gm_reader *reader, uint64_t bytes)
{
	if (bytes > gm_reader_left(reader))
		return false;
	reader->at += bytes;
	return true;
}

bool gm_reader_bytes(struct gm_reader *reader, size_t size, const uint8_t **bytes)
{
	if (size > gm_reader_left(reader))
		return false;
	*bytes = reader->data + reader->at;
	reader->at += size;
	return true;
}

static bool read_into(struct gm_reader *reader, void *value, size_t size)
{
	const uint8_t *bytes;

	if (!gm_reader_bytes(reader, size, &bytes))
		return false;
	memcpy(value, bytes, size);
	return true;
}

bool gm_reader_u8(struct gm_reader *reader, uint8_t *value)
{
	return read_into(reader, value, sizeof(*value));
}

bool gm_reader_u16(struct gm_reader *reader, uint16_t *value)
{
	if (!read_into(reader, value, sizeof(*value)))
		return false;
	*value = le16toh(*value);
	return true;
}

bool gm_reader_u32(struct gm_reader *reader, uint32_t *value)
{
	if (!read_into(reader, value, sizeof(*value)))
		return false;
	*value = le32toh(*value);
	return true;
}

bool gm_reader_u64(struct gm_reader *reader, uint64_t *value)
{
	if (!read_into(reader, value, sizeof(*value)))
		return false;
	*value = le64toh(*value);
	return true;
}
