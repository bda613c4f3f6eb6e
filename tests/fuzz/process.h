/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole Go process, from a core, whose memory inputs change here and there. */
#ifndef GM_FUZZ_PROCESS_H
#define GM_FUZZ_PROCESS_H

#include "fuzz.h"
#include "go/image.h"
#include "go/target.h"
#include "os/core.h"

/**
 * struct fuzz_process - read once, but for its memory
 * @image: of its program, from memory that was not changed; @target has the memory that was
 */
struct fuzz_process {
	struct gm_maps *maps;
	struct gm_pages *pages;
	struct gm_go_image image;
	struct gm_go_target target;
};

/* One of the cores among the bases, by the input's first byte, its memory changed by the rest. It
 * belongs to the next call.
 */
struct fuzz_process *fuzz_process(const uint8_t *data, size_t size);

#endif
