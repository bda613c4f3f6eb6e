/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reading end of /proc/gomem/events, and what was read added up. */
#ifndef KSELFTEST_STREAM_H
#define KSELFTEST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "gomem.h"

#define CPUS_MAX 64
#define KINDS_MAX 256
#define RECORD ((long)sizeof(struct gomem_event))

/* Open it with @flags beside O_RDWR, with @options unless NULL written. Return: a
 * descriptor, or -errno of open() or write().
 */
int stream_open(const char *options, int flags);
/* The same that must succeed, and has been asked once: from now on it is told. */
int stream_start(const char *options, int flags);
/* poll() for what can be read, for at most @ms. Return: the events, 0 for none. */
int stream_poll(int fd, int ms);

/**
 * struct tally - what was read
 * @lo, @hi: of events, only those that start in [@lo, @hi) count; lost ones all do
 * @kinds: events by kind
 * @lost: events lost, as told
 * @gaps: records that told it
 * @pages: 4 KiB pages of [@lo, @hi), each a byte: how many events started there; or NULL
 * @is_ordered: each CPU's times never went back
 * @is_whole: no read gave a piece of a record, or one that cannot be
 * @cpu_ns: the last time of each CPU
 */
struct tally {
	unsigned long lo;
	unsigned long hi;
	long kinds[KINDS_MAX];
	long lost;
	long gaps;
	unsigned char *pages;
	bool is_ordered;
	bool is_whole;
	unsigned long cpu_ns[CPUS_MAX];
};

/* An empty tally of [@lo, @lo + @bytes), with @pages unless @bytes is LONG_MAX, for all. */
struct tally tally_of(long lo, long bytes);
void tally_free(struct tally *t);
/* Add @n records. */
void tally_add(struct tally *t, const struct gomem_event *events, long n);
/* Read once and add it. Return: records, 0 for an end of file, -errno. */
long tally_read(struct tally *t, int fd);
/* Read until there is nothing more: @fd is O_NONBLOCK. */
void tally_drain(struct tally *t, int fd);
/* How many pages have exactly one event. */
long tally_once(const struct tally *t);

#endif
