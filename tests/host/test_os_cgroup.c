// SPDX-License-Identifier: GPL-2.0-or-later
/* os: a child in a memory cgroup made here, inside another one with the lower limit. */
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

/* A child that touched 8 MiB inside the group @directory and waits. */
static pid_t start_child(const char *directory)
{
	pid_t child = fork();
	char *memory;

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!write_to(directory, "cgroup.procs", "0"))
		_exit(1);
	memory = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 1, 8 * MIB);
	raise(SIGSTOP);
	_exit(0);
}

static void check_child(const char *directory, const char *name)
{
	pid_t child = start_child(directory);
	uint64_t current, max;
	int status;

	waitpid(child, &status, WUNTRACED);
	if (!WIFSTOPPED(status)) {
		tap_skip(name, "the child could not enter its cgroup");
		return;
	}
	gm_cgroup_memory(child, &current, &max);
	tap_u64(max, 64 * MIB, name, "the limit of the outer group");
	tap_ok(current >= 8 * MIB && current <= 64 * MIB, "what it uses is 8 MiB to 64");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_version(const struct version *version)
{
	char procs[128], outer[128], inner[160];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", version->root);
	if (access(procs, W_OK)) {
		tap_skip(version->name, "it is not mounted, or not writable");
		return;
	}
	snprintf(outer, sizeof(outer), "%s/gomem-test-%d", version->root, (int)getpid());
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	write_to(version->root, "cgroup.subtree_control", "+memory");
	mkdir(outer, 0700);
	write_to(outer, "cgroup.subtree_control", "+memory");
	mkdir(inner, 0700);
	if (write_to(outer, version->limit_file, "67108864") &&
	    write_to(inner, version->limit_file, "134217728"))
		check_child(inner, version->name);
	else
		tap_skip(version->name, "no cgroup can be made here");
	rmdir(inner);
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
