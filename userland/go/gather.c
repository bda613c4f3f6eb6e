// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "go/order.h"
#include "go/target.h"

#define PAGE_BITS 12
#define RANGE_MAX (256U << 10)
#define BATCH_BYTES (2U << 20)
#define BATCH_RANGES 1024
#define RECORD_MAX (64U << 10)

/**
 * struct gathering - the work, and the batch at hand
 * @next: the first want not yet in a batch
 * @first: the first want of each range of the batch; @ranges + 1 of them
 */
struct gathering {
	const struct gm_go_want *wants;
	size_t count;
	size_t next;
	gm_go_got got;
	void *context;
	unsigned char *buffer;
	size_t ranges;
	size_t used;
	size_t first[BATCH_RANGES + 1];
	struct gm_mem_piece pieces[BATCH_RANGES];
};

static bool possible(const struct gm_go_want *want)
{
	return want->size && want->size <= RECORD_MAX && want->address < GM_GO_ADDRESS_MAX;
}

/* Joined only when each page between holds something wanted: then the range is
 * readable whenever its records are.
 */
static bool joins(const struct gm_mem_piece *piece, const struct gm_go_want *want)
{
	uint64_t end = piece->address + piece->size;

	return want->address >= piece->address &&
	       want->address >> PAGE_BITS <= ((end - 1) >> PAGE_BITS) + 1 &&
	       want->address + want->size - piece->address <= RANGE_MAX;
}

static void extend(struct gm_mem_piece *piece, const struct gm_go_want *want)
{
	uint64_t size = want->address + want->size - piece->address;

	if (size > piece->size)
		piece->size = size;
}

/* The next range; false when there is none, or no room left in the batch. */
static bool add_range(struct gathering *gathering)
{
	struct gm_mem_piece *piece = &gathering->pieces[gathering->ranges];
	const struct gm_go_want *want = &gathering->wants[gathering->next];

	if (gathering->next == gathering->count || gathering->ranges == BATCH_RANGES ||
	    BATCH_BYTES - gathering->used < RANGE_MAX)
		return false;
	gathering->first[gathering->ranges++] = gathering->next++;
	*piece = (struct gm_mem_piece){ .address = want->address,
					.size = want->size,
					.buffer = gathering->buffer + gathering->used };
	if (!possible(want)) {
		piece->size = 0;
		return true;
	}
	for (; gathering->next < gathering->count; gathering->next++) {
		want = &gathering->wants[gathering->next];
		if (!possible(want) || !joins(piece, want))
			break;
		extend(piece, want);
	}
	gathering->used += piece->size;
	return true;
}

static void hand_out(const struct gathering *gathering)
{
	for (size_t range = 0; range < gathering->ranges; range++) {
		const struct gm_mem_piece *piece = &gathering->pieces[range];

		for (size_t i = gathering->first[range]; i < gathering->first[range + 1]; i++) {
			const struct gm_go_want *want = &gathering->wants[i];
			const char *at = piece->buffer;

			gathering->got(gathering->context, want->index,
				       piece->ok && piece->size ?
					       at + (want->address - piece->address) :
					       NULL);
		}
	}
}

static struct gm_error *read_batch(const struct gm_go_target *target, struct gathering *gathering)
{
	struct gm_error *error;

	gathering->ranges = 0;
	gathering->used = 0;
	while (add_range(gathering))
		;
	gathering->first[gathering->ranges] = gathering->next;
	error = gm_mem_read_pieces(target->mem, gathering->pieces, gathering->ranges);
	if (!error)
		hand_out(gathering);
	return error;
}

static struct gm_error *read_all(const struct gm_go_target *target, const struct gm_go_want *wants,
				 size_t count, gm_go_got got, void *context)
{
	gm_autofree struct gathering *gathering = calloc(1, sizeof(*gathering));
	gm_autofree unsigned char *buffer = malloc(BATCH_BYTES + GM_GO_RECORD_SLACK);
	struct gm_error *error = NULL;

	if (!gathering || !buffer)
		return gm_error_errno(ENOMEM, "cannot read %zu records", count);
	*gathering = (struct gathering){
		.wants = wants, .count = count, .got = got, .context = context, .buffer = buffer
	};
	while (gathering->next < count && !error)
		error = read_batch(target, gathering);
	return error;
}

struct gm_error *gm_go_gather(const struct gm_go_target *target, struct gm_go_want *wants,
			      size_t count, gm_go_got got, void *context)
{
	struct gm_error *error = gm_go_wants_sort(wants, count);

	return error ?: read_all(target, wants, count, got, context);
}

struct gm_error *gm_go_asker_init(const struct gm_go_target *target, gm_go_got got, void *context,
				  struct gm_go_asker *asker)
{
	*asker = (struct gm_go_asker){ .target = target, .got = got, .context = context };
	asker->wants = malloc(GM_GO_ASKED_MAX * sizeof(*asker->wants));
	return asker->wants ? NULL : gm_error_errno(ENOMEM, "cannot read many records");
}

void gm_go_asker_deinit(struct gm_go_asker *asker)
{
	free(asker->wants);
}

/* Where the next want lies below one there is a range more to read: some cost less than sorting. */
static bool mostly_in_order(const struct gm_go_want *wants, size_t count)
{
	size_t falls = 0;

	for (size_t i = 1; i < count; i++)
		falls += wants[i].address < wants[i - 1].address;
	return falls <= count / 64;
}

struct gm_error *gm_go_asker_flush(struct gm_go_asker *asker)
{
	struct gm_error *error = NULL;
	size_t count = asker->count;

	asker->count = 0;
	if (!mostly_in_order(asker->wants, count))
		error = gm_go_wants_sort(asker->wants, count);
	return error ?: read_all(asker->target, asker->wants, count, asker->got, asker->context);
}
