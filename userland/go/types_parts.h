/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types of types.c, and what its parts, each in a file of its own, ask of it: with the lock
 * held, but for memory and modules.
 */
#ifndef GM_GO_TYPES_PARTS_H
#define GM_GO_TYPES_PARTS_H

#include <pthread.h>

#include "base/vec.h"
#include "elf/debug.h"
#include "go/pclntab.h"
#include "go/types.h"

enum kind {
	KIND_ARRAY = 17,
	KIND_CHAN,
	KIND_FUNC,
	KIND_INTERFACE,
	KIND_MAP,
	KIND_POINTER,
	KIND_SLICE,
	KIND_STRING,
	KIND_STRUCT,
	KIND_UNSAFE_POINTER,
	KINDS,
};

struct gm_go_type_field {
	uint64_t offset;
	uint64_t type;
};

/**
 * struct gm_go_type - a descriptor that made sense
 * @itab: it is none, but an itab, of the type @elem
 * @elem, @key, @inner: addresses of other descriptors: of a pointer, slice, array, channel or
 *	map; of a map; of its buckets or groups
 * @fields: index of the first of @field_count, once they were read
 */
struct gm_go_type {
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
 * struct gm_go_type_function - a function, and where it begins
 * @name: lives as long as the table that it is of
 * @captured: index of the first of @captured_count that its closures have, once these were read
 */
struct gm_go_type_function {
	uint64_t entry;
	const char *name;
	uint32_t captured;
	uint32_t captured_count;
	bool captured_read;
};

/**
 * struct gm_go_type_functions - those that closures are of, by number; number 0 is none
 * @slots: open hash table of numbers, of entries; 0: none
 * @tables: beside the modules, NULL where one has none
 */
struct gm_go_type_functions {
	GM_VEC(struct gm_go_type_function);
	uint32_t *slots;
	struct gm_go_pclntab **tables;
	struct gm_elf_slots captured;
};

/**
 * struct gm_go_types - see the header
 * @debug: NULL where there is no DWARF, or nobody asked for it
 * @slots: open hash table of indices into @items and one, 0: none. Number 0 is no type, and
 *	stands for addresses where none is too
 */
struct gm_go_types {
	GM_VEC(struct gm_go_type);
	const struct gm_go_program *program;
	const struct gm_go_modules *modules;
	unsigned int minor;
	struct gm_elf_debug *debug;
	pthread_mutex_t lock;
	uint32_t failed;
	uint32_t *slots;
	struct {
		GM_VEC(struct gm_go_type_field);
	} fields;
	struct gm_go_type_functions functions;
};

/* Of modules that must stay; deinit either way. */
struct gm_error *gm_go_type_functions_init(struct gm_go_type_functions *functions,
					   const struct gm_go_program *program,
					   const struct gm_go_modules *modules) GM_MUST_CHECK;
void gm_go_type_functions_deinit(struct gm_go_type_functions *functions, size_t modules);

/* What cannot be read is not there: it is the target that says where to look. */
bool gm_go_types_read_at(const struct gm_go_types *types, uint64_t address, void *to, size_t size);

/* The module whose types @address is among; NULL: none. */
const struct gm_go_module *gm_go_types_module(const struct gm_go_types *types, uint64_t address);

/* The number of what is at @address, which may be no type: then it has no kind and is no itab. */
uint32_t gm_go_types_entry(struct gm_go_types *types, uint64_t address);

/* The same, 0 where it is no type. */
uint32_t gm_go_types_described(struct gm_go_types *types, uint64_t address);

/* The last field that does not start after @offset; NULL: none. */
const struct gm_go_type_field *gm_go_types_field_at(struct gm_go_types *types,
						    struct gm_go_type *type, uint64_t offset);

/* As gm_go_types_of_interface(). */
gm_go_code gm_go_types_interface(struct gm_go_types *types, uint64_t word);

/* What the word at @offset of a closure of function @number, there is one, points to; 0 where that
 * is not known.
 */
gm_go_code gm_go_types_captured(struct gm_go_types *types, uint32_t number, uint64_t offset);

#endif
