// SPDX-License-Identifier: GPL-2.0-or-later
/* os: a child in a memory cgroup made here, inside another one with the lower limit that
 * somebody else uses too.
 */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/host.h"
#include "tap.h"

#define MIB (1UL << 20)

static const struct version {
	const char *name;
	const char *root;
	const char *limit_file;
} versions[] = {
	{ "version 1", "/sys/fs/cgroup/memory", "memory.limit_in_bytes" },
	{ "version 2", "/sys/fs/cgroup", "memory.max" },
};

static bool write_to(const char *directory, const char *file, const char *text)
{
	char path[256];
	bool ok = false;
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	stream = fopen(path, "w");
	if (stream) {
		fputs(text, stream);
		ok = !fclose(stream);
	}
	return ok;
}

/* A child that touched @bytes inside the group @directory and waits. */
static pid_t start_child(const char *directory, size_t bytes)
{
	pid_t child = fork();
	char *memory;

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!write_to(directory, "cgroup.procs", "0"))
		_exit(1);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 1, bytes);
	raise(SIGSTOP);
	_exit(0);
}

static bool stopped(pid_t child)
{
	int status;

	return waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status);
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* 8 MiB in @inner, and 32 MiB in @other; both lie in the outer group. */
static void check_children(const char *inner, const char *other, const char *name)
{
	pid_t child = start_child(inner, 8 * MIB), neighbour = start_child(other, 32 * MIB);
	uint64_t current, max;

	if (stopped(child) && stopped(neighbour)) {
		gm_cgroup_memory(child, &current, &max);
		tap_u64(max, 64 * MIB, name, "the limit of the outer group");
		tap_ok(current >= 40 * MIB && current <= 64 * MIB,
		       "what is used is the outer group's, too");
	} else {
		tap_skip(name, "a child could not enter its cgroup");
	}
	end_child(child);
	end_child(neighbour);
}

static void test_version(const struct version *version)
{
	char procs[128], outer[128], inner[160], other[160];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", version->root);
	if (access(procs, W_OK)) {
		tap_skip(version->name, "it is not mounted, or not writable");
		return;
	}
	snprintf(outer, sizeof(outer), "%s/gomem-test-%d", version->root, (int)getpid());
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	snprintf(other, sizeof(other), "%s/other", outer);
	write_to(version->root, "cgroup.subtree_control", "+memory");
	mkdir(outer, 0700);
	write_to(outer, "cgroup.subtree_control", "+memory");
	mkdir(inner, 0700);
	mkdir(other, 0700);
	if (write_to(outer, version->limit_file, "67108864") &&
	    write_to(inner, version->limit_file, "134217728"))
		check_children(inner, other, version->name);
	else
		tap_skip(version->name, "no cgroup can be made here");
	rmdir(inner);
	rmdir(other);
	rmdir(outer);
}

static void test_none(void)
{
	uint64_t current, max;

	gm_cgroup_memory(-1, &current, &max);
	tap_u64(current, GM_UNKNOWN, "no process, no use", "os/cgroup.h");
	tap_u64(max, GM_UNKNOWN, "no process, no limit", "os/cgroup.h");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		test_version(&versions[i]);
	test_none();
	return tap_done();
}
