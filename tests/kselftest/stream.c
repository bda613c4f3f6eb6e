// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib.h"

int stream_open(const char *options, int flags)
{
	int fd = open("/proc/gomem/events", O_RDWR | O_CLOEXEC | flags), err;

	if (fd < 0)
		return -errno;
	if (!options || write(fd, options, strlen(options)) == (ssize_t)strlen(options))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int stream_poll(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

int stream_start(const char *options, int flags)
{
	int fd = stream_open(options, flags);

	if (fd < 0)
		die("opening the stream with '%s' failed: %s", options, strerror(-fd));
	if (stream_poll(fd, 0))
		die("the stream opens with something in it");
	return fd;
}

struct tally tally_of(long lo, long bytes)
{
	return (struct tally){
		.lo = lo,
		.hi = lo + bytes,
		.pages = bytes == LONG_MAX ? NULL : calloc(bytes / PAGE + 1, 1),
		.is_ordered = true,
		.is_whole = true,
	};
}

void tally_free(struct tally *t)
{
	free(t->pages);
}

static void add(struct tally *t, const struct gomem_event *e)
{
	if (e->cpu >= CPUS_MAX || e->reserved || !e->time_ns || e->end < e->start) {
		t->is_whole = false;
		return;
	}
	t->is_ordered &= e->time_ns >= t->cpu_ns[e->cpu];
	t->cpu_ns[e->cpu] = e->time_ns;
	if (e->kind == GOMEM_KIND_lost) {
		t->lost += e->bytes;
		t->gaps++;
	} else if (e->start >= t->lo && e->start < t->hi) {
		t->kinds[e->kind]++;
		if (t->pages)
			t->pages[(e->start - t->lo) / PAGE]++;
	}
}

void tally_add(struct tally *t, const struct gomem_event *events, long n)
{
	while (n-- > 0)
		add(t, events++);
}

long tally_read(struct tally *t, int fd)
{
	static struct gomem_event events[4096];
	long n = read(fd, events, sizeof(events));

	if (n < 0)
		return -errno;
	t->is_whole &= n % RECORD == 0;
	tally_add(t, events, n / RECORD);
	return n / RECORD;
}

void tally_drain(struct tally *t, int fd)
{
	long n;

	while ((n = tally_read(t, fd)) > 0)
		continue;
	if (n != -EAGAIN)
		die("draining the stream ended with %ld", n);
}

long tally_once(const struct tally *t)
{
	long i, n = 0;

	for (i = 0; i < (long)(t->hi - t->lo) / PAGE; i++)
		n += t->pages[i] == 1;
	return n;
}
