/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A code address to the functions, inlined ones too, that are there in the source. */
#ifndef GM_GO_FRAMES_H
#define GM_GO_FRAMES_H

#include "go/pclntab.h"

/**
 * struct gm_go_frame - one function of the source
 * @file: as the compiler was told, NULL where not known
 * @line: 0 where not known
 * @inlined: into the next one
 */
struct gm_go_frame {
	const char *function;
	const char *file;
	int32_t line;
	bool inlined;
};

#define GM_GO_FRAMES_MAX 64

/* The functions at @pc of @table, innermost first, at most @max; the last is not inlined
 * unless there were more. Returns how many, 0 where no function is there. @pc is the
 * instruction itself, of a caller that of its call (its return address less one).
 */
size_t gm_go_frames(const struct gm_go_program *program, const struct gm_go_pclntab *table,
		    uint64_t pc, struct gm_go_frame *frames, size_t max);

#endif
