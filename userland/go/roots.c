// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/roots.h"

#include <errno.h>
#include <string.h>

#include "go/roots_parts.h"

#define ROOTS_MAX (1U << 25)
#define MAPPED_MIN 65536 /* the least that the kernel's vm.mmap_min_addr lets a program have */

/* The holders by kind and name: an open hash table of indices and one, 0: none. */
struct gm_go_names {
	uint32_t slots[2 * GM_GO_HOLDERS_MAX];
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot list the roots of the heap");
}

static uint32_t hash(enum gm_go_holder_kind kind, const char *name)
{
	uint32_t hash = 2166136261U ^ kind;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return hash;
}

static uint32_t *slot_of(const struct gm_go_roots *roots, enum gm_go_holder_kind kind,
			 const char *name)
{
	uint32_t at = hash(kind, name);

	for (;; at++) {
		uint32_t *slot = &roots->names->slots[at % (2 * GM_GO_HOLDERS_MAX)];
		const struct gm_go_holder *holder;

		if (!*slot)
			return slot;
		holder = &roots->holders.items[*slot - 1];
		if (holder->kind == kind && !strcmp(holder->name, name))
			return slot;
	}
}

struct gm_error *gm_go_roots_holder(struct gm_go_roots *roots, enum gm_go_holder_kind kind,
				    const char *name, uint32_t *index)
{
	uint32_t *slot = slot_of(roots, kind, name);
	struct gm_go_holder *holder;

	if (!*slot) {
		if (roots->holders.count == GM_GO_HOLDERS_MAX)
			return gm_error_create(E2BIG, "the heap has too many roots to list");
		holder = gm_vec_push(&roots->holders);
		if (!holder)
			return no_memory();
		*slot = roots->holders.count;
		holder->kind = kind;
		holder->name = strdup(name);
		if (!holder->name)
			return no_memory();
	}
	*index = *slot - 1;
	return NULL;
}

struct gm_error *gm_go_roots_add(struct gm_go_roots *roots, const struct gm_go_root *root)
{
	struct gm_go_root *added;

	if (roots->count == ROOTS_MAX)
		return gm_error_create(E2BIG, "the heap has too many roots to list");
	added = gm_vec_push(roots);
	if (!added)
		return no_memory();
	*added = *root;
	return NULL;
}

bool gm_go_roots_plausible(const struct gm_go_rooting *rooting, uint64_t word)
{
	const struct gm_go_modules *modules = rooting->modules;

	if (word < MAPPED_MIN || word >> GM_GO_HEAP_BITS)
		return false;
	for (size_t i = 0; i < modules->count; i++)
		if (word >= modules->items[i].text.start && word < modules->items[i].noptrbss.end)
			return false;
	return true;
}

struct gm_error *gm_go_roots_read(const struct gm_go_rooting *rooting, struct gm_go_types *types,
				  struct gm_go_roots *roots)
{
	struct gm_error *error;

	*roots = (struct gm_go_roots){};
	roots->names = calloc(1, sizeof(*roots->names));
	if (!roots->names)
		return no_memory();
	error = gm_go_roots_globals(rooting, roots);
	return error ?: gm_go_roots_stacks(rooting, types, roots);
}

static void find_objects(const struct gm_go_ids *ids, struct gm_go_roots *roots)
{
	size_t kept = 0;

	for (size_t i = 0; i < roots->count; i++) {
		struct gm_go_root *root = &roots->items[i];
		struct gm_go_hit hit = gm_go_ids_find(ids, root->address);

		roots->flux += hit.flux && !root->guessed;
		if (hit.id == GM_GO_NO_ID)
			continue;
		root->object = hit.id;
		root->inside = hit.inside;
		roots->items[kept++] = *root;
	}
	roots->count = kept;
}

/* Holders of nothing go; the others' numbers change. */
static struct gm_error *leave_out_holders(struct gm_go_roots *roots)
{
	gm_autofree uint32_t *numbers = calloc(roots->holders.count + 1, sizeof(*numbers));
	uint32_t kept = 0;

	if (!numbers)
		return no_memory();
	for (size_t i = 0; i < roots->count; i++)
		numbers[roots->items[i].holder] = 1;
	for (size_t i = 0; i < roots->holders.count; i++) {
		if (!numbers[i]) {
			free((void *)roots->holders.items[i].name);
			continue;
		}
		numbers[i] = kept;
		roots->holders.items[kept++] = roots->holders.items[i];
	}
	roots->holders.count = kept;
	for (size_t i = 0; i < roots->count; i++)
		roots->items[i].holder = numbers[roots->items[i].holder];
	return NULL;
}

struct gm_error *gm_go_roots_settle(const struct gm_go_rooting *rooting,
				    const struct gm_go_ids *ids, struct gm_go_roots *roots)
{
	struct gm_error *error = gm_go_roots_specials(rooting, ids, roots);

	free(roots->names);
	roots->names = NULL;
	if (error)
		return error;
	find_objects(ids, roots);
	return leave_out_holders(roots);
}

void gm_go_roots_deinit(struct gm_go_roots *roots)
{
	for (size_t i = 0; i < roots->holders.count; i++)
		free((void *)roots->holders.items[i].name);
	free(roots->holders.items);
	free(roots->items);
	free(roots->names);
	*roots = (struct gm_go_roots){};
}
