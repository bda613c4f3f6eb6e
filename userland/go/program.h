/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a Go program by their address: from the process, else from its file. */
#ifndef GM_GO_PROGRAM_H
#define GM_GO_PROGRAM_H

#include "elf/segments.h"
#include "os/maps.h"
#include "os/mem.h"

/**
 * struct gm_go_program - a file and, where it runs, its process
 * @elf: what was mapped, NULL where it cannot be had
 * @mem: of the process, NULL: the file alone serves, and no relocation was done
 * @bias: what the addresses in @elf lack
 *
 * A core has what the file cannot know, but not the pages that were never written to.
 */
struct gm_go_program {
	struct gm_elf *elf;
	struct gm_mem *mem;
	uint64_t bias;
};

/* Of a process: its exe through /proc, which works when the file was deleted or lies in another
 * mount namespace. @mem must live as long. The caller deinits, also after an error.
 */
struct gm_error *gm_go_program_open(pid_t pid, struct gm_mem *mem,
				    struct gm_go_program *program) GM_MUST_CHECK;

/* The same for a file whose entry point lies at @entry in the process. */
struct gm_error *gm_go_program_open_file(const char *path, uint64_t entry, struct gm_mem *mem,
					 struct gm_go_program *program) GM_MUST_CHECK;

/* Of a process: the file that it mapped at @vma, an executable one; as above. */
struct gm_error *gm_go_program_open_mapped(pid_t pid, const struct gm_vma *vma, struct gm_mem *mem,
					   struct gm_go_program *program) GM_MUST_CHECK;

/* The same for the file at @path. */
struct gm_error *gm_go_program_open_file_mapped(const char *path, const struct gm_vma *vma,
						struct gm_mem *mem,
						struct gm_go_program *program) GM_MUST_CHECK;
void gm_go_program_deinit(struct gm_go_program *program);

/* All of it, or an error that names the address. */
struct gm_error *gm_go_program_read(const struct gm_go_program *program, uint64_t address,
				    void *buffer, size_t size) GM_MUST_CHECK;

/* Its segments in the process, as gm_elf_segments(). */
size_t gm_go_program_segments(const struct gm_go_program *program, struct gm_elf_segment *segments,
			      size_t max);

/* Sees @size bytes that lie at @address; true ends the scan. */
typedef bool (*gm_go_scanner)(void *context, uint64_t address, const void *bytes, size_t size);

/* What all scans for one thing may see together, bytes: a sparse file has any number of them. */
#define GM_GO_SCAN_MAX (1ULL << 30)

/* Hands out [start, end) in pieces, aligned to 8, that overlap by @overlap bytes, less than 4096;
 * what cannot be read is left out, and what is more than *@left, which becomes less by what was
 * seen. True where @scanner said so.
 */
bool gm_go_program_scan(const struct gm_go_program *program, uint64_t start, uint64_t end,
			uint64_t *left, size_t overlap, gm_go_scanner scanner, void *context);

#endif
