/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap of a Go runtime, read from outside: spans, the page allocator's bits, totals. */
#ifndef GM_GO_HEAP_H
#define GM_GO_HEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"
#include "os/maps.h"
#include "os/mem.h"

#define GM_GO_PAGE_BYTES 8192
#define GM_GO_GC_UNKNOWN INT32_MIN
#define GM_GO_SIZE_CLASSES 68

/* The Go class of an address, DESIGN's words. The first group lies inside the Go heap. */
enum gm_go_class {
	GM_GO_LIVE, /* object marked in the last GC, or allocated since */
	GM_GO_DEAD, /* object not marked, its span not swept yet */
	GM_GO_FREE_SLOT, /* unused slot of a span in use */
	GM_GO_TAIL, /* span tail and inline mark bits */
	GM_GO_IDLE, /* free pages, not released */
	GM_GO_RELEASED, /* free pages, scavenged */
	GM_GO_RESERVED, /* heap arena address space the heap has not grown into */
	GM_GO_STACK,
	GM_GO_STACK_FREE,
	GM_GO_GC_BITS,
	GM_GO_HEAP_INDEX,
	GM_GO_PAGE_ALLOC,
	GM_GO_MSPAN,
	GM_GO_OTHER_SYS,
	/* outside the Go heap */
	GM_GO_BINARY,
	GM_GO_THREAD_STACK,
	GM_GO_CGO_HEAP,
	GM_GO_ANON_OTHER,
	GM_GO_FILE,
	GM_GO_SHMEM,
	GM_GO_CLASSES,
};

const char *gm_go_class_name(enum gm_go_class class_);

/**
 * struct gm_go_span - one mspan in use or manual
 * @start: address; @pages: Go pages of 8 KiB
 * @elem_bytes: object size; 0 for a manual span that is no stack (GC work buffer)
 * @elems: objects that fit; @allocated: objects in use
 * @size_class: 0 (one large object) to 67; @noscan: holds no pointers
 * @stack: a goroutine stack span; then @elem_bytes is the stack size
 * @unswept: the last GC marked it and the sweeper has not been there
 */
struct gm_go_span {
	uint64_t start;
	uint64_t pages;
	uint64_t elem_bytes;
	uint32_t elems;
	uint32_t allocated;
	uint8_t size_class;
	bool noscan;
	bool stack;
	bool manual;
	bool unswept;
};

/* What runtime.MemStats would print at this moment, bytes (GO.md s.4 has the formulas). */
struct gm_go_totals {
	uint64_t heap_alloc;
	uint64_t heap_sys;
	uint64_t heap_idle;
	uint64_t heap_inuse;
	uint64_t heap_released;
	uint64_t heap_objects; /* count */
	uint64_t stack_inuse;
	uint64_t stack_sys;
	uint64_t mspan_inuse;
	uint64_t mspan_sys;
	uint64_t mcache_inuse;
	uint64_t mcache_sys;
	uint64_t buckhash_sys;
	uint64_t gc_sys;
	uint64_t other_sys;
	uint64_t num_gc;
};

/**
 * struct gm_go_region - one stretch of address space and its Go class, [start, end)
 * @span: index into the heap's spans, UINT32_MAX where there is none
 */
struct gm_go_region {
	uint64_t start;
	uint64_t end;
	uint32_t class_;
	uint32_t span;
};

struct gm_go_spans {
	GM_VEC(struct gm_go_span);
};

struct gm_go_regions {
	GM_VEC(struct gm_go_region);
};

/**
 * struct gm_go_heap - a copy of the runtime's heap state
 * @version: as the binary says, "go1.24.4"
 * @layout: how the layout was had: "DWARF" or "table for go1.24"
 * @spans: by address
 * @regions: every byte the runtime owns, by address, never overlapping. Where a 4 KiB
 *	page holds objects of several classes, its bytes of each class are exact and
 *	gathered by class, so that the list stays affordable: at most four a page
 * @gc_percent: GOGC, -1 where it is off, GM_GO_GC_UNKNOWN where it could not be read
 * @memory_limit: GOMEMLIMIT, bytes; INT64_MAX where there is none
 * @gc_running: gcphase was not 0 before or after the read: live and dead are not told apart
 * @flux_spans: spans whose arena index disagreed even when read again
 * @took_ns: how long the copy took
 */
struct gm_go_heap {
	char *version;
	char *layout;
	struct gm_go_totals totals;
	struct gm_go_spans spans;
	struct gm_go_regions regions;
	int32_t gc_percent;
	int64_t memory_limit;
	bool gc_running;
	uint64_t flux_spans;
	uint64_t took_ns;
};

/* Reads the heap of the Go program behind @mem and @maps.
 * ENOENT: not a Go program. ENOTSUP: a Go, but one whose layout we cannot prove
 * (the message says which and why). EIO: the layout's invariants do not hold.
 */
struct gm_error *gm_go_heap_read(struct gm_mem *mem, const struct gm_maps *maps, pid_t pid,
				 struct gm_go_heap **heap) GM_MUST_CHECK;
void gm_go_heap_destroy(struct gm_go_heap *heap);
GM_DEFINE_AUTO(gm_go_heap)

#endif
