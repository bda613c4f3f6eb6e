// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* asprintf, MAP_ANONYMOUS */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/file.h"
#include "os/pages_source.h"

#define BATCH_PAGES 2048 /* 0.2 ms, where all of them are there */
/* An entry per page, mapped or not: 8 TiB are two thousand million of them. */
#define ADDRESS_SPACE_MAX ((uint64_t)8 << 40)

size_t gm_pagemap_read(int fd, uint64_t address, uint64_t *entries, size_t count)
{
	ssize_t got = pread(fd, entries, count * sizeof(*entries),
			    address / GM_PAGE_BYTES * sizeof(*entries));

	return got < 0 ? 0 : got / sizeof(*entries);
}

/* The frame under @address of our own, 0 where it is hidden or absent. */
static uint64_t own_frame(int fd, const volatile char *address)
{
	uint64_t entry;

	(void)*address;
	if (gm_pagemap_read(fd, (uintptr_t)address, &entry, 1) != 1 ||
	    !(entry & GM_PAGEMAP_PRESENT))
		return 0;
	return entry & GM_PAGEMAP_FRAME;
}

void gm_zero_frames_find(struct gm_zero_frames *frames)
{
	gm_autoclose int fd = -1;
	uintptr_t small, huge;
	char *memory;

	*frames = (struct gm_zero_frames){};
	gm_error_destroy(gm_proc_open(getpid(), "pagemap", &fd));
	if (fd < 0)
		return;
	/* Room for an aligned huge page, and a small one behind it that advice does not reach. */
	memory = mmap(NULL, 3 * GM_HUGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return;
	huge = ((uintptr_t)memory + GM_HUGE_BYTES - 1) & -(uintptr_t)GM_HUGE_BYTES;
	small = huge + GM_HUGE_BYTES;
	madvise((void *)small, GM_PAGE_BYTES, MADV_NOHUGEPAGE);
	frames->small = own_frame(fd, (char *)small);
	if (!madvise((void *)huge, GM_HUGE_BYTES, MADV_HUGEPAGE))
		frames->huge = own_frame(fd, (char *)huge);
	/* Without a huge zero page the kernel gave the small one. */
	if (frames->huge == frames->small)
		frames->huge = 0;
	munmap(memory, 3 * GM_HUGE_BYTES);
}

struct pagemap {
	pid_t pid;
	int fd;
	struct gm_zero_frames zero;
	struct gm_pages *pages;
	uint64_t entries[BATCH_PAGES];
};

/* 512 frames in a row, aligned in memory and in address: a huge page, or one that was
 * split in place and never reclaimed, which pagemap cannot tell apart.
 */
static bool is_huge(const uint64_t *entries, uint64_t address, size_t left)
{
	uint64_t frame = entries[0] & GM_PAGEMAP_FRAME;

	if (address % GM_HUGE_BYTES || left < GM_HUGE_PAGES || !frame || frame % GM_HUGE_PAGES)
		return false;
	for (size_t i = 0; i < GM_HUGE_PAGES; i++) {
		if (!(entries[i] & GM_PAGEMAP_PRESENT) ||
		    (entries[i] & GM_PAGEMAP_FRAME) != frame + i)
			return false;
	}
	return true;
}

static enum gomem_page_state small_state(const struct pagemap *pagemap, const struct gm_vma *vma,
					 uint64_t entry)
{
	if (entry & GM_PAGEMAP_GUARD)
		return GOMEM_PAGE_ABSENT;
	if (entry & GM_PAGEMAP_SWAP)
		return GOMEM_PAGE_SWAP;
	if (!(entry & GM_PAGEMAP_PRESENT))
		return GOMEM_PAGE_ABSENT;
	if (pagemap->zero.small && (entry & GM_PAGEMAP_FRAME) == pagemap->zero.small)
		return GOMEM_PAGE_ZERO;
	if (entry & GM_PAGEMAP_FILE)
		return gm_pages_file_state(vma->kind);
	/* A shared mapping has no anonymous pages: these are a device's, not counted in RSS. */
	return vma->perms[3] == 's' ? GOMEM_PAGE_ABSENT : GOMEM_PAGE_ANON;
}

static enum gomem_page_state huge_state(const struct pagemap *pagemap, const struct gm_vma *vma,
					uint64_t entry)
{
	/* Old kernels say of the huge zero page that it is a file's, so ask for it first. */
	if (pagemap->zero.huge && (entry & GM_PAGEMAP_FRAME) == pagemap->zero.huge)
		return GOMEM_PAGE_ZERO;
	return entry & GM_PAGEMAP_FILE ? gm_pages_file_state(vma->kind) : GOMEM_PAGE_THP;
}

static struct gm_error *append_entries(struct pagemap *pagemap, const struct gm_vma *vma,
				       uint64_t address, size_t count)
{
	struct gm_error *error = NULL;
	size_t step;

	for (size_t i = 0; !error && i < count; i += step) {
		const uint64_t *entry = &pagemap->entries[i];
		uint64_t at = address + i * GM_PAGE_BYTES;
		bool huge = is_huge(entry, at, count - i);

		step = huge ? GM_HUGE_PAGES : 1;
		error = gm_pages_append(pagemap->pages, at, step,
					huge ? huge_state(pagemap, vma, *entry) :
					       small_state(pagemap, vma, *entry),
					huge ? GM_HUGE_ORDER : 0);
	}
	return error;
}

/* Batches end at huge page boundaries, so that none is cut in two. */
static size_t batch_pages(const struct gm_vma *vma, uint64_t at)
{
	uint64_t batch_end = (at / GM_HUGE_BYTES + BATCH_PAGES / GM_HUGE_PAGES) * GM_HUGE_BYTES;

	return ((vma->end < batch_end ? vma->end : batch_end) - at) / GM_PAGE_BYTES;
}

static struct gm_error *read_vma(struct pagemap *pagemap, const struct gm_vma *vma)
{
	struct gm_error *error = NULL;

	for (uint64_t at = vma->start; !error && at < vma->end;) {
		size_t want = batch_pages(vma, at), got;
		uint64_t begin = gm_clock_ns();

		got = gm_pagemap_read(pagemap->fd, at, pagemap->entries, want);
		gm_pages_pause(gm_clock_ns() - begin);
		if (got != want)
			return gm_proc_error(pagemap->pid, "pagemap", got ? EIO : ESRCH);
		error = append_entries(pagemap, vma, at, got);
		at += got * GM_PAGE_BYTES;
	}
	return error;
}

static struct gm_error *check_size(pid_t pid, const struct gm_maps *maps)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < maps->count; i++) {
		if (__builtin_add_overflow(bytes, maps->items[i].end - maps->items[i].start,
					   &bytes) ||
		    bytes > ADDRESS_SPACE_MAX)
			return gm_error_create(E2BIG,
					       "cannot read the pagemap of process %d: it maps "
					       "more than %llu TiB, which would take minutes; load "
					       "gomem.ko",
					       (int)pid,
					       (unsigned long long)(ADDRESS_SPACE_MAX >> 40));
	}
	return NULL;
}

static struct gm_error *say_missing(struct pagemap *pagemap)
{
	struct gm_pages *pages = pagemap->pages;

	if (asprintf(&pages->missing,
		     "pagemap cannot tell lazyfree, mthp and migrating pages from "
		     "others, %s",
		     pagemap->zero.small ?
			     "and guesses thp from adjoining page frames" :
			     "nor, without root, thp and the zero page from anon") >= 0)
		return NULL;
	pages->missing = NULL;
	return gm_error_create(ENOMEM, "out of memory");
}

static struct gm_error *read_all(struct pagemap *pagemap, const struct gm_maps *maps)
{
	struct gm_error *error = check_size(pagemap->pid, maps);

	gm_zero_frames_find(&pagemap->zero);
	for (size_t i = 0; !error && i < maps->count; i++) {
		if (gm_pages_in_rss(&maps->items[i]))
			error = read_vma(pagemap, &maps->items[i]);
	}
	return error ? error : say_missing(pagemap);
}

struct gm_error *gm_pages_read_pagemap(pid_t pid, const struct gm_maps *maps,
				       struct gm_pages *pages)
{
	struct pagemap pagemap = { .pid = pid, .pages = pages };
	struct gm_error *error = gm_proc_open(pid, "pagemap", &pagemap.fd);

	if (error)
		return error;
	error = read_all(&pagemap, maps);
	close(pagemap.fd);
	return error;
}
