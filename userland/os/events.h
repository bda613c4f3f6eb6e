/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event stream of the module, /proc/gomem/events: struct gomem_event, read and checked. */
#ifndef GM_OS_EVENTS_H
#define GM_OS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "gomem.h"

#define GM_EVENTS_BATCH 8192

/* What one read gave, in order. */
struct gm_events {
	struct gomem_event items[GM_EVENTS_BATCH];
	size_t count;
};

/* The next events of @fd, none where it has none and is O_NONBLOCK, or where a signal came.
 * EIO: they break the contract. @events has none then.
 */
struct gm_error *gm_events_read(int fd, struct gm_events *events) GM_MUST_CHECK;

/* The name of an event's kind, "lost" included; NULL for what is none. */
const char *gm_event_kind_name(unsigned int kind);

/* Whether @names is "A,B": names of GOMEM_KINDS, at least one. */
bool gm_event_kinds_valid(const char *names);

#endif
