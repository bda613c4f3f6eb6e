// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t gm_go_mheap_at(const struct gm_go_target *target, enum gm_go_field field)
{
	return target->image->globals[GM_GO_MHEAP].address +
	       gm_go_layout_offset(&target->image->layout, field);
}

uint64_t gm_go_memstats_at(const struct gm_go_target *target, enum gm_go_field field)
{
	return target->image->globals[GM_GO_MEMSTATS].address +
	       gm_go_layout_offset(&target->image->layout, field);
}

struct gm_error *gm_go_nonsense(const struct gm_go_target *target, const char *what, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, what);
	vsnprintf(text, sizeof(text), what, arguments);
	va_end(arguments);
	return gm_error_create(EIO, "the heap of this %s program makes no sense: %s (layout: %s)",
			       target->image->version.text, text, target->image->layout.source);
}

struct gm_error *gm_go_read_number(const struct gm_go_target *target, uint64_t address, size_t size,
				   uint64_t *number)
{
	*number = 0;
	if (size > sizeof(*number))
		return gm_error_create(EIO, "the number at %" PRIx64 " has %zu bytes", address,
				       size);
	return gm_mem_read(target->mem, address, number, size);
}

static bool slice_possible(const struct gm_go_slice *slice, size_t item_bytes, uint64_t max)
{
	return slice->length <= max && slice->length <= slice->capacity &&
	       slice->capacity <= GM_GO_ADDRESS_MAX / item_bytes &&
	       slice->array <= GM_GO_ADDRESS_MAX - slice->capacity * item_bytes;
}

struct gm_error *gm_go_read_slice(const struct gm_go_target *target, uint64_t address,
				  size_t item_bytes, uint64_t max, struct gm_go_slice *slice)
{
	struct gm_error *error = gm_mem_read(target->mem, address, slice, sizeof(*slice));

	if (error)
		return error;
	if (!slice_possible(slice, item_bytes, max))
		return gm_error_create(EIO,
				       "the slice at %" PRIx64 " has %" PRIu64 " of %" PRIu64
				       " items at %" PRIx64 ", at most %" PRIu64 " are possible",
				       address, slice->length, slice->capacity, slice->array, max);
	return NULL;
}

struct gm_error *gm_go_read_items(const struct gm_go_target *target, uint64_t address,
				  size_t item_bytes, uint64_t max, void **items, size_t *count)
{
	struct gm_go_slice slice;
	struct gm_error *error;

	*items = NULL;
	*count = 0;
	error = gm_go_read_slice(target, address, item_bytes, max, &slice);
	if (error || !slice.length)
		return error;
	*items = calloc(slice.length, item_bytes);
	if (!*items)
		return gm_error_errno(ENOMEM, "cannot copy %" PRIu64 " items", slice.length);
	*count = slice.length;
	return gm_mem_read(target->mem, slice.array, *items, slice.length * item_bytes);
}
