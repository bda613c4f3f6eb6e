/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks known by construction: functions with frame pointers that say where they return to,
 * below a first one that ends the chain, or goes on in frames made by hand; and a goroutine
 * that is made of plain memory, in a layout no Go has. Each verb is a target_fn.
 */
#ifndef KSELFTEST_CHAINS_H
#define KSELFTEST_CHAINS_H

#define FRAMES 5 /* of a chain: where it touched, and four return addresses */
#define DEEP 100

/* How struct goroutine and struct machine lie in memory. */
#define LAYOUT "m=24 curg=40 goid=16 labels=48 stack=0 sched_pc=64 sched_bp=72"

struct machine {
	unsigned long unused[5];
	unsigned long curg;
};

struct goroutine {
	unsigned long lo;
	unsigned long hi;
	unsigned long goid;
	struct machine *m;
	unsigned long unused[2];
	unsigned long labels;
	unsigned long unused_too;
	unsigned long pc;
	unsigned long bp;
};

/* A frame as rbp points to it. */
struct frame {
	unsigned long next;
	unsigned long pc;
};

/**
 * struct shared - between the test and its targets
 * @frames: of the last chain that ran
 * @tids: of the threads
 * @deep: frames made by hand
 * @user: a goroutine, @g0 the runtime's own, both of @m
 */
struct shared {
	unsigned long frames[FRAMES];
	long tids[2];
	struct frame deep[DEEP];
	struct goroutine user;
	struct goroutine g0;
	struct machine m;
};

extern struct shared *shared;

/* In assembly: @fn(@a, @b) with these registers; a byte to each page, without a frame. */
long call(void *fn, long a, long b, unsigned long rbp, unsigned long r14);
void bare(long addr, long pages);

/* Make @shared; before any target. */
void chains_init(void);

/* Where the innermost function was: in touch, peek, behind a system call; in do_bare(). */
extern char touch_here[], peek_here[], entered_here[], bare_here[];

/* At the end of a chain, which is then in shared->frames from [1] on: write, or read, a byte of
 * each page; mmap(), the address; madvise(), what it returned.
 */
long do_chain_touch(long addr, long pages, long unused);
long do_chain_peek(long addr, long pages, long unused);
long do_chain_mmap(long bytes, long unused, long unused2);
long do_chain_madvise(long addr, long bytes, long advice);
/* Write a byte, without a frame, with these values in rbp, and in r14 and current_g. */
long do_bare(long addr, long rbp, long g);
/* Two threads, one after the other; the second touches twice as many pages. */
long do_threads(long addr, long pages, long unused);
/* @n times do_bare(), each page from a stack of its own, or a goroutine of its own. */
long do_many_stacks(long addr, long n, long unused);
long do_many_goroutines(long addr, long n, long unused);
/* How far behind the thread pointer current_g lies. */
long do_tls(long unused, long unused2, long unused3);
/* Stay on one CPU, whose sampling is then its own. */
long do_pin(long cpu, long unused, long unused2);
/* Touch @shared: fork put nothing of it in the page table, where a handler must find it. */
long do_reach(long unused, long unused2, long unused3);

#endif
