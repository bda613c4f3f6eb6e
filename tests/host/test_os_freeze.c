// SPDX-License-Identifier: GPL-2.0-or-later
/* os: children that count stand still, by the freezer of a control group made here and by a
 * signal, and go on, also when the one that stopped them is killed.
 */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/freeze.h"
#include "tap.h"

#define STILL_US 100000
#define PATIENCE 1000 /* of 10 ms: other work may have the processors */

struct counting {
	pid_t pid;
	volatile uint64_t *count;
};

static char group[128]; /* a control group of version 2 made here, "" where that cannot be */

static void put(const char *file, const char *text)
{
	char path[256];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	stream = fopen(path, "w");
	if (stream) {
		fputs(text, stream);
		fclose(stream);
	}
}

static bool frozen(void)
{
	gm_autofree char *text = NULL;
	char path[256];
	size_t size;

	snprintf(path, sizeof(path), "%s/cgroup.events", group);
	gm_error_destroy(gm_file_read(path, 4096, &text, &size));
	return text && strstr(text, "frozen 1");
}

static void make_group(const char *root)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.procs", root);
	if (*group || access(path, F_OK))
		return;
	snprintf(group, sizeof(group), "%s/gomem-freeze-%d", root, (int)getpid());
	snprintf(path, sizeof(path), "%s/cgroup.freeze", group);
	if (mkdir(group, 0700) || access(path, W_OK)) {
		rmdir(group);
		*group = '\0';
	}
}

static bool goes_on(const struct counting *counting)
{
	uint64_t before = *counting->count;

	for (int i = 0; i < PATIENCE && *counting->count == before; i++)
		usleep(10000);
	return *counting->count != before;
}

static bool stands_still(const struct counting *counting)
{
	uint64_t before = *counting->count;

	usleep(STILL_US);
	return *counting->count == before;
}

/* In the group, where there is one to be in. */
static struct counting start(bool in_group)
{
	struct counting counting;

	counting.count = mmap(NULL, sizeof(*counting.count), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	counting.pid = fork();
	if (!counting.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (in_group)
			put("cgroup.procs", "0");
		for (;; ++*counting.count)
			usleep(1000);
	}
	tap_ok(goes_on(&counting), "a child counts");
	return counting;
}

static void end(struct counting *counting)
{
	kill(counting->pid, SIGKILL);
	kill(counting->pid, SIGCONT);
	waitpid(counting->pid, NULL, 0);
	munmap((void *)counting->count, sizeof(*counting->count));
}

static bool begin(pid_t pid, struct gm_freeze *freeze, bool by_group)
{
	struct gm_error *error = gm_freeze_begin(pid, freeze);

	if (error)
		printf("# %s\n", error->message);
	gm_error_destroy(error);
	return tap_ok(!error, "it is stopped") &&
	       tap_ok((freeze->cgroup >= 0) == by_group,
		      by_group ? "by its control group" : "by a signal");
}

static void test_once(bool by_group)
{
	struct counting counting = start(by_group);
	struct gm_freeze freeze;

	if (begin(counting.pid, &freeze, by_group)) {
		tap_ok(stands_still(&counting), "it stands still");
		tap_ok(!by_group || frozen(), "and the kernel says so of its group");
		tap_ok(gm_freeze_end(&freeze) >= STILL_US * 1000ULL, "for as long as it is told");
	}
	tap_ok(goes_on(&counting), "it goes on");
	tap_ok(!by_group || !frozen(), "and the kernel says so of its group");
	tap_u64(gm_freeze_end(&freeze), 0, "nothing is left to be let go", "construction");
	end(&counting);
}

/* The one that stops it is killed while it does. */
static void test_killed(bool by_group)
{
	struct counting counting = start(by_group);
	struct gm_freeze freeze;
	pid_t tool = fork();

	if (!tool) {
		gm_error_destroy(gm_freeze_begin(counting.pid, &freeze));
		raise(SIGKILL);
	}
	waitpid(tool, NULL, 0);
	tap_ok(goes_on(&counting), "it goes on when the one who stopped it was killed");
	end(&counting);
}

static void refuses(pid_t pid, int code, const char *what)
{
	struct gm_freeze freeze;
	struct gm_error *error = gm_freeze_begin(pid, &freeze);

	tap_u64(error ? error->code : 0, code, what, "construction");
	gm_error_destroy(error);
}

static void test_refused(void)
{
	struct counting counting = start(false);

	kill(counting.pid, SIGSTOP);
	waitpid(counting.pid, NULL, WUNTRACED);
	refuses(counting.pid, EALREADY, "one that is stopped is let alone");
	tap_ok(stands_still(&counting), "and stays so");
	end(&counting);
	refuses(counting.pid, ESRCH, "one that is gone is told");
}

/* It ends while it stands still, and another would get its pid. */
static void test_ends(bool by_group)
{
	struct counting counting = start(by_group);
	struct gm_freeze freeze;

	if (begin(counting.pid, &freeze, by_group)) {
		end(&counting);
		tap_ok(gm_freeze_end(&freeze) > 0, "one that is gone can be let go");
	}
}

static void test_frozen_before(void)
{
	struct counting counting = start(true);

	put("cgroup.freeze", "1");
	for (int i = 0; i < PATIENCE && !frozen(); i++)
		usleep(10000);
	refuses(counting.pid, EALREADY, "one that is frozen is let alone");
	tap_ok(frozen() && stands_still(&counting), "and stays so");
	put("cgroup.freeze", "0");
	end(&counting);
}

/* Nobody else may be frozen with it. */
static void test_not_alone(void)
{
	struct counting counting = start(true), other = start(true);
	struct gm_freeze freeze;

	if (begin(counting.pid, &freeze, false))
		tap_ok(goes_on(&other), "who shares its group goes on");
	gm_freeze_end(&freeze);
	tap_ok(goes_on(&counting), "it goes on");
	end(&other);
	end(&counting);
}

static void test_group_below(void)
{
	struct counting counting = start(true);
	struct gm_freeze freeze;
	char below[160];

	snprintf(below, sizeof(below), "%s/below", group);
	mkdir(below, 0700);
	begin(counting.pid, &freeze, false);
	gm_freeze_end(&freeze);
	tap_ok(goes_on(&counting), "with a group below its own, it goes on");
	rmdir(below);
	end(&counting);
}

int main(void)
{
	test_once(false);
	test_killed(false);
	test_ends(false);
	test_refused();
	make_group("/sys/fs/cgroup");
	make_group("/sys/fs/cgroup/unified");
	if (*group) {
		test_once(true);
		test_killed(true);
		test_ends(true);
		test_frozen_before();
		test_not_alone();
		test_group_below();
		rmdir(group);
	} else {
		tap_skip("by its control group", "none of version 2 can be made here");
	}
	return tap_done();
}
