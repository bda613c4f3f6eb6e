// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/internal/abi/type.go; before, src/runtime/type.go. */
#include "go/types.h"

#include <errno.h>
#include <string.h>

#include "go/types_parts.h"

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
#define WORD 8
#define TYPES_MAX (1U << 20)
#define FAILED_MAX 65536 /* addresses of no type: each takes a few reads to see it */
#define FIELDS_MAX (1U << 16)
#define ALL_FIELDS_MAX (8U << 20)
#define PLAIN_OFFSETS_SINCE 19

/* A field as Go has it. */
struct go_field {
	uint64_t name;
	uint64_t type;
	uint64_t offset;
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
	struct gm_error *error = NULL;

	if (!types)
		return no_memory();
	types->program = program;
	types->modules = modules;
	types->minor = minor;
	pthread_mutex_init(&types->lock, NULL);
	types->slots = calloc(2UL * TYPES_MAX, sizeof(*types->slots));
	/* Number 0. */
	if (!types->slots || !gm_vec_push(types))
		error = no_memory();
	if (!error)
		error = gm_go_type_functions_init(&types->functions, program, modules);
	if (error)
		gm_go_types_destroy(types);
	else
		*out = types;
	return error;
}

void gm_go_types_destroy(struct gm_go_types *types)
{
	if (!types)
		return;
	pthread_mutex_destroy(&types->lock);
	gm_elf_debug_destroy(types->debug);
	free(types->items);
	free(types->slots);
	free(types->fields.items);
	gm_go_type_functions_deinit(&types->functions, types->modules->count);
	free(types);
}

bool gm_go_types_read_at(const struct gm_go_types *types, uint64_t address, void *to, size_t size)
{
	struct gm_error *error = gm_go_program_read(types->program, address, to, size);

	gm_error_destroy(error);
	return !error;
}

const struct gm_go_module *gm_go_types_module(const struct gm_go_types *types, uint64_t address)
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
static bool read_type(const struct gm_go_types *types, struct gm_go_type *type)
{
	struct record record = {};

	if (type->address % WORD || !gm_go_types_module(types, type->address) ||
	    !gm_go_types_read_at(types, type->address, &record, HEAD_BYTES) || !possible(&record))
		return false;
	/* Of kinds that need less, what follows may not be mapped. */
	if ((record.kind & KIND_MASK) >= KIND_ARRAY &&
	    !gm_go_types_read_at(types, type->address + HEAD_BYTES, record.more,
				 sizeof(record.more)))
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
static bool read_itab(const struct gm_go_types *types, struct gm_go_type *type)
{
	uint64_t itab[3], hash;

	if (type->address % WORD ||
	    !gm_go_types_read_at(types, type->address, itab, sizeof(itab)) ||
	    !gm_go_types_module(types, itab[0]) || !gm_go_types_module(types, itab[1]) ||
	    !gm_go_types_read_at(types, itab[1] + 16, &hash, sizeof(hash)) ||
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

uint32_t gm_go_types_entry(struct gm_go_types *types, uint64_t address)
{
	uint32_t *slot = slot_of(types, address);
	struct gm_go_type *type;

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
			*type = (struct gm_go_type){ .address = address };
			types->failed++;
		}
	}
	return *slot - 1;
}

uint32_t gm_go_types_described(struct gm_go_types *types, uint64_t address)
{
	uint32_t index = gm_go_types_entry(types, address);

	return types->items[index].kind ? index : 0;
}

uint32_t gm_go_types_find(struct gm_go_types *types, uint64_t address)
{
	uint32_t index;

	pthread_mutex_lock(&types->lock);
	index = gm_go_types_described(types, address);
	pthread_mutex_unlock(&types->lock);
	return index;
}

static void read_fields(struct gm_go_types *types, struct gm_go_type *type)
{
	gm_autofree struct go_field *fields = calloc(type->field_count + 1, sizeof(*fields));
	uint32_t count = type->field_count;

	type->fields_read = true;
	type->fields = types->fields.count;
	type->field_count = 0;
	if (!fields || types->fields.count + count > ALL_FIELDS_MAX ||
	    !gm_go_types_read_at(types, type->fields_at, fields, count * sizeof(*fields)) ||
	    !gm_vec_reserve(&types->fields, count))
		return;
	type->field_count = count;
	for (uint32_t i = 0; i < count; i++)
		types->fields.items[types->fields.count++] = (struct gm_go_type_field){
			.type = fields[i].type,
			.offset = types->minor < PLAIN_OFFSETS_SINCE ? fields[i].offset >> 1 :
								       fields[i].offset,
		};
}

const struct gm_go_type_field *gm_go_types_field_at(struct gm_go_types *types,
						    struct gm_go_type *type, uint64_t offset)
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

bool gm_go_types_has_pointers(struct gm_go_types *types, gm_go_code code)
{
	uint32_t index = GM_GO_CODE_TYPE(code);
	bool has = false;

	pthread_mutex_lock(&types->lock);
	if (index < types->count)
		has = types->items[index].pointer_bytes;
	pthread_mutex_unlock(&types->lock);
	return has;
}
