/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMAs of a process, from /proc/PID/maps. */
#ifndef GM_OS_MAPS_H
#define GM_OS_MAPS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"

/* What a VMA holds, in the contract's words. */
enum gm_vma_kind {
	GM_VMA_ANON,
	GM_VMA_HEAP,
	GM_VMA_STACK,
	GM_VMA_FILE,
	GM_VMA_SHMEM,
	GM_VMA_HUGETLB,
	GM_VMA_VDSO,
	GM_VMA_KINDS,
};

/**
 * struct gm_vma - one VMA, [start, end)
 * @perms: "rw-p" and the like, NUL-terminated
 * @offset: bytes into the file
 * @inode: 0 where there is no file
 * @name: path, "[heap]", "[anon:...]" or "" ; owned
 */
struct gm_vma {
	uint64_t start;
	uint64_t end;
	char perms[5];
	enum gm_vma_kind kind;
	uint64_t offset;
	uint64_t inode;
	char *name;
};

/* By address, never overlapping. */
struct gm_maps {
	GM_VEC(struct gm_vma);
};

struct gm_error *gm_maps_read(pid_t pid, struct gm_maps **maps) GM_MUST_CHECK;
void gm_maps_destroy(struct gm_maps *maps);
GM_DEFINE_AUTO(gm_maps)

/* The VMA that holds @address, NULL where none does. */
const struct gm_vma *gm_maps_find(const struct gm_maps *maps, uint64_t address);

const char *gm_vma_kind_name(enum gm_vma_kind kind);

#endif
