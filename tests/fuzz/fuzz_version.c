// SPDX-License-Identifier: GPL-2.0-or-later
/* Go's build information. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "go/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_go_version version;
	uint8_t *exact = malloc(size + !size);

	memcpy(exact, data, size);
	if (gm_go_version_parse(exact, size, &version))
		gm_go_version_has(&version, "greenteagc");
	free(exact);
	return 0;
}
