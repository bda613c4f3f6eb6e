// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"

#define BYTES (64 * MB)
#define REPEATS 3
#define PROCESSES 4 /* of which the first does not count */

/*
 * A user stack of four frames: the fault happens in the innermost of three functions
 * with frame pointers, and the chain ends at who calls the outermost.
 */
__attribute__((noinline)) static void innermost(volatile char *memory)
{
	long at;

	/* Has gcc make a frame, which it leaves out where nothing is called. */
	asm volatile("" : : "r"(__builtin_frame_address(0)));
	for (at = 0; at < BYTES; at += PAGE)
		memory[at] = 1;
}

__attribute__((noinline)) static void middle(volatile char *memory)
{
	innermost(memory);
	memory[0] = 2;
}

__attribute__((used)) static void outermost(volatile char *memory)
{
	middle(memory);
	memory[0] = 3;
}

void touch_with_stack(volatile char *memory);
asm("touch_with_stack: push %rbp; xor %ebp, %ebp; call outermost; pop %rbp; ret");

/* What stands for the Go runtime: a thread that runs goroutine GOID. */
#define GOID 4711

struct runtime_m {
	long unused;
	struct runtime_g *curg;
};

static struct runtime_g {
	long stack[2];
	struct runtime_m *m;
	long goid;
	long labels;
	long sched_pc;
	long sched_bp;
} goroutine = { .m = &(struct runtime_m){ .curg = &goroutine }, .goid = GOID, .labels = 8 };

static __thread struct runtime_g *current_g;

#define AT(what, member) offsetof(struct runtime_##what, member)

static void be_go(void)
{
	long tls = (char *)&current_g - (char *)__builtin_thread_pointer();

	current_g = &goroutine;
	if (file_write("/proc/gomem/targets",
		       "go %d tls=%ld m=%zu curg=%zu goid=%zu labels=%zu stack=%zu "
		       "sched_pc=%zu sched_bp=%zu",
		       getpid(), tls, AT(g, m), AT(m, curg), AT(g, goid), AT(g, labels),
		       AT(g, stack), AT(g, sched_pc), AT(g, sched_bp)))
		die("gomem cannot be told where the goroutine is");
}

/* No figure is good because nothing was noted: all faults have this stack and goroutine. */
static void must_be_noted(void)
{
	struct table *stacks = table_read("stacks");
	unsigned long noted = 0;
	int row, frames;
	const char *at;

	for (row = 0; row < stacks->rows; row++) {
		at = table_str(stacks, row, "frames");
		for (frames = 1; (at = strchr(at, ',')); at++)
			frames++;
		if (table_dec(stacks, row, "pid") == (unsigned long)getpid() &&
		    table_dec(stacks, row, "goid") == GOID && frames == 4)
			noted += table_dec(stacks, row, "count");
	}
	if (noted < REPEATS * BYTES / PAGE)
		die("%lu faults have their stack, of %ld", noted, REPEATS * BYTES / PAGE);
	table_free(stacks);
}

/** enum role - what the process that faults is to the module */
enum role { STRANGER, TARGET, GO_TARGET };

/* Return: instructions of a fault, and of the loop around it. */
static long touch(void)
{
	void *memory =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start;

	if (memory == MAP_FAILED || madvise(memory, BYTES, MADV_NOHUGEPAGE))
		die("mapping memory failed: %s", strerror(errno));
	start = ticks();
	touch_with_stack(memory);
	start = ticks() - start;
	munmap(memory, BYTES);
	return start / (BYTES / PAGE);
}

static void child(int to, enum role role)
{
	long cost = 0;
	int i;

	if (role != STRANGER && gomem_add(getpid()))
		die("pid %d cannot be made a target", getpid());
	if (role == GO_TARGET)
		be_go();
	/* A probe is slow until the kernel has optimized it. */
	usleep(300 * 1000);
	for (i = 0; i < REPEATS; i++)
		cost = touch();
	if (role == GO_TARGET)
		must_be_noted();
	_exit(write(to, &cost, sizeof(cost)) != sizeof(cost));
}

static long in_a_process(enum role role)
{
	int ends[2];
	pid_t pid;
	long cost;

	if (pipe(ends))
		die("pipe failed: %s", strerror(errno));
	pid = fork();
	if (!pid)
		child(ends[1], role);
	close(ends[1]);
	if (pid < 0 || read(ends[0], &cost, sizeof(cost)) != sizeof(cost))
		die("the process that faults is gone");
	close(ends[0]);
	waitpid(pid, NULL, 0);
	if (role != STRANGER)
		gomem_del(pid);
	return cost;
}

void bench_fault(int argc, char **argv)
{
	long costs[PROCESSES];
	enum role role = STRANGER;
	int i;

	if (argc < 2)
		die("fault: which figure, and whose");
	if (argc > 2)
		role = strcmp(argv[2], "go") ? TARGET : GO_TARGET;
	for (i = 0; i < PROCESSES; i++)
		costs[i] = in_a_process(role);
	row(argv[0], argv[1], smallest(costs + 1, PROCESSES - 1));
}
