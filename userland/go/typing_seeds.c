// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "go/typing.h"

struct gm_error *gm_go_typing_seeds(const struct gm_go_roots *roots, struct gm_go_types *types,
				    struct gm_go_seeds *seeds)
{
	for (size_t i = 0; i < roots->count; i++) {
		const struct gm_go_root *root = &roots->items[i];
		gm_go_code code = root->code;
		struct gm_go_seed *seed;

		if (root->at)
			code = gm_go_types_of_global(types, root->at);
		if (!code)
			continue;
		seed = gm_vec_push(seeds);
		if (!seed)
			return gm_error_errno(ENOMEM, "cannot tell the types of variables");
		*seed = (struct gm_go_seed){ root->object, code, root->inside };
	}
	return NULL;
}
