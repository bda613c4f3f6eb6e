/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses in order: in time that grows with how many there are, and no faster. */
#ifndef GM_GO_ORDER_H
#define GM_GO_ORDER_H

#include "go/target.h"

/* By address; those of one address stay in their order. Lists in order already cost a look. */
struct gm_error *gm_go_wants_sort(struct gm_go_want *wants, size_t count) GM_MUST_CHECK;

#endif
