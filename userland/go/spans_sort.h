/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans by address, however many. */
#ifndef GM_GO_SPANS_SORT_H
#define GM_GO_SPANS_SORT_H

#include "go/spans.h"

/* By start; of two with one start either may come first. ENOMEM only. What it sorted from waits for
 * who asks gm_big_alloc() next.
 */
struct gm_error *gm_go_spans_sort(struct gm_go_spans *spans) GM_MUST_CHECK;

#endif
