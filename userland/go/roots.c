// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/roots.h"

#include <errno.h>
#include <string.h>

#include "go/roots_parts.h"

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

struct gm_error *gm_go_roots_add(struct gm_go_roots *roots, const struct gm_go_ids *ids,
				 uint32_t holder, uint64_t address, uint64_t at)
{
	struct gm_go_hit hit = gm_go_ids_find(ids, address);
	struct gm_go_root *root;

	roots->flux += hit.flux;
	if (hit.id == GM_GO_NO_ID)
		return NULL;
	root = gm_vec_push(roots);
	if (!root)
		return no_memory();
	*root = (struct gm_go_root){
		.at = at, .holder = holder, .object = hit.id, .inside = hit.inside
	};
	return NULL;
}

struct gm_error *gm_go_roots_read(const struct gm_go_rooting *rooting, struct gm_go_roots *roots)
{
	struct gm_error *error;

	*roots = (struct gm_go_roots){};
	roots->names = calloc(1, sizeof(*roots->names));
	if (!roots->names)
		return no_memory();
	error = gm_go_roots_globals(rooting, roots);
	if (!error)
		error = gm_go_roots_stacks(rooting, roots);
	return error ?: gm_go_roots_specials(rooting, roots);
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
