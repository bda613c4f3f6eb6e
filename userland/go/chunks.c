// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/mpagealloc.go: inUse lists the ranges the heap has grown into;
 * chunks[l1][l2] has a pallocData for each 4 MiB of address space.
 */
#include "go/chunks.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* From its base on, what the tables are sized for. */
#define HEAP_MAX (1ULL << 48)
#define TABLE_CHUNKS 8192
#define RANGES_MAX (1U << 16)
#define PS_MAX (1U << 16)

struct range {
	uint64_t start;
	uint64_t end;
};

static struct gm_error *add_range(const struct gm_go_target *target, const struct range *range,
				  struct gm_go_chunks *chunks)
{
	uint64_t last = chunks->count ? chunks->items[chunks->count - 1].start : 0;
	uint64_t base = gm_go_layout_arena_base(&target->image->layout);
	uint64_t at = range->start;

	if (range->end - base > HEAP_MAX || range->end > GM_GO_ADDRESS_MAX || at >= range->end ||
	    at % GM_GO_CHUNK_SPAN || range->end % GM_GO_CHUNK_SPAN || (last && at <= last))
		return gm_go_nonsense(target, "it grew into an impossible range at %" PRIx64, at);
	if ((range->end - at) / GM_GO_CHUNK_SPAN > GM_GO_CHUNKS_MAX - chunks->count)
		return gm_go_nonsense(target, "it has more than 4 TiB");
	for (; at < range->end; at += GM_GO_CHUNK_SPAN) {
		struct gm_go_chunk *chunk = gm_vec_push(chunks);

		if (!chunk)
			return gm_error_errno(ENOMEM, "cannot copy %zu chunks", chunks->count);
		chunk->start = at;
	}
	return NULL;
}

static struct gm_error *list_chunks(const struct gm_go_target *target, struct gm_go_chunks *chunks)
{
	const struct gm_go_layout *layout = &target->image->layout;
	uint64_t at = gm_go_mheap_at(target, GM_GO_MHEAP_PAGES) +
		      gm_go_layout_offset(layout, GM_GO_PAGES_IN_USE) +
		      gm_go_layout_offset(layout, GM_GO_RANGES_RANGES);
	gm_autofree struct range *ranges = NULL;
	struct gm_error *error;
	size_t count;

	error = gm_go_read_items(target, at, sizeof(*ranges), RANGES_MAX, (void **)&ranges, &count);
	for (size_t i = 0; i < count && !error; i++)
		error = add_range(target, &ranges[i], chunks);
	return error;
}

struct copy {
	const struct gm_go_target *target;
	struct gm_go_chunks *chunks;
	uint64_t unreadable;
};

static void got_bits(void *context, uint32_t index, const void *record)
{
	struct copy *copy = context;
	const struct gm_go_layout *layout = &copy->target->image->layout;
	struct gm_go_chunk *chunk = &copy->chunks->items[index];
	const char *bits = record;

	if (!record) {
		copy->unreadable = chunk->start;
		return;
	}
	memcpy(chunk->free, bits + gm_go_layout_offset(layout, GM_GO_CHUNK_ALLOC),
	       sizeof(chunk->free));
	memcpy(chunk->scavenged, bits + gm_go_layout_offset(layout, GM_GO_CHUNK_SCAVENGED),
	       sizeof(chunk->scavenged));
	for (size_t i = 0; i < GM_GO_CHUNK_WORDS; i++)
		chunk->free[i] = ~chunk->free[i];
}

static struct gm_error *read_bits(const struct gm_go_target *target, const uint64_t *tables,
				  struct gm_go_chunks *chunks)
{
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_CHUNK_BYTES);
	gm_autofree struct gm_go_want *wants = calloc(chunks->count + 1, sizeof(*wants));
	uint64_t base = gm_go_layout_arena_base(&target->image->layout);
	struct copy copy = { .target = target, .chunks = chunks };
	struct gm_error *error;

	if (!wants)
		return gm_error_errno(ENOMEM, "cannot copy %zu chunks", chunks->count);
	for (size_t i = 0; i < chunks->count; i++) {
		uint64_t index = (chunks->items[i].start - base) / GM_GO_CHUNK_SPAN;

		wants[i] = (struct gm_go_want){
			.address = tables[index / TABLE_CHUNKS] + index % TABLE_CHUNKS * size,
			.size = size,
			.index = i,
		};
	}
	error = gm_go_gather(target, wants, chunks->count, got_bits, &copy);
	if (!error && copy.unreadable)
		error = gm_go_nonsense(target,
				       "the bitmap of the chunk at %" PRIx64 " cannot be read",
				       copy.unreadable);
	return error;
}

static struct gm_go_chunk *find(const struct gm_go_chunks *chunks, uint64_t address)
{
	size_t low = 0, high = chunks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct gm_go_chunk *chunk = &chunks->items[middle];

		if (address < chunk->start)
			high = middle;
		else if (address - chunk->start >= GM_GO_CHUNK_SPAN)
			low = middle + 1;
		else
			return chunk;
	}
	return NULL;
}

struct caches {
	const struct gm_go_target *target;
	struct gm_go_chunks *chunks;
};

/* A P sets 64 aligned pages aside; the bitmaps then call them allocated. */
static void got_cache(void *context, uint32_t index, const void *record)
{
	struct caches *caches = context;
	const struct gm_go_layout *layout = &caches->target->image->layout;
	struct gm_go_chunk *chunk;
	uint64_t base, cache;
	size_t word;

	(void)index;
	if (!record)
		return;
	cache = gm_go_layout_number(layout, GM_GO_PCACHE_CACHE, record);
	base = gm_go_layout_number(layout, GM_GO_PCACHE_BASE, record);
	chunk = find(caches->chunks, base);
	if (!cache || !chunk)
		return;
	word = (base - chunk->start) / GM_GO_PAGE_BYTES / 64;
	chunk->free[word] |= cache;
	chunk->scavenged[word] |= cache & gm_go_layout_number(layout, GM_GO_PCACHE_SCAV, record);
}

static struct gm_error *add_caches(const struct gm_go_target *target, struct gm_go_chunks *chunks)
{
	const struct gm_go_layout *layout = &target->image->layout;
	struct caches caches = { .target = target, .chunks = chunks };
	gm_autofree struct gm_go_want *wants = NULL;
	gm_autofree uint64_t *ps = NULL;
	struct gm_error *error;
	size_t count;

	error = gm_go_read_items(target, target->image->globals[GM_GO_ALLP].address, sizeof(*ps),
				 PS_MAX, (void **)&ps, &count);
	if (error)
		return error;
	wants = calloc(count + 1, sizeof(*wants));
	if (!wants)
		return gm_error_errno(ENOMEM, "cannot copy the page caches of %zu Ps", count);
	for (size_t i = 0; i < count; i++)
		wants[i] = (struct gm_go_want){
			.address = ps[i] + gm_go_layout_offset(layout, GM_GO_P_PCACHE),
			.size = gm_go_layout_size(layout, GM_GO_PCACHE_BYTES),
		};
	return gm_go_gather(target, wants, count, got_cache, &caches);
}

static struct gm_error *list_tables(const uint64_t *all, struct gm_go_tables *tables)
{
	for (size_t i = 0; i < GM_GO_TABLES_MAX; i++) {
		uint64_t *table;

		if (!all[i])
			continue;
		table = gm_vec_push(tables);
		if (!table)
			return gm_error_errno(ENOMEM, "cannot list the page allocator's tables");
		*table = all[i];
	}
	return NULL;
}

struct gm_error *gm_go_chunks_read(const struct gm_go_target *target, struct gm_go_chunks *chunks,
				   struct gm_go_tables *tables)
{
	uint64_t at = gm_go_mheap_at(target, GM_GO_MHEAP_PAGES) +
		      gm_go_layout_offset(&target->image->layout, GM_GO_PAGES_CHUNKS);
	uint64_t all[GM_GO_TABLES_MAX];
	struct gm_error *error;

	error = gm_mem_read(target->mem, at, all, sizeof(all));
	if (!error)
		error = list_tables(all, tables);
	if (!error)
		error = list_chunks(target, chunks);
	if (!error)
		error = read_bits(target, all, chunks);
	if (!error)
		error = add_caches(target, chunks);
	return error;
}
