// SPDX-License-Identifier: GPL-2.0-or-later
/* os: the event stream's reader: good records, hostile ones, and a stream that waits. */
#define _GNU_SOURCE 1 /* pipe2, mkdtemp */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/events.h"
#include "os/module.h"
#include "tap.h"

#define CONTRACT "include/gomem.h"

static struct gm_events events;

/* What a read() of @size such bytes gives. */
static int read_bytes(const void *bytes, size_t size)
{
	struct gm_error *error;
	int fds[2], code;

	if (pipe2(fds, O_NONBLOCK) || write(fds[1], bytes, size) != (ssize_t)size)
		return -1;
	close(fds[1]);
	error = gm_events_read(fds[0], &events);
	code = error ? error->code : 0;
	gm_error_destroy(error);
	close(fds[0]);
	return code;
}

static const struct gomem_event good = {
	.time_ns = 5,
	.start = 0xc000000000,
	.end = 0xc000001000,
	.bytes = 4096,
	.pid = 42,
	.tid = 43,
	.cpu = 1,
	.kind = GOMEM_KIND_anon_fault,
};

static const struct {
	const char *what;
	struct gomem_event event;
} fine[] = {
	{ "a fault", good },
	{ "the last kind", { .time_ns = 1, .kind = GOMEM_KINDS_MAX - 1 } },
	{ "lost events", { .time_ns = 1, .bytes = 1, .kind = GOMEM_KIND_lost } },
	{ "the end of the address space", { .start = UINT64_MAX, .end = UINT64_MAX } },
	{ "a huge page", { .kind = GOMEM_KIND_huge_fault, .order = 9 } },
};

static const struct {
	const char *what;
	struct gomem_event event;
} broken[] = {
	{ "a kind past the last", { .kind = GOMEM_KINDS_MAX } },
	{ "kind 254", { .kind = 254 } },
	{ "an end before the start", { .start = 2, .end = 1 } },
	{ "nothing lost", { .kind = GOMEM_KIND_lost } },
	{ "order 64", { .order = 64 } },
	{ "a reserved field in use", { .reserved = 1 } },
};

static void test_records(void)
{
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		tap_u64(read_bytes(&fine[i].event, sizeof(good)), 0, fine[i].what, CONTRACT);
		tap_u64(events.count, 1, "is one", "construction");
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		const struct gomem_event both[] = { good, broken[i].event };

		tap_u64(read_bytes(both, sizeof(both)), EIO, broken[i].what, CONTRACT);
		tap_u64(events.count, 0, "and none is left", "os/events.h");
	}
}

static void test_pieces(void)
{
	const struct gomem_event two[] = { good, good };

	tap_u64(read_bytes(two, sizeof(two)), 0, "two at once", CONTRACT);
	tap_u64(events.count, 2, "are two", "construction");
	tap_ok(!memcmp(events.items, two, sizeof(two)), "and the same");
	for (size_t cut = 1; cut < sizeof(good); cut++)
		tap_u64(read_bytes(two, sizeof(two) - cut), EIO, "one cut short", CONTRACT);
	tap_u64(read_bytes(two, 0), EIO, "an end of the file", CONTRACT);
}

static void test_nothing_yet(void)
{
	struct gm_error *error;
	int fds[2];

	if (!tap_ok(!pipe2(fds, O_NONBLOCK), "a pipe"))
		return;
	events.count = 7;
	error = gm_events_read(fds[0], &events);
	tap_ok(!error, "nothing yet is no error");
	tap_u64(events.count, 0, "and no event", "os/events.h");
	close(fds[0]);
	close(fds[1]);
	error = gm_events_read(fds[0], &events);
	tap_u64(error ? error->code : 0, EBADF, "a file that is not there", "read(2)");
	gm_error_destroy(error);
}

static void test_names(void)
{
	static const char *const bad[] = { "",	   ",",	  "zap,", ",zap",    "zap,,cow",  "za",
					   "zapp", "Zap", "lost", "zap cow", "kinds=zap", "zap\n" };

	tap_str(gm_event_kind_name(GOMEM_KIND_zap), "zap", "a kind", CONTRACT);
	tap_str(gm_event_kind_name(GOMEM_KIND_exit), "exit", "the last kind", CONTRACT);
	tap_str(gm_event_kind_name(GOMEM_KIND_lost), "lost", "the kind of lost events", CONTRACT);
	tap_str(gm_event_kind_name(GOMEM_KINDS_MAX), NULL, "no kind", CONTRACT);
	tap_ok(gm_event_kinds_valid("zap"), "one kind");
	tap_ok(gm_event_kinds_valid("anon_fault,zap,exit,zap"), "four kinds");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		tap_ok(!gm_event_kinds_valid(bad[i]), "no kinds");
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

/* A directory that looks like the module's; what is asked for shows in its file. */
static void test_open(void)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	char directory[] = "gomem-test-XXXXXX", path[64], asked[64] = "";
	struct gm_error *error;
	int fd = -1;

	if (!tap_ok(mkdtemp(directory), "a directory"))
		return;
	write_text(directory, "version", "# gomem 2 version\n# module contract kernel\n");
	error = gm_module_open(directory, &module);
	gm_error_destroy(error ? error : gm_module_open_events(module, "", &fd));
	tap_u64(fd, -1, "no stream there", "construction");
	write_text(directory, "events", "");
	error = gm_module_open_events(module, "kinds=zap pid=7", &fd);
	snprintf(path, sizeof(path), "%s/events", directory);
	tap_ok(!error && pread(fd, asked, sizeof(asked) - 1, 0) > 0, "a stream there");
	tap_str(asked, "kinds=zap pid=7", "and it was asked", CONTRACT);
	tap_ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "it does not block");
	gm_error_destroy(error);
	close(fd);
	unlink(path);
	snprintf(path, sizeof(path), "%s/version", directory);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	test_records();
	test_pieces();
	test_nothing_yet();
	test_names();
	test_open();
	return tap_done();
}
