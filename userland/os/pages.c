// SPDX-License-Identifier: GPL-2.0-or-later
#include "os/pages.h"

#include <errno.h>
#include <time.h>

#include "os/file.h"
#include "os/pages_source.h"

/* A run of one page each for 1 TiB of memory; more is not a process but an attack. */
#define RUNS_MAX ((size_t)1 << 28)
#define LONG_NS 50000
#define PAUSE_NS 20000 /* the timer's slack comes on top: enough to be woken and to get the lock */

bool gm_page_resident(enum gomem_page_state state)
{
	switch (state) {
	case GOMEM_PAGE_ANON:
	case GOMEM_PAGE_MTHP:
	case GOMEM_PAGE_THP:
	case GOMEM_PAGE_LAZYFREE:
	case GOMEM_PAGE_FILE:
	case GOMEM_PAGE_SHMEM:
	case GOMEM_PAGE_MIGRATING:
		return true;
	default:
		return false;
	}
}

const char *gm_page_state_name(enum gomem_page_state state)
{
	static const char *const names[GOMEM_PAGE_STATES] = {
		"absent",   "zero", "anon", "mthp",  "thp",
		"lazyfree", "swap", "file", "shmem", "migrating",
	};

	return state < GOMEM_PAGE_STATES ? names[state] : "unknown";
}

bool gm_pages_know_huge(enum gm_pages_source source, bool any)
{
	return source != GM_PAGES_CORE && (source != GM_PAGES_PAGEMAP || any);
}

const char *gm_pages_source_name(enum gm_pages_source source)
{
	static const char *const names[] = {
		[GM_PAGES_BEST] = "",
		[GM_PAGES_MODULE] = "the module",
		[GM_PAGES_SCAN] = "PAGEMAP_SCAN",
		[GM_PAGES_PAGEMAP] = "/proc/PID/pagemap",
		[GM_PAGES_CORE] = "the core",
	};

	return names[source];
}

const struct gomem_page_run *gm_pages_find(const struct gm_pages *pages, uint64_t address)
{
	size_t low = 0, high = pages->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gomem_page_run *run = &pages->items[middle];

		if (address < run->start)
			high = middle;
		else if (address - run->start >= (uint64_t)run->pages * GM_PAGE_BYTES)
			low = middle + 1;
		else
			return run;
	}
	return NULL;
}

bool gm_pages_in_rss(const struct gm_vma *vma)
{
	if (vma->kind == GM_VMA_VDSO)
		return !strcmp(vma->name, "[vdso]");
	return vma->kind != GM_VMA_HUGETLB;
}

enum gomem_page_state gm_pages_file_state(enum gm_vma_kind kind)
{
	return kind == GM_VMA_SHMEM ? GOMEM_PAGE_SHMEM : GOMEM_PAGE_FILE;
}

void gm_pages_pause(uint64_t took_ns)
{
	if (took_ns > LONG_NS)
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
}

static bool joins(const struct gomem_page_run *run, uint64_t start, uint64_t count,
		  enum gomem_page_state state, uint8_t order)
{
	return run->state == state && run->order == order &&
	       run->start + (uint64_t)run->pages * GM_PAGE_BYTES == start &&
	       count <= UINT32_MAX - run->pages;
}

struct gm_error *gm_pages_append(struct gm_pages *pages, uint64_t start, uint64_t count,
				 enum gomem_page_state state, uint8_t order)
{
	struct gomem_page_run *last = pages->count ? &pages->items[pages->count - 1] : NULL;
	struct gomem_page_run *added;

	if (state == GOMEM_PAGE_ABSENT)
		return NULL;
	if (last && joins(last, start, count, state, order)) {
		last->pages += count;
		return NULL;
	}
	if (pages->count == RUNS_MAX)
		return gm_error_create(E2BIG, "cannot hold more than %zu runs of pages", RUNS_MAX);
	added = gm_vec_push(pages);
	if (!added)
		return gm_error_create(ENOMEM, "out of memory");
	*added = (struct gomem_page_run){
		.start = start,
		.pages = count,
		.state = state,
		.order = order,
	};
	return NULL;
}

static struct gm_error *read_source(pid_t pid, const struct gm_maps *maps,
				    enum gm_pages_source source, struct gm_pages *pages)
{
	pages->source = source;
	switch (source) {
	case GM_PAGES_MODULE:
		return gm_pages_read_module(pid, pages);
	case GM_PAGES_SCAN:
		return gm_pages_read_scan(pid, maps, pages);
	default:
		return gm_pages_read_pagemap(pid, maps, pages);
	}
}

static struct gm_error *read_best(pid_t pid, const struct gm_maps *maps, struct gm_pages *pages)
{
	struct gm_error *error = read_source(pid, maps, GM_PAGES_MODULE, pages);

	if (error && error->code == ENOTSUP) {
		gm_error_destroy(error);
		error = read_source(pid, maps, GM_PAGES_SCAN, pages);
	}
	if (error && error->code == ENOTSUP) {
		gm_error_destroy(error);
		error = read_source(pid, maps, GM_PAGES_PAGEMAP, pages);
	}
	return error;
}

struct gm_error *gm_pages_read(pid_t pid, const struct gm_maps *maps, enum gm_pages_source source,
			       struct gm_pages **pages)
{
	gm_auto(gm_pages) struct gm_pages *fresh = calloc(1, sizeof(*fresh));
	uint64_t begin = gm_clock_ns();
	struct gm_error *error;

	if (!fresh)
		return gm_error_create(ENOMEM, "out of memory");
	error = source == GM_PAGES_BEST ? read_best(pid, maps, fresh) :
					  read_source(pid, maps, source, fresh);
	if (error)
		return error;
	fresh->took_ns = gm_clock_ns() - begin;
	*pages = fresh;
	fresh = NULL;
	return NULL;
}

struct gm_error *gm_pages_rss(pid_t pid, enum gm_pages_source source, uint64_t *bytes)
{
	gm_auto(gm_maps) struct gm_maps *maps = NULL;
	gm_auto(gm_pages) struct gm_pages *pages = NULL;
	struct gm_error *error = gm_maps_read(pid, &maps);

	if (!error)
		error = gm_pages_read(pid, maps, source, &pages);
	if (error)
		return error;
	*bytes = 0;
	for (size_t i = 0; i < pages->count; i++)
		if (gm_page_resident(pages->items[i].state))
			*bytes += (uint64_t)pages->items[i].pages * GM_PAGE_BYTES;
	return NULL;
}

void gm_pages_destroy(struct gm_pages *pages)
{
	if (!pages)
		return;
	free(pages->items);
	free(pages->missing);
	free(pages);
}
