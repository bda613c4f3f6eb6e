// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* process_vm_readv */
#include "os/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "os/file.h"
#include "os/host.h"
#include "os/mem_source.h"

#define BATCH_PIECES 1024 /* IOV_MAX */
/* The kernel silently cuts a call short at 2 GiB; staying far below it keeps
 * "short" to mean "unreadable".
 */
#define BATCH_BYTES ((size_t)256 << 20)

struct live {
	struct gm_mem mem;
	pid_t pid;
};

/* Of @count ranges, from the first on, how many bytes could be read; 0 with errno
 * EFAULT where the first could not.
 */
static ssize_t read_batch(const struct live *live, const struct gm_mem_piece *pieces, size_t count)
{
	struct iovec local[BATCH_PIECES], remote[BATCH_PIECES];
	ssize_t got;

	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){ pieces[i].buffer, pieces[i].size };
		remote[i] = (struct iovec){ (void *)(uintptr_t)pieces[i].address, pieces[i].size };
	}
	got = process_vm_readv(live->pid, local, count, remote, count, 0);
	/* EINVAL and ENOMEM come from addresses no process can have. */
	if (got < 0 && (errno == EFAULT || errno == EINVAL || errno == ENOMEM))
		return 0;
	return got;
}

static bool piece_possible(const struct gm_mem_piece *piece)
{
	uint64_t end;

	return !__builtin_add_overflow(piece->address, piece->size, &end);
}

static struct gm_error *mem_error(const struct live *live)
{
	return gm_proc_error(live->pid, "mem", errno);
}

/* One range of any size, in steps. */
static struct gm_error *read_long(const struct live *live, struct gm_mem_piece *piece)
{
	size_t done = 0;

	piece->ok = piece_possible(piece);
	while (piece->ok && done < piece->size) {
		size_t left = piece->size - done;
		struct gm_mem_piece step = {
			.address = piece->address + done,
			.size = left < BATCH_BYTES ? left : BATCH_BYTES,
			.buffer = (char *)piece->buffer + done,
		};
		ssize_t got = read_batch(live, &step, 1);

		if (got < 0)
			return mem_error(live);
		piece->ok = got == (ssize_t)step.size;
		done += step.size;
	}
	if (!piece->ok)
		memset(piece->buffer, 0, piece->size);
	return NULL;
}

/* How many pieces from the first on fit one system call. */
static size_t batch_count(const struct gm_mem_piece *pieces, size_t count)
{
	size_t bytes = 0, i;

	for (i = 0; i < count && i < BATCH_PIECES; i++) {
		if (!piece_possible(&pieces[i]) || pieces[i].size > BATCH_BYTES - bytes)
			break;
		bytes += pieces[i].size;
	}
	return i;
}

/* Marks the pieces that @got bytes fill; returns how many. */
static size_t mark_read(struct gm_mem_piece *pieces, size_t count, size_t got)
{
	size_t i;

	for (i = 0; i < count && pieces[i].size <= got; i++) {
		got -= pieces[i].size;
		pieces[i].ok = true;
	}
	return i;
}

static struct gm_error *read_live(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	const struct live *live = (const struct live *)mem;
	size_t done = 0;

	while (done < count) {
		size_t batch = batch_count(pieces + done, count - done);
		ssize_t got = batch ? read_batch(live, pieces + done, batch) : 0;
		size_t read;

		if (got < 0)
			return mem_error(live);
		read = mark_read(pieces + done, batch, got);
		done += read;
		/* The kernel stopped at this piece: alone it shows whether it is the bad one. */
		if (read < batch || !batch) {
			struct gm_error *error = read_long(live, &pieces[done++]);

			if (error)
				return error;
		}
	}
	return NULL;
}

static void destroy_live(struct gm_mem *mem)
{
	free(mem);
}

static void say_live(const struct gm_mem *mem, char *text, size_t size)
{
	snprintf(text, size, "of process %d", (int)((const struct live *)mem)->pid);
}

static uint64_t live_bytes(const struct gm_mem *mem)
{
	return gm_process_memory_bytes(((const struct live *)mem)->pid);
}

struct gm_error *gm_mem_open_pid(pid_t pid, struct gm_mem **mem)
{
	static const struct gm_mem_operations operations = { read_live, destroy_live, say_live,
							     live_bytes };
	/* Opening /proc/PID/mem asks the kernel the question that process_vm_readv() will. */
	gm_autoclose int fd = -1;
	struct gm_error *error = gm_proc_open(pid, "mem", &fd);
	struct live *live;

	if (error)
		return error;
	live = malloc(sizeof(*live));
	if (!live)
		return gm_error_create(ENOMEM, "out of memory");
	*live = (struct live){ { &operations }, pid };
	*mem = &live->mem;
	return NULL;
}

void gm_mem_destroy(struct gm_mem *mem)
{
	if (mem)
		mem->operations->destroy(mem);
}

struct gm_error *gm_mem_read_pieces(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	return mem->operations->read_pieces(mem, pieces, count);
}

uint64_t gm_mem_bytes(const struct gm_mem *mem)
{
	return mem->operations->bytes ? mem->operations->bytes(mem) : UINT64_MAX;
}

struct gm_error *gm_mem_read(struct gm_mem *mem, uint64_t address, void *buffer, size_t size)
{
	struct gm_mem_piece piece = { .address = address, .size = size, .buffer = buffer };
	struct gm_error *error = gm_mem_read_pieces(mem, &piece, 1);
	char where[256];

	if (error || piece.ok)
		return error; /* cppcheck-suppress returnDanglingLifetime ; it keeps no piece */
	mem->operations->where(mem, where, sizeof(where));
	return gm_error_create(EFAULT,
			       "cannot read %zu bytes at 0x%llx %s: not mapped, or no longer", size,
			       (unsigned long long)address, where);
}
