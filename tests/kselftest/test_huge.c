// SPDX-License-Identifier: GPL-2.0-or-later
/* The story of each 2 MiB, /proc/gomem/huge: memory whose history is known by construction. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "memory.h"
#include "verbs.h"

#define FILE_NAME "/proc/gomem/huge"
#define COLLAPSE 25 /* MADV_COLLAPSE, Linux 6.1 */
#define STEP_MS \
	1000 /* a time is kept in steps of a quarter of a second; and then the test takes its own */

static struct target target;

static long collapse(long p, long bytes, long unused UNUSED)
{
	return madvise((void *)p, bytes, COLLAPSE) ? -errno : 0;
}

static long dontneed(long p, long bytes, long unused UNUSED)
{
	return madvise((void *)p, bytes, MADV_DONTNEED);
}

/* The row of the block at @addr, after @words; dies without one. */
static struct table *block(const char *words, long addr, int *row)
{
	struct table *t = table_ask("huge", words);

	for (*row = 0; *row < t->rows; ++*row) {
		if (table_hex(t, *row, "start") == (unsigned long)addr &&
		    table_dec(t, *row, "pid") == (unsigned long)target.pid)
			return t;
	}
	die("huge has no row of %lx", addr);
}

/* name: column=value,... of the block at @addr */
static void check(const char *words, long addr, const char *name, const char *wants)
{
	char copy[256], *save, *want, *value;
	struct table *t;
	int row;

	t = block(words, addr, &row);
	snprintf(copy, sizeof(copy), "%s", wants);
	for (want = strtok_r(copy, " ", &save); want; want = strtok_r(NULL, " ", &save)) {
		value = strchr(want, '=');
		*value++ = 0;
		tap_ok(!strcmp(table_str(t, row, want), value), "%s: %s is %s, by construction %s",
		       name, want, table_str(t, row, want), value);
	}
	table_free(t);
}

static void check_recent(long addr, const char *column, const char *name)
{
	struct table *t;
	int row;

	t = block("", addr, &row);
	tap_ok(strcmp(table_str(t, row, column), "-") && table_dec(t, row, column) < STEP_MS * 10,
	       "%s: %s was a moment ago (%s ms)", name, column, table_str(t, row, column));
	table_free(t);
}

static void test_fault(void)
{
	long p = target_call(&target, do_map, HUGE, MADV_HUGEPAGE, 0);

	target_call(&target, do_touch, p, HUGE, HUGE);
	check("zeros=1", p, "a huge page by a fault",
	      "rss=2048 thp=2048 anon=0 mthp=0 huge_faults=1 zero=2044 by=fault last_release=- "
	      "collapses=0");
	check("", p, "not asked for zeros", "zero=-");
	check_recent(p, "first_fault", "a huge page by a fault");
	check_recent(p, "last_huge", "a huge page by a fault");
	target_call(&target, do_touch, p, HUGE, PAGE);
	check("zeros=1", p, "the same, all written", "zero=0 faults=1");
	target_call(&target, dontneed, p, HUGE, 0);
	check("zeros=1", p, "the same, given back",
	      "rss=0 thp=0 zero=- released=2048 releases=1 churn=0");
	check_recent(p, "last_release", "the same, given back");
	target_call(&target, do_touch, p, HUGE, HUGE);
	check("", p, "the same, faulted again", "thp=2048 huge_faults=2 churn=2048 refills=0");
	target_call(&target, do_unmap, p, HUGE, 0);
}

/*
 * A page whose memory is broken, in a huge page that cannot be split, as a pipe has another page of
 * it: to read it would be a machine check. Who breaks it may be killed for that: it is a child.
 * Return: 0, or the errno of a kernel that breaks none.
 */
static long poison(long p, long page, long unused UNUSED)
{
	struct iovec iov = { (void *)p, PAGE };
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) || vmsplice(fds[1], &iov, 1, 0) != PAGE)
		die("vmsplice failed: %s", strerror(errno));
	pid = fork();
	if (!pid)
		_exit(madvise((void *)(p + page * PAGE), PAGE, MADV_HWPOISON) ? errno : 0);
	if (waitpid(pid, &status, 0) != pid)
		die("waiting for who breaks a page failed: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void test_poison(void)
{
	long p = target_call(&target, do_map, HUGE, MADV_HUGEPAGE, 0), err;

	target_call(&target, do_touch, p, HUGE, HUGE);
	err = target_call(&target, poison, p, 3, 0);
	if (err == EINVAL)
		tap_skip("this kernel breaks no page", "a huge page with a broken page");
	else
		check("zeros=1", p, "a huge page with a broken page, which is not read",
		      "thp=2048 zero=2040");
	target_call(&target, do_unmap, p, HUGE, 0);
}

static void test_churn(void)
{
	long p = target_call(&target, do_map, HUGE, 0, 0);

	target_call(&target, do_touch, p, HUGE, PAGE);
	target_call(&target, dontneed, p + PAGES(100), PAGES(60), 0);
	target_call(&target, dontneed, p + PAGES(200), PAGES(40), 0);
	check("", p, "two releases",
	      "anon=1648 rss=1648 released=400 releases=2 churn=0 by=- last_huge=-");
	target_call(&target, do_touch, p + PAGES(100), PAGES(25), PAGE);
	check("", p, "a quarter faulted again", "churn=100 released=400 anon=1748");
	target_call(&target, do_unmap, p, HUGE, 0);
}

static void test_refill(void)
{
	long p = target_call(&target, do_map, HUGE, 0, 0), err;

	target_call(&target, do_touch, p, HUGE, PAGE);
	target_call(&target, dontneed, p + PAGES(256), PAGES(256), 0);
	err = target_call(&target, collapse, p, HUGE, 0);
	if (err == -EINVAL) {
		tap_skip("this kernel has no MADV_COLLAPSE", "a refill");
		return;
	}
	tap_eq(0, "errno", err, "madvise", "MADV_COLLAPSE");
	check("zeros=1", p, "a collapse after a release",
	      "thp=2048 collapses=1 refills=1 filled=1024 zero=1024 by=madvise");
	/* Given back and filled up by hand: a collapse of what is all there fills nothing. */
	target_call(&target, dontneed, p, HUGE, 0);
	target_call(&target, do_advise, p, HUGE, MADV_NOHUGEPAGE);
	target_call(&target, do_touch, p, HUGE, PAGE);
	target_call(&target, do_advise, p, HUGE, MADV_HUGEPAGE);
	target_call(&target, collapse, p, HUGE, 0);
	check("", p, "a second one", "thp=2048 collapses=2 refills=2 filled=1024 churn=2048");
}

/* What lies in two VMAs has two rows. */
static void test_split(void)
{
	long p = target_call(&target, do_map, HUGE, 0, 0);

	target_call(&target, do_touch, p, PAGES(10), PAGE);
	target_call(&target, do_protect, p, PAGES(5), PROT_READ);
	target_call(&target, do_touch, p + PAGES(300), PAGES(7), PAGE);
	check("", p, "the first VMA of a block", "rss=20");
	check("", p + PAGES(5), "the second VMA of a block", "rss=48");
}

static void check_pid_filter(void)
{
	struct target other = target_start();
	char words[32];
	struct table *t;
	int row, ours = 0, others = 0;

	gomem_add(other.pid);
	snprintf(words, sizeof(words), "pid=%d", other.pid);
	t = table_ask("huge", words);
	for (row = 0; row < t->rows; row++) {
		ours += table_dec(t, row, "pid") == (unsigned long)target.pid;
		others += table_dec(t, row, "pid") == (unsigned long)other.pid;
	}
	tap_ok(!ours && others, "%s: %d rows of it, %d of another", words, others, ours);
	table_free(t);
	target_kill(&other);
	gomem_del(other.pid);
}

static void check_sum(void)
{
	struct table *t;
	unsigned long rss = 0;
	int row;

	target_stop(&target);
	t = table_read("huge");
	for (row = 0; row < t->rows; row++)
		rss += table_dec(t, row, "rss");
	tap_eq(summary(target.pid, "rss"), "summary", rss, "huge", "the rows' rss add up (kB)");
	table_free(t);
	target_go(&target);
}

static void check_write(const char *words, int want)
{
	tap_eq(want, "errno, contract", file_write(FILE_NAME, "%s", words), "write", "'%s'", words);
}

static void check_words(void)
{
	char text[64];
	int fd = open(FILE_NAME, O_RDWR);

	check_write("zeros=1 pid=1", 0);
	check_write("zeros=2", -EINVAL);
	check_write("zeros", -EINVAL);
	check_write("pid=x", -EINVAL);
	check_write("pid=-1", -EINVAL);
	check_write("pid=4194305", -ESRCH);
	check_write("nonsense=1", -EINVAL);
	if (read(fd, text, sizeof(text)) < 0)
		die("reading %s: %s", FILE_NAME, strerror(errno));
	tap_ok(write(fd, "zeros=1", 7) < 0 && errno == EBUSY, "after the first read: EBUSY");
	close(fd);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	module_require();
	target = target_start();
	gomem_add(target.pid);

	test_fault();
	test_poison();
	test_churn();
	test_refill();
	test_split();
	check_pid_filter();
	check_sum();
	check_words();

	target_exit(&target);
	module_unload();
	return tap_done();
}
