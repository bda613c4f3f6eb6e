/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page allocator's bitmaps: which heap pages are free, and which were scavenged. */
#ifndef GM_GO_CHUNKS_H
#define GM_GO_CHUNKS_H

#include "go/class.h"
#include "go/target.h"

/* Go src/runtime/mpagealloc.go: pallocChunkPages. */
#define GM_GO_CHUNK_PAGES 512
#define GM_GO_CHUNK_WORDS (GM_GO_CHUNK_PAGES / 64)
#define GM_GO_CHUNK_SPAN ((uint64_t)GM_GO_CHUNK_PAGES * GM_GO_PAGE_BYTES)
#define GM_GO_CHUNKS_MAX (1U << 20) /* 4 TiB */

/**
 * struct gm_go_chunk - 4 MiB of heap at @start, a bit a page
 * @free: neither in a span nor padding; what a P has set aside is free
 * @scavenged: released, or never used
 */
struct gm_go_chunk {
	uint64_t start;
	uint64_t free[GM_GO_CHUNK_WORDS];
	uint64_t scavenged[GM_GO_CHUNK_WORDS];
};

/* By address; together they are the address space the heap has grown into. */
struct gm_go_chunks {
	GM_VEC(struct gm_go_chunk);
};

/* Where the runtime keeps the bitmaps themselves: one table per 32 GiB. */
#define GM_GO_TABLES_MAX 8192
struct gm_go_tables {
	GM_VEC(uint64_t);
};

struct gm_error *gm_go_chunks_read(const struct gm_go_target *target, struct gm_go_chunks *chunks,
				   struct gm_go_tables *tables) GM_MUST_CHECK;

#endif
