// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What counts as given back when page tables are emptied, and what does not: copies that stay,
 * memory taken from a process that dies; and how much of a large piece is looked at.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "lib.h"
#include "memory.h"
#include "verbs.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static int file;

/* A private mapping of a file's N pages, half of them copied, the others as in the file. */
static long half_copied(ARGS)
{
	long p;

	file = do_file(PAGES(N), 0, 0);
	p = do_map_fd(PAGES(N), file, MAP_PRIVATE);
	do_touch(p, PAGES(N / 2), PAGE);
	do_peek(p, PAGES(N), PAGE);
	return p;
}

static long punch(ARGS)
{
	return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGES(N));
}

static long truncate_it(ARGS)
{
	return ftruncate(file, 0);
}

static void copies(void)
{
	const struct want hole[] = { { "zap", 1, KB_OF(N / 2) }, {} };
	const struct want end[] = { { "zap", 2, KB_OF(N) }, {} };
	struct target t = target_start();
	long p = target_call(&t, half_copied, 0, 0, 0);

	target_settle(&t);
	gomem_add(t.pid);
	if (target_call(&t, punch, 0, 0, 0))
		die("punching a hole failed");
	tap_eq(KB_OF(N / 2), "as made", smaps_at(t.pid, p).kb[ANON], "kB, smaps",
	       "a hole in a file: the copies are there");
	tap_eq(KB_OF(N / 2), "as made", vmas_sum(t.pid, p, PAGES(N), "released"), "kB, vmas",
	       "a hole in a file: released");
	kinds_check("a hole in a file", t.pid, hole);
	if (target_call(&t, truncate_it, 0, 0, 0))
		die("truncating failed");
	tap_eq(KB_OF(N), "as made", vmas_sum(t.pid, p, PAGES(N), "released"), "kB, vmas",
	       "the end of a file: the copies, too, are released");
	kinds_check("the end of a file", t.pid, end);
	gomem_del(t.pid);
	target_kill(&t);
}

static long leave(ARGS)
{
	_exit(0);
}

/* Stops where it exits: its threads are at their end, its memory is still there. */
static void stop_at_exit(struct target *t)
{
	int status;

	if (ptrace(PTRACE_SEIZE, t->pid, 0, PTRACE_O_TRACEEXIT))
		die("PTRACE_SEIZE failed: %s", strerror(errno));
	target_begin(t, leave, 0, 0, 0);
	if (waitpid(t->pid, &status, 0) != t->pid || !WIFSTOPPED(status))
		die("the target did not stop at its exit");
}

/* Who takes the memory of a dying process gives nothing back for it. */
static void mrelease(void)
{
	struct target t = target_start();
	long p = target_call(&t, touched, 0, 0, 0), err;
	int fd = syscall(SYS_pidfd_open, t.pid, 0);

	gomem_add(t.pid);
	stop_at_exit(&t);
	err = syscall(SYS_process_mrelease, fd, 0) ? errno : 0;
	if (err) {
		tap_skip(strerror(err), "process_mrelease");
	} else {
		tap_eq(0, "as made", smaps_at(t.pid, p).kb[RSS], "kB, smaps",
		       "process_mrelease: the memory is gone");
		tap_eq(0, "contract", summary(t.pid, "released"), "kB, summary",
		       "process_mrelease: released");
		tap_eq(0, "contract", kinds_count(t.pid, "zap"), "counts", "process_mrelease: zap");
	}
	close(fd);
	ptrace(PTRACE_DETACH, t.pid, 0, 0);
	gomem_del(t.pid);
	target_kill(&t);
}

/*
 * A piece of @blocks times 2 MiB is unmapped, which is more than a hook may look through: of each
 * block @kb were still to be released, or 2048 are unseen.
 */
static void large(const char *name, target_fn make, long blocks, long kb)
{
	struct target t = target_start();
	long p, unseen, released;

	/* Before: a ledger gets room for so many blocks by and by. */
	gomem_add(t.pid);
	p = target_call(&t, make, blocks * HUGE, 0, 0);
	released = summary(t.pid, "released");
	target_call(&t, do_unmap, p, blocks * HUGE, 0);
	unseen = summary(t.pid, "unseen") / HUGE_KB;
	released = summary(t.pid, "released") - released;
	tap_note("%s: of %ld blocks %ld were not looked at", name, blocks, unseen);
	tap_ok(unseen > 0 && unseen < blocks, "%s: some, and not all, are unseen", name);
	tap_eq((blocks - unseen) * kb, "of the others, as made", released, "kB released, summary",
	       "%s", name);
	gomem_del(t.pid);
	target_kill(&t);
}

/* A page in each 2 MiB. */
static long sparse(long bytes, long b UNUSED, long c UNUSED)
{
	long p = do_map(bytes, MADV_NOHUGEPAGE, 0);

	do_touch(p, bytes, HUGE);
	return p;
}

/* All of it there, and given back by MADV_FREE. */
static long freed(long bytes, long b UNUSED, long c UNUSED)
{
	long p = do_map(bytes, MADV_NOHUGEPAGE, 0);

	do_touch(p, bytes, PAGE);
	do_advise(p, bytes, MADV_FREE);
	return p;
}

/* The huge zero page in each 2 MiB. */
static long huge_zeros(long bytes, long b UNUSED, long c UNUSED)
{
	long p = do_map(bytes, MADV_HUGEPAGE, 0);

	do_peek(p, bytes, HUGE);
	return p;
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	copies();
	mrelease();
	large("unmap of a page in each 2 MiB", sparse, 1100, PAGE_KB);
	large("unmap of what MADV_FREE gave back", freed, 128, 0);
	large("unmap of huge zero pages", huge_zeros, 5000, 0);
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
