// SPDX-License-Identifier: GPL-2.0-or-later
/* Recordings, and the heaps in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "go/heap.h"
#include "join/resident.h"
#include "recording/recording.h"

/* As gomemctl goroutines does. */
static void look_at_goroutines(const struct gm_sample *sample)
{
	const struct gm_go_population *population = &sample->population;
	uint64_t sum = 0;
	size_t count;

	for (size_t i = 0; i < population->states.count; i++) {
		const struct gm_go_goroutine_state *state = &population->states.items[i];

		sum += gm_resident_bytes(sample->pages, state->stack_low, state->stack_high);
		gm_go_label_sets_of(&population->labels, state->labels);
		gm_go_wait_reason(&population->reasons, state->wait_reason);
	}
	for (size_t i = 0; i < population->count; i++)
		for (size_t j = 0; j < population->items[i].count; j++)
			sum += population->pcs.items[population->items[i].first + j];
	gm_sample_codes_at(&sample->codes, sum, &count);
}

/* As gomemctl refs does. */
static void look_at_holders(const struct gm_holders *holders)
{
	size_t length = 0;

	for (size_t i = 0; i < holders->parts.count; i++) {
		const struct gm_holders_part *part = &holders->parts.items[i];

		length += strlen(holders->items[part->holder].holder);
		length += strlen(holders->types.items[part->type].type);
	}
	if (length == SIZE_MAX)
		abort();
}

static void look(struct gm_sample *sample)
{
	struct gm_go_heap *heap = NULL;
	struct gm_bill *bill = NULL;
	struct gm_mem *mem = NULL;
	struct gm_go_target target = { .maps = sample->maps, .image = &sample->image };

	look_at_goroutines(sample);
	look_at_holders(&sample->holders);
	fuzz_accept(gm_tape_play(&sample->tape, &mem));
	target.mem = mem;
	if (!sample->go_problem)
		fuzz_accept(gm_go_heap_read(&target, &heap));
	fuzz_accept(gm_bill_compute(sample->maps, sample->pages, heap, 0, &bill));
	gm_bill_destroy(bill);
	gm_go_heap_destroy(heap);
	gm_mem_destroy(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_recording *recording = NULL;
	struct gm_sample sample = {};
	struct gm_error *error;
	int64_t id;

	fuzz_file(data, size);
	error = gm_recording_open(fuzz_file_path(), &recording);
	if (!error)
		error = gm_recording_find(recording, NULL, &id);
	if (!error)
		error = gm_recording_read(recording, id, &sample);
	if (!error)
		look(&sample);
	fuzz_accept(error);
	gm_sample_deinit(&sample);
	gm_recording_destroy(recording);
	return 0;
}
