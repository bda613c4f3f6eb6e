// SPDX-License-Identifier: GPL-2.0-or-later
/* The Go heap of a runtime that was never there: its structs are laid out in this
 * process, so that every byte of the answer is known; then they are broken.
 */
#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "go/heap.h"
#include "go/spans.h"
#include "tap.h"

#define MINOR 27 /* with marks inside the spans of small objects (Green Tea) */
#define PAGE GM_GO_PAGE_BYTES
#define SPANS 7
#define BROKEN 2000
#define MHEAP_BYTES (96U << 10)
#define MSPAN_BYTES 160
#define P_BYTES 256
#define G_BYTES 512

/* Spans, in the order of their addresses; the last is dead, its fields stale. */
enum { SMALL, UNSWEPT, GREEN, LARGE, STACKS, BUFFER, DEAD };

/* Go src/runtime/mheap.go: mSpanDead, mSpanInUse, mSpanManual. */
enum { SPAN_DEAD, SPAN_IN_USE, SPAN_MANUAL };

static struct {
	uint8_t mheap[MHEAP_BYTES];
	uint8_t memstats[16 << 10];
	uint32_t gcphase;
	uint64_t allp[3]; /* a slice */
	uint64_t p_list[1];
	uint8_t p[P_BYTES];
	uint64_t allgs[3];
	uint64_t g_list[3];
	uint8_t gs[4][G_BYTES];
	uint64_t allm;
	uint8_t m[G_BYTES];
	uint64_t allspans[SPANS];
	uint8_t mspans[SPANS][MSPAN_BYTES];
	uint64_t arena_list[1];
	uint64_t arena_pointer;
	uint64_t ranges[2];
	uint64_t chunk[16]; /* a pallocData */
	uint8_t alloc_bits[64];
	uint8_t mark_bits[64];
} fake __attribute__((aligned(64)));

static uint8_t *heap_arena;
static uint8_t *arena;
static struct gm_go_image image;

static uint64_t at(const void *pointer)
{
	return (uintptr_t)pointer;
}

static void put(void *record, enum gm_go_field field, uint64_t value)
{
	memcpy((char *)record + gm_go_layout_offset(&image.layout, field), &value,
	       gm_go_layout_size(&image.layout, field));
}

static void put_slice(void *where, const void *array, uint64_t length)
{
	const uint64_t slice[] = { at(array), length, length };

	memcpy(where, slice, sizeof(slice));
}

static void *mheap_field(enum gm_go_field field)
{
	return fake.mheap + gm_go_layout_offset(&image.layout, field);
}

static void *pages_field(enum gm_go_field field)
{
	return (char *)mheap_field(GM_GO_MHEAP_PAGES) + gm_go_layout_offset(&image.layout, field);
}

static void find_layout(void)
{
	for (size_t i = 0; i < gm_go_layout_rows; i++)
		if (gm_go_layout_table[i].minor == MINOR &&
		    gm_go_layout_table[i].machine == EM_X86_64)
			memcpy(image.layout.places, gm_go_layout_table[i].places,
			       sizeof(image.layout.places));
	image.layout.machine = EM_X86_64;
	image.globals[GM_GO_MHEAP].address = at(fake.mheap);
	image.globals[GM_GO_MEMSTATS].address = at(fake.memstats);
	image.globals[GM_GO_GCPHASE].address = at(&fake.gcphase);
	image.globals[GM_GO_ALLP].address = at(fake.allp);
	image.globals[GM_GO_ALLGS].address = at(fake.allgs);
	image.globals[GM_GO_ALLM].address = at(&fake.allm);
}

/* An arena of 64 MiB, its first 4 MiB in use. */
static void make_arena(void)
{
	uint64_t reserved = at(mmap(NULL, 2 * GM_GO_ARENA_SPAN, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	arena = (uint8_t *)((reserved + GM_GO_ARENA_SPAN - 1) & ~(GM_GO_ARENA_SPAN - 1));
	if (mprotect(arena, 512 * PAGE, PROT_READ | PROT_WRITE))
		abort();
	heap_arena = calloc(1, gm_go_layout_size(&image.layout, GM_GO_ARENA_BYTES));
	if (!heap_arena)
		abort();
}

static void make_index(void)
{
	uint64_t index = (at(arena) + 0x800000000000) / GM_GO_ARENA_SPAN;
	uint64_t chunk = (at(arena) + 0x800000000000) / (512 * PAGE);
	uint64_t table = at(fake.chunk) - chunk % 8192 * sizeof(fake.chunk);

	fake.arena_list[0] = index;
	fake.arena_pointer = at(heap_arena);
	put(fake.mheap, GM_GO_MHEAP_ARENAS, at(&fake.arena_pointer) - index * 8);
	put_slice(mheap_field(GM_GO_MHEAP_HEAP_ARENAS), fake.arena_list, 1);
	memcpy((uint64_t *)pages_field(GM_GO_PAGES_CHUNKS) + chunk / 8192, &table, sizeof(table));
	fake.ranges[0] = at(arena);
	fake.ranges[1] = at(arena) + 512 * PAGE;
	put_slice(pages_field(GM_GO_PAGES_IN_USE), fake.ranges, 1);
}

static void make_span(int which, unsigned int page, unsigned int pages, uint64_t state,
		      uint64_t elem_bytes, uint64_t elems, uint64_t alloc_count)
{
	void *mspan = fake.mspans[which];
	uint64_t own = at(mspan);

	fake.allspans[which] = own;
	put(mspan, GM_GO_MSPAN_START, at(arena) + page * PAGE);
	put(mspan, GM_GO_MSPAN_PAGES, pages);
	put(mspan, GM_GO_MSPAN_STATE, state);
	put(mspan, GM_GO_MSPAN_ELEMSIZE, elem_bytes);
	put(mspan, GM_GO_MSPAN_ELEMS, elems);
	put(mspan, GM_GO_MSPAN_ALLOC_COUNT, alloc_count);
	put(mspan, GM_GO_MSPAN_FREEINDEX, alloc_count);
	put(mspan, GM_GO_MSPAN_SPANCLASS, 2);
	put(mspan, GM_GO_MSPAN_SWEEPGEN, 10);
	if (state != SPAN_DEAD)
		for (unsigned int i = page; i < page + pages; i++)
			memcpy(heap_arena + gm_go_layout_offset(&image.layout, GM_GO_ARENA_SPANS) +
				       i * 8,
			       &own, 8);
}

static void make_spans(void)
{
	uint8_t *inline_marks = arena + 3 * PAGE - 128;

	/* 10 objects below freeindex, and objects 20 and 21 */
	make_span(SMALL, 0, 1, SPAN_IN_USE, 48, 170, 12);
	put(fake.mspans[SMALL], GM_GO_MSPAN_FREEINDEX, 10);
	put(fake.mspans[SMALL], GM_GO_MSPAN_ALLOC_BITS, at(fake.alloc_bits));
	fake.alloc_bits[2] = 0x30;
	/* 8 objects, 3 of them marked */
	make_span(UNSWEPT, 1, 1, SPAN_IN_USE, 1024, 8, 8);
	put(fake.mspans[UNSWEPT], GM_GO_MSPAN_SWEEPGEN, 8);
	put(fake.mspans[UNSWEPT], GM_GO_MSPAN_MARK_BITS, at(fake.mark_bits));
	fake.mark_bits[0] = 0x15;
	/* 15 objects, one marked outside, two inside */
	make_span(GREEN, 2, 1, SPAN_IN_USE, 512, 15, 15);
	put(fake.mspans[GREEN], GM_GO_MSPAN_SWEEPGEN, 8);
	put(fake.mspans[GREEN], GM_GO_MSPAN_MARK_BITS, at(fake.mark_bits + 8));
	fake.mark_bits[8] = 0x01;
	inline_marks[gm_go_layout_offset(&image.layout, GM_GO_INLINE_MARKS)] = 0x06;
	heap_arena[gm_go_layout_offset(&image.layout, GM_GO_ARENA_INLINE_MARKS)] = 0x04;

	make_span(LARGE, 3, 8, SPAN_IN_USE, 8 * PAGE, 1, 1);
	put(fake.mspans[LARGE], GM_GO_MSPAN_SPANCLASS, 0);
	make_span(STACKS, 11, 4, SPAN_MANUAL, 4096, 0, 3);
	make_span(BUFFER, 15, 1, SPAN_MANUAL, 0, 0, 0);
	make_span(DEAD, 0, 200, SPAN_DEAD, 8, 1, 1);
	put_slice(mheap_field(GM_GO_MHEAP_ALLSPANS), fake.allspans, SPANS);
}

static void mark_pages(unsigned int first, unsigned int last, bool allocated, bool scavenged)
{
	for (unsigned int page = first; page <= last; page++) {
		uint64_t bit = 1ULL << page % 64;

		fake.chunk[page / 64] &= ~bit;
		fake.chunk[8 + page / 64] &= ~bit;
		fake.chunk[page / 64] |= allocated ? bit : 0;
		fake.chunk[8 + page / 64] |= scavenged ? bit : 0;
	}
}

static void make_pages(void)
{
	void *pcache = fake.p + gm_go_layout_offset(&image.layout, GM_GO_P_PCACHE);

	mark_pages(0, 15, true, false); /* the spans */
	mark_pages(16, 31, false, false); /* idle */
	mark_pages(32, 511, false, true); /* released */
	mark_pages(100, 101, true, true); /* padding */
	mark_pages(110, 110, true, false); /* a span too young to be known */
	mark_pages(64, 67, true, false); /* set aside by the P: two released, two idle */
	put(pcache, GM_GO_PCACHE_BASE, at(arena) + 64 * PAGE);
	put(pcache, GM_GO_PCACHE_CACHE, 0xf);
	put(pcache, GM_GO_PCACHE_SCAV, 0x3);
	fake.p_list[0] = at(fake.p);
	put_slice(fake.allp, fake.p_list, 1);
}

static void make_stack(int which, const uint8_t *low, uint64_t bytes, uint64_t status)
{
	const uint64_t stack[] = { at(low), at(low) + bytes };

	memcpy(fake.gs[which] + gm_go_layout_offset(&image.layout, GM_GO_G_STACK), stack,
	       sizeof(stack));
	put(fake.gs[which], GM_GO_G_STATUS, status);
}

/* A goroutine that waits, one that is dead, one whose stack is none of Go's, and a thread. */
static void make_stacks(void)
{
	make_stack(0, arena + 11 * PAGE, 4096, 4);
	make_stack(1, arena + 11 * PAGE + 4096, 4096, 6);
	make_stack(2, arena + 3 * PAGE, 4096, 4);
	make_stack(3, arena + 13 * PAGE, PAGE, 0);
	for (int i = 0; i < 3; i++)
		fake.g_list[i] = at(fake.gs[i]);
	put_slice(fake.allgs, fake.g_list, 3);
	fake.allm = at(fake.m);
	put(fake.m, GM_GO_M_G0, at(fake.gs[3]));
}

static void make(void)
{
	find_layout();
	make_arena();
	make_index();
	make_spans();
	make_pages();
	make_stacks();
	put(fake.mheap, GM_GO_MHEAP_SWEEPGEN, 10);
	put(fake.mheap, GM_GO_MHEAP_PAGES_IN_USE, 11);
	put((char *)mheap_field(GM_GO_MHEAP_SPANALLOC), GM_GO_FIXALLOC_INUSE, 1120);
	put(fake.memstats, GM_GO_STATS_NUMGC, 5);
}

static struct gm_error *look(struct gm_go_heap **heap)
{
	static const struct gm_maps no_maps;
	struct gm_go_target target = { .maps = &no_maps, .image = &image };
	struct gm_error *error = gm_mem_open_pid(getpid(), &target.mem);

	*heap = NULL;
	if (!error)
		error = gm_go_heap_read(&target, heap);
	gm_mem_destroy(target.mem);
	return error;
}

static struct gm_go_heap *must_look(void)
{
	struct gm_go_heap *heap;
	struct gm_error *error = look(&heap);

	if (error) {
		printf("Bail out! %s\n", error->message);
		exit(1);
	}
	return heap;
}

static uint64_t bytes_of(const struct gm_go_heap *heap, enum gm_go_class class_)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < heap->regions.count; i++)
		if (heap->regions.items[i].class_ == class_)
			bytes += heap->regions.items[i].end - heap->regions.items[i].start;
	return bytes;
}

static void is_bytes(const struct gm_go_heap *heap, enum gm_go_class class_, uint64_t expected)
{
	tap_u64(bytes_of(heap, class_), expected, gm_go_class_name(class_), "construction");
}

static void test_regions(void)
{
	struct gm_go_heap *heap = must_look();
	const struct gm_go_region *first = heap->regions.items;

	is_bytes(heap, GM_GO_LIVE, 12 * 48 + 3 * 1024 + 3 * 512 + 8 * PAGE + PAGE);
	is_bytes(heap, GM_GO_DEAD, 5 * 1024 + 12 * 512);
	is_bytes(heap, GM_GO_FREE_SLOT, 158 * 48);
	is_bytes(heap, GM_GO_TAIL, (PAGE - 170 * 48) + (PAGE - 15 * 512));
	is_bytes(heap, GM_GO_IDLE, 18 * PAGE);
	is_bytes(heap, GM_GO_RELEASED, 477 * PAGE);
	is_bytes(heap, GM_GO_RESERVED, GM_GO_ARENA_SPAN - 512 * PAGE);
	is_bytes(heap, GM_GO_STACK, 4096 + PAGE);
	is_bytes(heap, GM_GO_STACK_FREE, 4 * PAGE - (4096 + PAGE));
	is_bytes(heap, GM_GO_OTHER_SYS, PAGE);
	while (first->start < at(arena))
		first++;
	tap_u64(first->end - first->start, 12 * 48, "live bytes of the first 4 KiB",
		"construction");
	tap_u64(first[1].class_, GM_GO_FREE_SLOT, "its rest is free slots", "construction");
	tap_u64(first[1].end, at(arena) + 170 * 48, "up to the tail", "construction");
	tap_ok(!heap->gc_running && !heap->flux_spans, "nothing moved");
	gm_go_heap_destroy(heap);
}

static void test_totals(void)
{
	struct gm_go_heap *heap = must_look();
	const struct gm_go_totals *totals = &heap->totals;

	tap_u64(totals->heap_inuse, 11 * PAGE, "HeapInuse", "construction");
	tap_u64(totals->heap_alloc, 12 * 48 + 8 * 1024 + 15 * 512 + 8 * PAGE, "HeapAlloc",
		"construction");
	tap_u64(totals->heap_objects, 36, "HeapObjects", "construction");
	tap_u64(totals->heap_idle, 495 * PAGE, "HeapIdle, padding included", "construction");
	tap_u64(totals->heap_released, 477 * PAGE, "HeapReleased", "construction");
	tap_u64(totals->heap_sys, 506 * PAGE, "HeapSys", "construction");
	tap_u64(totals->stack_inuse, 4 * PAGE, "StackInuse", "construction");
	tap_u64(totals->mspan_inuse, 1120, "MSpanInuse", "construction");
	tap_u64(totals->num_gc, 5, "NumGC", "construction");
	tap_u64(heap->spans.count, 6, "spans, the dead one left out", "construction");
	tap_u64(heap->spans.items[GREEN].elem_bytes, 512, "an object size", "construction");
	tap_ok(heap->spans.items[GREEN].unswept && !heap->spans.items[SMALL].unswept,
	       "which spans are swept");
	tap_ok(heap->spans.items[STACKS].stack && !heap->spans.items[BUFFER].stack,
	       "which spans are stacks");
	gm_go_heap_destroy(heap);
}

static void test_collecting(void)
{
	struct gm_go_heap *heap;

	fake.gcphase = 1;
	heap = must_look();
	fake.gcphase = 0;
	tap_ok(heap->gc_running, "the collector runs");
	is_bytes(heap, GM_GO_DEAD, 0);
	is_bytes(heap, GM_GO_LIVE, 12 * 48 + 8 * 1024 + 15 * 512 + 8 * PAGE + PAGE);
	gm_go_heap_destroy(heap);
}

static bool is_still(const struct gm_go_heap *heap)
{
	static const struct gm_maps no_maps;
	struct gm_go_target target = { .maps = &no_maps, .image = &image };
	struct gm_error *error = gm_mem_open_pid(getpid(), &target.mem);
	bool still = false;

	if (!error)
		error = gm_go_heap_still(&target, heap, &still);
	gm_mem_destroy(target.mem);
	tap_ok(!error, "a second look");
	gm_error_destroy(error);
	return still;
}

static void test_still(void)
{
	struct gm_go_heap *heap = must_look();

	for (size_t i = 0; i < heap->spans.count; i++) {
		uint8_t *end = &heap->spans.items[i].size_class + 2; /* and the flags */

		memset(end, 0xa5, (uint8_t *)&heap->spans.items[i + 1] - end);
	}
	tap_ok(is_still(heap), "what lies between spans in memory says nothing");
	put(fake.mspans[SMALL], GM_GO_MSPAN_ALLOC_COUNT, 11);
	tap_ok(!is_still(heap), "an object went");
	put(fake.mspans[SMALL], GM_GO_MSPAN_ALLOC_COUNT, 12);
	tap_ok(is_still(heap), "and came back");
	fake.chunk[0] ^= 1ULL << 63;
	tap_ok(!is_still(heap), "a page was taken");
	fake.chunk[0] ^= 1ULL << 63;
	fake.gcphase = 1;
	tap_ok(!is_still(heap), "a collection began");
	fake.gcphase = 0;
	put(fake.mheap, GM_GO_MHEAP_SWEEPGEN, 12);
	tap_ok(!is_still(heap), "a collection ended");
	put(fake.mheap, GM_GO_MHEAP_SWEEPGEN, 10);
	gm_go_heap_destroy(heap);
}

static void test_contradictions(void)
{
	uint8_t *owner = heap_arena + gm_go_layout_offset(&image.layout, GM_GO_ARENA_SPANS);
	struct gm_go_heap *heap;
	struct gm_error *error;

	owner[0] ^= 0x40;
	heap = must_look();
	owner[0] ^= 0x40;
	tap_u64(heap->flux_spans, 1, "a span that its arena calls another's", "construction");
	tap_u64(heap->spans.count, 5, "is left out", "construction");
	gm_go_heap_destroy(heap);

	put(fake.mheap, GM_GO_MHEAP_PAGES_IN_USE, 1000000);
	error = look(&heap);
	put(fake.mheap, GM_GO_MHEAP_PAGES_IN_USE, 11);
	tap_u64(error ? error->code : 0, EIO, "a count of pages that is not theirs", "go/heap.h");
	gm_error_destroy(error);

	put(fake.mspans[SMALL], GM_GO_MSPAN_ALLOC_COUNT, 171);
	heap = must_look();
	put(fake.mspans[SMALL], GM_GO_MSPAN_ALLOC_COUNT, 12);
	tap_u64(heap->flux_spans, 1, "more objects than fit", "construction");
	gm_go_heap_destroy(heap);
}

static uint64_t random_next(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t nasty(uint64_t was)
{
	const uint64_t values[] = {
		0,	    1,		UINT64_MAX, 1ULL << 63,	   1ULL << 47,
		1ULL << 32, UINT32_MAX, 0xffff,	    at(&fake),	   at(arena),
		was + 1,    was - 1,	was << 1,   random_next(), was ^ 1ULL << random_next() % 64,
	};

	return values[random_next() % (sizeof(values) / sizeof(values[0]))];
}

/* A word the reader looks at. */
static uint64_t *victim(void)
{
	uint8_t *const places[] = {
		mheap_field(GM_GO_MHEAP_ALLSPANS),
		mheap_field(GM_GO_MHEAP_ARENAS),
		mheap_field(GM_GO_MHEAP_HEAP_ARENAS),
		mheap_field(GM_GO_MHEAP_PAGES_IN_USE),
		pages_field(GM_GO_PAGES_IN_USE),
		pages_field(GM_GO_PAGES_SUMMARY),
		(uint8_t *)fake.allp,
		heap_arena,
	};
	uint8_t *const large = (uint8_t *)fake.allp;

	if (random_next() % 2)
		return (uint64_t *)places[random_next() % 8] + random_next() % 3;
	return (uint64_t *)large +
	       random_next() % ((sizeof(fake) - (large - (uint8_t *)&fake)) / 8);
}

static bool sorted(const struct gm_go_heap *heap)
{
	uint64_t end = 0;

	for (size_t i = 0; i < heap->regions.count; i++) {
		if (heap->regions.items[i].start < end ||
		    heap->regions.items[i].end <= heap->regions.items[i].start)
			return false;
		end = heap->regions.items[i].end;
	}
	return true;
}

/* Whatever is there: an answer in order, or an error. */
static void test_broken(void)
{
	bool all_sorted = true;
	int answers = 0;

	for (int i = 0; i < BROKEN; i++) {
		uint64_t *word = victim(), was = *word;
		struct gm_go_heap *heap;

		*word = nasty(was);
		gm_error_destroy(look(&heap));
		*word = was;
		all_sorted &= !heap || sorted(heap);
		answers += !!heap;
		gm_go_heap_destroy(heap);
	}
	tap_ok(all_sorted, "regions are in order whatever the runtime's memory holds");
	printf("# %d of %d had an answer\n", answers, BROKEN);
}

int main(void)
{
	alarm(240); /* a hang is a failure */
	make();
	test_regions();
	test_totals();
	test_collecting();
	test_still();
	test_contradictions();
	test_broken();
	return tap_done();
}
