// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds what in a Go process that lies. */
#include "go/refs.h"
#include "process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_process *process = fuzz_process(data, size);
	const struct gm_go_rooting rooting = { .target = &process->target,
					       .program = &process->image.program,
					       .modules = process->image.modules };
	struct gm_go_heap *heap = NULL;
	struct gm_go_refs refs = {};
	struct gm_error *error;

	error = gm_go_refs_begin(&rooting, &refs);
	if (!error)
		error = gm_go_heap_read(&process->target, &heap);
	if (!error)
		error = gm_go_refs_read(&rooting, heap, &refs);
	fuzz_accept(error);
	gm_go_refs_deinit(&refs);
	gm_go_heap_destroy(heap);
	return 0;
}
