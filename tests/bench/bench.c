// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib.h"

static const struct {
	const char *name;
	void (*run)(int argc, char **argv);
} benches[] = {
	{ "fault", bench_fault }, { "read", bench_read },     { "hold", bench_hold },
	{ "stall", bench_stall }, { "memory", bench_memory }, { "load", bench_load },
};

void row(const char *figure, const char *who, long value)
{
	printf("%s\t%s\t%ld\t\n", figure, who, value);
	fflush(stdout);
}

void row_missing(const char *figure, const char *who, const char *why)
{
	printf("%s\t%s\t-\t%s\n", figure, who, why);
	fflush(stdout);
}

long smallest(const long *values, int count)
{
	long least = values[0];
	int i;

	for (i = 1; i < count; i++)
		if (values[i] < least)
			least = values[i];
	return least;
}

void read_through(const char *path)
{
	static char buffer[128 * KB];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		die("opening %s failed: %s", path, strerror(errno));
	do {
		got = read(fd, buffer, sizeof(buffer));
	} while (got > 0);
	if (got < 0)
		die("reading %s failed: %s", path, strerror(errno));
	close(fd);
}

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(benches); i++) {
		if (strcmp(argv[1], benches[i].name))
			continue;
		benches[i].run(argc - 2, argv + 2);
		return 0;
	}
	fprintf(stderr,
		"usage: bench fault|read|hold|stall|memory|load; see tests/bench/bench.h\n");
	return 2;
}
