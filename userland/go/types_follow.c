// SPDX-License-Identifier: GPL-2.0-or-later
/* How maps and channels lie in memory: Go src/runtime/map.go, src/internal/runtime/maps,
 * src/runtime/chan.go.
 */
#include "go/types_parts.h"

#define WORD 8
#define DEPTH_MAX 64
#define SWISS_SINCE 24

/* Go src/runtime/map.go: hmap, mapextra; chan.go: hchan; internal/runtime/maps: Map, table. */
#define HMAP_BUCKETS 16
#define HMAP_OLD_BUCKETS 24
#define HMAP_EXTRA 40
#define HCHAN_BUFFER 16
#define SWISS_DIRECTORY 16
#define TABLE_GROUPS 16

static gm_go_code code_of(struct gm_go_types *types, enum gm_go_form form, uint64_t address)
{
	uint32_t type = gm_go_types_described(types, address);

	return type ? GM_GO_CODE(form, type) : 0;
}

/* What a word of a value points to, which is of @type itself: @offset bytes into it. */
static gm_go_code leaf(struct gm_go_types *types, uint32_t index, uint64_t offset)
{
	const struct gm_go_type *type = &types->items[index];

	if (offset)
		return 0;
	switch (type->kind) {
	case KIND_POINTER:
		return code_of(types, GM_GO_FORM_VALUE, type->elem);
	case KIND_SLICE:
		return code_of(types, GM_GO_FORM_ARRAY, type->elem);
	case KIND_STRING:
		return GM_GO_CODE(GM_GO_FORM_TEXT, 0);
	case KIND_FUNC:
		return GM_GO_CODE(GM_GO_FORM_FUNCTION, 0);
	case KIND_CHAN:
		return GM_GO_CODE(GM_GO_FORM_CHANNEL, index);
	case KIND_MAP:
		return GM_GO_CODE(GM_GO_FORM_MAP, index);
	}
	return 0;
}

/* Through structs and arrays to what is at @offset of a value. */
static gm_go_code follow_value(struct gm_go_types *types, uint32_t index, uint64_t offset)
{
	for (int depth = 0; depth < DEPTH_MAX && index; depth++) {
		struct gm_go_type *type = &types->items[index];
		const struct gm_go_type_field *field;

		if (type->kind == KIND_ARRAY) {
			index = gm_go_types_described(types, type->elem);
			if (!types->items[index].bytes)
				return 0;
			offset %= types->items[index].bytes;
		} else if (type->kind == KIND_STRUCT) {
			field = gm_go_types_field_at(types, type, offset);
			if (!field)
				return 0;
			offset -= field->offset;
			index = gm_go_types_described(types, field->type);
		} else {
			return leaf(types, index, offset);
		}
	}
	return 0;
}

static gm_go_code follow_values(struct gm_go_types *types, uint32_t index, uint64_t offset)
{
	if (!types->items[index].bytes)
		return 0;
	return follow_value(types, index, offset % types->items[index].bytes);
}

/* Buckets end with a pointer to the next one. */
static gm_go_code follow_buckets(struct gm_go_types *types, uint32_t map, uint64_t offset)
{
	uint32_t bucket = gm_go_types_described(types, types->items[map].inner);
	uint64_t bytes = types->items[bucket].bytes;

	if (bytes > WORD && offset % bytes == bytes - WORD)
		return GM_GO_CODE(GM_GO_FORM_MAP_BUCKETS, map);
	return follow_values(types, bucket, offset);
}

static gm_go_code follow_map(const struct gm_go_types *types, uint32_t map, uint64_t offset)
{
	if (types->minor >= SWISS_SINCE)
		return offset == SWISS_DIRECTORY ? GM_GO_CODE(GM_GO_FORM_MAP_TOP, map) : 0;
	if (offset == HMAP_BUCKETS || offset == HMAP_OLD_BUCKETS)
		return GM_GO_CODE(GM_GO_FORM_MAP_BUCKETS, map);
	return offset == HMAP_EXTRA ? GM_GO_CODE(GM_GO_FORM_MAP_EXTRA, map) : 0;
}

static gm_go_code follow(struct gm_go_types *types, gm_go_code code, uint64_t offset)
{
	uint32_t type = GM_GO_CODE_TYPE(code);

	switch (GM_GO_CODE_FORM(code)) {
	case GM_GO_FORM_VALUE:
	case GM_GO_FORM_ARRAY:
		return follow_values(types, type, offset);
	case GM_GO_FORM_CHANNEL:
		if (offset != HCHAN_BUFFER)
			return 0;
		return code_of(types, GM_GO_FORM_ARRAY, types->items[type].elem);
	case GM_GO_FORM_MAP:
		return follow_map(types, type, offset);
	case GM_GO_FORM_MAP_BUCKETS:
		return follow_buckets(types, type, offset);
	case GM_GO_FORM_MAP_EXTRA:
		/* overflow, oldoverflow; nextOverflow points into the buckets. */
		if (offset < 2 * WORD)
			return GM_GO_CODE(GM_GO_FORM_MAP_OVERFLOW, type);
		return GM_GO_CODE(GM_GO_FORM_MAP_BUCKETS, type);
	case GM_GO_FORM_MAP_OVERFLOW:
		return offset ? 0 : GM_GO_CODE(GM_GO_FORM_MAP_OVERFLOW_LIST, type);
	case GM_GO_FORM_MAP_OVERFLOW_LIST:
		return GM_GO_CODE(GM_GO_FORM_MAP_BUCKETS, type);
	case GM_GO_FORM_MAP_TOP:
		return GM_GO_CODE(GM_GO_FORM_MAP_TABLE, type);
	case GM_GO_FORM_MAP_TABLE:
		return offset == TABLE_GROUPS ? GM_GO_CODE(GM_GO_FORM_MAP_GROUPS, type) : 0;
	case GM_GO_FORM_MAP_GROUPS:
		return follow_values(types, gm_go_types_described(types, types->items[type].inner),
				     offset);
	default:
		return 0;
	}
}

gm_go_code gm_go_types_follow(struct gm_go_types *types, gm_go_code code, uint64_t offset)
{
	uint32_t number = GM_GO_CODE_TYPE(code);
	gm_go_code to = 0;

	pthread_mutex_lock(&types->lock);
	if (GM_GO_CODE_FORM(code) == GM_GO_FORM_FUNCTION) {
		if (number && number < types->functions.count)
			to = gm_go_types_captured(types, number, offset);
	} else if (number < types->count) {
		to = follow(types, code, offset);
	}
	pthread_mutex_unlock(&types->lock);
	return to;
}

/* A value that is one pointer is the data itself. */
gm_go_code gm_go_types_interface(struct gm_go_types *types, uint64_t word)
{
	uint32_t index = gm_go_types_entry(types, word);
	const struct gm_go_type *type;

	if (types->items[index].itab)
		index = gm_go_types_described(types, types->items[index].elem);
	type = &types->items[index];
	if (!type->kind)
		return 0;
	if (type->bytes == WORD && type->pointer_bytes == WORD)
		return follow_value(types, index, 0);
	return GM_GO_CODE(GM_GO_FORM_VALUE, index);
}

gm_go_code gm_go_types_of_interface(struct gm_go_types *types, uint64_t word)
{
	gm_go_code code;

	pthread_mutex_lock(&types->lock);
	code = gm_go_types_interface(types, word);
	pthread_mutex_unlock(&types->lock);
	return code;
}
