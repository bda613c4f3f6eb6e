// SPDX-License-Identifier: GPL-2.0-or-later
/* By libdw, which checks the bounds of what it reads. */
#include "elf/debug.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "elf/debug_parts.h"
#include "elf/internal.h"

#define GLOBALS_MAX (4U << 20)
#define FUNCTIONS_MAX (4U << 20)
#define LOOKED_AT_MAX (64ULL << 20)

void gm_elf_debug_destroy(struct gm_elf_debug *debug)
{
	if (!debug)
		return;
	dwarf_end(debug->dwarf);
	free(debug->globals.items);
	free(debug->functions.items);
	free(debug);
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

static bool add_global(struct gm_elf_debug *debug, Dwarf_Die *die)
{
	struct gm_elf_global *global;
	uint64_t address;
	Dwarf_Die type;

	if (debug->globals.count == GLOBALS_MAX || !address_of(die, &address) ||
	    !gm_elf_debug_type(die, DW_AT_type, &type))
		return true;
	global = gm_vec_push(&debug->globals);
	if (!global)
		return false;
	*global = (struct gm_elf_global){ address, dwarf_dieoffset(&type) };
	return true;
}

/* Those that were only inlined lie nowhere. What of one would be walked has no end that can be
 * trusted where it says itself what is beside it, as none of Go's does.
 */
static bool add_function(struct gm_elf_debug *debug, Dwarf_Die *die)
{
	struct gm_elf_code *code;
	Dwarf_Addr start, end;

	if (debug->functions.count == FUNCTIONS_MAX || dwarf_lowpc(die, &start) ||
	    dwarf_highpc(die, &end) || start >= end || dwarf_hasattr(die, DW_AT_sibling))
		return true;
	code = gm_vec_push(&debug->functions);
	if (!code)
		return false;
	*code = (struct gm_elf_code){ start, end, dwarf_dieoffset(die), 0 };
	return true;
}

/* The function that was added last, if any was since there were @count, ends at @end. */
static void end_function(struct gm_elf_debug *debug, size_t count, Dwarf_Off end)
{
	struct gm_elf_code *code;

	if (debug->functions.count == count)
		return;
	code = &debug->functions.items[debug->functions.count - 1];
	code->entry_bytes = end - code->entry;
}

static bool add_unit(struct gm_elf_debug *debug, Dwarf_Die *unit, Dwarf_Off end)
{
	Dwarf_Die die;
	int more = dwarf_child(unit, &die);

	while (!more) {
		size_t count = debug->functions.count;
		int tag = dwarf_tag(&die);

		if ((tag == DW_TAG_variable && !add_global(debug, &die)) ||
		    (tag == DW_TAG_subprogram && !add_function(debug, &die)))
			return false;
		more = dwarf_siblingof(&die, &die);
		end_function(debug, count, more ? end : dwarf_dieoffset(&die));
	}
	return true;
}

static bool add_units(struct gm_elf_debug *debug)
{
	Dwarf_Off at = 0, next;
	size_t header;
	Dwarf_Die die;

	while (!dwarf_nextcu(debug->dwarf, at, &next, &header, NULL, NULL, NULL) && next > at) {
		if (dwarf_offdie(debug->dwarf, at + header, &die) && !add_unit(debug, &die, next))
			return false;
		at = next;
	}
	return true;
}

/* Both kinds of record begin with their address. */
static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* libdw has uncompressed them in place; those whose name says that they were are of old Gos. */
static struct gm_elf_bytes bytes_of(struct gm_elf *elf, const char *name, const char *compressed)
{
	Elf_Scn *section = NULL;
	struct gm_error *error = gm_elf_find_section(elf, name, &section);
	Elf_Data *data;

	gm_error_destroy(error);
	if (!section) {
		error = gm_elf_find_section(elf, compressed, &section);
		gm_error_destroy(error);
	}
	data = section ? elf_rawdata(section, NULL) : NULL;
	if (!data || !data->d_buf)
		return (struct gm_elf_bytes){};
	return (struct gm_elf_bytes){ data->d_buf, data->d_size };
}

static struct gm_error *read_all(struct gm_elf *elf, struct gm_elf_debug *debug)
{
	debug->dwarf = dwarf_begin_elf(elf->elf, DWARF_C_READ, NULL);
	if (!debug->dwarf)
		return gm_error_create(ENOENT, "%s has no DWARF that can be read: %s", elf->path,
				       dwarf_errmsg(-1));
	debug->left = LOOKED_AT_MAX;
	debug->members_left = GM_ELF_DEBUG_MEMBERS;
	debug->lists = bytes_of(elf, ".debug_loclists", ".zdebug_loclists");
	debug->old_lists = bytes_of(elf, ".debug_loc", ".zdebug_loc");
	debug->ranges = bytes_of(elf, ".debug_rnglists", ".zdebug_rnglists");
	debug->old_ranges = bytes_of(elf, ".debug_ranges", ".zdebug_ranges");
	debug->addresses = bytes_of(elf, ".debug_addr", ".zdebug_addr");
	if (!add_units(debug))
		return gm_error_errno(ENOMEM, "cannot read the variables of %s", elf->path);
	if (debug->globals.count)
		qsort(debug->globals.items, debug->globals.count, sizeof(struct gm_elf_global),
		      by_address);
	if (debug->functions.count)
		qsort(debug->functions.items, debug->functions.count, sizeof(struct gm_elf_code),
		      by_address);
	return NULL;
}

struct gm_error *gm_elf_debug_read(struct gm_elf *elf, const struct gm_elf_vendor *vendor,
				   struct gm_elf_debug **out)
{
	struct gm_elf_debug *debug;
	struct gm_error *error = gm_elf_check_dwarf(elf);

	if (error)
		return error;
	debug = calloc(1, sizeof(*debug));
	if (!debug)
		return gm_error_errno(ENOMEM, "cannot read the variables of %s", elf->path);
	debug->vendor = *vendor;
	error = read_all(elf, debug);
	if (error)
		gm_elf_debug_destroy(debug);
	else
		*out = debug;
	return error;
}

const void *gm_elf_debug_before(const void *records, size_t count, size_t size, uint64_t address)
{
	const char *items = records;
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (*(const uint64_t *)(items + middle * size) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? items + (low - 1) * size : NULL;
}

bool gm_elf_debug_global(struct gm_elf_debug *debug, uint64_t address, struct gm_elf_part *part)
{
	const struct gm_elf_global *global;
	Dwarf_Die type;

	global = gm_elf_debug_before(debug->globals.items, debug->globals.count, sizeof(*global),
				     address);
	if (!global || !dwarf_offdie(debug->dwarf, global->type, &type))
		return false;
	/* Not all that lies behind a variable is another one: the compiler has its own. */
	if (address - global->address >= gm_elf_debug_bytes(&type))
		return false;
	return gm_elf_debug_part(debug, global->type, address - global->address, part);
}
