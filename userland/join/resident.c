// SPDX-License-Identifier: GPL-2.0-or-later
#include "join/resident.h"

#include "join/cursor.h"

/* The first run that ends above @address. */
static size_t find(const struct gm_pages *pages, uint64_t address)
{
	size_t low = 0, high = pages->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (gm_run_end(&pages->items[middle]) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t gm_resident_bytes(const struct gm_pages *pages, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (size_t i = find(pages, start); i < pages->count; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		uint64_t low = run->start > start ? run->start : start;
		uint64_t high = gm_run_end(run) < end ? gm_run_end(run) : end;

		if (run->start >= end)
			break;
		if (high > low && gm_page_resident(run->state))
			bytes += high - low;
	}
	return bytes;
}
