/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program file behind a process: its Go version, its layout, where its globals are. */
#ifndef GM_GO_IMAGE_H
#define GM_GO_IMAGE_H

#include <sys/types.h>

#include "base/error.h"
#include "go/layout.h"
#include "go/version.h"

/* X(id, symbol, must): the runtime's globals. */
#define GM_GO_GLOBALS(X)                                        \
	X(MHEAP, "runtime.mheap_", true)                        \
	X(MEMSTATS, "runtime.memstats", true)                   \
	X(GCPHASE, "runtime.gcphase", true)                     \
	X(ALLP, "runtime.allp", true)                           \
	X(PACER, "runtime.gcController", false)                 \
	X(ISCGO, "runtime.iscgo", false)                        \
	X(GC_BITS_ARENAS, "runtime.gcBitsArenas", false)        \
	X(PERSISTENT_CHUNKS, "runtime.persistentChunks", false) \
	X(ALLGS, "runtime.allgs", false)                        \
	X(ALLM, "runtime.allm", false)                          \
	X(WAIT_REASONS, "runtime.waitReasonStrings", false)

enum gm_go_global {
#define GM_GO_GLOBAL_ID(id, symbol, must) GM_GO_##id,
	GM_GO_GLOBALS(GM_GO_GLOBAL_ID)
#undef GM_GO_GLOBAL_ID
		GM_GO_GLOBAL_COUNT
};

/* A global's address in the process and its size; 0 where the program has none. */
struct gm_go_variable {
	uint64_t address;
	uint64_t size;
};

struct gm_go_image {
	struct gm_go_version version;
	struct gm_go_layout layout;
	struct gm_go_variable globals[GM_GO_GLOBAL_COUNT];
};

/* Which Go built @elf, the file at @path. ENOENT: none; ENOTSUP: one that does not say. */
struct gm_error *gm_go_image_read_version(struct gm_elf *elf, const char *path,
					  struct gm_go_version *version) GM_MUST_CHECK;

/* Reads /proc/@pid/exe, which works when the file was deleted or lies in another
 * mount namespace. ENOENT: not a Go program; ENOTSUP: stripped, or an unknown Go.
 */
struct gm_error *gm_go_image_read(pid_t pid, struct gm_go_image *image) GM_MUST_CHECK;

/* The same for a file whose entry point lies at @entry in the process. */
struct gm_error *gm_go_image_read_file(const char *path, uint64_t entry,
				       struct gm_go_image *image) GM_MUST_CHECK;

#endif
