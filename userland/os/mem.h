/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a process, read from outside: never stopped, never written. */
#ifndef GM_OS_MEM_H
#define GM_OS_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct gm_mem; /* a source of target memory: a live pid, or what was kept of one */

/* Checks that @pid exists and may be read (ESRCH, EPERM); caller destroys. */
struct gm_error *gm_mem_open_pid(pid_t pid, struct gm_mem **mem) GM_MUST_CHECK;
void gm_mem_destroy(struct gm_mem *mem);
GM_DEFINE_AUTO(gm_mem)

/* All of [address, address + size) into @buffer, or an error that names the
 * address: EFAULT where unmapped or short.
 */
struct gm_error *gm_mem_read(struct gm_mem *mem, uint64_t address, void *buffer,
			     size_t size) GM_MUST_CHECK;

/**
 * struct gm_mem_piece - one range of a bulk read
 * @address: of the target
 * @size: bytes
 * @buffer: where to
 * @ok: false where the whole range could not be read (the buffer is then zeroed)
 */
struct gm_mem_piece {
	uint64_t address;
	size_t size;
	void *buffer;
	bool ok;
};

/* Many ranges, as few system calls as there can be (process_vm_readv, IOV_MAX a
 * call). An unreadable piece is marked, not an error; a dead target is (ESRCH).
 */
struct gm_error *gm_mem_read_pieces(struct gm_mem *mem, struct gm_mem_piece *pieces,
				    size_t count) GM_MUST_CHECK;

/* How much the process has by now, resident and swapped out, bytes: no more of its memory says
 * anything. UINT64_MAX: not known, as of one that is no more.
 */
uint64_t gm_mem_bytes(const struct gm_mem *mem);

#endif
