/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program file behind a process: its Go version, its layout, where its globals are. */
#ifndef GM_GO_IMAGE_H
#define GM_GO_IMAGE_H

#include <sys/types.h>

#include "base/error.h"
#include "go/layout.h"
#include "go/moduledata.h"
#include "go/program.h"
#include "go/version.h"
#include "os/maps.h"

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
	X(WAIT_REASONS, "runtime.waitReasonStrings", false)     \
	X(ALLFIN, "runtime.allfin", false)                      \
	X(CLEANUPS, "runtime.gcCleanups", false)

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

/**
 * struct gm_go_image - a Go program in its process
 * @stripped: it has no symbols: its globals were found by what uses them and what they hold
 * @program: its bytes
 * @modules: its parts, the runtime's own first; NULL where nothing tells of them
 */
struct gm_go_image {
	struct gm_go_version version;
	struct gm_go_layout layout;
	struct gm_go_variable globals[GM_GO_GLOBAL_COUNT];
	struct gm_go_program program;
	struct gm_go_modules *modules;
	bool stripped;
};

/* The Go program that @pid runs, of which @mem is the memory: its exe, else one of the libraries
 * that it mapped; its exe, too, where none is a Go program. @mem must live as long. The caller
 * deinits, also after an error.
 */
struct gm_error *gm_go_image_find(pid_t pid, struct gm_mem *mem, const struct gm_maps *maps,
				  struct gm_go_program *program, bool *is_library) GM_MUST_CHECK;

/* Opens the file that is mapped at @vma, as gm_go_program_open_file_mapped() does; who asks deinits
 * @library, also after an error.
 */
typedef struct gm_error *(*gm_go_opener)(void *context, const struct gm_vma *vma,
					 struct gm_go_program *library);

/* The same where @program is its exe already: where that is no Go program, the library that is one
 * takes its place, which is said.
 */
bool gm_go_image_find_library(const struct gm_maps *maps, gm_go_opener opener, void *context,
			      struct gm_go_program *program);

/* All of that program. @mem must live as long. ENOENT: there is none; ENOTSUP: an unknown Go, or
 * one whose heap is not found. The caller deinits, also after an error.
 */
struct gm_error *gm_go_image_read(pid_t pid, struct gm_mem *mem, const struct gm_maps *maps,
				  struct gm_go_image *image) GM_MUST_CHECK;

/* The same of @program, which becomes the image's. */
struct gm_error *gm_go_image_read_program(const struct gm_go_program *program,
					  struct gm_go_image *image) GM_MUST_CHECK;

void gm_go_image_deinit(struct gm_go_image *image);

#endif
