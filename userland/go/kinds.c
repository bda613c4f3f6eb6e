// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/kinds.h"

#include <errno.h>

#define KINDS_MAX (1U << 20)

struct gm_error *gm_go_kinds_init(struct gm_go_kinds *kinds)
{
	*kinds = (struct gm_go_kinds){};
	kinds->slots = calloc(2UL * KINDS_MAX, sizeof(*kinds->slots));
	return kinds->slots ? NULL : gm_error_errno(ENOMEM, "cannot number the types");
}

void gm_go_kinds_deinit(struct gm_go_kinds *kinds)
{
	free(kinds->items);
	free(kinds->slots);
	*kinds = (struct gm_go_kinds){};
}

struct gm_error *gm_go_kinds_find(struct gm_go_kinds *kinds, gm_go_code code, uint32_t *number)
{
	uint32_t at = (uint64_t)code * 0x9e3779b97f4a7c15ULL >> 32;
	uint32_t *slot = &kinds->slots[at % (2 * KINDS_MAX)];
	gm_go_code *added;

	while (*slot && kinds->items[*slot - 1] != code)
		slot = &kinds->slots[++at % (2 * KINDS_MAX)];
	if (!*slot) {
		if (kinds->count == KINDS_MAX)
			return gm_error_create(E2BIG, "the heap has too many types to list");
		added = gm_vec_push(kinds);
		if (!added)
			return gm_error_errno(ENOMEM, "cannot number the types");
		*added = code;
		*slot = kinds->count;
	}
	*number = *slot - 1;
	return NULL;
}
