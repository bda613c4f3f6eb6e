// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/locations.h"

#include <dwarf.h>

#include "base/reader.h"

#define BASE_FOLLOWS UINT64_MAX /* in place of a start, before DWARF 5 */

static bool read_uleb(struct gm_reader *reader, uint64_t *value)
{
	unsigned int shift = 0;
	uint8_t byte;

	*value = 0;
	do {
		if (!gm_reader_u8(reader, &byte))
			return false;
		if (shift < 64)
			*value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return true;
}

static bool read_sleb(struct gm_reader *reader, int64_t *value)
{
	size_t start = reader->at;
	uint64_t bits;
	size_t shift;

	if (!read_uleb(reader, &bits))
		return false;
	shift = 7 * (reader->at - start);
	if (shift < 64 && reader->data[reader->at - 1] & 0x40)
		bits |= ~0ULL << shift;
	*value = bits;
	return true;
}

/* A place; what a piece of nothing has, is none. */
static bool read_place(struct gm_reader *reader, struct gm_elf_piece *piece)
{
	uint64_t number;
	uint8_t op;

	*piece = (struct gm_elf_piece){};
	if (!gm_reader_u8(reader, &op))
		return false;
	if (op >= DW_OP_reg0 && op <= DW_OP_reg31)
		return true;
	switch (op) {
	case DW_OP_regx:
		return read_uleb(reader, &number);
	case DW_OP_call_frame_cfa:
		piece->in_frame = true;
		return true;
	case DW_OP_fbreg:
		piece->in_frame = true;
		return read_sleb(reader, &piece->offset);
	case DW_OP_piece:
		reader->at--;
		return true;
	}
	return false;
}

static bool read_piece(struct gm_reader *reader, struct gm_elf_piece *piece)
{
	uint8_t op;

	return read_place(reader, piece) && gm_reader_u8(reader, &op) && op == DW_OP_piece &&
	       read_uleb(reader, &piece->bytes) && piece->bytes;
}

size_t gm_elf_expression(const uint8_t *bytes, size_t size,
			 struct gm_elf_piece pieces[GM_ELF_PIECES_MAX])
{
	struct gm_reader reader;
	size_t count = 0;

	gm_reader_init(&reader, bytes, size);
	if (read_place(&reader, pieces) && !gm_reader_left(&reader))
		return 1;
	gm_reader_seek(&reader, 0);
	while (gm_reader_left(&reader))
		if (count == GM_ELF_PIECES_MAX || !read_piece(&reader, &pieces[count++]))
			return 0;
	return count;
}

/**
 * struct entry - of a list
 * @last: it ends the list; @base: it says what offsets that follow are from
 * @start, @end: addresses
 */
struct entry {
	bool last;
	bool base;
	uint64_t start;
	uint64_t end;
	const uint8_t *expression;
	size_t bytes;
};

static bool read_indexed(const struct gm_elf_lists *lists, struct gm_reader *reader,
			 uint64_t *address)
{
	struct gm_reader addresses;
	uint64_t index;

	gm_reader_init(&addresses, lists->addresses, lists->addresses_bytes);
	return read_uleb(reader, &index) && index <= lists->addresses_bytes / sizeof(*address) &&
	       gm_reader_seek(&addresses, lists->addresses_at) &&
	       gm_reader_skip(&addresses, index * sizeof(*address)) &&
	       gm_reader_u64(&addresses, address);
}

static bool read_range(const struct gm_elf_lists *lists, struct gm_reader *reader, uint8_t kind,
		       uint64_t base, struct entry *entry)
{
	switch (kind) {
	case DW_LLE_startx_endx:
		return read_indexed(lists, reader, &entry->start) &&
		       read_indexed(lists, reader, &entry->end);
	case DW_LLE_startx_length:
		if (!read_indexed(lists, reader, &entry->start) || !read_uleb(reader, &entry->end))
			return false;
		entry->end += entry->start;
		return true;
	case DW_LLE_offset_pair:
		if (!read_uleb(reader, &entry->start) || !read_uleb(reader, &entry->end))
			return false;
		entry->start += base;
		entry->end += base;
		return true;
	case DW_LLE_default_location:
		entry->end = UINT64_MAX;
		return true;
	case DW_LLE_start_end:
		return gm_reader_u64(reader, &entry->start) && gm_reader_u64(reader, &entry->end);
	case DW_LLE_start_length:
		if (!gm_reader_u64(reader, &entry->start) || !read_uleb(reader, &entry->end))
			return false;
		entry->end += entry->start;
		return true;
	}
	return false;
}

/* As of a location list; those of ranges have the same numbers but for default_location. */
static bool read_kind(const struct gm_elf_lists *lists, struct gm_reader *reader, uint8_t *kind)
{
	if (!gm_reader_u8(reader, kind))
		return false;
	if (lists->ranges && *kind >= DW_RLE_base_address)
		*kind += DW_LLE_base_address - DW_RLE_base_address;
	return true;
}

static bool read_entry(const struct gm_elf_lists *lists, struct gm_reader *reader, uint64_t base,
		       struct entry *entry)
{
	uint64_t bytes;
	uint8_t kind;

	*entry = (struct entry){};
	if (!read_kind(lists, reader, &kind))
		return false;
	entry->last = kind == DW_LLE_end_of_list;
	entry->base = kind == DW_LLE_base_addressx || kind == DW_LLE_base_address;
	if (entry->last)
		return true;
	if (kind == DW_LLE_base_addressx)
		return read_indexed(lists, reader, &entry->start);
	if (kind == DW_LLE_base_address)
		return gm_reader_u64(reader, &entry->start);
	if (!read_range(lists, reader, kind, base, entry))
		return false;
	if (lists->ranges)
		return true;
	if (!read_uleb(reader, &bytes))
		return false;
	entry->bytes = bytes;
	return gm_reader_bytes(reader, bytes, &entry->expression);
}

static bool read_old_entry(const struct gm_elf_lists *lists, struct gm_reader *reader,
			   uint64_t base, struct entry *entry)
{
	uint16_t bytes;

	*entry = (struct entry){};
	if (!gm_reader_u64(reader, &entry->start) || !gm_reader_u64(reader, &entry->end))
		return false;
	entry->last = !entry->start && !entry->end;
	entry->base = entry->start == BASE_FOLLOWS;
	if (entry->base)
		entry->start = entry->end;
	if (entry->last || entry->base)
		return true;
	entry->start += base;
	entry->end += base;
	if (lists->ranges)
		return true;
	if (!gm_reader_u16(reader, &bytes))
		return false;
	entry->bytes = bytes;
	return gm_reader_bytes(reader, bytes, &entry->expression);
}

bool gm_elf_lists_find(const struct gm_elf_lists *lists, uint64_t offset, uint64_t address,
		       uint64_t *left, const uint8_t **expression, size_t *bytes)
{
	uint64_t base = lists->base;
	struct gm_reader reader;
	struct entry entry;

	gm_reader_init(&reader, lists->lists, lists->lists_bytes);
	if (!gm_reader_seek(&reader, offset))
		return false;
	while (*left) {
		--*left;
		if (lists->version < 5 ? !read_old_entry(lists, &reader, base, &entry) :
					 !read_entry(lists, &reader, base, &entry))
			return false;
		if (entry.last)
			return false;
		if (entry.base) {
			base = entry.start;
		} else if (address >= entry.start && address < entry.end) {
			*expression = entry.expression;
			*bytes = entry.bytes;
			return true;
		}
	}
	return false;
}
