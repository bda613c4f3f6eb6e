/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event as text and as JSON. Only cmd_events*.c sees this. */
#ifndef GM_CMD_EVENTS_H
#define GM_CMD_EVENTS_H

#include "os/events.h"
#include "out/table.h"

/* What stands above the lines of text. */
void gm_events_print_title(enum gm_out_format format);

/* A line on stdout; @clock_ns: from the clock of events to the time of day. */
struct gm_error *gm_events_print(const struct gomem_event *event, uint64_t clock_ns,
				 enum gm_out_format format) GM_MUST_CHECK;

#endif
