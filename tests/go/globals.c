// SPDX-License-Identifier: GPL-2.0-or-later
/* Complains of each of the runtime's globals that is found elsewhere without symbols than its
 * symbol says:
 *
 *	globals PID
 */
#include <inttypes.h>
#include <stdio.h>

#include "go/globals.h"
#include "os/maps.h"

static const char *const names[GM_GO_GLOBAL_COUNT] = {
#define NAME(id, symbol, must) symbol,
	GM_GO_GLOBALS(NAME)
#undef NAME
};

static struct gm_error *read_image(pid_t pid, struct gm_go_image *image)
{
	struct gm_maps *maps = NULL;
	struct gm_mem *mem = NULL;
	struct gm_error *error;

	error = gm_mem_open_pid(pid, &mem);
	if (!error)
		error = gm_maps_read(pid, &maps);
	return error ?: gm_go_image_read(pid, mem, maps, image);
}

static void complain(const char *name, const char *how, uint64_t came, uint64_t expected)
{
	if (came != expected)
		printf("%s: expected %" PRIx64 ", from its symbol; by its %s at %" PRIx64 "\n",
		       name, expected, how, came);
}

int main(int argc, char **argv)
{
	struct gm_go_variable by_code[GM_GO_GLOBAL_COUNT];
	struct gm_go_image image;
	struct gm_error *error;

	if (argc != 2)
		return 2;
	error = read_image(atoi(argv[1]), &image);
	if (!error && image.stripped)
		error = gm_error_create(0, "it has no symbols to compare with");
	if (!error)
		error = gm_go_globals_by_code(&image.program, image.modules, &image.layout,
					      by_code);
	if (error) {
		printf("%s\n", error->message);
		return 1;
	}
	/* Up to Go 1.15 it is another thing. */
	if (!gm_go_layout_has(&image.layout, GM_GO_PACER_GC_PERCENT))
		image.globals[GM_GO_PACER].address = 0;
	for (size_t i = 0; i < GM_GO_GLOBAL_COUNT; i++)
		complain(names[i], "code", by_code[i].address, image.globals[i].address);
	complain(names[GM_GO_MHEAP], "data",
		 gm_go_globals_scan(&image.program, image.modules, &image.layout),
		 image.globals[GM_GO_MHEAP].address);
	complain("the size of runtime.gcBitsArenas", "code", by_code[GM_GO_GC_BITS_ARENAS].size,
		 image.globals[GM_GO_GC_BITS_ARENAS].size);
	complain("the size of runtime.waitReasonStrings", "code", by_code[GM_GO_WAIT_REASONS].size,
		 image.globals[GM_GO_WAIT_REASONS].size);
	return 0;
}
