// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/internal/abi/type.go, map_swiss.go; before, src/runtime/type.go. How maps and channels
 * lie in memory: src/runtime/map.go, src/internal/runtime/maps, src/runtime/chan.go.
 */
#include "go/types.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

enum kind {
	KIND_ARRAY = GM_GO_KIND_ARRAY,
	KIND_CHAN,
	KIND_FUNC,
	KIND_INTERFACE = GM_GO_KIND_INTERFACE,
	KIND_MAP,
	KIND_POINTER,
	KIND_SLICE,
	KIND_STRING,
	KIND_STRUCT = GM_GO_KIND_STRUCT,
	KIND_UNSAFE_POINTER,
	KINDS,
};

/* The head of every descriptor, and what follows it, by kind. */
struct record {
	uint64_t size;
	uint64_t pointer_bytes;
	uint32_t hash;
	uint8_t flags;
	uint8_t align;
	uint8_t field_align;
	uint8_t kind;
	uint64_t equal;
	uint64_t mask;
	int32_t name;
	int32_t pointer_to;
	uint64_t more[4];
};

#define HEAD_BYTES 48
#define KIND_MASK 0x1f
#define FLAG_EXTRA_STAR 2
#define WORD 8
#define TYPES_MAX (1U << 20)
#define FAILED_MAX 65536 /* addresses of no type: each takes a few reads to see it */
#define FIELDS_MAX (1U << 16)
#define ALL_FIELDS_MAX (8U << 20)
#define DEPTH_MAX 64
#define NAME_MAX_BYTES 512
#define SWISS_SINCE 24
#define VARINT_NAMES_SINCE 17
#define PLAIN_OFFSETS_SINCE 19

/* Go src/runtime/map.go: hmap, mapextra; chan.go: hchan; internal/runtime/maps: Map, table. */
#define HMAP_BUCKETS 16
#define HMAP_OLD_BUCKETS 24
#define HMAP_EXTRA 40
#define HCHAN_BUFFER 16
#define SWISS_DIRECTORY 16
#define TABLE_GROUPS 16

struct field {
	uint64_t offset;
	uint64_t type;
};

/* A field as Go has it. */
struct go_field {
	uint64_t name;
	uint64_t type;
	uint64_t offset;
};

/**
 * struct type - a descriptor that made sense
 * @itab: it is none, but an itab, of the type @elem
 * @elem, @key, @inner: addresses of other descriptors: of a pointer, slice, array, channel or
 *	map; of a map; of its buckets or groups
 * @fields: index of the first of @field_count, once they were read
 */
struct type {
	uint64_t address;
	uint64_t bytes;
	uint64_t pointer_bytes;
	uint64_t elem;
	uint64_t inner;
	uint64_t fields_at;
	int32_t name;
	uint32_t fields;
	uint32_t field_count;
	uint8_t kind;
	uint8_t flags;
	bool itab;
	bool fields_read;
};

/**
 * struct gm_go_types - see the header
 * @slots: open hash table of indices into @items and one, 0: none. Number 0 is no type, and
 *	stands for addresses where none is too
 */
struct gm_go_types {
	GM_VEC(struct type);
	const struct gm_go_program *program;
	const struct gm_go_modules *modules;
	unsigned int minor;
	pthread_mutex_t lock;
	uint32_t failed;
	uint32_t *slots;
	struct {
		GM_VEC(struct field);
	} fields;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot keep the program's types");
}

struct gm_error *gm_go_types_create(const struct gm_go_program *program,
				    const struct gm_go_modules *modules, unsigned int minor,
				    struct gm_go_types **out)
{
	struct gm_go_types *types = calloc(1, sizeof(*types));

	if (!types)
		return no_memory();
	types->program = program;
	types->modules = modules;
	types->minor = minor;
	pthread_mutex_init(&types->lock, NULL);
	types->slots = calloc(2UL * TYPES_MAX, sizeof(*types->slots));
	/* Number 0. */
	if (!types->slots || !gm_vec_push(types)) {
		gm_go_types_destroy(types);
		return no_memory();
	}
	*out = types;
	return NULL;
}

void gm_go_types_destroy(struct gm_go_types *types)
{
	if (!types)
		return;
	pthread_mutex_destroy(&types->lock);
	free(types->items);
	free(types->slots);
	free(types->fields.items);
	free(types);
}

/* What cannot be read is not there: it is the target that says where to look. */
static bool read_at(const struct gm_go_types *types, uint64_t address, void *to, size_t size)
{
	struct gm_error *error = gm_go_program_read(types->program, address, to, size);

	gm_error_destroy(error);
	return !error;
}

static const struct gm_go_module *module_of(const struct gm_go_types *types, uint64_t address)
{
	for (size_t i = 0; i < types->modules->count; i++) {
		const struct gm_go_module *module = &types->modules->items[i];

		if (address >= module->types.start && address < module->types.end)
			return module;
	}
	return NULL;
}

static bool possible(const struct record *record)
{
	uint8_t kind = record->kind & KIND_MASK;

	return kind && kind < KINDS && record->pointer_bytes <= record->size &&
	       record->size <= 1ULL << 40;
}

/* Fills @type from the descriptor at its address. */
static bool read_type(const struct gm_go_types *types, struct type *type)
{
	struct record record = {};

	if (type->address % WORD || !module_of(types, type->address) ||
	    !read_at(types, type->address, &record, HEAD_BYTES) || !possible(&record))
		return false;
	/* Of kinds that need less, what follows may not be mapped. */
	if ((record.kind & KIND_MASK) >= KIND_ARRAY &&
	    !read_at(types, type->address + HEAD_BYTES, record.more, sizeof(record.more)))
		memset(record.more, 0, sizeof(record.more));
	type->bytes = record.size;
	type->pointer_bytes = record.pointer_bytes;
	type->kind = record.kind & KIND_MASK;
	type->flags = record.flags;
	type->name = record.name;
	type->elem = type->kind == KIND_MAP ? record.more[1] : record.more[0];
	type->inner = record.more[2];
	type->fields_at = record.more[1];
	type->field_count = record.more[2] <= FIELDS_MAX ? record.more[2] : 0;
	return true;
}

/* inter, _type, and the hash of the latter again. */
static bool read_itab(const struct gm_go_types *types, struct type *type)
{
	uint64_t itab[3], hash;

	if (type->address % WORD || !read_at(types, type->address, itab, sizeof(itab)) ||
	    !module_of(types, itab[0]) || !module_of(types, itab[1]) ||
	    !read_at(types, itab[1] + 16, &hash, sizeof(hash)) ||
	    (uint32_t)hash != (uint32_t)itab[2])
		return false;
	type->itab = true;
	type->elem = itab[1];
	return true;
}

/* Where @address is, or is to be put. */
static uint32_t *slot_of(const struct gm_go_types *types, uint64_t address)
{
	uint32_t at = address * 0x9e3779b97f4a7c15ULL >> 32;

	for (;; at++) {
		uint32_t *slot = &types->slots[at % (2 * TYPES_MAX)];

		if (!*slot || types->items[*slot - 1].address == address)
			return slot;
	}
}

/* What is at @address, which may be no type: then it has no kind and is no itab. */
static uint32_t find(struct gm_go_types *types, uint64_t address)
{
	uint32_t *slot = slot_of(types, address);
	struct type *type;

	if (!address)
		return 0;
	if (!*slot) {
		if (types->count == TYPES_MAX || types->failed == FAILED_MAX)
			return 0;
		type = gm_vec_push(types);
		if (!type)
			return 0;
		*slot = types->count;
		type->address = address;
		if (!read_type(types, type) && !read_itab(types, type)) {
			*type = (struct type){ .address = address };
			types->failed++;
		}
	}
	return *slot - 1;
}

static uint32_t find_type(struct gm_go_types *types, uint64_t address)
{
	uint32_t index = find(types, address);

	return types->items[index].kind ? index : 0;
}

uint32_t gm_go_types_find(struct gm_go_types *types, uint64_t address)
{
	uint32_t index;

	pthread_mutex_lock(&types->lock);
	index = find_type(types, address);
	pthread_mutex_unlock(&types->lock);
	return index;
}

static void read_fields(struct gm_go_types *types, struct type *type)
{
	gm_autofree struct go_field *fields = calloc(type->field_count + 1, sizeof(*fields));
	uint32_t count = type->field_count;

	type->fields_read = true;
	type->fields = types->fields.count;
	type->field_count = 0;
	if (!fields || types->fields.count + count > ALL_FIELDS_MAX ||
	    !read_at(types, type->fields_at, fields, count * sizeof(*fields)) ||
	    !gm_vec_reserve(&types->fields, count))
		return;
	type->field_count = count;
	for (uint32_t i = 0; i < count; i++)
		types->fields.items[types->fields.count++] = (struct field){
			.type = fields[i].type,
			.offset = types->minor < PLAIN_OFFSETS_SINCE ? fields[i].offset >> 1 :
								       fields[i].offset,
		};
}

/* The last field that does not start after @offset; NULL: none. */
static const struct field *field_at(struct gm_go_types *types, struct type *type, uint64_t offset)
{
	uint32_t low = 0, high;

	if (!type->fields_read)
		read_fields(types, type);
	high = type->field_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (types->fields.items[type->fields + middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &types->fields.items[type->fields + low - 1] : NULL;
}

static gm_go_code code_of(struct gm_go_types *types, enum gm_go_form form, uint64_t address)
{
	uint32_t type = find_type(types, address);

	return type ? GM_GO_CODE(form, type) : 0;
}

/* What a word of a value points to, which is of @type itself: @offset bytes into it. */
static gm_go_code leaf(struct gm_go_types *types, uint32_t index, uint64_t offset)
{
	const struct type *type = &types->items[index];

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
		struct type *type = &types->items[index];
		const struct field *field;

		if (type->kind == KIND_ARRAY) {
			index = find_type(types, type->elem);
			if (!types->items[index].bytes)
				return 0;
			offset %= types->items[index].bytes;
		} else if (type->kind == KIND_STRUCT) {
			field = field_at(types, type, offset);
			if (!field)
				return 0;
			offset -= field->offset;
			index = find_type(types, field->type);
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
	uint32_t bucket = find_type(types, types->items[map].inner);
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
		return follow_values(types, find_type(types, types->items[type].inner), offset);
	default:
		return 0;
	}
}

gm_go_code gm_go_types_follow(struct gm_go_types *types, gm_go_code code, uint64_t offset)
{
	gm_go_code to;

	pthread_mutex_lock(&types->lock);
	to = GM_GO_CODE_TYPE(code) < types->count ? follow(types, code, offset) : 0;
	pthread_mutex_unlock(&types->lock);
	return to;
}

/* A value that is one pointer is the data itself. */
static gm_go_code of_interface(struct gm_go_types *types, uint64_t word)
{
	uint32_t index = find(types, word);
	const struct type *type;

	if (types->items[index].itab)
		index = find_type(types, types->items[index].elem);
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
	code = of_interface(types, word);
	pthread_mutex_unlock(&types->lock);
	return code;
}

/* DWARF counts from where the program's own types begin, before Go 1.17 from 0. */
static uint64_t tagged(const struct gm_go_types *types, uint64_t tag)
{
	const struct gm_go_range *range = &types->modules->items[0].types;

	if (!tag)
		return 0;
	return tag < range->end - range->start ? range->start + tag : tag + types->program->bias;
}

gm_go_code gm_go_types_of_part(struct gm_go_types *types, uint64_t kind, uint64_t tag,
			       uint64_t elem_tag)
{
	gm_go_code code = 0;

	pthread_mutex_lock(&types->lock);
	if (kind == KIND_POINTER)
		code = code_of(types, GM_GO_FORM_VALUE, tagged(types, elem_tag));
	else if (kind == KIND_SLICE)
		code = code_of(types, GM_GO_FORM_ARRAY, tagged(types, elem_tag));
	else if (kind == KIND_CHAN)
		code = code_of(types, GM_GO_FORM_CHANNEL, tagged(types, tag));
	else if (kind == KIND_MAP)
		code = code_of(types, GM_GO_FORM_MAP, tagged(types, tag));
	else if (kind == KIND_STRING)
		code = GM_GO_CODE(GM_GO_FORM_TEXT, 0);
	else if (kind == KIND_FUNC)
		code = GM_GO_CODE(GM_GO_FORM_FUNCTION, 0);
	pthread_mutex_unlock(&types->lock);
	return code;
}

uint64_t gm_go_types_bytes(struct gm_go_types *types, gm_go_code code)
{
	uint32_t index = GM_GO_CODE_TYPE(code);
	uint64_t bytes = 0;

	pthread_mutex_lock(&types->lock);
	if (index < types->count)
		bytes = types->items[index].bytes;
	pthread_mutex_unlock(&types->lock);
	return bytes;
}

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
static bool read_name(const struct gm_go_types *types, const struct type *type, char *text,
		      size_t size)
{
	const struct gm_go_module *module = module_of(types, type->address);
	uint8_t head[3 + NAME_MAX_BYTES] = {};
	size_t length, start;
	uint64_t at;

	if (!module || type->name < 0)
		return false;
	at = module->types.start + type->name;
	if (!read_at(types, at, head, 3))
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
	if (!read_at(types, at + start, text, length))
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	return true;
}

char *gm_go_types_name(struct gm_go_types *types, gm_go_code code, char *text, size_t size)
{
	static const char *const formats[GM_GO_FORMS] = {
		[GM_GO_FORM_NONE] = "",
		[GM_GO_FORM_VALUE] = "%s",
		[GM_GO_FORM_ARRAY] = "[]%s",
		[GM_GO_FORM_TEXT] = "string data",
		[GM_GO_FORM_FUNCTION] = "func",
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
	pthread_mutex_lock(&types->lock);
	if (index && index < types->count)
		read_name(types, &types->items[index], name, sizeof(name));
	pthread_mutex_unlock(&types->lock);
	/* Forms are few, and their formats ours. */
	snprintf(text, size, formats[GM_GO_CODE_FORM(code)], name);
	return text;
}
