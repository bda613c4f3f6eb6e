// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/frame_variables.h"

#include <errno.h>
#include <string.h>

#define WORD 8
#define WORDS_MAX (1U << 20)
#define SLOTS_MAX (1U << 20)
#define LOOKED_AT_MAX (256ULL << 20) /* slots, for all words */
#define SHARED_MAX 16 /* more variables never have one value */

/* What DWARF says of the frames of a map: @count slots from @first on. */
struct place {
	uint32_t first;
	uint32_t count;
	bool entered;
};

struct word {
	uint32_t number;
	int64_t offset;
	struct gm_go_frame_variable variable;
};

/**
 * struct gm_go_frame_variables - see the header
 * @words: those that were asked for; @table: open hash table of indices and one, 0: none
 * @places: by number of the map
 * @left: of LOOKED_AT_MAX
 */
struct gm_go_frame_variables {
	struct gm_go_types *types;
	struct {
		GM_VEC(struct word);
	} words;
	uint32_t *table;
	struct {
		GM_VEC(struct place);
	} places;
	struct gm_elf_slots slots;
	uint64_t left;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot list the variables of frames");
}

struct gm_error *gm_go_frame_variables_create(struct gm_go_types *types,
					      struct gm_go_frame_variables **out)
{
	struct gm_go_frame_variables *variables = calloc(1, sizeof(*variables));

	if (!variables)
		return no_memory();
	variables->types = types;
	variables->left = LOOKED_AT_MAX;
	variables->table = calloc(2UL * WORDS_MAX, sizeof(*variables->table));
	if (!variables->table) {
		gm_go_frame_variables_destroy(variables);
		return no_memory();
	}
	*out = variables;
	return NULL;
}

void gm_go_frame_variables_destroy(struct gm_go_frame_variables *variables)
{
	if (!variables)
		return;
	free(variables->words.items);
	free(variables->table);
	free(variables->places.items);
	free(variables->slots.items);
	free(variables);
}

struct gm_error *gm_go_frame_variables_enter(struct gm_go_frame_variables *variables,
					     const struct gm_go_frame_map *map)
{
	struct gm_error *error = NULL;
	struct place *place;

	while (variables->places.count <= map->number)
		if (!gm_vec_push(&variables->places))
			return no_memory();
	place = &variables->places.items[map->number];
	if (place->entered)
		return NULL;
	place->entered = true;
	place->first = variables->slots.count;
	if (variables->slots.count < SLOTS_MAX)
		error = gm_go_types_frame(variables->types, map->pc, &variables->slots);
	place->count = variables->slots.count - place->first;
	return error;
}

/* The frame's offset of what is at @offset of @slot's variable. */
static bool find_offset(const struct gm_elf_slot *slots, size_t count,
			const struct gm_elf_slot *slot, uint64_t offset, int64_t *at)
{
	for (size_t i = 0; i < count; i++) {
		if (slots[i].variable != slot->variable || offset < slots[i].offset ||
		    offset - slots[i].offset >= slots[i].bytes)
			continue;
		*at = (int64_t)((uint64_t)slots[i].start + (offset - slots[i].offset));
		return true;
	}
	return false;
}

static bool holds(const struct gm_elf_slot *slot, int64_t offset)
{
	return offset >= slot->start && (uint64_t)offset - (uint64_t)slot->start < slot->bytes;
}

/* The parts that the compiler makes of "req", "req.data" and "reqnext", stand beside it since Go
 * 1.27; of the former, which are of an interface, string or slice, it does not say the type.
 */
static bool is_compilers(const struct gm_elf_slot *slot)
{
	return strchr(slot->name, '.');
}

static bool is_part_of(const struct gm_go_frame_variable *part,
		       const struct gm_go_frame_variable *whole)
{
	return part->function == whole->function &&
	       !strncmp(part->name, whole->name, strlen(whole->name));
}

/* What @slot says of the word at @offset, one of @count at @slots. */
static struct gm_go_frame_variable ask(struct gm_go_types *types, const struct gm_elf_slot *slots,
				       size_t count, const struct gm_elf_slot *slot, int64_t offset)
{
	uint64_t inside = (uint64_t)offset - (uint64_t)slot->start;
	struct gm_go_frame_variable variable = {
		.name = slot->name,
		.function = slot->function,
		.holder = GM_GO_NO_HOLDER,
	};

	variable.code = gm_go_types_of_slot(types, slot, inside, &variable.interface);
	if (variable.interface)
		variable.interface = slot->offset + inside >= WORD &&
				     find_offset(slots, count, slot, slot->offset + inside - WORD,
						 &variable.before);
	return variable;
}

/* Two variables that have the same value share a word; they also may when only one is alive, and
 * then nothing says which.
 */
static void join(struct gm_go_frame_variable *known, const struct gm_go_frame_variable *other)
{
	bool says = other->code || other->interface, said = known->code || known->interface;

	if (!says)
		return;
	if (!said) {
		known->code = other->code;
		known->interface = other->interface;
		known->before = other->before;
	} else if (known->code != other->code || known->interface != other->interface ||
		   (known->interface && known->before != other->before)) {
		*known = (struct gm_go_frame_variable){ .holder = GM_GO_NO_HOLDER };
	}
}

static struct gm_go_frame_variable look_up(struct gm_go_frame_variables *variables,
					   const struct place *place, int64_t offset)
{
	const struct gm_elf_slot *slots = variables->slots.items + place->first;
	struct gm_go_frame_variable known = { .holder = GM_GO_NO_HOLDER };
	uint64_t cost = place->count * (SHARED_MAX + 1ULL);
	unsigned int found = 0;

	if (variables->left < cost)
		return known;
	variables->left -= cost;
	for (uint32_t i = 0; i < place->count && found < SHARED_MAX; i++) {
		struct gm_go_frame_variable one;

		if (!holds(&slots[i], offset) || is_compilers(&slots[i]))
			continue;
		one = ask(variables->types, slots, place->count, &slots[i], offset);
		if (!found++ || (known.name && is_part_of(&known, &one)))
			known = one;
		else if (known.name && !is_part_of(&one, &known))
			join(&known, &one);
	}
	return known;
}

/* Where the word is in the table, or is to be put. */
static uint32_t *slot_of(const struct gm_go_frame_variables *variables, uint32_t number,
			 int64_t offset)
{
	uint64_t key = (uint64_t)number << 32 ^ (uint64_t)offset;
	uint32_t at = key * 0x9e3779b97f4a7c15ULL >> 32;

	for (;; at++) {
		uint32_t *slot = &variables->table[at % (2 * WORDS_MAX)];
		const struct word *word;

		if (!*slot)
			return slot;
		word = &variables->words.items[*slot - 1];
		if (word->number == number && word->offset == offset)
			return slot;
	}
}

struct gm_go_frame_variable *gm_go_frame_variables_find(struct gm_go_frame_variables *variables,
							uint32_t number, int64_t offset)
{
	const struct place *place = &variables->places.items[number];
	uint32_t *slot;
	struct word *word;

	if (!place->count)
		return NULL;
	slot = slot_of(variables, number, offset);
	if (*slot)
		return &variables->words.items[*slot - 1].variable;
	if (variables->words.count == WORDS_MAX)
		return NULL;
	word = gm_vec_push(&variables->words);
	if (!word)
		return NULL;
	*slot = variables->words.count;
	word->number = number;
	word->offset = offset;
	word->variable = look_up(variables, place, offset);
	return &word->variable;
}
