/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process being read: its memory, and where its runtime keeps things. */
#ifndef GM_GO_TARGET_H
#define GM_GO_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "go/image.h"
#include "os/maps.h"
#include "os/mem.h"

/* amd64: five levels of page tables have 57 bits, the upper half is the kernel's. */
#define GM_GO_ADDRESS_MAX (1ULL << 56)

/**
 * struct gm_go_target - what the Go reader needs; the caller owns all of it
 * @maps: of the same process, read before
 * @torn: @mem was copied while the collector moved, so that its marks mean nothing
 */
struct gm_go_target {
	struct gm_mem *mem;
	const struct gm_maps *maps;
	const struct gm_go_image *image;
	bool torn;
};

/* Of Go: a slice's header, checked: @length is within bounds, the array below
 * GM_GO_ADDRESS_MAX.
 */
struct gm_go_slice {
	uint64_t array;
	uint64_t length;
	uint64_t capacity;
};

/* Address of a field of runtime.mheap_ or runtime.memstats. */
uint64_t gm_go_mheap_at(const struct gm_go_target *target, enum gm_go_field field);
uint64_t gm_go_memstats_at(const struct gm_go_target *target, enum gm_go_field field);

/* EIO: "the heap of this go1.24.4 program makes no sense: WHAT (layout: DWARF)" */
struct gm_error *gm_go_nonsense(const struct gm_go_target *target, const char *what, ...)
	__attribute__((format(printf, 2, 3)));

/* An unsigned number of 1 to 8 bytes. */
struct gm_error *gm_go_read_number(const struct gm_go_target *target, uint64_t address, size_t size,
				   uint64_t *number) GM_MUST_CHECK;

/* EIO where the slice has more than @max items of @item_bytes, or is no slice. */
struct gm_error *gm_go_read_slice(const struct gm_go_target *target, uint64_t address,
				  size_t item_bytes, uint64_t max,
				  struct gm_go_slice *slice) GM_MUST_CHECK;

/* The slice at @address and its items, *@items allocated (NULL for an empty one). */
struct gm_error *gm_go_read_items(const struct gm_go_target *target, uint64_t address,
				  size_t item_bytes, uint64_t max, void **items,
				  size_t *count) GM_MUST_CHECK;

/**
 * struct gm_go_want - a record of target memory, at most 64 KiB
 * @index: the caller's name for it
 */
struct gm_go_want {
	uint64_t address;
	uint32_t size;
	uint32_t index;
};

/* @record: NULL where it could not be read; valid during the call only. So many bytes behind it
 * may be read as well, but tell nothing.
 */
#define GM_GO_RECORD_SLACK 8
typedef void (*gm_go_got)(void *context, uint32_t index, const void *record);

/* Reads all @wants (and sorts them by address) in few system calls: neighbours are
 * read as one range. Memory is bounded whatever @count. ESRCH: the process is gone.
 */
struct gm_error *gm_go_gather(const struct gm_go_target *target, struct gm_go_want *wants,
			      size_t count, gm_go_got got, void *context) GM_MUST_CHECK;

#define GM_GO_ASKED_MAX 32768

/**
 * struct gm_go_asker - wants of any number, of which so many are read at a time that they stay in
 *	the processor's cache. Made for lists whose neighbours lie close to each other in memory
 * @got, @context: as of gm_go_gather()
 * @count: how many of @wants wait to be read
 */
struct gm_go_asker {
	const struct gm_go_target *target;
	gm_go_got got;
	void *context;
	struct gm_go_want *wants;
	size_t count;
};

/* ENOMEM only; the caller deinits, either way. */
struct gm_error *gm_go_asker_init(const struct gm_go_target *target, gm_go_got got, void *context,
				  struct gm_go_asker *asker) GM_MUST_CHECK;
void gm_go_asker_deinit(struct gm_go_asker *asker);

/* Reads what waits. Errors as of gm_go_gather(). */
struct gm_error *gm_go_asker_flush(struct gm_go_asker *asker) GM_MUST_CHECK;

/* Asks for a record, which is read now or by gm_go_asker_flush(). Errors as of gm_go_gather(). */
static inline GM_MUST_CHECK struct gm_error *gm_go_ask(struct gm_go_asker *asker, uint64_t address,
						       uint32_t size, uint32_t index)
{
	asker->wants[asker->count++] = (struct gm_go_want){ address, size, index };
	return asker->count < GM_GO_ASKED_MAX ? NULL : gm_go_asker_flush(asker);
}

#endif
