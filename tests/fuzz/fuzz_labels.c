// SPDX-License-Identifier: GPL-2.0-or-later
/* The labels of a goroutine: a map to Go 1.23, a list from 1.24. */
#include "fuzz.h"
#include "go/goroutine.h"

#define ADDRESS 0xc000000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_mem *mem = fuzz_mem(ADDRESS, data, size);

	for (unsigned int minor = 23; minor <= 24; minor++) {
		struct gm_go_labels labels = {};

		fuzz_accept(gm_go_labels_read(mem, minor, ADDRESS, &labels));
		gm_go_labels_deinit(&labels);
	}
	gm_mem_destroy(mem);
	return 0;
}
