/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where this Go runtime keeps things. Every question "does this field exist, and
 * where" is asked here and nowhere else: in the program's DWARF, else in the table
 * that tests/go/layouts.sh generated from the DWARF of each minor release.
 */
#ifndef GM_GO_LAYOUT_H
#define GM_GO_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "elf/file.h"
#include "go/version.h"

/* X(id, struct, member, must), fields of one struct together; member NULL is the
 * struct's size, and stands first: the others must then lie within it. must: the heap
 * cannot be read without it. Names are those of Go src/runtime; where a name changed
 * both stand here.
 */
#define GM_GO_FIELDS(X)                                                                \
	X(MHEAP_PAGES, "runtime.mheap", "pages", true)                                 \
	X(MHEAP_SWEEPGEN, "runtime.mheap", "sweepgen", true)                           \
	X(MHEAP_ALLSPANS, "runtime.mheap", "allspans", true)                           \
	X(MHEAP_PAGES_IN_USE, "runtime.mheap", "pagesInUse", true)                     \
	X(MHEAP_ARENAS, "runtime.mheap", "arenas", true)                               \
	X(MHEAP_ALL_ARENAS, "runtime.mheap", "allArenas", false)                       \
	X(MHEAP_HEAP_ARENAS, "runtime.mheap", "heapArenas", false)                     \
	X(MHEAP_CUR_ARENA, "runtime.mheap", "curArena", false)                         \
	X(MHEAP_SPANALLOC, "runtime.mheap", "spanalloc", true)                         \
	X(MHEAP_CACHEALLOC, "runtime.mheap", "cachealloc", true)                       \
	X(MSPAN_BYTES, "runtime.mspan", NULL, true)                                    \
	X(MSPAN_START, "runtime.mspan", "startAddr", true)                             \
	X(MSPAN_PAGES, "runtime.mspan", "npages", true)                                \
	X(MSPAN_FREEINDEX, "runtime.mspan", "freeindex", true)                         \
	X(MSPAN_ELEMS, "runtime.mspan", "nelems", true)                                \
	X(MSPAN_ALLOC_BITS, "runtime.mspan", "allocBits", true)                        \
	X(MSPAN_MARK_BITS, "runtime.mspan", "gcmarkBits", true)                        \
	X(MSPAN_SWEEPGEN, "runtime.mspan", "sweepgen", true)                           \
	X(MSPAN_ALLOC_COUNT, "runtime.mspan", "allocCount", true)                      \
	X(MSPAN_SPANCLASS, "runtime.mspan", "spanclass", true)                         \
	X(MSPAN_STATE, "runtime.mspan", "state", true)                                 \
	X(MSPAN_ELEMSIZE, "runtime.mspan", "elemsize", true)                           \
	X(MSPAN_LARGE_TYPE, "runtime.mspan", "largeType", false)                       \
	X(MSPAN_SPECIALS, "runtime.mspan", "specials", false)                          \
	X(PAGES_SUMMARY, "runtime.pageAlloc", "summary", true)                         \
	X(PAGES_CHUNKS, "runtime.pageAlloc", "chunks", true)                           \
	X(PAGES_IN_USE, "runtime.pageAlloc", "inUse", true)                            \
	X(RANGES_RANGES, "runtime.addrRanges", "ranges", true)                         \
	X(CHUNK_BYTES, "runtime.pallocData", NULL, true)                               \
	X(CHUNK_ALLOC, "runtime.pallocData", "pallocBits", true)                       \
	X(CHUNK_SCAVENGED, "runtime.pallocData", "scavenged", true)                    \
	X(ARENA_BYTES, "runtime.heapArena", NULL, true)                                \
	X(ARENA_SPANS, "runtime.heapArena", "spans", true)                             \
	X(ARENA_BITMAP, "runtime.heapArena", "bitmap", false)                          \
	X(ARENA_NO_MORE, "runtime.heapArena", "noMorePtrs", false)                     \
	X(ARENA_INLINE_MARKS, "runtime.heapArena", "pageUseSpanInlineMarkBits", false) \
	X(INLINE_BYTES, "runtime.spanInlineMarkBits", NULL, false)                     \
	X(INLINE_MARKS, "runtime.spanInlineMarkBits", "marks", false)                  \
	X(FIXALLOC_INUSE, "runtime.fixalloc", "inuse", true)                           \
	X(FIXALLOC_STAT, "runtime.fixalloc", "stat", true)                             \
	X(P_PCACHE, "runtime.p", "pcache", true)                                       \
	X(P_MCACHE, "runtime.p", "mcache", false)                                      \
	X(PCACHE_BYTES, "runtime.pageCache", NULL, true)                               \
	X(PCACHE_BASE, "runtime.pageCache", "base", true)                              \
	X(PCACHE_CACHE, "runtime.pageCache", "cache", true)                            \
	X(PCACHE_SCAV, "runtime.pageCache", "scav", true)                              \
	X(MCACHE_TINY, "runtime.mcache", "tiny", false)                                \
	X(STATS_STACKS_SYS, "runtime.mstats", "stacks_sys", true)                      \
	X(STATS_MSPAN_SYS, "runtime.mstats", "mspan_sys", true)                        \
	X(STATS_MCACHE_SYS, "runtime.mstats", "mcache_sys", true)                      \
	X(STATS_BUCKHASH_SYS, "runtime.mstats", "buckhash_sys", true)                  \
	X(STATS_GC_MISC_SYS, "runtime.mstats", "gcMiscSys", false)                     \
	X(STATS_GC_SYS, "runtime.mstats", "gc_sys", false)                             \
	X(STATS_OTHER_SYS, "runtime.mstats", "other_sys", true)                        \
	X(STATS_NUMGC, "runtime.mstats", "numgc", true)                                \
	X(STATS_HEAP_STATS, "runtime.mstats", "heapStats", false)                      \
	X(HEAP_STATS_STATS, "runtime.consistentHeapStats", "stats", false)             \
	X(DELTA_BYTES, "runtime.heapStatsDelta", NULL, false)                          \
	X(DELTA_WORK_BUFS, "runtime.heapStatsDelta", "inWorkBufs", false)              \
	X(DELTA_PTR_SCALAR, "runtime.heapStatsDelta", "inPtrScalarBits", false)        \
	X(PACER_GC_PERCENT, "runtime.gcControllerState", "gcPercent", false)           \
	X(PACER_MEMORY_LIMIT, "runtime.gcControllerState", "memoryLimit", false)       \
	X(GC_BITS_BYTES, "runtime.gcBitsArena", NULL, true)                            \
	X(GC_BITS_NEXT, "runtime.gcBitsArena", "next", true)                           \
	X(G_BYTES, "runtime.g", NULL, false)                                           \
	X(G_STACK, "runtime.g", "stack", false)                                        \
	X(G_STATUS, "runtime.g", "atomicstatus", false)                                \
	X(G_M, "runtime.g", "m", false)                                                \
	X(G_SCHED, "runtime.g", "sched", false)                                        \
	X(G_GOID, "runtime.g", "goid", false)                                          \
	X(G_LABELS, "runtime.g", "labels", false)                                      \
	X(G_SYSCALL_SP, "runtime.g", "syscallsp", false)                               \
	X(G_SYSCALL_PC, "runtime.g", "syscallpc", false)                               \
	X(G_WAIT_SINCE, "runtime.g", "waitsince", false)                               \
	X(G_WAIT_REASON, "runtime.g", "waitreason", false)                             \
	X(G_LOCKED_M, "runtime.g", "lockedm", false)                                   \
	X(G_PARENT, "runtime.g", "parentGoid", false)                                  \
	X(G_DEFER, "runtime.g", "_defer", false)                                       \
	X(G_PANIC, "runtime.g", "_panic", false)                                       \
	X(G_X_REGS, "runtime.g", "xRegs", false)                                       \
	X(G_GO_PC, "runtime.g", "gopc", false)                                         \
	X(G_START_PC, "runtime.g", "startpc", false)                                   \
	X(GOBUF_SP, "runtime.gobuf", "sp", false)                                      \
	X(GOBUF_PC, "runtime.gobuf", "pc", false)                                      \
	X(GOBUF_BP, "runtime.gobuf", "bp", false)                                      \
	X(GOBUF_CONTEXT, "runtime.gobuf", "ctxt", false)                               \
	X(X_REGS_BYTES, "runtime.xRegState", NULL, false)                              \
	X(M_G0, "runtime.m", "g0", false)                                              \
	X(M_GSIGNAL, "runtime.m", "gsignal", false)                                    \
	X(M_PROCID, "runtime.m", "procid", false)                                      \
	X(M_CURG, "runtime.m", "curg", false)                                          \
	X(M_ALLLINK, "runtime.m", "alllink", false)                                    \
	X(DEFER_BYTES, "runtime._defer", NULL, false)                                  \
	X(DEFER_FN, "runtime._defer", "fn", false)                                     \
	X(DEFER_LINK, "runtime._defer", "link", false)                                 \
	X(SPECIAL_BYTES, "runtime.special", NULL, false)                               \
	X(SPECIAL_NEXT, "runtime.special", "next", false)                              \
	X(SPECIAL_OFFSET, "runtime.special", "offset", false)                          \
	X(SPECIAL_KIND, "runtime.special", "kind", false)                              \
	X(FINALIZER_FN, "runtime.specialfinalizer", "fn", false)                       \
	X(CLEANUP_FN, "runtime.specialCleanup", "fn", false)                           \
	X(CLEANUP_CLEANUP, "runtime.specialCleanup", "cleanup", false)                 \
	X(WEAK_HANDLE, "runtime.specialWeakHandle", "handle", false)                   \
	X(CLEANUPS_ALL, "runtime.cleanupQueue", "all", false)                          \
	X(CLEANUPS_BYTES, "runtime.cleanupBlock", NULL, false)                         \
	X(CLEANUPS_ITEMS, "runtime.cleanupBlock", "cleanups", false)                   \
	X(CLEANUPS_NEXT, "runtime.cleanupBlockHeader", "alllink", false)               \
	X(CLEANUPS_COUNT, "runtime.cleanupBlockHeader", "n", false)                    \
	X(MODULE_BYTES, "runtime.moduledata", NULL, false)                             \
	X(MODULE_PCLNTABLE, "runtime.moduledata", "pclntable", false)                  \
	X(MODULE_MINPC, "runtime.moduledata", "minpc", false)                          \
	X(MODULE_MAXPC, "runtime.moduledata", "maxpc", false)                          \
	X(MODULE_TEXT, "runtime.moduledata", "text", false)                            \
	X(MODULE_ETEXT, "runtime.moduledata", "etext", false)                          \
	X(MODULE_NOPTRDATA, "runtime.moduledata", "noptrdata", false)                  \
	X(MODULE_ENOPTRDATA, "runtime.moduledata", "enoptrdata", false)                \
	X(MODULE_DATA, "runtime.moduledata", "data", false)                            \
	X(MODULE_EDATA, "runtime.moduledata", "edata", false)                          \
	X(MODULE_BSS, "runtime.moduledata", "bss", false)                              \
	X(MODULE_EBSS, "runtime.moduledata", "ebss", false)                            \
	X(MODULE_NOPTRBSS, "runtime.moduledata", "noptrbss", false)                    \
	X(MODULE_ENOPTRBSS, "runtime.moduledata", "enoptrbss", false)                  \
	X(MODULE_TYPES, "runtime.moduledata", "types", false)                          \
	X(MODULE_ETYPES, "runtime.moduledata", "etypes", false)                        \
	X(MODULE_GOFUNC, "runtime.moduledata", "gofunc", false)                        \
	X(MODULE_RODATA, "runtime.moduledata", "rodata", false)                        \
	X(MODULE_TEXTSECTS, "runtime.moduledata", "textsectmap", false)                \
	X(MODULE_DATA_MASK, "runtime.moduledata", "gcdatamask", false)                 \
	X(MODULE_BSS_MASK, "runtime.moduledata", "gcbssmask", false)                   \
	X(MODULE_NEXT, "runtime.moduledata", "next", false)                            \
	X(TEXTSECT_BYTES, "runtime.textsect", NULL, false)                             \
	X(TEXTSECT_END, "runtime.textsect", "end", false)

enum gm_go_field {
#define GM_GO_FIELD_ID(id, type, member, must) GM_GO_##id,
	GM_GO_FIELDS(GM_GO_FIELD_ID)
#undef GM_GO_FIELD_ID
		GM_GO_FIELD_COUNT
};

/* Where a field lies in its struct, bytes; size 0: this runtime has no such field. */
struct gm_go_place {
	uint32_t offset;
	uint32_t size;
};

/**
 * struct gm_go_layout - every place, for one program
 * @source: "DWARF" or "table for go1.24"
 * @machine: EM_X86_64 or EM_AARCH64
 */
struct gm_go_layout {
	char source[32];
	uint32_t machine;
	struct gm_go_place places[GM_GO_FIELD_COUNT];
};

/**
 * struct gm_go_layout_row - of the generated table, layout_table.c
 * @version: that it was made from, "go1.24.4"
 */
struct gm_go_layout_row {
	unsigned int minor;
	uint32_t machine;
	const char *version;
	struct gm_go_place places[GM_GO_FIELD_COUNT];
};

extern const struct gm_go_layout_row gm_go_layout_table[];
extern const size_t gm_go_layout_rows;

/* The address that the runtime's tables of arenas and chunks begin with, modulo 2^64. */
uint64_t gm_go_layout_arena_base(const struct gm_go_layout *layout);

/* Whether the runtime counts its heap in consistentHeapStats, as from Go 1.16 on, or in memstats:
 * then what is left of the current arena counts as released.
 */
bool gm_go_layout_has_heap_stats(const struct gm_go_layout *layout);

/* ENOTSUP: neither DWARF nor table serve; the message says which Go and why. */
struct gm_error *gm_go_layout_read(struct gm_elf *elf, const struct gm_go_version *version,
				   struct gm_go_layout *layout) GM_MUST_CHECK;

/* From DWARF alone: what the table is generated with. */
struct gm_error *gm_go_layout_read_dwarf(struct gm_elf *elf,
					 struct gm_go_layout *layout) GM_MUST_CHECK;

/* ENOTSUP: a layout that came from elsewhere makes no sense; the message says where. */
struct gm_error *gm_go_layout_check(const struct gm_go_layout *layout) GM_MUST_CHECK;

static inline bool gm_go_layout_has(const struct gm_go_layout *layout, enum gm_go_field field)
{
	return layout->places[field].size != 0;
}

static inline uint32_t gm_go_layout_offset(const struct gm_go_layout *layout,
					   enum gm_go_field field)
{
	return layout->places[field].offset;
}

static inline uint32_t gm_go_layout_size(const struct gm_go_layout *layout, enum gm_go_field field)
{
	return layout->places[field].size;
}

/* The unsigned number in a field of a record that was read whole; 0 for a field
 * that does not exist. @record holds at least offset + size bytes of it.
 */
uint64_t gm_go_layout_number(const struct gm_go_layout *layout, enum gm_go_field field,
			     const void *record);

#endif
