/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reading side of the contract, include/gomem.h: /proc/gomem's tables as structs. */
#ifndef GM_OS_MODULE_H
#define GM_OS_MODULE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"
#include "gomem.h"

#define GM_MODULE_DIRECTORY "/proc/" GOMEM_PROC_DIR

struct gm_module;

/* The module behind @directory, NULL for GM_MODULE_DIRECTORY.
 * ENOENT: not loaded. EACCES: not the host's root. EPROTO: a contract version we do not know.
 */
struct gm_error *gm_module_open(const char *directory, struct gm_module **module) GM_MUST_CHECK;
void gm_module_destroy(struct gm_module *module);
GM_DEFINE_AUTO(gm_module)

/* Whether @error, of any call below or the one above, says that there is no module, or none that
 * we may read: what can do without then does. NULL is no such error.
 */
bool gm_module_is_not_ours(const struct gm_error *error);

/* The binary file of page runs of a target. ENOENT: @pid is not a target that runs. */
struct gm_error *gm_module_open_pages(struct gm_module *module, pid_t pid, int *fd) GM_MUST_CHECK;

/* The event stream, O_NONBLOCK, with @words written to it, as struct gomem_event says, unless
 * they are empty. EBUSY: too many read it. ESRCH: they name a process that is not there.
 */
struct gm_error *gm_module_open_events(struct gm_module *module, const char *words,
				       int *fd) GM_MUST_CHECK;

/* Writes one command to targets, "add 42". errno's code where the kernel refuses, with words
 * for those of the contract: ESRCH, EEXIST, ENOENT, ENOSPC, EPERM, EINVAL, EAGAIN.
 */
struct gm_error *gm_module_command(struct gm_module *module, const char *format, ...) GM_MUST_CHECK
	__attribute__((format(printf, 2, 3)));

/* Row structs, a member per column: uint64_t for DEC and HEX, char * for STR,
 * unescaped. Sizes and releases are in kB, as in the file. A number that is "-"
 * there is UINT64_MAX here.
 */
#define GM_MODULE_DEC uint64_t
#define GM_MODULE_HEX uint64_t
#define GM_MODULE_STR const char *
#define GM_MODULE_MEMBER(name, type) GM_MODULE_##type name;

struct gm_module_vma {
	GOMEM_VMAS_COLUMNS(GM_MODULE_MEMBER)
};

struct gm_module_summary {
	GOMEM_SUMMARY_COLUMNS(GM_MODULE_MEMBER)
};

struct gm_module_target {
	GOMEM_TARGETS_COLUMNS(GM_MODULE_MEMBER)
};

struct gm_module_stack {
	GOMEM_STACKS_COLUMNS(GM_MODULE_MEMBER)
};

struct gm_module_probe {
	GOMEM_PROBES_COLUMNS(GM_MODULE_MEMBER)
};

/* 2 MiB, or the part of them in one VMA. */
struct gm_module_block {
	GOMEM_HUGE_COLUMNS(GM_MODULE_MEMBER)
};

/* Tables: the strings of all rows lie in @text, one allocation; both are owned. @remark: the
 * first line for people below the column names, in @text, without "# "; NULL without one.
 */
#define GM_MODULE_TABLE(row) \
	GM_VEC(struct row);  \
	char *text;          \
	const char *remark

struct gm_module_vmas {
	GM_MODULE_TABLE(gm_module_vma);
};

struct gm_module_summaries {
	GM_MODULE_TABLE(gm_module_summary);
};

struct gm_module_targets {
	GM_MODULE_TABLE(gm_module_target);
};

struct gm_module_stacks {
	GM_MODULE_TABLE(gm_module_stack);
};

struct gm_module_probes {
	GM_MODULE_TABLE(gm_module_probe);
};

struct gm_module_blocks {
	GM_MODULE_TABLE(gm_module_block);
};

/* Each reads and checks one file. EIO: it breaks the contract (the message says
 * where). EACCES: not the host's root. EBUSY: it could not keep up with a target's mmap() calls.
 * The table is then empty. Free with the _deinit beside it either way.
 */
struct gm_error *gm_module_read_vmas(struct gm_module *module,
				     struct gm_module_vmas *vmas) GM_MUST_CHECK;
void gm_module_vmas_deinit(struct gm_module_vmas *vmas);

struct gm_error *gm_module_read_summaries(struct gm_module *module,
					  struct gm_module_summaries *summaries) GM_MUST_CHECK;
void gm_module_summaries_deinit(struct gm_module_summaries *summaries);

struct gm_error *gm_module_read_targets(struct gm_module *module,
					struct gm_module_targets *targets) GM_MUST_CHECK;
void gm_module_targets_deinit(struct gm_module_targets *targets);

/* Else it has exited, and its pid may be another's. */
bool gm_module_target_runs(const struct gm_module_target *target);

struct gm_error *gm_module_read_stacks(struct gm_module *module,
				       struct gm_module_stacks *stacks) GM_MUST_CHECK;
void gm_module_stacks_deinit(struct gm_module_stacks *stacks);

struct gm_error *gm_module_read_probes(struct gm_module *module,
				       struct gm_module_probes *probes) GM_MUST_CHECK;
void gm_module_probes_deinit(struct gm_module_probes *probes);

struct gm_error *gm_module_read_blocks(struct gm_module *module,
				       struct gm_module_blocks *blocks) GM_MUST_CHECK;
void gm_module_blocks_deinit(struct gm_module_blocks *blocks);

#endif
