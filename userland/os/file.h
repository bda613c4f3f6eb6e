/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole small files, and the files of /proc/PID, with errors that say what to do. */
#ifndef GM_OS_FILE_H
#define GM_OS_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* All of @path, NUL-terminated after @size bytes; caller frees. EFBIG above @max bytes. */
struct gm_error *gm_file_read(const char *path, size_t max, char **text,
			      size_t *size) GM_MUST_CHECK;

/* /proc/@pid/@name, read-only. ESRCH where the process is gone, EACCES where it
 * may not be looked at.
 */
struct gm_error *gm_proc_open(pid_t pid, const char *name, int *fd) GM_MUST_CHECK;
struct gm_error *gm_proc_read(pid_t pid, const char *name, size_t max, char **text,
			      size_t *size) GM_MUST_CHECK;

/* Why /proc/@pid/@name could not be read, in words that fit the errno @code. */
struct gm_error *gm_proc_error(pid_t pid, const char *name, int code);

/* For a descriptor: gm_autoclose int fd = -1; */
#define gm_autoclose __attribute__((cleanup(gm_autoclose_cleanup)))
void gm_autoclose_cleanup(int *fd);

/* Nanoseconds of the monotonic clock. */
uint64_t gm_clock_ns(void);

#endif
