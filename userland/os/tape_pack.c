// SPDX-License-Identifier: GPL-2.0-or-later
/* A packed group: how many ranges, u32; of each the bytes between it and the one before, u64, and
 * its size, u32; then the bytes of all.
 */
#include <errno.h>
#include <endian.h>

#include "base/reader.h"
#include "base/zip.h"
#include "os/tape.h"

#define GROUP_BYTES (1ULL << GM_TAPE_GROUP_BITS)
#define HEAD_BYTES 4
#define RANGE_BYTES 12

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Of @range from @from on, what lies below @end. */
static uint64_t part(const struct gm_tape_range *range, uint64_t from, uint64_t end)
{
	return lower(range->address + range->size, end) - from;
}

static void put(uint8_t **at, uint64_t number, size_t size)
{
	number = htole64(number);
	memcpy(*at, &number, size);
	*at += size;
}

/* From range @first and address @from in it, @count ranges of the group that ends at @end. */
static void fill(const struct gm_tape *tape, size_t first, uint64_t from, size_t count,
		 uint64_t end, uint8_t *at)
{
	uint8_t *bytes = at + HEAD_BYTES + count * RANGE_BYTES;
	uint64_t before = 0;

	put(&at, count, HEAD_BYTES);
	for (size_t i = first; i < first + count; i++) {
		const struct gm_tape_range *range = &tape->items[i];
		uint64_t start = i == first ? from : range->address;
		uint64_t size = part(range, start, end);

		put(&at, start - before, 8);
		put(&at, size, 4);
		memcpy(bytes, tape->bytes + range->at + (start - range->address), size);
		bytes += size;
		before = start + size;
	}
}

bool gm_tape_pack(const struct gm_tape *tape, size_t *next, uint64_t *from,
		  struct gm_tape_group *group, struct gm_error **error)
{
	size_t first = *next, count = 0, size = HEAD_BYTES;
	uint64_t start, end;
	uint8_t *raw;

	if (first == tape->count)
		return false;
	start = *from > tape->items[first].address ? *from : tape->items[first].address;
	group->group = start >> GM_TAPE_GROUP_BITS;
	end = (group->group + 1) << GM_TAPE_GROUP_BITS;
	for (; first + count < tape->count && tape->items[first + count].address < end; count++)
		size += RANGE_BYTES + part(&tape->items[first + count],
					   count ? tape->items[first + count].address : start, end);
	raw = malloc(size);
	if (!raw) {
		*error = gm_error_create(ENOMEM, "out of memory");
		return true;
	}
	fill(tape, first, start, count, end, raw);
	*error = gm_zip(raw, size, &group->packed, &group->packed_size);
	free(raw);
	*next = first + count;
	if (tape->items[*next - 1].address + tape->items[*next - 1].size > end)
		--*next;
	*from = end;
	return true;
}

static struct gm_error *damaged(void)
{
	return gm_error_create(EBADMSG, "cannot use recorded memory: it is damaged");
}

/* Touching what is there already, it becomes part of that. */
static bool add_range(struct gm_tape *tape, uint64_t address, uint64_t size)
{
	struct gm_tape_range *last = tape->count ? &tape->items[tape->count - 1] : NULL;
	struct gm_tape_range *added;

	if (last && last->address + last->size == address) {
		last->size += size;
	} else {
		added = gm_vec_push(tape);
		if (!added)
			return false;
		*added = (struct gm_tape_range){ address, size, tape->size };
	}
	tape->size += size;
	return true;
}

static struct gm_error *add_ranges(struct gm_tape *tape, struct gm_reader *reader, size_t left)
{
	uint64_t floor = tape->count ? tape->items[tape->count - 1].address +
					       tape->items[tape->count - 1].size :
				       0;
	uint64_t address = 0, gap;
	uint32_t count, size;

	if (!gm_reader_u32(reader, &count))
		return damaged();
	while (count--) {
		if (!gm_reader_u64(reader, &gap) || !gm_reader_u32(reader, &size) || !size ||
		    __builtin_add_overflow(address, gap, &address) || address < floor ||
		    size > left || __builtin_add_overflow(address, size, &floor))
			return damaged();
		if (!add_range(tape, address, size))
			return gm_error_create(ENOMEM, "out of memory");
		address = floor;
		left -= size;
	}
	return NULL;
}

static struct gm_error *append(struct gm_tape *tape, const void *raw, size_t raw_size)
{
	size_t had = tape->size, added;
	struct gm_reader reader;
	const uint8_t *bytes;
	struct gm_error *error;
	uint8_t *grown;

	gm_reader_init(&reader, raw, raw_size);
	error = add_ranges(tape, &reader, raw_size);
	if (error)
		return error;
	added = tape->size - had;
	if (tape->size > GM_TAPE_BYTES_MAX || !gm_reader_bytes(&reader, added, &bytes))
		return damaged();
	grown = realloc(tape->bytes, tape->size + 1);
	if (!grown)
		return gm_error_create(ENOMEM, "out of memory");
	tape->bytes = grown;
	memcpy(grown + had, bytes, added);
	return NULL;
}

struct gm_error *gm_tape_unpack(struct gm_tape *tape, const void *packed, size_t packed_size)
{
	struct gm_error *error;
	size_t size;
	void *raw;

	error = gm_unzip(packed, packed_size, GM_TAPE_PACKED_MAX, &raw, &size);
	if (error)
		return error;
	error = append(tape, raw, size);
	free(raw);
	return error;
}
