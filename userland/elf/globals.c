// SPDX-License-Identifier: GPL-2.0-or-later
/* By libdw, which checks the bounds of what it reads; chains and depths are counted here. */
#include "elf/globals.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "elf/internal.h"

#define GLOBALS_MAX (4U << 20)
#define DEPTH_MAX 64
#define TYPEDEFS_MAX 16

/* @type: where in the DWARF its type is */
struct global {
	uint64_t address;
	Dwarf_Off type;
};

/* @steps: that are left */
struct gm_elf_globals {
	GM_VEC(struct global);
	uint32_t steps;
	struct gm_elf_vendor vendor;
	Dwarf *dwarf;
};

void gm_elf_globals_destroy(struct gm_elf_globals *globals)
{
	if (!globals)
		return;
	dwarf_end(globals->dwarf);
	free(globals->items);
	free(globals);
}

static bool number(Dwarf_Die *die, unsigned int name, uint64_t *value)
{
	Dwarf_Attribute attr;
	Dwarf_Addr address;
	Dwarf_Word word;

	*value = 0;
	if (!dwarf_attr(die, name, &attr))
		return false;
	if (!dwarf_formudata(&attr, &word))
		*value = word;
	else if (!dwarf_formaddr(&attr, &address))
		*value = address;
	else
		return false;
	return true;
}

static bool type_of(Dwarf_Die *die, unsigned int name, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && dwarf_formref_die(&attr, type);
}

/* Where it lies, when that is one place. Go writes it as a block, which libdw takes for a
 * location list since DWARF 4.
 */
static bool address_of(Dwarf_Die *die, uint64_t *address)
{
	Dwarf_Attribute attr;
	Dwarf_Block block;

	if (!dwarf_attr(die, DW_AT_location, &attr) || dwarf_formblock(&attr, &block) ||
	    block.length != 1 + sizeof(*address) || block.data[0] != DW_OP_addr)
		return false;
	memcpy(address, block.data + 1, sizeof(*address));
	return true;
}

static bool add(struct gm_elf_globals *globals, Dwarf_Die *die)
{
	struct global *global;
	uint64_t address;
	Dwarf_Die type;

	if (dwarf_tag(die) != DW_TAG_variable || globals->count == GLOBALS_MAX ||
	    !address_of(die, &address) || !type_of(die, DW_AT_type, &type))
		return true;
	global = gm_vec_push(globals);
	if (!global)
		return false;
	*global = (struct global){ address, dwarf_dieoffset(&type) };
	return true;
}

static bool add_unit(struct gm_elf_globals *globals, Dwarf_Die *unit)
{
	Dwarf_Die die;

	for (int more = dwarf_child(unit, &die); !more; more = dwarf_siblingof(&die, &die))
		if (!add(globals, &die))
			return false;
	return true;
}

static bool add_units(struct gm_elf_globals *globals)
{
	Dwarf_Off at = 0, next;
	size_t header;
	Dwarf_Die die;

	while (!dwarf_nextcu(globals->dwarf, at, &next, &header, NULL, NULL, NULL) && next > at) {
		if (dwarf_offdie(globals->dwarf, at + header, &die) && !add_unit(globals, &die))
			return false;
		at = next;
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct global *)a)->address, y = ((const struct global *)b)->address;

	return x < y ? -1 : x > y;
}

static struct gm_error *read_globals(struct gm_elf *elf, struct gm_elf_globals *globals)
{
	globals->dwarf = dwarf_begin_elf(elf->elf, DWARF_C_READ, NULL);
	if (!globals->dwarf)
		return gm_error_create(ENOENT, "%s has no DWARF that can be read: %s", elf->path,
				       dwarf_errmsg(-1));
	if (!add_units(globals))
		return gm_error_errno(ENOMEM, "cannot read the variables of %s", elf->path);
	if (globals->count)
		qsort(globals->items, globals->count, sizeof(*globals->items), by_address);
	return NULL;
}

struct gm_error *gm_elf_globals_read(struct gm_elf *elf, const struct gm_elf_vendor *vendor,
				     struct gm_elf_globals **out)
{
	struct gm_elf_globals *globals;
	struct gm_error *error = gm_elf_check_dwarf(elf);

	if (error)
		return error;
	globals = calloc(1, sizeof(*globals));
	if (!globals)
		return gm_error_errno(ENOMEM, "cannot read the variables of %s", elf->path);
	globals->vendor = *vendor;
	globals->steps = GM_ELF_GLOBALS_STEPS;
	error = read_globals(elf, globals);
	if (error)
		gm_elf_globals_destroy(globals);
	else
		*out = globals;
	return error;
}

static const struct global *find(const struct gm_elf_globals *globals, uint64_t address)
{
	size_t low = 0, high = globals->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (globals->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &globals->items[low - 1] : NULL;
}

static void strip_typedefs(Dwarf_Die *type)
{
	Dwarf_Die next;

	for (int i = 0; i < TYPEDEFS_MAX && dwarf_tag(type) == DW_TAG_typedef; i++) {
		if (!type_of(type, DW_AT_type, &next))
			return;
		*type = next;
	}
}

/* The member that holds byte *@offset, which becomes one of its. */
static bool enter_struct(struct gm_elf_globals *globals, Dwarf_Die *type, uint64_t *offset)
{
	uint64_t best = 0, at;
	Dwarf_Die member, found;
	bool any = false;

	for (int more = dwarf_child(type, &member); !more;
	     more = dwarf_siblingof(&member, &member)) {
		if (!globals->steps)
			return false;
		globals->steps--;
		if (dwarf_tag(&member) != DW_TAG_member ||
		    !number(&member, DW_AT_data_member_location, &at) || at > *offset ||
		    (any && at < best))
			continue;
		best = at;
		found = member;
		any = true;
	}
	if (!any || !type_of(&found, DW_AT_type, type))
		return false;
	*offset -= best;
	return true;
}

/* Pointers and the like have no size of their own there. */
static uint64_t size_of(const Dwarf_Die *type)
{
	Dwarf_Die bare = *type;
	uint64_t size;

	strip_typedefs(&bare);
	return number(&bare, DW_AT_byte_size, &size) ? size : sizeof(uint64_t);
}

static bool enter_array(Dwarf_Die *type, uint64_t *offset)
{
	Dwarf_Die elem;
	uint64_t size;

	if (!type_of(type, DW_AT_type, &elem))
		return false;
	size = size_of(&elem);
	if (!size)
		return false;
	*offset %= size;
	*type = elem;
	return true;
}

/* The tag of a type, or of what it is another name for. */
static uint64_t tag_of(const struct gm_elf_globals *globals, Dwarf_Die *type)
{
	uint64_t tag;

	for (int i = 0; i < TYPEDEFS_MAX; i++) {
		if (number(type, globals->vendor.tag, &tag) || dwarf_tag(type) != DW_TAG_typedef ||
		    !type_of(type, DW_AT_type, type))
			return tag;
	}
	return 0;
}

static void fill(const struct gm_elf_globals *globals, Dwarf_Die *type, struct gm_elf_part *part)
{
	Dwarf_Die elem;

	if (type_of(type, globals->vendor.elem, &elem) ||
	    (dwarf_tag(type) == DW_TAG_pointer_type && type_of(type, DW_AT_type, &elem)))
		part->elem_tag = tag_of(globals, &elem);
	part->tag = tag_of(globals, type);
}

bool gm_elf_globals_find(struct gm_elf_globals *globals, uint64_t address, struct gm_elf_part *part)
{
	const struct global *global = find(globals, address);
	Dwarf_Die type;

	if (!global || !dwarf_offdie(globals->dwarf, global->type, &type))
		return false;
	/* Not all that lies behind a variable is another one: the compiler has its own. */
	if (address - global->address >= size_of(&type))
		return false;
	*part = (struct gm_elf_part){ .offset = address - global->address };
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		bool known = number(&type, globals->vendor.kind, &part->kind);

		if (known && !globals->vendor.descend(part->kind)) {
			fill(globals, &type, part);
			return true;
		}
		if (dwarf_tag(&type) == DW_TAG_structure_type) {
			if (!enter_struct(globals, &type, &part->offset))
				return false;
		} else if (dwarf_tag(&type) == DW_TAG_array_type) {
			if (!enter_array(&type, &part->offset))
				return false;
		} else if (!type_of(&type, DW_AT_type, &type)) {
			return false;
		}
	}
	return false;
}
