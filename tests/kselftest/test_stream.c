// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/gomem/events, what it says: every event once while the reader keeps up, each lost
 * one counted where it was lost, and only what was asked for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib.h"
#include "stream.h"
#include "verbs.h"

/* The kind of event that is made: each first write to a page of map_zero(). */
#define COPIES "kinds=cow"
#define FILE_NAME "/proc/gomem/events"
/* The smallest ring, and how many records of 48 bytes fit in its 4 KiB: a power of two. */
#define SMALL_RING "ring_kb=4"
#define SMALL_SLOTS 64
/* An emulator runs its CPUs in turns of 100 ms: the reader's may not have one for as long. */
#define LARGE_RING "ring_kb=1024"
#define THREADS 4
#define CPUS 2

/* Memory that was read: each page is the zero page. */
static long map_zero(long bytes, long unused UNUSED, long unused2 UNUSED)
{
	long p = do_map(bytes, MADV_NOHUGEPAGE, 0);

	do_peek(p, bytes, PAGE);
	return p;
}

static long pin(long cpu, long unused UNUSED, long unused2 UNUSED)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void load(const char *params)
{
	int ret;

	if (module_loaded() && module_unload())
		die("the module is held");
	ret = module_load(params);
	if (ret)
		die("loading /gomem.ko %s failed: %s", params, strerror(-ret));
}

static long copies_of(const struct tally *t)
{
	return t->kinds[GOMEM_KIND_cow];
}

struct share {
	long addr;
	long bytes;
};

static void *touch_share(void *arg)
{
	const struct share *share = arg;

	do_touch(share->addr, share->bytes, PAGE);
	return NULL;
}

static long touch_by_threads(long addr, long bytes, long unused UNUSED)
{
	struct share shares[THREADS];
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		shares[i] = (struct share){ addr + bytes / THREADS * i, bytes / THREADS };
		if (pthread_create(&threads[i], NULL, touch_share, &shares[i]))
			die("a thread cannot be made");
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* The reader runs whenever there is something to read. */
static void be_first(bool first)
{
	struct sched_param param = { .sched_priority = first };

	if (sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER, &param))
		die("no real-time priority: %s", strerror(errno));
}

static void lossless(const char *name, enum gomem_kind kind, target_fn map)
{
	const long pages = 32768;
	struct target t = target_watched("");
	long p = target_call(&t, map, PAGES(pages), MADV_NOHUGEPAGE, 0);
	struct tally tally = tally_of(p, PAGES(pages));
	double end = now() + 60;
	char options[32];
	int fd;

	snprintf(options, sizeof(options), "kinds=%s", name);
	fd = stream_start(options, O_NONBLOCK);
	be_first(true);
	target_begin(&t, touch_by_threads, p, PAGES(pages), 0);
	while (tally.kinds[kind] + tally.lost < pages && now() < end) {
		stream_poll(fd, 1000);
		tally_drain(&tally, fd);
	}
	be_first(false);
	target_end(&t);
	tally_drain(&tally, fd);
	tap_eq(pages, "as made", tally.kinds[kind], FILE_NAME, "a storm of %d threads: %s", THREADS,
	       name);
	tap_eq(pages, "as made", tally_once(&tally), FILE_NAME, "a storm: pages told once");
	tap_eq(0, "it keeps up", tally.lost, FILE_NAME, "a storm: lost");
	tap_ok(tally.is_ordered, "a storm: each CPU's order is kept");
	tap_ok(tally.is_whole, "a storm: whole records, fit to be seen");
	close(fd);
	tally_free(&tally);
	target_drop(&t);
}

/* A process per CPU, alone on it, makes so many that each ring overruns. */
static void nobody_reads(void)
{
	const long pages = 4096;
	struct target t[CPUS];
	struct tally tally = tally_of(0, LONG_MAX);
	long p[CPUS];
	int fd, i;

	for (i = 0; i < CPUS; i++) {
		t[i] = target_watched("");
		target_call(&t[i], pin, i, 0, 0);
		p[i] = target_call(&t[i], map_zero, PAGES(pages), 0, 0);
		target_settle(&t[i]);
	}
	fd = stream_start(COPIES, O_NONBLOCK);
	for (i = 0; i < CPUS; i++)
		target_begin(&t[i], do_touch, p[i], PAGES(pages), PAGE);
	for (i = 0; i < CPUS; i++)
		target_end(&t[i]);
	tally_drain(&tally, fd);
	tap_eq(CPUS * SMALL_SLOTS, "full rings", copies_of(&tally), FILE_NAME,
	       "nobody reads: records");
	tap_eq(CPUS * (pages - SMALL_SLOTS), "all others", tally.lost, FILE_NAME,
	       "nobody reads: lost");
	tap_ok(!stream_poll(fd, 0), "nobody reads: that was all");
	close(fd);
	for (i = 0; i < CPUS; i++)
		target_drop(&t[i]);
}

/*
 * One CPU touches page after page, so that what is missing shows in the addresses: each gap
 * is as long as the record in its place says.
 */
static bool is_seamless(const struct gomem_event *events, long n, long p, long *pages)
{
	long i, at = 0;

	for (i = 0; i < n; i++) {
		if (events[i].kind == GOMEM_KIND_lost)
			at += events[i].bytes;
		else if ((long)events[i].start != p + PAGES(at++))
			break;
	}
	*pages = at;
	return i == n;
}

static void gaps_in_place(void)
{
	static struct gomem_event events[1000];
	struct target t = target_watched("");
	long p = target_call(&t, map_zero, HUGE, 0, 0), n = 0, got, pages, i;
	char options[64];
	int fd;

	target_call(&t, pin, 0, 0, 0);
	target_settle(&t);
	snprintf(options, sizeof(options), COPIES " pid=%d", t.pid);
	fd = stream_start(options, O_NONBLOCK);
	/* Overrun; room for some; overrun again; then all of it, twice. */
	for (i = 0; i < 4; i++) {
		target_call(&t, do_touch, p + PAGES(100 * i), PAGES(100), PAGE);
		got = read(fd, events + n, i < 2 ? 10 * RECORD : sizeof(events) - n * RECORD);
		n += got / RECORD;
	}
	got = read(fd, events + n, sizeof(events) - n * RECORD);
	n += got > 0 ? got / RECORD : 0;
	tap_ok(is_seamless(events, n, p, &pages),
	       "gaps are where the lost records are, and as long (%ld records)", n);
	tap_eq(400, "as made", pages, FILE_NAME, "events told of or lost");
	tap_eq(10 + 10 + 2 * SMALL_SLOTS + 1, "what there was room for", n, FILE_NAME, "records");
	close(fd);
	target_drop(&t);
}

static long error_of(long ret)
{
	return ret < 0 ? -errno : ret;
}

static void buffers(void)
{
	struct gomem_event events[3];
	struct target t = target_watched("");
	long p = target_call(&t, map_zero, HUGE, 0, 0);
	int fd = stream_start(COPIES, O_NONBLOCK);

	target_call(&t, do_touch, p, PAGES(2), PAGE);
	tap_eq(-EINVAL, "contract", error_of(read(fd, events, RECORD - 1)), "read",
	       "a buffer smaller than a record");
	tap_eq(-EFAULT, "read(2)", error_of(read(fd, (void *)PAGE, RECORD)), "read",
	       "a buffer that is not there");
	tap_eq(RECORD, "contract", read(fd, events, 2 * RECORD - 1), "read",
	       "a record and most of another: bytes");
	tap_eq(p, "as made", events[0].start, FILE_NAME, "the first address");
	tap_eq(RECORD, "contract", read(fd, events, sizeof(events)), "read", "the rest: bytes");
	tap_eq(p + PAGE, "as made", events[0].start, FILE_NAME, "the second address");
	tap_eq(p + 2 * PAGE, "as made", events[0].end, FILE_NAME, "its end");
	tap_eq(t.pid, "getpid", events[0].pid, FILE_NAME, "the pid");
	tap_eq(t.pid, "gettid", events[0].tid, FILE_NAME, "the tid");
	tap_eq(PAGE, "include/gomem.h", events[0].bytes, FILE_NAME, "bytes");
	close(fd);
	target_drop(&t);
}

static void words(void)
{
	static const struct {
		const char *words;
		int want;
	} refusals[] = {
		{ "kinds=anon_fault,zap pid=1\n", 0 },
		{ "pid=1", 0 },
		{ "  kinds=fork  ", 0 },
		{ "kinds=", -EINVAL },
		{ "kinds", -EINVAL },
		{ "kinds=anon_fault,", -EINVAL },
		{ "kinds=,zap", -EINVAL },
		{ "kinds=anon", -EINVAL },
		{ "kinds=anon_faults", -EINVAL },
		{ "kinds=lost", -EINVAL },
		{ "pid=", -EINVAL },
		{ "pid", -EINVAL },
		{ "pid=-1", -EINVAL },
		{ "pid=1x", -EINVAL },
		{ "pid=99999999999", -EINVAL },
		{ "pid=0", -ESRCH },
		{ "pid=4194304", -ESRCH },
		{ "kinds=zap nonsense=1", -EINVAL },
		{ "nonsense", -EINVAL },
	};
	char text[64];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		fd = stream_open(refusals[i].words, 0);
		tap_eq(refusals[i].want, "contract", fd < 0 ? fd : 0, "write", "words %zu: %s", i,
		       strtok(strcpy(text, refusals[i].words), "\n"));
		close(fd);
	}
	fd = stream_start(NULL, 0);
	tap_eq(-EBUSY, "contract", error_of(write(fd, COPIES, strlen(COPIES))), "write",
	       "words after the first read");
	close(fd);
}

/* Copies of @pid among @events in the 2 MiB at @p. */
static long copies_from(const struct gomem_event *events, long n, pid_t pid, long p)
{
	struct tally tally = tally_of(p, HUGE);
	long i;

	for (i = 0; i < n; i++)
		if ((pid_t)events[i].pid == pid)
			tally_add(&tally, &events[i], 1);
	tally_free(&tally);
	return copies_of(&tally);
}

/* Two targets, four readers: each gets what it asked for. */
static void filters(void)
{
	static const struct {
		const char *name;
		const char *format;
		long from_a;
		long from_b;
	} readers[] = {
		{ "more kinds of one", "pid=%d kinds=exec,cow,fork", 10, 0 },
		{ "one kind", COPIES, 10, 20 },
		{ "one kind of one", COPIES " pid=%d", 10, 0 },
		{ "another kind", "kinds=exec", 0, 0 },
	};
	struct target a = target_watched(""), b = target_watched("");
	long p = target_call(&a, map_zero, HUGE, 0, 0), q = target_call(&b, map_zero, HUGE, 0, 0),
	     n;
	struct gomem_event events[512];
	int fds[ARRAY_SIZE(readers)];
	char options[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		snprintf(options, sizeof(options), readers[i].format, a.pid);
		fds[i] = stream_start(options, O_NONBLOCK);
	}
	target_call(&a, do_touch, p, PAGES(10), PAGE);
	target_call(&b, do_touch, q, PAGES(20), PAGE);
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		n = read(fds[i], events, sizeof(events)) / RECORD;
		tap_eq(readers[i].from_a, "as made", copies_from(events, n, a.pid, p), FILE_NAME,
		       "%s: of the first target", readers[i].name);
		tap_eq(readers[i].from_b, "as made", copies_from(events, n, b.pid, q), FILE_NAME,
		       "%s: of the second", readers[i].name);
		close(fds[i]);
	}
	target_drop(&a);
	target_drop(&b);
}

/* A fork leaves out page tables that only hold the zero page: the child reads again. */
static pid_t write_in_child(long p)
{
	pid_t pid = fork();

	if (!pid) {
		do_peek(p, PAGES(4), PAGE);
		do_touch(p, PAGES(4), PAGE);
		_exit(0);
	}
	return pid;
}

/* @children at a time, in @rounds: each writes to four pages. */
static long fork_storm(long p, long rounds, long children)
{
	long i;

	for (i = 0; i < rounds * children; i++) {
		if (write_in_child(p) < 0)
			die("fork failed: %s", strerror(errno));
		if (i % children == children - 1)
			while (wait(NULL) > 0)
				continue;
	}
	return 0;
}

static void forks(void)
{
	const long rounds = 10, children = 10, want = 4 * rounds * children;
	struct target t = target_start();
	long p = target_call(&t, map_zero, HUGE, 0, 0);
	struct tally tally = tally_of(p, HUGE);
	int fd;

	if (file_write("/proc/gomem/targets", "add %d follow=1", t.pid))
		die("adding a target failed");
	fd = stream_start(COPIES, O_NONBLOCK);
	target_call(&t, fork_storm, p, rounds, children);
	tally_drain(&tally, fd);
	tap_eq(want, "as made", copies_of(&tally), FILE_NAME, "a storm of forks: copies");
	tap_eq(rounds * children, "as made", tally.pages[0], FILE_NAME,
	       "a storm of forks: each child's first page");
	close(fd);
	tally_free(&tally);
	target_drop(&t);
}

/* What a target does that the namespace does not see is not told there. */
static bool tells_of(struct target *hidden)
{
	long p = target_call(hidden, map_zero, HUGE, 0, 0);
	int fd = stream_start(COPIES, O_NONBLOCK);
	struct gomem_event event;

	target_call(hidden, do_touch, p, PAGE, PAGE);
	return read(fd, &event, sizeof(event)) != -1 || errno != EAGAIN;
}

/* In a pid namespace of its own: the target is its child, so it knows it as number 2. */
static int inside(int outside, struct target *hidden)
{
	struct target t = target_start();
	struct gomem_event events[8];
	long p = target_call(&t, map_zero, HUGE, 0, 0);
	char options[64];
	int fd, n;

	if (gomem_add(t.pid))
		return 1;
	snprintf(options, sizeof(options), COPIES " pid=%d", t.pid);
	fd = stream_start(options, O_NONBLOCK);
	target_call(&t, do_touch, p, PAGE, PAGE);
	n = read(fd, events, sizeof(events)) / RECORD;
	if (n != 1 || (pid_t)events[0].pid != t.pid || (pid_t)events[0].tid != t.pid)
		return 2;
	n = read(outside, events, sizeof(events)) / RECORD;
	if (n != 1 || (pid_t)events[0].pid == t.pid || !events[0].pid)
		return 3;
	if (tells_of(hidden))
		return 4;
	target_drop(&t);
	return 0;
}

static void namespaces(void)
{
	struct target hidden = target_start();
	int fd = stream_start(COPIES, O_NONBLOCK), status;
	pid_t pid;

	if (gomem_add(hidden.pid))
		die("adding a target failed");
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(9);
		pid = fork();
		if (!pid)
			_exit(inside(fd, &hidden));
		waitpid(pid, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	waitpid(pid, &status, 0);
	tap_eq(0, "each its own number", WEXITSTATUS(status), "exit status",
	       "pids are of the pid namespace that opened the file");
	target_drop(&hidden);
	close(fd);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	mm_quiet();
	load(LARGE_RING);
	lossless("cow", GOMEM_KIND_cow, map_zero);
	lossless("anon_fault", GOMEM_KIND_anon_fault, do_map);
	buffers();
	words();
	filters();
	forks();
	namespaces();
	load(SMALL_RING);
	nobody_reads();
	gaps_in_place();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
