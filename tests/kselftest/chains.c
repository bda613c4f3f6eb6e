// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "chains.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib.h"

#pragma GCC optimize("no-omit-frame-pointer")

#define VERB __attribute__((noipa))

struct shared *shared;

/* What the innermost function of a chain does: touch pages, or a system call. */
struct job {
	void (*leaf)(const struct job *job);
	long arg[6];
};

static __thread struct goroutine *current_g;

/*
 * call(fn, a, b, rbp, r14): fn(a, b) with these registers, so that its frames end as rbp says.
 * bare(addr, pages): write a byte to each page, without a frame.
 */
__asm__(".text\n"
	".globl bare_here, touch_here, peek_here, entered_here\n"
	"call:	push %rbp\n"
	"	push %r14\n"
	"	push %rbx\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rbp\n"
	"	mov %r8, %r14\n"
	"	call *%rax\n"
	"called:	pop %rbx\n"
	"	pop %r14\n"
	"	pop %rbp\n"
	"	ret\n"
	"bare:	mov %rsi, %rcx\n"
	"bare_here:	movb $1, (%rdi)\n"
	"	add $4096, %rdi\n"
	"	dec %rcx\n"
	"	jnz bare_here\n"
	"	ret\n");

#define REMEMBER(n) (shared->frames[n] = (unsigned long)__builtin_return_address(0))

static VERB void leaf_touch(const struct job *job)
{
	long addr = job->arg[0], pages = job->arg[1];

	REMEMBER(1);
	__asm__ volatile("touch_here: movb $1, (%0); add $4096, %0; dec %1; jnz touch_here"
			 : "+r"(addr), "+r"(pages)
			 :
			 : "memory");
}

static VERB void leaf_peek(const struct job *job)
{
	long addr = job->arg[0], pages = job->arg[1];

	REMEMBER(1);
	__asm__ volatile("peek_here: cmpb $1, (%0); add $4096, %0; dec %1; jnz peek_here"
			 : "+r"(addr), "+r"(pages)
			 :
			 : "memory");
}

static VERB void leaf_enter(const struct job *job)
{
	/* cppcheck-suppress constStatement */
	register long r10 __asm__("r10") = job->arg[4];
	register long r8 __asm__("r8") = -1;
	register long r9 __asm__("r9") = 0;
	long number = job->arg[0];

	REMEMBER(1);
	__asm__ volatile("syscall\nentered_here:"
			 : "+a"(number)
			 : "D"(job->arg[1]), "S"(job->arg[2]), "d"(job->arg[3]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	shared->tids[0] = number;
}

static VERB long chain_3(const struct job *job)
{
	REMEMBER(2);
	job->leaf(job);
	return 1;
}

static VERB long chain_2(const struct job *job)
{
	REMEMBER(3);
	return chain_3(job) + 1;
}

static VERB long chain_1(const struct job *job, long unused UNUSED)
{
	REMEMBER(4);
	return chain_2(job) + 1;
}

/* At the end of a chain of known frames, which ends in call(). */
static void run_at(const struct job *job)
{
	call(chain_1, (long)job, 0, 0, 0);
}

long do_chain_touch(long addr, long pages, long unused UNUSED)
{
	run_at(&(struct job){ leaf_touch, { addr, pages } });
	return 0;
}

long do_chain_peek(long addr, long pages, long unused UNUSED)
{
	run_at(&(struct job){ leaf_peek, { addr, pages } });
	return 0;
}

long do_chain_mmap(long bytes, long unused UNUSED, long unused2 UNUSED)
{
	struct job job = { leaf_enter, { SYS_mmap, 0, bytes } };

	job.arg[3] = PROT_READ;
	job.arg[4] = MAP_PRIVATE | MAP_ANONYMOUS;
	run_at(&job);
	return shared->tids[0];
}

long do_chain_madvise(long addr, long bytes, long advice)
{
	run_at(&(struct job){ leaf_enter, { SYS_madvise, addr, bytes, advice } });
	return shared->tids[0];
}

long do_bare(long addr, long rbp, long g)
{
	current_g = (struct goroutine *)g;
	call(bare, addr, 1, rbp, g);
	return 0;
}

long do_pin(long cpu, long unused UNUSED, long unused2 UNUSED)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

long do_tls(long unused UNUSED, long unused2 UNUSED, long unused3 UNUSED)
{
	unsigned long fs;

	__asm__("mov %%fs:0, %0" : "=r"(fs));
	return (long)&current_g - (long)fs;
}

struct thread {
	long addr;
	long pages;
	long *tid;
};

static void *thread_main(void *arg)
{
	const struct thread *thread = arg;

	*thread->tid = syscall(SYS_gettid);
	do_chain_touch(thread->addr, thread->pages, 0);
	return NULL;
}

long do_threads(long addr, long pages, long unused UNUSED)
{
	struct thread threads[] = { { addr, pages, &shared->tids[0] },
				    { addr + PAGES(pages), 2 * pages, &shared->tids[1] } };
	pthread_t id;
	int i;

	for (i = 0; i < 2; i++)
		if (pthread_create(&id, NULL, thread_main, &threads[i]) || pthread_join(id, NULL))
			die("a thread could not run");
	return 0;
}

/* Of two frames: where it is, and a pc of its own. */
long do_many_stacks(long addr, long n, long unused UNUSED)
{
	struct frame frame = { 0, 0 };
	long i;

	for (i = 0; i < n; i++) {
		frame.pc = PAGE + i;
		do_bare(addr + PAGES(i), (long)&frame, 0);
	}
	return 0;
}

long do_many_goroutines(long addr, long n, long unused UNUSED)
{
	long i;

	shared->m.curg = (unsigned long)&shared->user;
	for (i = 0; i < n; i++) {
		shared->user.goid = i + 1;
		do_bare(addr + PAGES(i), 0, (long)&shared->user);
	}
	return 0;
}

long do_reach(long unused UNUSED, long unused2 UNUSED, long unused3 UNUSED)
{
	size_t at;

	for (at = 0; at < sizeof(*shared); at += 64)
		*((volatile char *)shared + at) |= 0;
	return 0;
}

void chains_init(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	memset(shared, 0, sizeof(*shared));
}
