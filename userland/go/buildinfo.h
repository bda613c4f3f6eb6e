/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The build information that Go's linker leaves in a program. */
#ifndef GM_GO_BUILDINFO_H
#define GM_GO_BUILDINFO_H

#include "go/program.h"
#include "go/version.h"

/* Which Go built @program. ENOENT: none; ENOTSUP: one that does not say. */
struct gm_error *gm_go_buildinfo_read(const struct gm_go_program *program,
				      struct gm_go_version *version) GM_MUST_CHECK;

#endif
