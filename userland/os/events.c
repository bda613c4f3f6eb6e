// SPDX-License-Identifier: GPL-2.0-or-later
#include "os/events.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ORDER_MAX 20 /* beyond every MAX_PAGE_ORDER there is */

#define NAME(kind) #kind,
static const char *const names[] = { GOMEM_KINDS(NAME) };

const char *gm_event_kind_name(unsigned int kind)
{
	if (kind == GOMEM_KIND_lost)
		return "lost";
	return kind < GOMEM_KINDS_MAX ? names[kind] : NULL;
}

static bool is_kind(const char *name, size_t length)
{
	for (size_t i = 0; i < GOMEM_KINDS_MAX; i++) {
		if (strlen(names[i]) == length && !memcmp(names[i], name, length))
			return true;
	}
	return false;
}

bool gm_event_kinds_valid(const char *text)
{
	for (;; text++) {
		size_t length = strcspn(text, ",");

		if (!is_kind(text, length))
			return false;
		text += length;
		if (!*text)
			return true;
	}
}

static const char *event_fault(const struct gomem_event *event)
{
	if (!gm_event_kind_name(event->kind))
		return "its kind is unknown";
	if (event->end < event->start)
		return "it ends before it starts";
	if (event->kind == GOMEM_KIND_lost && !event->bytes)
		return "it says that nothing was lost";
	if (event->order > ORDER_MAX || event->reserved)
		return "its order or its reserved field is out of range";
	return NULL;
}

static struct gm_error *broken(const char *what, const char *fault)
{
	return gm_error_create(EIO,
			       "cannot use the module's events: %s breaks the contract, %s; reload "
			       "a matching module",
			       what, fault);
}

static struct gm_error *check(const struct gm_events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		const char *fault = event_fault(&events->items[i]);

		if (fault)
			return broken("one", fault);
	}
	return NULL;
}

struct gm_error *gm_events_read(int fd, struct gm_events *events)
{
	ssize_t got = read(fd, events->items, sizeof(events->items));
	struct gm_error *error;

	events->count = 0;
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return NULL;
	if (got < 0)
		return gm_error_errno(errno, "cannot read the module's events");
	if (!got || got % sizeof(*events->items))
		return broken("the file", got ? "it gave a piece of one" : "it ended");
	events->count = got / sizeof(*events->items);
	error = check(events);
	if (error)
		events->count = 0;
	return error;
}
