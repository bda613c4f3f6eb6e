// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/internal/abi/type.go: Name. */
#include <stdio.h>

#include "go/types_parts.h"

#define FLAG_EXTRA_STAR 2
#define NAME_MAX_BYTES 512
#define VARINT_NAMES_SINCE 17

gm_go_code gm_go_types_of_size(uint64_t bytes, bool pointers)
{
	uint64_t number = bytes < GM_GO_TYPES_MAX / 2 ? bytes : 0;

	return GM_GO_CODE(GM_GO_FORM_SIZE, number << 1 | pointers);
}

static void name_size(gm_go_code code, char *text, size_t size)
{
	const char *pointers = code & 1 ? "with pointers" : "no pointers";
	uint32_t bytes = GM_GO_CODE_TYPE(code) >> 1;

	if (bytes)
		snprintf(text, size, "(%u B, %s)", bytes, pointers);
	else
		snprintf(text, size, "(large, %s)", pointers);
}

/* A name: a byte of flags, the length, the bytes. */
static bool read_name(const struct gm_go_types *types, const struct gm_go_type *type, char *text,
		      size_t size)
{
	const struct gm_go_module *module = gm_go_types_module(types, type->address);
	uint8_t head[3 + NAME_MAX_BYTES] = {};
	size_t length, start;
	uint64_t at;

	if (!module || type->name < 0)
		return false;
	at = module->types.start + type->name;
	if (!gm_go_types_read_at(types, at, head, 3))
		return false;
	if (types->minor < VARINT_NAMES_SINCE) {
		length = head[1] << 8 | head[2];
		start = 3;
	} else {
		length = head[1] & 0x80 ? (head[1] & 0x7f) | head[2] << 7 : head[1];
		start = head[1] & 0x80 ? 3 : 2;
	}
	length = length < NAME_MAX_BYTES ? length : NAME_MAX_BYTES;
	if (type->flags & FLAG_EXTRA_STAR && length) {
		start++;
		length--;
	}
	length = length < size ? length : size - 1;
	text[length] = '\0';
	if (!gm_go_types_read_at(types, at + start, text, length))
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	return true;
}

/* Without a number, it is any. */
static void name_function(const struct gm_go_types *types, gm_go_code code, char *text, size_t size)
{
	uint32_t number = GM_GO_CODE_TYPE(code);

	if (number && number < types->functions.count)
		snprintf(text, size, "func %s", types->functions.items[number].name);
	else
		snprintf(text, size, "func");
}

char *gm_go_types_name(struct gm_go_types *types, gm_go_code code, char *text, size_t size)
{
	static const char *const formats[GM_GO_FORMS] = {
		[GM_GO_FORM_NONE] = "",
		[GM_GO_FORM_VALUE] = "%s",
		[GM_GO_FORM_ARRAY] = "[]%s",
		[GM_GO_FORM_TEXT] = "string data",
		[GM_GO_FORM_CHANNEL] = "%s",
		[GM_GO_FORM_MAP] = "%s",
		[GM_GO_FORM_MAP_BUCKETS] = "%s (buckets)",
		[GM_GO_FORM_MAP_EXTRA] = "%s (overflow)",
		[GM_GO_FORM_MAP_OVERFLOW] = "%s (overflow)",
		[GM_GO_FORM_MAP_OVERFLOW_LIST] = "%s (overflow)",
		[GM_GO_FORM_MAP_TOP] = "%s (directory)",
		[GM_GO_FORM_MAP_TABLE] = "%s (tables)",
		[GM_GO_FORM_MAP_GROUPS] = "%s (groups)",
	};
	uint32_t index = GM_GO_CODE_TYPE(code);
	char name[NAME_MAX_BYTES + 1] = "?";

	if (GM_GO_CODE_FORM(code) == GM_GO_FORM_SIZE) {
		name_size(code, text, size);
		return text;
	}
	if (GM_GO_CODE_FORM(code) == GM_GO_FORM_FUNCTION) {
		name_function(types, code, text, size);
		return text;
	}
	pthread_mutex_lock(&types->lock);
	if (index && index < types->count)
		read_name(types, &types->items[index], name, sizeof(name));
	pthread_mutex_unlock(&types->lock);
	/* Forms are few, and their formats ours. */
	snprintf(text, size, formats[GM_GO_CODE_FORM(code)], name);
	return text;
}
