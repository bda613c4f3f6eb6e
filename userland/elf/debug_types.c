// SPDX-License-Identifier: GPL-2.0-or-later
/* Types have parts, and these have; chains and depths are counted. */
#include <dwarf.h>

#include "elf/debug_parts.h"

#define DEPTH_MAX 64

bool gm_elf_debug_number(Dwarf_Die *die, unsigned int name, uint64_t *value)
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

bool gm_elf_debug_type(Dwarf_Die *die, unsigned int name, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && dwarf_formref_die(&attr, type);
}

static void strip_typedefs(Dwarf_Die *type)
{
	Dwarf_Die next;

	for (int i = 0; i < GM_ELF_TYPEDEFS_MAX && dwarf_tag(type) == DW_TAG_typedef; i++) {
		if (!gm_elf_debug_type(type, DW_AT_type, &next))
			return;
		*type = next;
	}
}

/* The member that holds byte *@offset, which becomes one of its. */
static bool enter_struct(struct gm_elf_debug *debug, Dwarf_Die *type, uint64_t *offset)
{
	uint64_t best = 0, at;
	Dwarf_Die member, found;
	bool any = false;

	for (int more = dwarf_child(type, &member); !more;
	     more = dwarf_siblingof(&member, &member)) {
		/* A member has nothing in it, which would have to be passed over. */
		if (!debug->members_left || dwarf_haschildren(&member))
			return false;
		debug->members_left--;
		if (dwarf_tag(&member) != DW_TAG_member ||
		    !gm_elf_debug_number(&member, DW_AT_data_member_location, &at) ||
		    at > *offset || (any && at < best))
			continue;
		best = at;
		found = member;
		any = true;
	}
	if (!any || !gm_elf_debug_type(&found, DW_AT_type, type))
		return false;
	*offset -= best;
	return true;
}

/* Pointers and the like have no size of their own there. */
uint64_t gm_elf_debug_bytes(const Dwarf_Die *type)
{
	Dwarf_Die bare = *type;
	uint64_t size;

	strip_typedefs(&bare);
	return gm_elf_debug_number(&bare, DW_AT_byte_size, &size) ? size : sizeof(uint64_t);
}

static bool enter_array(Dwarf_Die *type, uint64_t *offset)
{
	Dwarf_Die elem;
	uint64_t size;

	if (!gm_elf_debug_type(type, DW_AT_type, &elem))
		return false;
	size = gm_elf_debug_bytes(&elem);
	if (!size)
		return false;
	*offset %= size;
	*type = elem;
	return true;
}

/* The tag of a type, or of what it is another name for. */
static uint64_t tag_of(const struct gm_elf_debug *debug, Dwarf_Die *type)
{
	uint64_t tag;

	for (int i = 0; i < GM_ELF_TYPEDEFS_MAX; i++) {
		if (gm_elf_debug_number(type, debug->vendor.tag, &tag) ||
		    dwarf_tag(type) != DW_TAG_typedef || !gm_elf_debug_type(type, DW_AT_type, type))
			return tag;
	}
	return 0;
}

static void fill(const struct gm_elf_debug *debug, Dwarf_Die *type, struct gm_elf_part *part)
{
	Dwarf_Die elem;

	if (gm_elf_debug_type(type, debug->vendor.elem, &elem) ||
	    (dwarf_tag(type) == DW_TAG_pointer_type && gm_elf_debug_type(type, DW_AT_type, &elem)))
		part->elem_tag = tag_of(debug, &elem);
	part->name = dwarf_diename(type);
	part->tag = tag_of(debug, type);
}

bool gm_elf_debug_part(struct gm_elf_debug *debug, uint64_t at, uint64_t offset,
		       struct gm_elf_part *part)
{
	Dwarf_Die type;

	if (!dwarf_offdie(debug->dwarf, at, &type))
		return false;
	*part = (struct gm_elf_part){ .offset = offset };
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		bool known = gm_elf_debug_number(&type, debug->vendor.kind, &part->kind);

		if (known && !debug->vendor.descend(part->kind)) {
			fill(debug, &type, part);
			return true;
		}
		if (dwarf_tag(&type) == DW_TAG_structure_type) {
			if (!enter_struct(debug, &type, &part->offset))
				return false;
		} else if (dwarf_tag(&type) == DW_TAG_array_type) {
			if (!enter_array(&type, &part->offset))
				return false;
		} else if (!gm_elf_debug_type(&type, DW_AT_type, &type)) {
			return false;
		}
	}
	return false;
}
