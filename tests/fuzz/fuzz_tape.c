// SPDX-License-Identifier: GPL-2.0-or-later
/* Recorded memory: packed bytes, and what is in them. */
#include <stdlib.h>

#include "base/zip.h"
#include "fuzz.h"
#include "os/tape.h"

static void play(const struct gm_tape *tape)
{
	struct gm_mem *mem = NULL;
	char buffer[16];

	fuzz_accept(gm_tape_play(tape, &mem));
	for (size_t i = 0; i < tape->count; i++)
		fuzz_accept(gm_mem_read(mem, tape->items[i].address, buffer, sizeof(buffer)));
	gm_mem_destroy(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_error *error;
	struct gm_tape tape = {};
	void *packed = NULL;
	size_t packed_size;

	fuzz_accept(gm_tape_unpack(&tape, data, size));
	gm_tape_deinit(&tape);
	error = gm_zip(data, size, &packed, &packed_size);
	if (!error)
		error = gm_tape_unpack(&tape, packed, packed_size);
	if (!error)
		play(&tape);
	fuzz_accept(error);
	gm_tape_deinit(&tape);
	free(packed);
	return 0;
}
