// SPDX-License-Identifier: GPL-2.0-or-later
/* A Go program's file: build information, moduledata, pclntab, and its globals by its code. */
#include "go/functions.h"
#include "go/image.h"
#include "program.h"

#define STEPS 64

/* Places all over the code. */
static void look(const struct gm_go_image *image, struct gm_go_functions *functions)
{
	const struct gm_go_modules *modules = gm_go_functions_modules(functions);
	struct gm_go_frame frames[16];

	for (size_t i = 0; i < modules->count && i < 4; i++) {
		const struct gm_go_range *text = &modules->items[i].functions;
		uint64_t step = (text->end - text->start) / STEPS + 1;

		for (uint64_t j = 0; j < STEPS; j++) {
			gm_go_functions_find(functions, text->start + j * step);
			gm_go_functions_frames(functions, text->start + j * step, frames, 16);
		}
	}
	(void)image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_go_functions *functions = NULL;
	struct gm_go_image image = {};
	struct gm_go_program program;
	struct gm_error *error;

	error = gm_go_program_open_file(fuzz_program(data, size), 0, NULL, &program);
	if (error) {
		fuzz_accept(error);
		gm_go_program_deinit(&program);
		return 0;
	}
	error = gm_go_image_read_program(&program, &image);
	if (!error)
		error = gm_go_functions_open(&image.program, &image.layout, &functions);
	if (!error)
		look(&image, functions);
	fuzz_accept(error);
	gm_go_functions_destroy(functions);
	gm_go_image_deinit(&image);
	return 0;
}
