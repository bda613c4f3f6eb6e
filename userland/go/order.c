// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/order.h"

#include <errno.h>
#include <string.h>

#include "base/big.h"

#define DIGIT_BITS 11
#define DIGITS (1U << DIGIT_BITS)

static bool sorted(const struct gm_go_want *wants, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (wants[i - 1].address > wants[i].address)
			return false;
	return true;
}

/* The lowest address, and the bits in which the others differ from it. */
static uint64_t spread(const struct gm_go_want *wants, size_t count, uint64_t *low)
{
	uint64_t bits = 0;

	*low = UINT64_MAX;
	for (size_t i = 0; i < count; i++)
		*low = wants[i].address < *low ? wants[i].address : *low;
	for (size_t i = 0; i < count; i++)
		bits |= wants[i].address - *low;
	return bits;
}

static unsigned int digit(const struct gm_go_want *want, uint64_t low, unsigned int shift)
{
	return (want->address - low) >> shift & (DIGITS - 1);
}

static void sort_digit(const struct gm_go_want *from, struct gm_go_want *to, size_t count,
		       uint64_t low, unsigned int shift)
{
	size_t next[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < count; i++)
		next[digit(&from[i], low, shift)]++;
	for (size_t i = 0; i < DIGITS; i++) {
		size_t own = next[i];

		next[i] = sum;
		sum += own;
	}
	for (size_t i = 0; i < count; i++)
		to[next[digit(&from[i], low, shift)]++] = from[i];
}

struct gm_error *gm_go_wants_sort(struct gm_go_want *wants, size_t count)
{
	gm_big_autofree struct gm_go_want *other = NULL;
	struct gm_go_want *from = wants, *to;
	unsigned int shift, end;
	uint64_t low, bits;

	if (sorted(wants, count))
		return NULL;
	other = gm_big_alloc(count, sizeof(*other));
	if (!other)
		return gm_error_errno(ENOMEM, "cannot sort %zu addresses", count);
	bits = spread(wants, count, &low);
	end = 64 - __builtin_clzll(bits);
	to = other;
	for (shift = __builtin_ctzll(bits); shift < end; shift += DIGIT_BITS) {
		struct gm_go_want *swap = from;

		sort_digit(from, to, count, low, shift);
		from = to;
		to = swap;
	}
	if (from != wants)
		memcpy(wants, from, count * sizeof(*wants));
	return NULL;
}
