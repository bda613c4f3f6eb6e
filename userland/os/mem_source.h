/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between os/mem.c and the sources behind it. */
#ifndef GM_OS_MEM_SOURCE_H
#define GM_OS_MEM_SOURCE_H

#include "os/mem.h"

/**
 * struct gm_mem_operations - what a source does
 * @read_pieces: as gm_mem_read_pieces()
 * @destroy: of all the source has, @mem included
 * @where: "of process 12", for messages; at most 255 bytes
 * @bytes: as gm_mem_bytes(); NULL: not known
 */
struct gm_mem_operations {
	struct gm_error *(*read_pieces)(struct gm_mem *mem, struct gm_mem_piece *pieces,
					size_t count);
	void (*destroy)(struct gm_mem *mem);
	void (*where)(const struct gm_mem *mem, char *text, size_t size);
	uint64_t (*bytes)(const struct gm_mem *mem);
};

/* A source's own struct begins with it. */
struct gm_mem {
	const struct gm_mem_operations *operations;
};

#endif
