// SPDX-License-Identifier: GPL-2.0-or-later
/* The variables of functions: those in scope at an instruction, and what closures capture. */
#include <dwarf.h>
#include <errno.h>

#include "elf/debug_parts.h"
#include "elf/locations.h"

#define DEPTH_MAX 64
#define ENTRY_BYTES 8 /* few are smaller */
#define SLOTS_MAX (64U << 10) /* of one function */

/**
 * struct scope - where the search for the variables of a frame is
 * @address: of an instruction
 * @function: that was inlined around it, NULL: none
 * @cost: of a walk over all that is in the frame's function
 * @room: slots that may still be added
 * @lists: where the unit's variables lie; @ranges: what its scopes are of
 */
struct scope {
	struct gm_elf_debug *debug;
	struct gm_elf_slots *slots;
	uint64_t address;
	const char *function;
	uint64_t cost;
	size_t room;
	struct gm_elf_lists lists;
	struct gm_elf_lists ranges;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot read the variables of functions");
}

static bool spend(struct gm_elf_debug *debug, uint64_t want)
{
	if (want > debug->left)
		return false;
	debug->left -= want;
	return true;
}

/* The function that @address is in. */
static const struct gm_elf_code *find(const struct gm_elf_debug *debug, uint64_t address)
{
	const struct gm_elf_code *code;

	code = gm_elf_debug_before(debug->functions.items, debug->functions.count, sizeof(*code),
				   address);
	return code && address < code->end ? code : NULL;
}

/* What an entry says itself, or that it is a copy of. */
static const char *name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, type);
}

static void set_lists(struct scope *scope, Dwarf_Die *die)
{
	const struct gm_elf_debug *debug = scope->debug;
	struct gm_elf_lists *lists = &scope->lists, *ranges = &scope->ranges;
	const struct gm_elf_bytes *bytes;
	Dwarf_Half version = 0;
	Dwarf_Addr base;
	Dwarf_Die unit;

	if (!dwarf_diecu(die, &unit, NULL, NULL) ||
	    dwarf_cu_info(die->cu, &version, NULL, NULL, NULL, NULL, NULL, NULL))
		return;
	bytes = version < 5 ? &debug->old_lists : &debug->lists;
	*lists = (struct gm_elf_lists){ .version = version,
					.lists = bytes->at,
					.lists_bytes = bytes->size,
					.addresses = debug->addresses.at,
					.addresses_bytes = debug->addresses.size };
	gm_elf_debug_number(&unit, DW_AT_addr_base, &lists->addresses_at);
	lists->base = dwarf_lowpc(&unit, &base) ? 0 : base;
	*ranges = *lists;
	bytes = version < 5 ? &debug->old_ranges : &debug->ranges;
	ranges->ranges = true;
	ranges->lists = bytes->at;
	ranges->lists_bytes = bytes->size;
}

/* The expression that says where @die lies at the scope's instruction. */
static bool find_expression(struct scope *scope, Dwarf_Die *die, const uint8_t **at, size_t *bytes)
{
	Dwarf_Attribute attr;
	Dwarf_Block block;
	Dwarf_Word offset;

	if (!dwarf_attr_integrate(die, DW_AT_location, &attr))
		return false;
	if (!dwarf_formblock(&attr, &block)) {
		*at = block.data;
		*bytes = block.length;
		return true;
	}
	return !dwarf_formudata(&attr, &offset) &&
	       gm_elf_lists_find(&scope->lists, offset, scope->address, &scope->debug->left, at,
				 bytes);
}

static struct gm_error *add_pieces(struct scope *scope, const struct gm_elf_slot *variable,
				   const struct gm_elf_piece *pieces, size_t count, uint64_t bytes)
{
	uint64_t offset = 0;

	if (count > scope->room)
		return NULL;
	scope->room -= count;
	if (!gm_vec_reserve(scope->slots, count))
		return no_memory();
	for (size_t i = 0; i < count && offset < bytes; i++) {
		uint64_t left = bytes - offset;
		uint64_t size = pieces[i].bytes && pieces[i].bytes < left ? pieces[i].bytes : left;

		if (pieces[i].in_frame) {
			struct gm_elf_slot *slot = &scope->slots->items[scope->slots->count++];

			*slot = *variable;
			slot->start = pieces[i].offset;
			slot->bytes = size;
			slot->offset = offset;
		}
		offset += size;
	}
	return NULL;
}

static struct gm_error *add_variable(struct scope *scope, Dwarf_Die *die)
{
	struct gm_elf_piece pieces[GM_ELF_PIECES_MAX];
	const uint8_t *expression;
	struct gm_elf_slot slot;
	size_t bytes, count;
	Dwarf_Die type;

	if (!find_expression(scope, die, &expression, &bytes))
		return NULL;
	count = gm_elf_expression(expression, bytes, pieces);
	if (!count || !type_of(die, &type))
		return NULL;
	slot = (struct gm_elf_slot){ .variable = dwarf_dieoffset(die),
				     .type = dwarf_dieoffset(&type),
				     .name = name_of(die),
				     .function = scope->function };
	if (!slot.name)
		return NULL;
	return add_pieces(scope, &slot, pieces, count, gm_elf_debug_bytes(&type));
}

/* Not by dwarf_ranges(), which reads as many bases as there are in one call. */
static bool is_around(struct scope *scope, Dwarf_Die *die)
{
	const uint8_t *expression;
	Dwarf_Addr start, end;
	Dwarf_Attribute attr;
	Dwarf_Word offset;
	size_t bytes;

	if (!dwarf_lowpc(die, &start) && !dwarf_highpc(die, &end))
		return scope->address >= start && scope->address < end;
	return dwarf_attr(die, DW_AT_ranges, &attr) && !dwarf_formudata(&attr, &offset) &&
	       gm_elf_lists_find(&scope->ranges, offset, scope->address, &scope->debug->left,
				 &expression, &bytes);
}

static bool is_variable(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_variable || dwarf_tag(die) == DW_TAG_formal_parameter;
}

static struct gm_error *add_scope(struct scope *scope, Dwarf_Die *die, int depth);

static struct gm_error *add_inner(struct scope *scope, Dwarf_Die *die, int depth)
{
	const char *outer = scope->function;
	int tag = dwarf_tag(die);
	struct gm_error *error;

	if ((tag != DW_TAG_lexical_block && tag != DW_TAG_inlined_subroutine) ||
	    depth == DEPTH_MAX || dwarf_hasattr(die, DW_AT_sibling) || !is_around(scope, die))
		return NULL;
	if (tag == DW_TAG_inlined_subroutine)
		scope->function = name_of(die) ?: outer;
	error = add_scope(scope, die, depth);
	scope->function = outer;
	return error;
}

/* Its own variables before those of what is in it. */
static struct gm_error *add_scope(struct scope *scope, Dwarf_Die *die, int depth)
{
	struct gm_error *error = NULL;
	Dwarf_Die inner;

	if (!spend(scope->debug, scope->cost))
		return NULL;
	for (int more = dwarf_child(die, &inner); !more && !error;
	     more = dwarf_siblingof(&inner, &inner))
		if (is_variable(&inner))
			error = add_variable(scope, &inner);
	for (int more = dwarf_child(die, &inner); !more && !error;
	     more = dwarf_siblingof(&inner, &inner))
		error = add_inner(scope, &inner, depth + 1);
	return error;
}

static uint64_t cost_of(const struct gm_elf_code *code)
{
	return code->entry_bytes / ENTRY_BYTES + 1;
}

/* Else offsets are from somewhere else. */
static bool counts_from_cfa(Dwarf_Die *function)
{
	Dwarf_Attribute attr;
	Dwarf_Block block;

	return dwarf_attr(function, DW_AT_frame_base, &attr) && !dwarf_formblock(&attr, &block) &&
	       block.length == 1 && block.data[0] == DW_OP_call_frame_cfa;
}

struct gm_error *gm_elf_debug_frame(struct gm_elf_debug *debug, uint64_t address,
				    struct gm_elf_slots *slots)
{
	struct scope scope = {
		.debug = debug,
		.slots = slots,
		.address = address,
		.room = SLOTS_MAX,
	};
	const struct gm_elf_code *code = find(debug, address);
	Dwarf_Die die;

	/* What counts is the call, unless nothing was done yet. */
	if (!code || code->start != address)
		code = find(debug, --scope.address);
	if (!code || !dwarf_offdie(debug->dwarf, code->entry, &die) || !counts_from_cfa(&die))
		return NULL;
	scope.cost = cost_of(code);
	set_lists(&scope, &die);
	return add_scope(&scope, &die, 0);
}

static struct gm_error *add_captured(struct gm_elf_debug *debug, Dwarf_Die *die,
				     struct gm_elf_slots *slots)
{
	struct gm_elf_slot *slot;
	Dwarf_Attribute attr;
	Dwarf_Word offset;
	Dwarf_Die type;

	if (!is_variable(die) || !dwarf_attr_integrate(die, debug->vendor.captured, &attr) ||
	    dwarf_formudata(&attr, &offset) || offset > INT32_MAX || !type_of(die, &type))
		return NULL;
	slot = gm_vec_push(slots);
	if (!slot)
		return no_memory();
	*slot = (struct gm_elf_slot){ .start = offset,
				      .bytes = gm_elf_debug_bytes(&type),
				      .variable = dwarf_dieoffset(die),
				      .type = dwarf_dieoffset(&type),
				      .name = name_of(die) };
	return NULL;
}

struct gm_error *gm_elf_debug_closure(struct gm_elf_debug *debug, uint64_t address,
				      struct gm_elf_slots *slots)
{
	const struct gm_elf_code *code = find(debug, address);
	size_t most = slots->count + SLOTS_MAX;
	struct gm_error *error = NULL;
	Dwarf_Die die, inner;

	if (!code || code->start != address || !spend(debug, cost_of(code)) ||
	    !dwarf_offdie(debug->dwarf, code->entry, &die))
		return NULL;
	for (int more = dwarf_child(&die, &inner); !more && !error && slots->count < most;
	     more = dwarf_siblingof(&inner, &inner))
		error = add_captured(debug, &inner, slots);
	return error;
}
