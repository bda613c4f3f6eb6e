// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/stkframe.go, stack.go, mgcmark.go: getStackMap(), scanframeworker(). */
#include "go/frame_maps.h"

#include <errno.h>
#include <string.h>

#include "go/pclntab.h"

#define WORD 8
#define MAPS_MAX (1U << 20)
#define BITS_MAX (64U << 20)
#define MAP_WORDS_MAX (1U << 20) /* a frame of 8 MiB */
#define OBJECTS_MAX 4096 /* of a function */
#define ALL_OBJECTS_MAX (1U << 21)

/* Go src/runtime/symtab.go: stackmap: @rows rows of @bits bits, each of whole bytes. */
struct stack_map {
	int32_t rows;
	int32_t bits;
};

/* Go src/runtime/stack.go: stackObjectRecord; before Go 1.17 it named a type. */
struct object_record {
	int32_t offset;
	int32_t bytes;
	int32_t pointer_bytes; /* negative: no mask, but a program that makes one */
	uint32_t mask;
};

struct typed_record {
	int64_t offset;
	uint64_t type;
};

/* Go src/runtime/type.go: _type, as far as it matters. */
struct type_head {
	uint64_t size;
	uint64_t pointer_bytes;
	uint64_t unused[2];
	uint64_t mask;
};

#define TYPED_RECORDS_UP_TO 16 /* Go's minor */
#define KIND_AT 7 /* byte of unused[0] */
#define KIND_PROGRAM 0x40

/**
 * struct gm_go_frame_maps - see the header
 * @slots: open hash table of indices and one, 0: none
 * @tables, @rodata: beside the modules
 * @bits: bytes of all maps, at most BITS_MAX; @objects: of all functions
 */
struct gm_go_frame_maps {
	GM_VEC(struct gm_go_frame_map);
	const struct gm_go_program *program;
	const struct gm_go_modules *modules;
	unsigned int minor;
	uint32_t *slots;
	struct gm_go_pclntab **tables;
	uint64_t *rodata;
	uint64_t bits;
	uint64_t objects;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot read the stacks' pointer maps");
}

static void free_map(struct gm_go_frame_map *map)
{
	free(map->locals.bits);
	free(map->args.bits);
	for (uint32_t i = 0; i < map->object_count; i++)
		free(map->objects[i].map.bits);
	free(map->objects);
}

void gm_go_frame_maps_destroy(struct gm_go_frame_maps *maps)
{
	if (!maps)
		return;
	for (size_t i = 0; i < maps->count; i++)
		free_map(&maps->items[i]);
	for (size_t i = 0; maps->tables && i < maps->modules->count; i++)
		gm_go_pclntab_destroy(maps->tables[i]);
	free(maps->items);
	free(maps->slots);
	free(maps->tables);
	free(maps->rodata);
	free(maps);
}

/* What cannot be read is not there: it is the target that says where to look. */
static bool read_at(const struct gm_go_frame_maps *maps, uint64_t address, void *to, size_t size)
{
	struct gm_error *error = gm_go_program_read(maps->program, address, to, size);

	gm_error_destroy(error);
	return !error;
}

static void open_table(struct gm_go_frame_maps *maps, size_t index,
		       const struct gm_go_layout *layout)
{
	const struct gm_go_module *module = &maps->modules->items[index];
	struct gm_error *error;

	error = gm_go_pclntab_open(maps->program, module, &maps->tables[index]);
	/* Without a table the module's functions are not known; the others' are. */
	gm_error_destroy(error);
	if (!gm_go_layout_has(layout, GM_GO_MODULE_RODATA) ||
	    !read_at(maps, module->address + gm_go_layout_offset(layout, GM_GO_MODULE_RODATA),
		     &maps->rodata[index], sizeof(*maps->rodata)))
		maps->rodata[index] = 0;
}

struct gm_error *gm_go_frame_maps_create(const struct gm_go_program *program,
					 const struct gm_go_modules *modules,
					 const struct gm_go_layout *layout, unsigned int minor,
					 struct gm_go_frame_maps **out)
{
	struct gm_go_frame_maps *maps = calloc(1, sizeof(*maps));

	if (!maps)
		return no_memory();
	maps->program = program;
	maps->modules = modules;
	maps->minor = minor;
	maps->slots = calloc(2UL * MAPS_MAX, sizeof(*maps->slots));
	maps->tables = calloc(modules->count + 1, sizeof(struct gm_go_pclntab *));
	maps->rodata = calloc(modules->count + 1, sizeof(*maps->rodata));
	if (!maps->slots || !maps->tables || !maps->rodata) {
		gm_go_frame_maps_destroy(maps);
		return no_memory();
	}
	for (size_t i = 0; i < modules->count; i++)
		open_table(maps, i, layout);
	*out = maps;
	return NULL;
}

/* A map of @words words from the bits at @address; @address 0: each word is a pointer. False
 * where there is no map to be had.
 */
static bool read_map(struct gm_go_frame_maps *maps, uint64_t address, uint32_t words,
		     struct gm_go_word_map *map)
{
	uint32_t size = (words + 7) / 8;

	*map = (struct gm_go_word_map){};
	if (!words)
		return true;
	if (words > MAP_WORDS_MAX || maps->bits + size > BITS_MAX)
		return false;
	map->bits = malloc(size);
	if (!map->bits)
		return false;
	maps->bits += size;
	map->words = words;
	if (!address)
		memset(map->bits, 0xff, size);
	else if (!read_at(maps, address, map->bits, size))
		return false;
	return true;
}

/* Row @row of the maps at @address, of which there may be none. */
static bool read_row(struct gm_go_frame_maps *maps, uint64_t address, int32_t row,
		     struct gm_go_word_map *map)
{
	struct stack_map head;

	if (!address)
		return true;
	if (!read_at(maps, address, &head, sizeof(head)) || head.bits < 0)
		return false;
	if (!head.bits)
		return true;
	if (row < 0 || row >= head.rows)
		return false;
	return read_map(maps,
			address + sizeof(head) + (uint64_t)row * (((uint32_t)head.bits + 7) / 8),
			head.bits, map);
}

static bool set_object(struct gm_go_frame_maps *maps, uint64_t rodata,
		       const struct object_record *record, struct gm_go_stack_object *object)
{
	uint32_t pointers = record->pointer_bytes < 0 ? 0U - record->pointer_bytes :
							(uint32_t)record->pointer_bytes;

	object->offset = record->offset;
	object->bytes = record->bytes > 0 ? record->bytes : 0;
	return read_map(maps, record->pointer_bytes < 0 || !rodata ? 0 : rodata + record->mask,
			pointers / WORD, &object->map);
}

static bool set_typed(struct gm_go_frame_maps *maps, const struct typed_record *record,
		      struct gm_go_stack_object *object)
{
	struct type_head type;
	bool program;

	if (!read_at(maps, record->type, &type, sizeof(type)) ||
	    type.pointer_bytes / WORD > MAP_WORDS_MAX)
		return false;
	program = type.unused[0] >> KIND_AT * 8 & KIND_PROGRAM;
	object->offset = record->offset;
	object->bytes = type.size;
	return read_map(maps, program ? 0 : type.mask, type.pointer_bytes / WORD, &object->map);
}

static bool read_objects(struct gm_go_frame_maps *maps, uint64_t address, uint64_t rodata,
			 struct gm_go_frame_map *map)
{
	uint64_t count;
	bool good = true;

	if (!address)
		return true;
	if (!read_at(maps, address, &count, sizeof(count)) || count > OBJECTS_MAX ||
	    maps->objects + count > ALL_OBJECTS_MAX)
		return false;
	maps->objects += count;
	map->objects = calloc(count + 1, sizeof(*map->objects));
	if (!map->objects)
		return false;
	map->object_count = count;
	for (uint32_t i = 0; i < count && good; i++) {
		/* Both forms have 16 bytes. */
		struct object_record record;
		struct typed_record typed;
		uint64_t at = address + sizeof(count) + i * sizeof(record);

		if (maps->minor <= TYPED_RECORDS_UP_TO)
			good = read_at(maps, at, &typed, sizeof(typed)) &&
			       set_typed(maps, &typed, &map->objects[i]);
		else
			good = read_at(maps, at, &record, sizeof(record)) &&
			       set_object(maps, rodata, &record, &map->objects[i]);
	}
	return good;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static bool read_maps(struct gm_go_frame_maps *maps, size_t module,
		      const struct gm_go_function *function, struct gm_go_frame_map *map)
{
	const struct gm_go_pclntab *table = maps->tables[module];
	int32_t row = -1;

	/* That of the call; at its first instruction a function has its entry's. */
	if (map->pc != function->entry)
		row = gm_go_pclntab_pcdata(table, function, GM_GO_PCDATA_STACK_MAP, map->pc - 1);
	row = row == -1 ? 0 : row;
	return read_row(maps, gm_go_pclntab_funcdata(table, function, GM_GO_FUNCDATA_LOCALS), row,
			&map->locals) &&
	       read_row(maps, gm_go_pclntab_funcdata(table, function, GM_GO_FUNCDATA_ARGS), row,
			&map->args) &&
	       read_objects(maps,
			    gm_go_pclntab_funcdata(table, function, GM_GO_FUNCDATA_STACK_OBJECTS),
			    maps->rodata[module], map);
}

static void fill(struct gm_go_frame_maps *maps, struct gm_go_frame_map *map)
{
	static const char *const first[] = { "runtime.goexit",	  "runtime.mstart",
					     "runtime.rt0_go",	  "runtime.mcall",
					     "runtime.morestack", NULL };
	static const char *const async[] = { "runtime.asyncPreempt", "runtime.asyncPreempt.abi0",
					     "runtime.debugCallV1", "runtime.debugCallV2", NULL };
	static const char *const unknown[] = { "reflect.makeFuncStub", "reflect.methodValueCall",
					       NULL };
	const struct gm_go_module *module = gm_go_modules_find(maps->modules, map->pc);
	struct gm_go_function function;
	size_t index;

	map->bytes = -1;
	if (!module)
		return;
	index = module - maps->modules->items;
	/* A function that never returns may end with its last call. */
	if (!maps->tables[index] ||
	    (!gm_go_pclntab_find(maps->tables[index], map->pc, &function) &&
	     !gm_go_pclntab_find(maps->tables[index], map->pc - 1, &function)))
		return;
	map->name = function.name;
	map->outermost = is_one_of(function.name, first);
	map->stops_anywhere = is_one_of(function.name, async);
	map->args_bytes =
		function.args > 0 && function.args <= (int32_t)MAP_WORDS_MAX ? function.args : 0;
	map->bytes = gm_go_pclntab_frame_bytes(maps->tables[index], &function, map->pc);
	map->anywhere = map->stops_anywhere || is_one_of(function.name, unknown) ||
			!read_maps(maps, index, &function, map);
	/* Of a function in assembly it has two bits a word: Go cmd/compile, emitptrargsmap(). */
	if (map->args_bytes && map->args.words > map->args_bytes / sizeof(uint64_t))
		map->args.words = map->args_bytes / sizeof(uint64_t);
}

struct gm_error *gm_go_frame_maps_find(struct gm_go_frame_maps *maps, uint64_t pc,
				       const struct gm_go_frame_map **found)
{
	uint32_t at = (pc * 0x9e3779b97f4a7c15ULL >> 32) % (2 * MAPS_MAX);
	struct gm_go_frame_map *map;

	while (maps->slots[at] && maps->items[maps->slots[at] - 1].pc != pc)
		at = (at + 1) % (2 * MAPS_MAX);
	if (!maps->slots[at]) {
		if (maps->count == MAPS_MAX)
			return gm_error_create(E2BIG, "the stacks have too many places to list");
		map = gm_vec_push(maps);
		if (!map)
			return no_memory();
		maps->slots[at] = maps->count;
		map->pc = pc;
		map->number = maps->count - 1;
		fill(maps, map);
	}
	*found = &maps->items[maps->slots[at] - 1];
	return NULL;
}
