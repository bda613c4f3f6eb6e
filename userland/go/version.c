// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/version.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"

#define FLAG_BIG_ENDIAN 1
#define FLAG_INLINE 2
#define POINTER_OFFSET 16
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

bool gm_go_version_set(const void *text, size_t size, struct gm_go_version *version)
{
	memset(version, 0, sizeof(*version));
	if (!parse_text(text, size, version))
		return false;
	parse_minor(version);
	parse_experiments(version);
	return true;
}

/* The magic, the size of a pointer and flags. */
static bool parse_header(struct gm_reader *reader, uint8_t *pointer, uint8_t *flags)
{
	const uint8_t *magic;

	return gm_reader_bytes(reader, GM_GO_BUILDINFO_MAGIC_BYTES, &magic) &&
	       !memcmp(magic, GM_GO_BUILDINFO_MAGIC, GM_GO_BUILDINFO_MAGIC_BYTES) &&
	       gm_reader_u8(reader, pointer) && gm_reader_u8(reader, flags);
}

bool gm_go_version_parse(const void *buildinfo, size_t size, struct gm_go_version *version)
{
	uint8_t pointer, flags, length;
	struct gm_reader reader;
	const uint8_t *bytes;

	gm_reader_init(&reader, buildinfo, size);
	if (!parse_header(&reader, &pointer, &flags) || !(flags & FLAG_INLINE))
		return false;
	/* The length is a varint; that of a version fits one byte. */
	if (!gm_reader_seek(&reader, STRINGS_OFFSET) || !gm_reader_u8(&reader, &length) ||
	    length > 127 || !gm_reader_bytes(&reader, length, &bytes))
		return false;
	return gm_go_version_set(bytes, length, version);
}

bool gm_go_version_pointer(const void *buildinfo, size_t size, uint64_t *address)
{
	struct gm_reader reader;
	uint8_t pointer, flags;

	gm_reader_init(&reader, buildinfo, size);
	return parse_header(&reader, &pointer, &flags) && pointer == sizeof(*address) &&
	       !(flags & (FLAG_INLINE | FLAG_BIG_ENDIAN)) &&
	       gm_reader_seek(&reader, POINTER_OFFSET) && gm_reader_u64(&reader, address);
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
