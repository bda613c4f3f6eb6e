// SPDX-License-Identifier: GPL-2.0-or-later
/* The bill against a byte by byte count on small random inputs, and its speed on large ones. */
#include <stdlib.h>
#include <time.h>

#include "join/bill.h"
#include "join/strip.h"
#include "random.h"
#include "tap.h"

#define PAGES 48
#define BYTES (PAGES * 4096)
#define ROUNDS 300
#define MANY 1000000UL
#define BASE 0x10000ULL

/**
 * struct world - the same small address space twice: as arrays, and byte by byte
 * @class_: of each byte, GM_GO_CLASSES where there is none
 * @span: of each byte, UINT32_MAX where there is none
 * @mapped: whether a VMA holds the byte
 */
struct world {
	struct gm_vma vmas[PAGES];
	struct gomem_page_run runs[PAGES];
	struct gm_go_region regions[BYTES];
	struct gm_go_span spans[8];
	struct gm_maps maps;
	struct gm_pages pages;
	struct gm_go_heap heap;
	uint8_t class_[BYTES];
	uint32_t span[BYTES];
	uint8_t state[PAGES];
	bool mapped[BYTES];
};

static const struct {
	enum gm_vma_kind kind;
	const char *name;
	enum gm_go_class class_;
} kinds[] = {
	{ GM_VMA_ANON, "[anon: x]", GM_GO_ANON_OTHER },	 { GM_VMA_HEAP, "[heap]", GM_GO_CGO_HEAP },
	{ GM_VMA_STACK, "[stack]", GM_GO_THREAD_STACK }, { GM_VMA_SHMEM, "/x", GM_GO_SHMEM },
	{ GM_VMA_VDSO, "[vdso]", GM_GO_FILE },
};

static void make_vmas(struct world *world)
{
	uint64_t page = random_below(4);

	while (page < PAGES) {
		uint64_t pages = 1 + random_below(PAGES - page), kind = random_below(5);

		world->vmas[world->maps.count++] = (struct gm_vma){ BASE + page * 4096,
								    BASE + (page + pages) * 4096,
								    "rw-p",
								    kinds[kind].kind,
								    0,
								    0,
								    (char *)kinds[kind].name };
		memset(world->class_ + page * 4096, kinds[kind].class_, pages * 4096);
		memset(world->mapped + page * 4096, true, pages * 4096);
		page += pages + random_below(4);
	}
}

static void make_runs(struct world *world)
{
	uint64_t page = random_below(4);

	while (page < PAGES) {
		uint64_t pages = 1 + random_below(8);
		uint8_t state = 1 + random_below(GOMEM_PAGE_STATES - 1);

		if (pages > PAGES - page)
			pages = PAGES - page;
		world->runs[world->pages.count++] =
			(struct gomem_page_run){ BASE + page * 4096, pages, state, 0, 0, 0 };
		memset(world->state + page, state, pages);
		page += pages + random_below(3);
	}
}

static void make_regions(struct world *world)
{
	uint64_t at = random_below(9000);

	while (at < BYTES) {
		uint64_t bytes = 1 + random_below(random_below(2) ? 100 : 20000);
		uint32_t class_ = random_below(GM_GO_CLASSES), span = random_below(12);

		if (bytes > BYTES - at)
			bytes = BYTES - at;
		span = span < 8 ? span : UINT32_MAX;
		world->regions[world->heap.regions.count++] =
			(struct gm_go_region){ BASE + at, BASE + at + bytes, class_, span };
		for (uint64_t i = at; i < at + bytes; i++) {
			world->class_[i] = class_;
			world->span[i] = span;
		}
		at += bytes + (random_below(2) ? 0 : random_below(9000));
	}
}

static struct world *world_make(void)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		exit(1);
	memset(world->class_, GM_GO_CLASSES, sizeof(world->class_));
	memset(world->span, 0xff, sizeof(world->span));
	world->maps.items = world->vmas;
	world->pages.items = world->runs;
	world->heap.regions.items = world->regions;
	world->heap.spans.items = world->spans;
	world->heap.spans.count = 8;
	for (uint8_t i = 0; i < 8; i++)
		world->spans[i].size_class = i;
	make_vmas(world);
	make_runs(world);
	if (random_below(8))
		make_regions(world);
	return world;
}

static void count_bytes(const struct world *world, struct gm_bill *bill)
{
	for (size_t i = 0; i < BYTES; i++) {
		uint8_t state = world->state[i / 4096], class_ = world->class_[i];
		bool resident = gm_page_resident(state);

		bill->virtual_bytes += world->mapped[i];
		bill->swap += state == GOMEM_PAGE_SWAP;
		bill->pages_rss += resident;
		if (class_ == GM_GO_CLASSES) {
			bill->classless += resident;
			continue;
		}
		if (state != GOMEM_PAGE_ABSENT)
			bill->bytes[class_][state]++;
		bill->resident[class_] += resident;
		if (world->span[i] < 8 && resident)
			bill->classes[world->span[i]].resident_bytes++;
	}
}

static bool same_bill(const struct world *world, const struct gm_bill *bill)
{
	struct gm_bill counted = { 0 };
	uint64_t columns = 0;
	bool same;

	count_bytes(world, &counted);
	same = bill->pages_rss == counted.pages_rss && bill->swap == counted.swap &&
	       bill->virtual_bytes == counted.virtual_bytes &&
	       bill->classless == counted.classless && bill->rss == counted.pages_rss &&
	       !memcmp(bill->resident, counted.resident, sizeof(counted.resident));
	for (size_t i = 0; i < GM_GO_CLASSES; i++) {
		for (size_t state = GOMEM_PAGE_ABSENT + 1; state < GOMEM_PAGE_STATES; state++) {
			same &= bill->bytes[i][state] == counted.bytes[i][state];
			columns += gm_page_resident(state) ? bill->bytes[i][state] : 0;
		}
		same &= bill->classes[i].resident_bytes == counted.classes[i].resident_bytes;
	}
	return same && columns + bill->classless == bill->pages_rss;
}

static bool same_strip(const struct world *world, const struct gm_strip *strip)
{
	struct gm_strip counted = { 0 };
	uint64_t place = 0;

	for (size_t i = 0; i < world->heap.regions.count; i++) {
		const struct gm_go_region *region = &world->regions[i];

		if (region->class_ > GM_GO_STACK_FREE || region->class_ == GM_GO_RESERVED)
			continue;
		for (uint64_t at = region->start - BASE; at < region->end - BASE; at++) {
			struct gm_strip_cell *cell = &counted.cells[place++ / strip->cell_bytes];
			uint8_t state = world->state[at / 4096];

			cell->absent += !gm_page_resident(state);
			cell->resident[region->class_] += gm_page_resident(state);
			cell->huge += state == GOMEM_PAGE_THP;
		}
	}
	return !memcmp(counted.cells, strip->cells, sizeof(counted.cells));
}

static void test_against_count(void)
{
	int bills = 0, strips = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct world *world = world_make();
		struct gm_bill *bill = NULL;
		struct gm_strip strip;
		struct gm_error *error;

		error = gm_bill_compute(&world->maps, &world->pages, &world->heap, 0, &bill);
		bills += !error && same_bill(world, bill);
		gm_error_destroy(error);
		gm_strip_compute(&world->maps, &world->pages, &world->heap, &strip);
		strips += same_strip(world, &strip);
		gm_bill_destroy(bill);
		free(world);
	}
	tap_u64(bills, ROUNDS, "bills of random worlds", "a byte by byte count");
	tap_u64(strips, ROUNDS, "strips of random worlds", "a byte by byte count");
}

static void test_many(void)
{
	struct gm_go_heap heap = { 0 };
	struct gm_pages pages = { 0 };
	struct gm_maps maps = { 0 };
	struct gm_bill *bill = NULL;
	struct gm_error *error;
	clock_t start;

	if (!gm_vec_reserve(&heap.regions, MANY) || !gm_vec_reserve(&pages, MANY) ||
	    !gm_vec_reserve(&maps, MANY))
		exit(1);
	for (uint64_t i = 0; i < MANY; i++) {
		uint64_t at = BASE + i * 16384;

		maps.items[maps.count++] =
			(struct gm_vma){ at, at + 12288, "rw-p", GM_VMA_ANON, 0, 0, "" };
		heap.regions.items[heap.regions.count++] =
			(struct gm_go_region){ at + 100, at + 200, GM_GO_LIVE, UINT32_MAX };
		pages.items[pages.count++] =
			(struct gomem_page_run){ at, 2, GOMEM_PAGE_ANON, 0, 0, 0 };
	}
	start = clock();
	error = gm_bill_compute(&maps, &pages, &heap, 0, &bill);
	printf("# a million VMAs, regions and runs: %.2f s\n",
	       (double)(clock() - start) / CLOCKS_PER_SEC);
	if (tap_ok(!error && clock() - start < 5 * CLOCKS_PER_SEC,
		   "a million of each takes seconds, not minutes")) {
		tap_u64(bill->resident[GM_GO_LIVE], MANY * 100, "live of a million regions",
			"the construction");
		tap_u64(bill->resident[GM_GO_ANON_OTHER], MANY * (8192 - 100),
			"the rest of a million runs", "the construction");
	}
	gm_error_destroy(error);
	gm_bill_destroy(bill);
	free(heap.regions.items);
	free(pages.items);
	free(maps.items);
}

int main(void)
{
	test_against_count();
	test_many();
	return tap_done();
}
