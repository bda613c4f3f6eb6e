// SPDX-License-Identifier: GPL-2.0-or-later
/* Cores. */
#include "fuzz.h"
#include "os/core.h"

#define LOOKS 64

/* Both ends of each VMA, and over them. */
static void look(struct gm_core *core, const struct gm_maps *maps)
{
	struct gm_mem *mem = NULL;
	char buffer[8192];
	const char *path;

	fuzz_accept(gm_core_mem(core, &mem));
	for (size_t i = 0; i < maps->count && i < LOOKS; i++) {
		fuzz_accept(gm_core_mapped(core, maps->items[i].start, &path));
		fuzz_accept(gm_mem_read(mem, maps->items[i].start, buffer, 8));
		fuzz_accept(gm_mem_read(mem, maps->items[i].end - 8, buffer, sizeof(buffer)));
	}
	gm_mem_destroy(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_process process;
	struct gm_pages *pages = NULL;
	struct gm_core *core = NULL;
	struct gm_maps *maps = NULL;
	const char *exe;

	fuzz_file(data, size);
	fuzz_accept(gm_core_open(fuzz_file_path(), NULL, &core));
	if (core) {
		gm_core_process(core, &process);
		fuzz_accept(gm_core_exe(core, &exe));
		fuzz_accept(gm_core_maps(core, &maps));
	}
	if (maps) {
		fuzz_accept(gm_core_pages(core, maps, &pages));
		look(core, maps);
	}
	gm_pages_destroy(pages);
	gm_maps_destroy(maps);
	gm_core_destroy(core);
	return 0;
}
