// SPDX-License-Identifier: GPL-2.0-or-later
#include "recording/sample.h"

#include <stdlib.h>
#include <string.h>

static int compare_codes(const void *a, const void *b)
{
	const struct gm_sample_code *one = a, *two = b;

	if (one->address != two->address)
		return one->address < two->address ? -1 : 1;
	return (one->place > two->place) - (one->place < two->place);
}

void gm_sample_codes_sort(struct gm_sample_codes *codes)
{
	if (codes->count)
		qsort(codes->items, codes->count, sizeof(*codes->items), compare_codes);
}

const struct gm_sample_code *gm_sample_codes_at(const struct gm_sample_codes *codes,
						uint64_t address, size_t *count)
{
	size_t low = 0, high = codes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (codes->items[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0; low + *count < codes->count; ++*count)
		if (codes->items[low + *count].address != address)
			break;
	return *count ? &codes->items[low] : NULL;
}

void gm_sample_codes_deinit(struct gm_sample_codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		free(codes->items[i].function);
		free(codes->items[i].mapped);
		free(codes->items[i].source);
	}
	free(codes->items);
	*codes = (struct gm_sample_codes){};
}

void gm_sample_deinit(struct gm_sample *sample)
{
	gm_maps_destroy(sample->maps);
	gm_pages_destroy(sample->pages);
	gm_module_watch_deinit(&sample->watch);
	gm_module_blocks_deinit(&sample->blocks);
	gm_module_stacks_deinit(&sample->stacks);
	free(sample->stacks_remark);
	gm_go_label_sets_deinit(&sample->stacks_labels);
	free(sample->go_problem);
	gm_go_population_deinit(&sample->population);
	free(sample->population_problem);
	free(sample->groups.items);
	gm_sample_codes_deinit(&sample->codes);
	gm_holders_deinit(&sample->holders);
	free(sample->holders_problem);
	gm_tape_deinit(&sample->tape);
	gm_tape_deinit(&sample->tape_again);
	memset(sample, 0, sizeof(*sample));
}
