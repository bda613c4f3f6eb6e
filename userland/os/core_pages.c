// SPDX-License-Identifier: GPL-2.0-or-later
/* The pages that a core proves. A writer that leaves holes leaves them for pages that were not
 * there, the kernel always, so what it wrote was there; of another one, only pages that are not
 * all zero must have been.
 */
#define _GNU_SOURCE 1 /* SEEK_DATA */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/core_parts.h"
#include "os/file.h"
#include "os/pages_source.h"

#define CHUNK_BYTES (1U << 20)

#define MISSING                                                                                 \
	"a core cannot tell huge, swapped and lazily freed pages from others, nor which pages " \
	"of files were in memory"
#define MISSING_ZERO MISSING ", nor, without holes, pages of zeros from none"

/**
 * struct looking - the state of a look
 * @holes: the core has some
 * @buffer: CHUNK_BYTES
 */
struct looking {
	const struct gm_core *core;
	const struct gm_maps *maps;
	struct gm_pages *pages;
	bool holes;
	char *buffer;
};

/* The next byte of a hole from @offset on, @end where there is none before. */
static uint64_t next_hole(const struct gm_core *core, uint64_t offset, uint64_t end)
{
	off_t at = lseek(core->fd, offset, SEEK_HOLE);

	return at < 0 || (uint64_t)at > end ? end : (uint64_t)at;
}

static uint64_t next_data(const struct gm_core *core, uint64_t offset, uint64_t end)
{
	off_t at = lseek(core->fd, offset, SEEK_DATA);

	return at < 0 || (uint64_t)at > end ? end : (uint64_t)at;
}

static bool has_holes(const struct gm_core *core)
{
	for (size_t i = 0; i < core->segments.count; i++) {
		const struct gm_core_segment *segment = &core->segments.items[i];
		uint64_t end = segment->offset + segment->bytes;

		if (segment->bytes && next_hole(core, segment->offset, end) < end)
			return true;
	}
	return false;
}

static struct gm_error *add(const struct looking *looking, uint64_t start, uint64_t end,
			    enum gomem_page_state state)
{
	struct gm_error *error = NULL;

	while (start < end && !error) {
		uint64_t count = (end - start) / GM_PAGE_BYTES;

		if (count > UINT32_MAX)
			count = UINT32_MAX;
		error = gm_pages_append(looking->pages, start, count, state, 0);
		start += count * GM_PAGE_BYTES;
	}
	return error;
}

static bool is_zero(const char *page)
{
	return !page[0] && !memcmp(page, page + 1, GM_PAGE_BYTES - 1);
}

/* Whole pages of [start, end) that are not zero; @start is a page's. */
static struct gm_error *add_nonzero(const struct looking *looking, uint64_t start, uint64_t end,
				    enum gomem_page_state state)
{
	struct gm_error *error = NULL;
	size_t got, want;

	for (; end - start >= GM_PAGE_BYTES && !error; start += got) {
		want = end - start < CHUNK_BYTES ? end - start : CHUNK_BYTES;
		got = gm_core_read_own(looking->core, start, looking->buffer, want);
		got -= got % GM_PAGE_BYTES;
		if (!got)
			return NULL;
		for (size_t at = 0; at < got && !error; at += GM_PAGE_BYTES)
			if (!is_zero(looking->buffer + at))
				error = add(looking, start + at, start + at + GM_PAGE_BYTES, state);
	}
	return error;
}

/* [from, to) of a segment, in whole pages. */
static struct gm_error *add_data(const struct looking *looking,
				 const struct gm_core_segment *segment, uint64_t from, uint64_t to,
				 enum gomem_page_state state)
{
	uint64_t start = (segment->start + from) & ~(uint64_t)(GM_PAGE_BYTES - 1);
	uint64_t end = segment->start + to + GM_PAGE_BYTES - 1;

	end &= ~(uint64_t)(GM_PAGE_BYTES - 1);
	if (looking->holes && segment->offset % GM_PAGE_BYTES == 0)
		return add(looking, start, end, state);
	return add_nonzero(looking, start, end, state);
}

/* The stretches of data of [from, to) of a segment. */
static struct gm_error *add_stretches(const struct looking *looking,
				      const struct gm_core_segment *segment, uint64_t from,
				      uint64_t to, enum gomem_page_state state)
{
	const struct gm_core *core = looking->core;
	uint64_t end = segment->offset + to, at = segment->offset + from, hole;
	uint64_t done = 0; /* what is there already: stretches need not end with a page */
	struct gm_error *error = NULL;

	for (at = next_data(core, at, end); at < end && !error; at = next_data(core, hole, end)) {
		uint64_t start = at - segment->offset;

		hole = next_hole(core, at, end);
		if (hole <= at)
			break;
		if (start < done)
			start = done;
		done = (hole - segment->offset + GM_PAGE_BYTES - 1) & ~(GM_PAGE_BYTES - 1ULL);
		if (start < hole - segment->offset)
			error = add_data(looking, segment, start, hole - segment->offset, state);
	}
	return error;
}

/* A page of a file that the core holds was read for the core, if need be. */
static bool proves(const struct gm_vma *vma, enum gomem_page_state *state)
{
	if (!gm_pages_in_rss(vma) || vma->kind == GM_VMA_FILE)
		return false;
	*state = vma->kind == GM_VMA_SHMEM ? GOMEM_PAGE_SHMEM :
		 vma->kind == GM_VMA_VDSO  ? GOMEM_PAGE_FILE :
					     GOMEM_PAGE_ANON;
	return true;
}

static struct gm_error *look_at(const struct looking *looking, const struct gm_vma *vma)
{
	const struct gm_core_segment *segment = gm_core_segment_at(looking->core, vma->start);
	enum gomem_page_state state;
	uint64_t from, to;

	if (!segment || !proves(vma, &state))
		return NULL;
	from = vma->start - segment->start;
	to = vma->end - segment->start;
	if (to > segment->bytes)
		to = segment->bytes;
	return from < to ? add_stretches(looking, segment, from, to, state) : NULL;
}

static struct gm_error *look(struct looking *looking)
{
	struct gm_error *error = NULL;

	looking->holes = has_holes(looking->core);
	looking->buffer = malloc(CHUNK_BYTES);
	looking->pages->missing = strdup(looking->holes ? MISSING : MISSING_ZERO);
	if (!looking->buffer || !looking->pages->missing)
		error = gm_error_create(ENOMEM, "out of memory");
	for (size_t i = 0; i < looking->maps->count && !error; i++)
		error = look_at(looking, &looking->maps->items[i]);
	free(looking->buffer);
	return error;
}

struct gm_error *gm_core_pages(const struct gm_core *core, const struct gm_maps *maps,
			       struct gm_pages **out)
{
	gm_auto(gm_pages) struct gm_pages *pages = calloc(1, sizeof(*pages));
	struct looking looking = { .core = core, .maps = maps, .pages = pages };
	uint64_t begin = gm_clock_ns();
	struct gm_error *error;

	if (!pages)
		return gm_error_create(ENOMEM, "out of memory");
	pages->source = GM_PAGES_CORE;
	error = look(&looking);
	if (error)
		return error;
	pages->took_ns = gm_clock_ns() - begin;
	*out = pages;
	pages = NULL;
	return NULL;
}
