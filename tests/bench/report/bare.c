// SPDX-License-Identifier: GPL-2.0-or-later
/* What a report of a Go process cannot do without, and nothing else: "bare PID" copies its
 * mspans in bulk, by as few calls as there can be, into memory that is new as it is for a
 * program that runs once, and scans its pages once. It prints the nanoseconds of CPU time that
 * both took, the fastest of some turns, and how many mspans there were.
 */
#define _GNU_SOURCE 1 /* process_vm_readv */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "cmd_subject.h"
#include "go/spans.h"
#include "os/file.h"

#define TURNS 7
#define PIECES 1024 /* IOV_MAX */
#define REGIONS 65536
#define ADDRESS_MAX ((1ULL << 47) - 4096)

/* linux/fs.h of Linux 6.7 */
#define PAGE_IS_PRESENT (1ULL << 3)
#define PAGE_IS_SWAPPED (1ULL << 4)

struct scan_argument {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct scan_argument)

static void fail(const char *what)
{
	fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Of this process: what else runs on the machine is none of it. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The mspans' addresses become contiguous ranges. */
static size_t merge(const uint64_t *at, size_t count, size_t size, struct iovec *ranges)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		struct iovec *last = used ? &ranges[used - 1] : NULL;

		if (last && (uint64_t)last->iov_base + last->iov_len == at[i])
			last->iov_len += size;
		else
			ranges[used++] = (struct iovec){ (void *)at[i], size };
	}
	return used;
}

static uint64_t copy(pid_t pid, struct iovec *ranges, size_t count, size_t size)
{
	uint64_t started = cpu_ns();
	char *buffer = malloc(size + 1), *to = buffer;

	if (!buffer)
		fail("memory");
	for (size_t i = 0; i < count; i += PIECES) {
		size_t pieces = count - i < PIECES ? count - i : PIECES;
		struct iovec local = { to, size };
		ssize_t got = process_vm_readv(pid, &local, 1, ranges + i, pieces, 0);

		if (got < 0)
			fail("process_vm_readv");
		to += got;
		size -= got;
	}
	free(buffer);
	return cpu_ns() - started;
}

static uint64_t scan(int fd)
{
	static char regions[REGIONS][24];
	struct scan_argument argument = {
		.size = sizeof(argument),
		.end = ADDRESS_MAX,
		.vec = (uintptr_t)regions,
		.vec_len = REGIONS,
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
	};
	uint64_t started = cpu_ns();

	while (argument.start < argument.end) {
		if (ioctl(fd, PAGEMAP_SCAN, &argument) < 0)
			fail("PAGEMAP_SCAN");
		argument.start = argument.walk_end;
	}
	return cpu_ns() - started;
}

static uint64_t *read_addresses(const struct gm_subject *subject, size_t *count)
{
	uint64_t *at = NULL;
	struct gm_error *error = subject->go_problem;

	if (!error)
		error = gm_go_read_items(&subject->target,
					 gm_go_mheap_at(&subject->target, GM_GO_MHEAP_ALLSPANS),
					 sizeof(*at), GM_GO_SPANS_MAX, (void **)&at, count);
	if (error) {
		fprintf(stderr, "bare: %s\n", error->message);
		exit(1);
	}
	qsort(at, *count, sizeof(*at), by_value);
	return at;
}

static void measure(const struct gm_subject *subject, int pagemap)
{
	uint32_t size = gm_go_layout_size(&subject->image.layout, GM_GO_MSPAN_BYTES);
	uint64_t copied = UINT64_MAX, scanned = UINT64_MAX, took;
	size_t count, ranges_count;
	uint64_t *at = read_addresses(subject, &count);
	struct iovec *ranges = calloc(count + 1, sizeof(*ranges));

	if (!ranges)
		fail("memory");
	ranges_count = merge(at, count, size, ranges);
	for (int turn = 0; turn < TURNS; turn++) {
		took = copy(subject->pid, ranges, ranges_count, count * size);
		copied = took < copied ? took : copied;
		took = scan(pagemap);
		scanned = took < scanned ? took : scanned;
	}
	printf("%" PRIu64 " %" PRIu64 " %zu\n", copied, scanned, count);
	free(ranges);
	free(at);
}

int main(int argc, char **argv)
{
	struct gm_source source = { .pid = argc > 1 ? atoi(argv[1]) : 0 };
	struct gm_error *error;
	struct gm_subject subject;
	int pagemap;

	error = gm_subject_open(&source, &subject);
	if (!error)
		error = gm_proc_open(source.pid, "pagemap", &pagemap);
	if (error) {
		fprintf(stderr, "bare: %s\n", error->message);
		return 1;
	}
	measure(&subject, pagemap);
	close(pagemap);
	gm_subject_deinit(&subject);
	return 0;
}
