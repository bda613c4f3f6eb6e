// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* fopencookie */
#include "out/clean.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UPPER 0xc2 /* what U+0080 to U+00bf begin with */
#define CHUNK 4096

/* What stands for @byte. The other byte of a control character of two is written already, and JSON
 * has to stay UTF-8: with it, 0xbf is an inverted question mark.
 */
static unsigned char clean_byte(unsigned char before, unsigned char byte)
{
	if (before == UPPER && byte >= 0x80 && byte < 0xa0)
		return 0xbf;
	return byte < ' ' || byte == 0x7f ? '?' : byte;
}

/* @before: the byte before @text; returns the last one of it, as it was. */
static unsigned char clean(char *text, size_t size, const char *keep, unsigned char before)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = text[i];

		if (!byte || !strchr(keep, byte))
			text[i] = (char)clean_byte(before, byte);
		before = byte;
	}
	return before;
}

void gm_out_clean(char *text, size_t size, const char *keep)
{
	clean(text, size, keep, '\0');
}

/* RFC 3629, table 3-7 of Unicode. */
size_t gm_out_utf8_bytes(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (*s < 0x80)
		return 1;
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	length = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	if (*s == 0xe0)
		low = 0xa0; /* no overlong forms */
	if (*s == 0xed)
		high = 0x9f; /* no surrogates */
	if (*s == 0xf0)
		low = 0x90;
	if (*s == 0xf4)
		high = 0x8f; /* nothing past U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return length;
}

static bool write_all(const char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(STDOUT_FILENO, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		bytes += written;
		size -= written;
	}
	return true;
}

static ssize_t write_clean(void *cookie, const char *bytes, size_t size)
{
	unsigned char *before = cookie;
	char chunk[CHUNK];

	for (size_t at = 0; at < size; at += CHUNK) {
		size_t part = size - at < CHUNK ? size - at : CHUNK;

		memcpy(chunk, bytes + at, part);
		*before = clean(chunk, part, "\n\t", *before);
		if (!write_all(chunk, part))
			return 0;
	}
	return size;
}

struct gm_error *gm_out_clean_stdout(void)
{
	static unsigned char before;
	FILE *cleaned = fopencookie(&before, "w", (cookie_io_functions_t){ .write = write_clean });

	if (!cleaned)
		return gm_error_errno(ENOMEM, "cannot write to standard output");
	setvbuf(cleaned, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
	stdout = cleaned;
	return NULL;
}
