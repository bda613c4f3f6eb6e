// SPDX-License-Identifier: GPL-2.0-or-later
/* The module's stream of events. */
#include "fuzz.h"
#include "os/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gm_events events;
	int fd = fuzz_file(data, size);

	do
		fuzz_accept(gm_events_read(fd, &events));
	while (events.count);
	return 0;
}
