// SPDX-License-Identifier: GPL-2.0-or-later
/* The bill and the strip, on inputs whose answer is known by construction. */
#include <stdlib.h>

#include "join/bill.h"
#include "join/strip.h"
#include "tap.h"

#define MADE "the construction"
#define HEAP 0xc000000000ULL
#define MIB (1ULL << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct gm_maps maps_of(struct gm_vma *vmas, size_t count)
{
	return (struct gm_maps){ .items = vmas, .count = count };
}

static struct gm_pages pages_of(struct gomem_page_run *runs, size_t count)
{
	return (struct gm_pages){ .items = runs, .count = count };
}

static struct gm_go_heap heap_of(struct gm_go_region *regions, size_t count)
{
	return (struct gm_go_heap){ .regions = { .items = regions, .count = count } };
}

static struct gm_go_span span_of(uint64_t start, uint64_t pages, uint64_t elem_bytes,
				 uint32_t elems, uint32_t allocated, uint8_t size_class,
				 bool manual)
{
	return (struct gm_go_span){ .start = start,
				    .pages = pages,
				    .elem_bytes = elem_bytes,
				    .elems = elems,
				    .allocated = allocated,
				    .size_class = size_class,
				    .manual = manual };
}

static struct gm_vma anon(uint64_t start, uint64_t end)
{
	return (struct gm_vma){ start, end, "rw-p", GM_VMA_ANON, 0, 0, "" };
}

static struct gm_bill *compute(const struct gm_maps *maps, const struct gm_pages *pages,
			       const struct gm_go_heap *heap, uint64_t rss_again)
{
	struct gm_bill *bill = NULL;
	struct gm_error *error = gm_bill_compute(maps, pages, heap, rss_again, &bill);

	if (error) {
		printf("# %s\n", error->message);
		gm_error_destroy(error);
		exit(1);
	}
	return bill;
}

static void refused(const struct gm_maps *maps, const struct gm_pages *pages,
		    const struct gm_go_heap *heap, const char *what)
{
	struct gm_bill *bill = NULL;
	struct gm_error *error = gm_bill_compute(maps, pages, heap, 0, &bill);

	tap_ok(error && !bill, what);
	gm_error_destroy(error);
	gm_bill_destroy(bill);
}

static void test_empty(void)
{
	struct gm_maps maps = { 0 };
	struct gm_pages pages = { 0 };
	struct gm_go_heap heap = { 0 };
	struct gm_strip strip;

	gm_auto(gm_bill) struct gm_bill *bill = compute(&maps, &pages, &heap, 0);

	tap_u64(bill->rss + bill->virtual_bytes + bill->swap + bill->huge.count, 0, "empty inputs",
		MADE);
	gm_strip_compute(&maps, &pages, &heap, &strip);
	tap_u64(strip.count, 0, "an empty heap has no cells", MADE);
}

static void test_shared_page(void)
{
	struct gm_vma vmas[] = { anon(HEAP, HEAP + 16384) };
	struct gomem_page_run runs[] = { { HEAP, 2, GOMEM_PAGE_ANON, 0, 0, 0 },
					 { HEAP + 8192, 1, GOMEM_PAGE_SWAP, 0, 0, 0 } };
	struct gm_go_region regions[] = { { HEAP, HEAP + 1000, GM_GO_LIVE, 0 },
					  { HEAP + 1000, HEAP + 5000, GM_GO_FREE_SLOT, 0 },
					  { HEAP + 6000, HEAP + 16384, GM_GO_IDLE, UINT32_MAX } };
	struct gm_maps maps = maps_of(vmas, COUNT(vmas));
	struct gm_pages pages = pages_of(runs, COUNT(runs));
	struct gm_go_heap heap = heap_of(regions, COUNT(regions));

	gm_auto(gm_bill) struct gm_bill *bill = compute(&maps, &pages, &heap, 0);

	tap_u64(bill->resident[GM_GO_LIVE], 1000, "a shared page: live bytes", MADE);
	tap_u64(bill->resident[GM_GO_FREE_SLOT], 4000, "a shared page: free slots", MADE);
	tap_u64(bill->resident[GM_GO_ANON_OTHER], 1000, "a hole in the regions is the VMA's", MADE);
	tap_u64(bill->resident[GM_GO_IDLE], 2192, "a shared page: idle", MADE);
	tap_u64(bill->bytes[GM_GO_IDLE][GOMEM_PAGE_SWAP], 4096, "swapped idle bytes", MADE);
	tap_u64(bill->bytes[GM_GO_IDLE][GOMEM_PAGE_ABSENT], 4096, "absent idle bytes", MADE);
	tap_u64(bill->rss, 8192, "rss without a second look", MADE);
	tap_u64(bill->swap, 4096, "swap", MADE);
	tap_u64(bill->virtual_bytes, 16384, "virtual", MADE);
	tap_ok(bill->unexplained == 0, "nothing unexplained");
}

static void test_huge(void)
{
	struct gm_vma vmas[] = { anon(HEAP, HEAP + 8 * MIB) };
	struct gomem_page_run runs[] = { { HEAP + 2 * MIB, 1024, GOMEM_PAGE_THP, 9, 0, 0 },
					 { HEAP + 6 * MIB, 512, GOMEM_PAGE_THP, 9, 0, 0 } };
	struct gm_go_region regions[] = {
		{ HEAP, HEAP + 2 * MIB + 8192, GM_GO_LIVE, UINT32_MAX },
		{ HEAP + 2 * MIB + 8192, HEAP + 4 * MIB, GM_GO_RELEASED, UINT32_MAX },
		{ HEAP + 4 * MIB, HEAP + 6 * MIB, GM_GO_IDLE, UINT32_MAX },
		{ HEAP + 6 * MIB, HEAP + 8 * MIB, GM_GO_MSPAN, UINT32_MAX },
	};
	struct gm_maps maps = maps_of(vmas, COUNT(vmas));
	struct gm_pages pages = pages_of(runs, COUNT(runs));
	struct gm_go_heap heap = heap_of(regions, COUNT(regions));

	gm_auto(gm_bill) struct gm_bill *bill = compute(&maps, &pages, &heap, 0);

	tap_u64(bill->released_huge, 1, "huge pages with released bytes", MADE);
	tap_u64(bill->bytes[GM_GO_RELEASED][GOMEM_PAGE_THP], 2 * MIB - 8192,
		"released but resident", MADE);
	if (tap_u64(bill->huge.count, 2, "huge pages of the heap, none of mspans alone", MADE)) {
		struct gm_huge *huge = bill->huge.items;

		tap_u64(huge[0].start, HEAP + 2 * MIB, "the first huge page", MADE);
		tap_u64(huge[0].bytes[GM_GO_LIVE], 8192, "live bytes in it", MADE);
		tap_u64(huge[0].bytes[GM_GO_RELEASED], 2 * MIB - 8192, "released in it", MADE);
		tap_u64(huge[1].bytes[GM_GO_IDLE], 2 * MIB, "idle bytes in the second", MADE);
	}
}

/* The layout of a cgo program: who is who outside the Go heap. */
static void test_vma_classes(void)
{
	struct gm_vma vmas[] = {
		{ 0x400000, 0x401000, "r-xp", GM_VMA_FILE, 0, 7, "/bin/app" },
		{ 0x401000, 0x402000, "rw-p", GM_VMA_FILE, 4096, 7, "/bin/app" },
		anon(0x402000, 0x403000),
		{ 0x500000, 0x501000, "rw-p", GM_VMA_HEAP, 0, 0, "[heap]" },
		anon(0x7f0000000000, 0x7f0000001000),
		{ 0x7f0000001000, 0x7f0004000000, "---p", GM_VMA_ANON, 0, 0, "" },
		anon(0x7f0008000000, 0x7f000c000000),
		anon(0x7f000c001000, 0x7f0010000000),
		{ 0x7f0010001000, 0x7f0010002000, "---p", GM_VMA_ANON, 0, 0, "" },
		anon(0x7f0010002000, 0x7f0010003000),
		{ 0x7f0020000000, 0x7f0020001000, "r-xp", GM_VMA_FILE, 0, 8, "/lib/libc.so.6" },
		{ 0x7f0020001000, 0x7f0020002000, "rw-p", GM_VMA_SHMEM, 0, 9, "/memfd:x" },
		anon(0x7f0020003000, 0x7f0020004000),
		{ 0x7ffff0000000, 0x7ffff0001000, "rw-p", GM_VMA_STACK, 0, 0, "[stack]" },
	};
	static const enum gm_go_class classes[] = {
		GM_GO_BINARY,	  GM_GO_BINARY,	      GM_GO_BINARY,   GM_GO_CGO_HEAP,
		GM_GO_CGO_HEAP,	  GM_GO_ANON_OTHER,   GM_GO_CGO_HEAP, GM_GO_ANON_OTHER,
		GM_GO_ANON_OTHER, GM_GO_THREAD_STACK, GM_GO_FILE,     GM_GO_SHMEM,
		GM_GO_ANON_OTHER, GM_GO_THREAD_STACK,
	};
	struct gm_maps maps = maps_of(vmas, COUNT(vmas));
	struct gm_go_heap heap = { 0 };

	for (size_t i = 0; i < COUNT(vmas); i++) {
		struct gomem_page_run run = { vmas[i].start, 1, GOMEM_PAGE_ANON, 0, 0, 0 };
		struct gm_pages pages = pages_of(&run, 1);
		struct gm_bill *bill = compute(&maps, &pages, &heap, 0);
		char what[64];

		snprintf(what, sizeof(what), "class of VMA %zu, %s", i, vmas[i].name);
		tap_u64(bill->resident[classes[i]], 4096, what, MADE);
		gm_bill_destroy(bill);
	}
	struct gomem_page_run run = { 0x7f0000000000, 1, GOMEM_PAGE_ANON, 0, 0, 0 };
	struct gm_pages pages = pages_of(&run, 1);

	gm_auto(gm_bill) struct gm_bill *bill = compute(&maps, &pages, NULL, 0);

	tap_u64(bill->resident[GM_GO_ANON_OTHER], 4096,
		"an arena is not taken for glibc's where it could be Go's", MADE);
}

static void test_second_look(void)
{
	struct gm_vma vmas[] = { anon(0x10000, 0x20000),
				 { ~0xfffffULL, ~0xfffffULL + 4096, "--xp", GM_VMA_VDSO, 0, 0,
				   "[vsyscall]" } };
	struct gomem_page_run runs[] = { { 0x1e000, 4, GOMEM_PAGE_ANON, 0, 0, 0 },
					 { 0x30000, 1, GOMEM_PAGE_ZERO, 0, 0, 0 } };
	struct gm_maps maps = maps_of(vmas, COUNT(vmas));
	struct gm_pages pages = pages_of(runs, COUNT(runs));

	gm_auto(gm_bill) struct gm_bill *alone = compute(&maps, &pages, NULL, 0);
	gm_auto(gm_bill) struct gm_bill *grown = compute(&maps, &pages, NULL, 5 * 4096);
	gm_auto(gm_bill) struct gm_bill *shrunk = compute(&maps, &pages, NULL, 4096);

	tap_u64(alone->classless, 8192, "a run that passes its VMA's end: no class", MADE);
	tap_u64(alone->pages_rss, 4 * 4096, "the zero page is not resident", MADE);
	tap_ok(alone->unexplained == 8192, "bytes with no class are unexplained");
	tap_ok(grown->unexplained == 3 * 4096, "so is what came between the looks");
	tap_ok(shrunk->unexplained == -4096, "a target that shrank gives less than nothing");
	tap_u64(grown->rss, 5 * 4096, "rss is the second look's", MADE);
	tap_u64(alone->virtual_bytes, 0x10000, "vsyscall is in no VmSize", MADE);
}

static void test_refusals(void)
{
	struct gm_vma vmas[] = { anon(0x10000, 0x20000), anon(0x1f000, 0x30000) };
	struct gm_maps none = { 0 }, overlap = maps_of(vmas, 2);
	struct gm_pages no_pages = { 0 };
	struct gomem_page_run back[] = { { 0x2000, 1, 2, 0, 0, 0 }, { 0x1000, 1, 2, 0, 0, 0 } };
	struct gomem_page_run wraps = { ~4095ULL, 2, 2, 0, 0, 0 }, zero = { 0x1000, 0, 2, 0, 0, 0 };
	struct gomem_page_run state = { 0x1000, 1, GOMEM_PAGE_STATES, 0, 0, 0 };
	struct gomem_page_run odd = { 0x1001, 1, 2, 0, 0, 0 };
	struct gm_go_region class_ = { 0, 4096, GM_GO_CLASSES, UINT32_MAX };
	struct gm_go_region empty = { 1ULL << 63, 1ULL << 63, GM_GO_LIVE, UINT32_MAX };
	struct gm_go_heap heap = heap_of(&class_, 1);
	struct gm_go_span span = { .size_class = GM_GO_SIZE_CLASSES };
	struct gm_pages bad = pages_of(back, 2);

	refused(&overlap, &no_pages, NULL, "overlapping VMAs are refused");
	refused(&none, &bad, NULL, "runs out of order are refused");
	bad = pages_of(&wraps, 1);
	refused(&none, &bad, NULL, "a run past the address space is refused");
	bad = pages_of(&zero, 1);
	refused(&none, &bad, NULL, "a run of no pages is refused");
	bad = pages_of(&state, 1);
	refused(&none, &bad, NULL, "an unknown page state is refused");
	bad = pages_of(&odd, 1);
	refused(&none, &bad, NULL, "a run between pages is refused");
	refused(&none, &no_pages, &heap, "an unknown class is refused");
	heap = heap_of(&empty, 1);
	refused(&none, &no_pages, &heap, "an empty region is refused");
	heap = (struct gm_go_heap){ .spans = { .items = &span, .count = 1 } };
	refused(&none, &no_pages, &heap, "an unknown size class is refused");
}

static void test_enormous(void)
{
	struct gm_vma vmas[] = { anon(4096, 1ULL << 63), anon(1ULL << 63, ~4095ULL) };
	struct gomem_page_run runs[] = { { 1ULL << 62, UINT32_MAX, GOMEM_PAGE_ANON, 0, 0, 0 } };
	struct gm_go_region regions[] = { { 8192, ~4095ULL, GM_GO_LIVE, 0 } };
	struct gm_go_span span = { .start = 8192,
				   .pages = UINT32_MAX,
				   .elem_bytes = UINT64_MAX,
				   .elems = 3,
				   .allocated = 2,
				   .size_class = 67 };
	struct gm_maps maps = maps_of(vmas, COUNT(vmas));
	struct gm_pages pages = pages_of(runs, COUNT(runs));
	struct gm_go_heap heap = heap_of(regions, COUNT(regions));
	struct gm_strip strip;

	heap.spans.items = &span;
	heap.spans.count = 1;
	gm_auto(gm_bill) struct gm_bill *bill = compute(&maps, &pages, &heap, 0);

	tap_u64(bill->virtual_bytes, ~4095ULL - 4096, "2^64 bytes of address space", MADE);
	tap_u64(bill->resident[GM_GO_LIVE], (uint64_t)UINT32_MAX << 12, "16 TiB in a run", MADE);
	tap_u64(bill->classes[67].object_bytes, UINT64_MAX, "a sum too large sticks", MADE);
	tap_u64(bill->classes[67].resident_bytes, (uint64_t)UINT32_MAX << 12, "and its span's",
		MADE);
	gm_strip_compute(&maps, &pages, &heap, &strip);
	tap_ok(strip.count <= GM_STRIP_CELLS, "the strip of 2^64 bytes");
}

static void test_class_use(void)
{
	struct gm_go_span spans[] = {
		span_of(HEAP, 1, 48, 170, 17, 5, false),
		span_of(HEAP + 8192, 1, 48, 170, 170, 5, false),
		span_of(HEAP + 16384, 4, 32768, 1, 1, 0, false),
		span_of(HEAP + 49152, 1, 2048, 4, 4, 0, true),
	};
	struct gm_go_region regions[] = {
		{ HEAP, HEAP + 816, GM_GO_LIVE, 0 },
		{ HEAP + 816, HEAP + 8160, GM_GO_FREE_SLOT, 0 },
		{ HEAP + 8160, HEAP + 8192, GM_GO_TAIL, 0 },
		{ HEAP + 8192, HEAP + 16352, GM_GO_LIVE, 1 },
		{ HEAP + 16352, HEAP + 16384, GM_GO_TAIL, 1 },
		{ HEAP + 16384, HEAP + 49152, GM_GO_LIVE, 2 },
		{ HEAP + 49152, HEAP + 57344, GM_GO_STACK, 3 },
	};
	struct gm_vma vmas[] = { anon(HEAP, HEAP + 65536) };
	struct gomem_page_run runs[] = { { HEAP, 3, GOMEM_PAGE_ANON, 0, 0, 0 },
					 { HEAP + 20480, 1, GOMEM_PAGE_ANON, 0, 0, 0 },
					 { HEAP + 49152, 1, GOMEM_PAGE_ANON, 0, 0, 0 } };
	struct gm_maps maps = maps_of(vmas, COUNT(vmas));
	struct gm_pages pages = pages_of(runs, COUNT(runs));
	struct gm_go_heap heap = heap_of(regions, COUNT(regions));

	heap.spans.items = spans;
	heap.spans.count = COUNT(spans);
	gm_auto(gm_bill) struct gm_bill *bill = compute(&maps, &pages, &heap, 0);
	const struct gm_class_use *use = &bill->classes[5];

	tap_u64(use->spans, 2, "class 5: spans", MADE);
	tap_u64(use->slots, 340, "class 5: slots", MADE);
	tap_u64(use->objects, 187, "class 5: objects", MADE);
	tap_u64(use->object_bytes, 187 * 48, "class 5: object bytes", MADE);
	tap_u64(use->free_bytes, 153 * 48, "class 5: free bytes", MADE);
	tap_u64(use->tail_bytes, 64, "class 5: tail bytes", MADE);
	tap_u64(use->span_bytes, use->object_bytes + use->free_bytes + use->tail_bytes,
		"class 5: a span is objects, free slots and tail", MADE);
	tap_u64(use->resident_bytes, 3 * 4096, "class 5: resident", MADE);
	tap_u64(use->elem_bytes, 48, "class 5: element size", MADE);
	tap_u64(bill->classes[0].spans, 1, "a stack span is none of the large objects'", MADE);
	tap_u64(bill->classes[0].elem_bytes, 0, "large objects have no size", MADE);
	tap_u64(bill->classes[0].resident_bytes, 4096, "large: resident", MADE);
}

static void test_strip(void)
{
	/* 128 pages of heap in two stretches with a reservation between: 2 pages a cell */
	uint64_t far = HEAP + 64 * MIB;
	struct gm_go_region regions[] = {
		{ HEAP, HEAP + 64 * 4096, GM_GO_LIVE, UINT32_MAX },
		{ HEAP + 64 * 4096, far, GM_GO_RESERVED, UINT32_MAX },
		{ far, far + 63 * 4096, GM_GO_RELEASED, UINT32_MAX },
		{ far + 63 * 4096, far + 64 * 4096, GM_GO_STACK, UINT32_MAX },
	};
	struct gm_vma vmas[] = { anon(HEAP, far + MIB) };
	struct gomem_page_run runs[] = { { HEAP + 4096, 2, GOMEM_PAGE_ANON, 0, 0, 0 },
					 { HEAP + 64 * 4096, 1, GOMEM_PAGE_ANON, 0, 0, 0 },
					 { far, 64, GOMEM_PAGE_THP, 9, 0, 0 } };
	struct gm_maps maps = maps_of(vmas, COUNT(vmas));
	struct gm_pages pages = pages_of(runs, COUNT(runs));
	struct gm_go_heap heap = heap_of(regions, COUNT(regions));
	struct gm_strip strip;

	gm_strip_compute(&maps, &pages, &heap, &strip);
	tap_u64(strip.count, 64, "cells", MADE);
	tap_u64(strip.cell_bytes, 8192, "bytes a cell", MADE);
	tap_u64(strip.cells[0].resident[GM_GO_LIVE], 4096, "half of the first cell", MADE);
	tap_u64(strip.cells[0].absent, 4096, "the other half", MADE);
	tap_u64(strip.cells[1].resident[GM_GO_LIVE], 4096, "the run goes on in the second", MADE);
	tap_u64(strip.cells[2].absent, 8192, "nothing in the third", MADE);
	tap_u64(strip.cells[32].resident[GM_GO_RELEASED], 8192, "the hole takes no cell", MADE);
	tap_u64(strip.cells[32].huge, 8192, "huge bytes", MADE);
	tap_u64(strip.cells[63].resident[GM_GO_STACK], 4096, "the last page", MADE);
}

int main(void)
{
	test_empty();
	test_shared_page();
	test_huge();
	test_vma_classes();
	test_second_look();
	test_refusals();
	test_enormous();
	test_class_use();
	test_strip();
	return tap_done();
}
