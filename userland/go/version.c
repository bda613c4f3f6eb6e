// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/version.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"

#define MAGIC "\xff Go buildinf:"
#define MAGIC_BYTES 14
#define FLAGS_OFFSET 15
#define FLAG_INLINE 2
#define STRINGS_OFFSET 32

static bool parse_text(const uint8_t *text, size_t size, struct gm_go_version *version)
{
	if (size < 2 || size >= sizeof(version->text))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!isprint(text[i]))
			return false;
	memcpy(version->text, text, size);
	return true;
}

static void parse_minor(struct gm_go_version *version)
{
	unsigned long minor;

	if (strncmp(version->text, "go1.", 4) || !isdigit((unsigned char)version->text[4]))
		return;
	minor = strtoul(version->text + 4, NULL, 10);
	version->minor = minor < 1000 ? minor : 0;
}

static void parse_experiments(struct gm_go_version *version)
{
	const char *list = strstr(version->text, "X:");

	if (list)
		strcpy(version->experiments, list + 2);
}

bool gm_go_version_parse(const void *buildinfo, size_t size, struct gm_go_version *version)
{
	const uint8_t *bytes;
	struct gm_reader reader;
	uint8_t flags, length;

	memset(version, 0, sizeof(*version));
	gm_reader_init(&reader, buildinfo, size);
	if (!gm_reader_bytes(&reader, MAGIC_BYTES, &bytes) || memcmp(bytes, MAGIC, MAGIC_BYTES))
		return false;
	if (!gm_reader_seek(&reader, FLAGS_OFFSET) || !gm_reader_u8(&reader, &flags) ||
	    !(flags & FLAG_INLINE))
		return false;
	/* The length is a varint; that of a version fits one byte. */
	if (!gm_reader_seek(&reader, STRINGS_OFFSET) || !gm_reader_u8(&reader, &length) ||
	    length > 127 || !gm_reader_bytes(&reader, length, &bytes))
		return false;
	if (!parse_text(bytes, length, version))
		return false;
	parse_minor(version);
	parse_experiments(version);
	return true;
}

bool gm_go_version_has(const struct gm_go_version *version, const char *name)
{
	size_t length = strlen(name);
	const char *at = version->experiments;

	while ((at = strstr(at, name))) {
		bool starts = at == version->experiments || at[-1] == ',';

		at += length;
		if (starts && (*at == '\0' || *at == ','))
			return true;
	}
	return false;
}
