/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap of a target whose image is known. */
#ifndef GM_GO_READ_H
#define GM_GO_READ_H

#include "go/heap.h"
#include "go/target.h"

/* As gm_go_heap_read(), which finds the image first. */
struct gm_error *gm_go_heap_read_target(const struct gm_go_target *target,
					const struct gm_maps *maps,
					struct gm_go_heap **heap) GM_MUST_CHECK;

#endif
