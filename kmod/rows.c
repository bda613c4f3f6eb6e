// SPDX-License-Identifier: GPL-2.0
#include "rows.h"

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/word-at-a-time.h>

void gomem_rows_title(struct seq_file *m, const char *file, const char *remark)
{
	seq_printf(m, "# %s %d %s%s\n", GOMEM_PROC_DIR, GOMEM_CONTRACT_VERSION, file, remark);
}

struct gomem_line gomem_rows_begin(struct seq_file *m, size_t room)
{
	struct gomem_line line = {};
	size_t size = seq_get_buf(m, &line.start);

	if (size < room) {
		line.start = NULL;
		return line;
	}
	line.start[0] = ' ';
	line.limit = line.start + size - room;
	return line;
}

/* A row that had no room is not there: seq_file asks for it again, in a larger buffer. */
void gomem_rows_end(struct seq_file *m, const struct gomem_line *line, char *end)
{
	if (line->start)
		*end++ = '\n';
	seq_commit(m, line->start ? end - line->start : -1);
}

/*
 * The numbers 0 to 99, two digits each, the first in the lower byte. Places in tables are
 * added up here: some kernels check an index, by a call for which registers are saved.
 */
#define PAIR(n) (('0' + (n) / 10) | ('0' + (n) % 10) << 8)
#define FIVE(n) PAIR(n), PAIR((n) + 1), PAIR((n) + 2), PAIR((n) + 3), PAIR((n) + 4)
#define TWENTY(n) FIVE(n), FIVE((n) + 5), FIVE((n) + 10), FIVE((n) + 15)
static const u16 pairs[] = { TWENTY(0), TWENTY(20), TWENTY(40), TWENTY(60), TWENTY(80) };

/* Blanks from @at to its end, which is returned; at least 8. */
static __always_inline char *put_blanks(char *at, int width)
{
	char *end = at + width + 1;

	for (; at < end - 8; at += 8)
		memcpy(at, "        ", 8);
	memcpy(end - 8, "        ", 8);
	return end;
}

static char *put_text(char *at, int width, const char *text, int length)
{
	char *end = at + 1 + max(width, length);

	memset(at, ' ', end - length - at);
	memcpy(end - length, text, length);
	return end;
}

static noinline char *put_long_number(char *at, int width, u64 value)
{
	char text[GOMEM_DIGITS_MAX], *end = text + sizeof(text), *digit = end;

	if (value == GOMEM_ROWS_NONE)
		return put_text(at, width, "-", 1);
	do {
		*--digit = '0' + value % 10;
		value /= 10;
	} while (value);
	return put_text(at, width, digit, end - digit);
}

char *gomem_rows_number(char *at, int width, u64 value)
{
	char *end, *digit;
	u32 rest = value;

	if (value >= GOMEM_SHORT_NUMBER)
		return put_long_number(at, width, value);
	end = put_blanks(at, width);
	for (digit = end; rest >= 100; rest /= 100) {
		digit -= 2;
		memcpy(digit, pairs + rest % 100, 2);
	}
	if (rest >= 10)
		memcpy(digit - 2, pairs + rest, 2);
	else
		digit[-1] = '0' + rest;
	return end;
}

static noinline char *put_any_hex(char *at, int width, u64 value)
{
	char text[16], *end = text + sizeof(text), *digit = end;

	do {
		*--digit = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	return put_text(at, width, digit, end - digit);
}

/* The numbers 0 to 255 in hexadecimal, as above. */
#define HEX_DIGIT(n) ((n) < 10 ? '0' + (n) : 'a' - 10 + (n))
#define HEX(n) (HEX_DIGIT((n) / 16) | HEX_DIGIT((n) % 16) << 8)
#define HEX_4(n) HEX(n), HEX((n) + 1), HEX((n) + 2), HEX((n) + 3)
#define HEX_16(n) HEX_4(n), HEX_4((n) + 4), HEX_4((n) + 8), HEX_4((n) + 12)
#define HEX_64(n) HEX_16(n), HEX_16((n) + 16), HEX_16((n) + 32), HEX_16((n) + 48)
static const u16 hex_pairs[] = { HEX_64(0), HEX_64(64), HEX_64(128), HEX_64(192) };

static __always_inline void put_hex_pair(char *at, u8 value)
{
	memcpy(at, hex_pairs + value, 2);
}

/* An address has 9 to 12 digits: the first 4, where a blank is a zero less one bit, then 8. */
char *gomem_rows_HEX(struct gomem_line *line, char *at, int width, u64 value)
{
	const u16 *digits = hex_pairs;
	u32 high = value >> 32, text;

	if (!high || high >> 16 || width != GOMEM_HEX_WIDTH)
		return put_any_hex(at, width, value);
	text = digits[high >> 8] | (u32)digits[high & 0xff] << 16;
	if (!(high >> 12))
		text &= ~(0x101010U >> (fls(high) - 1) / 4 * 8);
	at[0] = ' ';
	memcpy(at + 1, &text, 4);
	put_hex_pair(at + 5, value >> 24);
	put_hex_pair(at + 7, value >> 16);
	put_hex_pair(at + 9, value >> 8);
	put_hex_pair(at + 11, value);
	return at + 1 + GOMEM_HEX_WIDTH;
}

static noinline char *put_escaped(char *at, unsigned char c)
{
	*at++ = '\\';
	*at++ = '0' + (c >> 6);
	*at++ = '0' + (c >> 3 & 7);
	*at++ = '0' + (c & 7);
	return at;
}

#define EIGHT(c) (~0ULL / 255 * (c))

/* The bytes below @most, at most 0x80, as their uppermost bits; right up to the first one. */
static __always_inline u64 bytes_below(u64 bytes, unsigned char most)
{
	return (bytes - EIGHT(most)) & ~bytes & EIGHT(0x80);
}

/* The first that is written otherwise, likewise: a blank or below, also the NUL of the end. */
static __always_inline u64 find_special(u64 bytes)
{
	u64 all = bytes_below(bytes, ' ' + 1) | bytes_below(bytes ^ EIGHT('\\'), 1) |
		  bytes_below(bytes ^ EIGHT(0x7f), 1);

	return all & -all;
}

/* Puts the bytes before the one that @stop, its uppermost bit, stands for; then blanks. */
static __always_inline void put_plain(char *at, u64 bytes, u64 stop)
{
	u64 plain = (stop >> 7) - 1;

	bytes = (bytes & plain) | (EIGHT(' ') & ~plain);
	memcpy(at, &bytes, 8);
}

/* Is it the end of the text? */
static __always_inline bool is_end(u64 bytes, u64 stop)
{
	return stop && !(bytes & ((stop << 1) - (stop >> 7)));
}

/* From @at on, where there are blanks up to @end. */
static noinline char *put_any_text(struct gomem_line *line, char *at, char *end, const char *value)
{
	while (at < line->limit) {
		u64 bytes = load_unaligned_zeropad(value), stop = find_special(bytes);
		unsigned int n = stop ? __ffs64(stop) / 8 : 8;

		put_plain(at, bytes, stop);
		at += n;
		value += n;
		if (is_end(bytes, stop))
			return max(at, end);
		if (stop)
			at = put_escaped(at, *value++);
	}
	line->start = NULL;
	return max(at, end);
}

/* Most text is shorter than 8, which every column has room for. */
char *gomem_rows_STR(struct gomem_line *line, char *at, int width, const char *value)
{
	u64 bytes = value ? load_unaligned_zeropad(value) : 0, stop = find_special(bytes);
	char *end = put_blanks(at++, width);

	if (!(u8)bytes) {
		*at = '-';
		return end;
	}
	put_plain(at, bytes, stop);
	return is_end(bytes, stop) ? end : put_any_text(line, at, end, value);
}
