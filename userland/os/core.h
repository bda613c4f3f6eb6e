/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ELF core of a process, of the kernel or of gcore, has kept. Every byte is hostile. */
#ifndef GM_OS_CORE_H
#define GM_OS_CORE_H

#include "base/error.h"
#include "os/host.h"
#include "os/maps.h"
#include "os/mem.h"
#include "os/pages.h"

struct gm_core;

/* Opens the core at @path. Its program is @exe, or with NULL the file that the core names, as
 * long as that has the build id that the core has. errno's code where it cannot be opened;
 * EBADMSG where it is no core of a 64-bit little-endian process, or is corrupt; EINVAL where
 * @exe is another program than the core's. Caller destroys.
 */
struct gm_error *gm_core_open(const char *path, const char *exe,
			      struct gm_core **core) GM_MUST_CHECK;
void gm_core_destroy(struct gm_core *core);
GM_DEFINE_AUTO(gm_core)

/* The memory it has, and what of the program's and the libraries' files it left out: those that
 * are still there with the build id that the core has. The caller destroys @mem, before @core.
 */
struct gm_error *gm_core_mem(struct gm_core *core, struct gm_mem **mem) GM_MUST_CHECK;

/* The address space. Of a VMA without a file only the main stack and what brk() gave are told
 * from the others; shared memory by its name. Caller destroys.
 */
struct gm_error *gm_core_maps(const struct gm_core *core, struct gm_maps **maps) GM_MUST_CHECK;

/* The pages that the core proves to have been there, in memory or in swap: of memory without a
 * file those that it holds. Which of them were huge, lazily freed or swapped it cannot tell, nor
 * which pages of files were in memory; pages->missing says so. Caller destroys.
 */
struct gm_error *gm_core_pages(const struct gm_core *core, const struct gm_maps *maps,
			       struct gm_pages **pages) GM_MUST_CHECK;

/* Its name, and how many threads it had. */
void gm_core_process(const struct gm_core *core, struct gm_process *process);

pid_t gm_core_pid(const struct gm_core *core);

/* Where the kernel entered the program, and the path of that program; valid as long as @core.
 * ENOENT: no program was found, and the message says why.
 */
uint64_t gm_core_entry(const struct gm_core *core);
struct gm_error *gm_core_exe(const struct gm_core *core, const char **path) GM_MUST_CHECK;

/* The path of the file that was mapped at @address, where that is still there with the build id
 * that the core has; valid as long as @core. ENOENT: it is not, and the message says why.
 */
struct gm_error *gm_core_mapped(struct gm_core *core, uint64_t address,
				const char **path) GM_MUST_CHECK;

/* What is wrong with it, a sentence: it was cut short. NULL where nothing is. */
const char *gm_core_remark(const struct gm_core *core);

#endif
