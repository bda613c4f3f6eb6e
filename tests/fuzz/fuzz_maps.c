// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/maps, in which names of files are anything. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "os/maps_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_memory_device device = { 1, GM_VMA_SHMEM };
	struct gm_memory_devices devices = { &device, 1, 1 };
	struct gm_maps *maps = calloc(1, sizeof(*maps));
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_accept(gm_maps_parse(text, &devices, maps));
	for (size_t i = 0; i < maps->count; i++)
		if (gm_maps_find(maps, maps->items[i].start) != &maps->items[i])
			abort();
	gm_maps_destroy(maps);
	free(text);
	return 0;
}
