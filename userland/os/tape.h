/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target memory that was read, kept: a source that remembers, and one that plays it again. */
#ifndef GM_OS_TAPE_H
#define GM_OS_TAPE_H

#include "base/vec.h"
#include "os/mem.h"

#define GM_TAPE_BYTES_MAX ((size_t)2 << 30)

/**
 * struct gm_tape_range - [address, address + size) of the target
 * @at: where its bytes stand in the tape's
 */
struct gm_tape_range {
	uint64_t address;
	uint64_t size;
	size_t at;
};

/**
 * struct gm_tape - what was read, each byte once, as it was last seen
 * @items: the ranges, by address, never empty, never overlapping, never touching
 * @bytes: of all of them; owned
 */
struct gm_tape {
	GM_VEC(struct gm_tape_range);
	uint8_t *bytes;
	size_t size;
};

void gm_tape_deinit(struct gm_tape *tape);

/* A source that reads @mem and remembers it. @mem must live as long; caller destroys. */
struct gm_error *gm_tape_record(struct gm_mem *mem, struct gm_mem **recorder) GM_MUST_CHECK;

/* Moves what @recorder, made by gm_tape_record(), remembers to @tape; it begins anew. E2BIG:
 * more than GM_TAPE_BYTES_MAX. The caller deinits.
 */
struct gm_error *gm_tape_take(struct gm_mem *recorder, struct gm_tape *tape) GM_MUST_CHECK;

/* A source that has the bytes of @tape, and nothing else. @tape must live as long. */
struct gm_error *gm_tape_play(const struct gm_tape *tape, struct gm_mem **mem) GM_MUST_CHECK;

/* Packed pieces of a tape: that of the 4 MiB of the target from @group << GM_TAPE_GROUP_BITS on. */
#define GM_TAPE_GROUP_BITS 22
#define GM_TAPE_PACKED_MAX ((size_t)64 << 20)

struct gm_tape_group {
	uint64_t group;
	void *packed;
	size_t packed_size;
};

/* Packs what @tape has of the next group from the range @next and the address in it @from on, and
 * moves both; false at its end. The caller frees group->packed. The same bytes pack alike.
 */
bool gm_tape_pack(const struct gm_tape *tape, size_t *next, uint64_t *from,
		  struct gm_tape_group *group, struct gm_error **error);

/* Appends a packed group, which is hostile. EBADMSG: it is none, or not above what @tape has. */
struct gm_error *gm_tape_unpack(struct gm_tape *tape, const void *packed,
				size_t packed_size) GM_MUST_CHECK;

#endif
