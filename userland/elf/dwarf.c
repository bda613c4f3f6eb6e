// SPDX-License-Identifier: GPL-2.0-or-later
/* Struct layouts from DWARF, by libdw, which checks the bounds of what it reads and
 * that a sibling lies behind (0.188 does). Chains of references it follows as they
 * come, so those are counted here.
 */
#include "elf/file.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <string.h>

#include "elf/internal.h"

#define TYPEDEFS_MAX 16

struct walk {
	const char *path;
	struct gm_elf_field *fields;
	size_t count;
	size_t wanted; /* structs not seen yet */
};

static struct gm_error *corrupt(const struct walk *walk, const char *what)
{
	return gm_error_create(EBADMSG, "cannot read the DWARF of %s: %s (%s)", walk->path, what,
			       dwarf_errmsg(-1) ?: "libdw saw nothing wrong");
}

static bool attribute(Dwarf_Die *die, unsigned int name, uint32_t *value)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &word) || word > INT32_MAX)
		return false;
	*value = word;
	return true;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, type);
}

static bool type_size(const Dwarf_Die *member, uint32_t *size)
{
	Dwarf_Die die = *member, type;

	for (int i = 0; i < TYPEDEFS_MAX && type_of(&die, &type); i++) {
		if (dwarf_tag(&type) == DW_TAG_pointer_type) {
			*size = sizeof(uint64_t);
			return true;
		}
		if (dwarf_tag(&type) != DW_TAG_typedef)
			return attribute(&type, DW_AT_byte_size, size);
		die = type;
	}
	return false;
}

static void answer_member(struct gm_elf_field *fields, size_t count, Dwarf_Die *member)
{
	const char *name = dwarf_diename(member);

	for (size_t i = 0; i < count && name; i++) {
		struct gm_elf_field *field = &fields[i];

		if (field->member && !field->found && !strcmp(field->member, name))
			field->found =
				attribute(member, DW_AT_data_member_location, &field->offset) &&
				type_size(member, &field->size);
	}
}

static void answer_size(struct gm_elf_field *fields, size_t count, Dwarf_Die *die)
{
	for (size_t i = 0; i < count; i++)
		if (!fields[i].member)
			fields[i].found = attribute(die, DW_AT_byte_size, &fields[i].size);
}

/* The consecutive fields from @at on that ask for the same type. */
static size_t same_type(const struct walk *walk, size_t at)
{
	size_t end = at + 1;

	while (end < walk->count && !strcmp(walk->fields[end].type, walk->fields[at].type))
		end++;
	return end - at;
}

static struct gm_error *answer(struct walk *walk, size_t at, size_t count, Dwarf_Die *die)
{
	Dwarf_Die member;
	int more;

	answer_size(&walk->fields[at], count, die);
	for (more = dwarf_child(die, &member); !more; more = dwarf_siblingof(&member, &member))
		answer_member(&walk->fields[at], count, &member);
	walk->wanted--;
	return more < 0 ? corrupt(walk, "a struct does not end") : NULL;
}

static struct gm_error *visit(struct walk *walk, Dwarf_Die *die)
{
	const char *name;

	if (dwarf_tag(die) != DW_TAG_structure_type)
		return NULL;
	name = dwarf_diename(die);
	if (!name)
		return NULL;
	for (size_t at = 0, count; at < walk->count; at += count) {
		count = same_type(walk, at);
		if (!strcmp(walk->fields[at].type, name))
			return answer(walk, at, count, die);
	}
	return NULL;
}

static struct gm_error *visit_unit(struct walk *walk, Dwarf_Die *unit)
{
	struct gm_error *error = NULL;
	Dwarf_Die die;
	int more;

	for (more = dwarf_child(unit, &die); !more; more = dwarf_siblingof(&die, &die)) {
		error = visit(walk, &die);
		if (error || !walk->wanted)
			return error;
	}
	return more < 0 ? corrupt(walk, "a list of entries does not end") : NULL;
}

static bool is_called(Dwarf_Die *die, const char *expected)
{
	const char *name = dwarf_diename(die);

	return name && !strcmp(name, expected);
}

static struct gm_error *visit_units(struct walk *walk, Dwarf *dwarf, const char *unit)
{
	struct gm_error *error = NULL;
	Dwarf_Off at = 0, next;
	bool found = false;
	Dwarf_Die die;
	size_t header;

	while (walk->wanted && !error &&
	       !dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL)) {
		if (next <= at)
			return corrupt(walk, "a unit points back");
		if (dwarf_offdie(dwarf, at + header, &die) && is_called(&die, unit)) {
			found = true;
			error = visit_unit(walk, &die);
		}
		at = next;
	}
	if (error || found)
		return error;
	return gm_error_create(ENOENT, "the DWARF of %s has no unit called %s", walk->path, unit);
}

static size_t count_types(const struct walk *walk)
{
	size_t types = 0;

	for (size_t at = 0; at < walk->count; at += same_type(walk, at))
		types++;
	return types;
}

struct gm_error *gm_elf_fields(struct gm_elf *elf, const char *unit, struct gm_elf_field *fields,
			       size_t count)
{
	struct walk walk = { .path = elf->path, .fields = fields, .count = count };
	struct gm_error *error;
	Dwarf *dwarf;

	error = gm_elf_check_dwarf(elf);
	if (error)
		return error;
	dwarf = dwarf_begin_elf(elf->elf, DWARF_C_READ, NULL);
	if (!dwarf)
		return gm_error_create(ENOENT, "%s has no DWARF that can be read: %s", elf->path,
				       dwarf_errmsg(-1));
	walk.wanted = count_types(&walk);
	error = visit_units(&walk, dwarf, unit);
	dwarf_end(dwarf);
	return error;
}
