// SPDX-License-Identifier: GPL-2.0-or-later
/* The module's runs of pages. */
#include <stdlib.h>

#include "fuzz.h"
#include "os/pages_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_pages *pages = calloc(1, sizeof(*pages));

	fuzz_accept(gm_pages_read_runs(fuzz_file(data, size), pages));
	gm_pages_destroy(pages);
	return 0;
}
