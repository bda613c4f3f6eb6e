// SPDX-License-Identifier: GPL-2.0
#include "rows.h"

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/swab.h>
#include <linux/string.h>

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

/* The numbers 0 to 99, two digits each, the first in the lower byte. */
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
		memcpy(digit, &pairs[rest % 100], 2);
	}
	if (rest >= 10)
		memcpy(digit - 2, &pairs[rest], 2);
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

/* Eight hexadecimal digits, the first in the lowest byte. */
static u64 hex_of(u32 value)
{
	u64 nibbles = swab32(value), letters;

	nibbles = (nibbles | nibbles << 16) & 0x0000ffff0000ffff;
	nibbles = (nibbles | nibbles << 8) & 0x00ff00ff00ff00ff;
	nibbles = (nibbles >> 4 | nibbles << 8) & 0x0f0f0f0f0f0f0f0f;
	letters = (nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101;
	return nibbles + 0x3030303030303030 + letters * ('a' - '0' - 10);
}

/* An address has 9 to 12 digits: the first 4 with blanks for leading zeros, then 8. */
char *gomem_rows_HEX(struct gomem_line *line, char *at, int width, u64 value)
{
	u32 high = value >> 32;
	u64 text;

	if (!high || high >> 16 || width != GOMEM_HEX_WIDTH)
		return put_any_hex(at, width, value);
	text = hex_of(high) >> 24;
	text &= ~(0x1010101010ULL & ((1ULL << 8 * (5 - (fls(high) + 3) / 4)) - 1));
	memcpy(at, &text, 8);
	text = hex_of(value);
	memcpy(at + 5, &text, 8);
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

static bool is_escaped(unsigned char c)
{
	return c <= ' ' || c == '\\' || c == 0x7f;
}

/* The blanks come first: most text is shorter than its column. */
char *gomem_rows_STR(struct gomem_line *line, char *at, int width, const char *value)
{
	char *end = put_blanks(at++, width);

	if (!value || !*value)
		value = "-";
	for (; *value && at < line->limit; value++) {
		if (is_escaped(*value))
			at = put_escaped(at, *value);
		else
			*at++ = *value;
	}
	if (*value)
		line->start = NULL;
	return max(at, end);
}
