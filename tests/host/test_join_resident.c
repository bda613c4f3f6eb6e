// SPDX-License-Identifier: GPL-2.0-or-later
/* join: how much of a stretch is resident, of pages made here. */
#include "join/resident.h"
#include "tap.h"

#define PAGE 4096ULL

/* Pages 10 to 13 resident, 14 swapped, 16 the zero page, 20 huge. */
static struct gomem_page_run runs[] = {
	{ .start = 10 * PAGE, .pages = 4, .state = GOMEM_PAGE_ANON },
	{ .start = 14 * PAGE, .pages = 1, .state = GOMEM_PAGE_SWAP },
	{ .start = 16 * PAGE, .pages = 1, .state = GOMEM_PAGE_ZERO },
	{ .start = 512 * PAGE, .pages = 512, .state = GOMEM_PAGE_THP },
};

static const struct gm_pages pages = { .items = runs, .count = 4 };

static void is(uint64_t start, uint64_t end, uint64_t expected, const char *what)
{
	tap_u64(gm_resident_bytes(&pages, start, end), expected, what, "construction");
}

int main(void)
{
	const struct gm_pages none = {};

	is(0, UINT64_MAX, 516 * PAGE, "all that there is");
	is(0, 10 * PAGE, 0, "before the first page");
	is(14 * PAGE, 17 * PAGE, 0, "a swapped page, none, and the zero page");
	is(9 * PAGE, 11 * PAGE, PAGE, "across the start of a run");
	is(13 * PAGE, 15 * PAGE, PAGE, "across its end");
	is(11 * PAGE + 2048, 11 * PAGE + 4096, 2048, "half a page");
	is(11 * PAGE + 1024, 13 * PAGE + 512, 2 * PAGE - 512, "from within one to within another");
	is(13 * PAGE, 513 * PAGE, 2 * PAGE, "across several runs");
	is(600 * PAGE, 601 * PAGE, PAGE, "within a huge page");
	is(1024 * PAGE, 2048 * PAGE, 0, "behind the last page");
	is(11 * PAGE, 11 * PAGE, 0, "nothing");
	is(12 * PAGE, 11 * PAGE, 0, "an end below the start");
	tap_u64(gm_resident_bytes(&none, 0, UINT64_MAX), 0, "no pages", "construction");
	return tap_done();
}
