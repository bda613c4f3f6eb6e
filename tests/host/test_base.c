// SPDX-License-Identifier: GPL-2.0-or-later
/* base: errors, vectors, the bounded reader. */
#include <errno.h>

#include "base/error.h"
#include "base/reader.h"
#include "base/vec.h"
#include "tap.h"

#define CONSTRUCTION "construction"

static void test_error(void)
{
	struct gm_error *error = gm_error_create(7, "cannot %s %d", "read", 42);

	tap_u64(error->code, 7, "an error keeps its code", CONSTRUCTION);
	tap_str(error->message, "cannot read 42", "and its message", CONSTRUCTION);
	gm_error_destroy(error);
	error = gm_error_errno(ENOENT, "cannot open %s", "x");
	tap_str(error->message, "cannot open x: No such file or directory",
		"errno is told in words", "strerror(3)");
	gm_error_destroy(error);
	gm_error_destroy(NULL);
}

static void test_vec(void)
{
	struct {
		GM_VEC(uint64_t);
	} vec = {};
	bool right = true;

	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t *item = gm_vec_push(&vec);

		right = right && item && !*item;
		if (item)
			*item = i;
	}
	for (uint64_t i = 0; i < vec.count; i++)
		right = right && vec.items[i] == i;
	tap_ok(right, "a vector gives zeroed items and keeps what is put there");
	tap_u64(vec.count, 100000, "and counts them", CONSTRUCTION);
	tap_ok(!gm_vec_reserve(&vec, SIZE_MAX), "more than size_t counts is refused");
	tap_ok(!gm_vec_reserve(&vec, SIZE_MAX / 8), "more bytes than size_t counts, too");
	tap_u64(vec.items[99999], 99999, "and the items stay", CONSTRUCTION);
	free(vec.items);
}

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void test_reader_numbers(void)
{
	struct gm_reader reader;
	uint64_t u64 = 0;
	uint32_t u32 = 0;
	uint16_t u16 = 0;
	uint8_t u8 = 0;

	gm_reader_init(&reader, bytes, sizeof(bytes));
	tap_ok(gm_reader_u8(&reader, &u8) && u8 == 1, "u8");
	tap_ok(gm_reader_u16(&reader, &u16) && u16 == 0x0302, "u16, little-endian");
	tap_ok(gm_reader_u32(&reader, &u32) && u32 == 0x07060504, "u32");
	tap_ok(gm_reader_u64(&reader, &u64) && u64 == 0x0f0e0d0c0b0a0908, "u64, up to the end");
	tap_ok(!gm_reader_u8(&reader, &u8), "nothing lies beyond");
	tap_u64(reader.at, sizeof(bytes), "a failed read moves nothing", CONSTRUCTION);
	tap_ok(gm_reader_seek(&reader, 8) && !gm_reader_u64(&reader, &u64),
	       "seven bytes are no u64");
	tap_u64(u64, 0x0f0e0d0c0b0a0908, "a failed read stores nothing", CONSTRUCTION);
}

static void test_reader_bounds(void)
{
	struct gm_reader reader;
	const uint8_t *at;

	gm_reader_init(&reader, bytes, sizeof(bytes));
	tap_ok(gm_reader_seek(&reader, 15), "seek to the end");
	tap_ok(!gm_reader_seek(&reader, 16), "not past it");
	tap_ok(!gm_reader_seek(&reader, UINT64_MAX), "nor by the largest number");
	tap_ok(gm_reader_seek(&reader, 5) && !gm_reader_skip(&reader, UINT64_MAX - 2),
	       "a skip cannot wrap around");
	tap_ok(!gm_reader_bytes(&reader, SIZE_MAX, &at), "nor can a length");
	tap_ok(gm_reader_bytes(&reader, 10, &at) && at == bytes + 5, "all that is left, in place");
	tap_ok(gm_reader_bytes(&reader, 0, &at), "no bytes can be had at the end");
	gm_reader_init(&reader, NULL, 0);
	tap_ok(!gm_reader_skip(&reader, 1) && gm_reader_skip(&reader, 0),
	       "an empty buffer is empty");
}

int main(void)
{
	test_error();
	test_vec();
	test_reader_numbers();
	test_reader_bounds();
	return tap_done();
}
