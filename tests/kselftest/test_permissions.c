// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may see and do what, by include/gomem.h's table: an unprivileged user, root of a user
 * namespace, root of a container's pid namespace with few capabilities and with all.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"

#define DIR_MAX 32
#define NOBODY 65534
#define BIT(n) (1ULL << (n))
#define ALL_CAPS (~0ULL)
/* What root of a container has by default that could matter here. */
#define CONTAINER_CAPS (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_KILL) | BIT(CAP_SETUID))

/* What /proc/gomem holds, and whether its rows or records tell addresses. */
static char *files[DIR_MAX];
static int file_count;

static bool is_public(const char *file)
{
	static const char *const names[] = { "version", "probes" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(file, names[i]))
			return true;
	return false;
}

static void list_files(void)
{
	DIR *dir = opendir("/proc/gomem");
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_type == DT_REG && file_count < DIR_MAX)
			files[file_count++] = strdup(entry->d_name);
	closedir(dir);
}

/* Return: 0, or the errno of opening it. */
static int open_error(const char *directory, const char *file, int flags)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, flags | O_NONBLOCK);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? errno : 0;
}

static void set_caps(unsigned long long caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};
	int i;

	if (syscall(SYS_capget, &header, data))
		_exit(100);
	data[0].permitted &= caps;
	data[1].permitted &= caps >> 32;
	for (i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data))
		_exit(101);
}

/* Each returns 0, or says where it is otherwise than promised. */
typedef int (*check_fn)(pid_t target);

static int otherwise(const char *what, int got)
{
	tap_note("%s: errno %d", what, got);
	fflush(stdout);
	return 1;
}

static int refused_all(pid_t target)
{
	char pages[40];
	int i, err, bad = 0;

	snprintf(pages, sizeof(pages), "%d/pages", target);
	for (i = 0; i < file_count; i++) {
		err = open_error("/proc/gomem", files[i], O_RDONLY);
		if (err != EACCES)
			bad = otherwise(files[i], err);
	}
	err = open_error("/proc/gomem", pages, O_RDONLY);
	if (err != EACCES)
		bad = otherwise(pages, err);
	err = open_error("/proc/gomem", "targets", O_WRONLY);
	return err == EACCES ? bad : otherwise("targets, to write", err);
}

static int refused_control(void)
{
	int err = -file_write("/proc/gomem/targets", "add %d\n", getpid());

	if (err != EPERM)
		return otherwise("add", err);
	err = -file_write("/proc/gomem/targets", "add-cgroup /\n");
	return err == EPERM ? 0 : otherwise("add-cgroup", err);
}

/* Root's files, but no capability in the initial user namespace: no addresses, no control. */
static int refused_rows_and_control(pid_t target)
{
	char pages[40];
	int i, err, bad = 0;

	snprintf(pages, sizeof(pages), "%d/pages", target);
	for (i = 0; i < file_count; i++) {
		err = open_error("/proc/gomem", files[i], O_RDONLY);
		if (err != (is_public(files[i]) ? 0 : EPERM))
			bad = otherwise(files[i], err);
	}
	err = open_error("/proc/gomem", pages, O_RDONLY);
	if (err != EPERM)
		bad = otherwise(pages, err);
	return bad | refused_control();
}

static int as_nobody(pid_t target)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(100);
	return refused_all(target);
}

static int as_root_without_caps(pid_t target)
{
	set_caps(0);
	return refused_rows_and_control(target);
}

/* Root of a new user namespace that is @uid outside. */
static void enter_user_namespace(int uid)
{
	if (setgid(uid) || setuid(uid))
		_exit(100);
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER) || file_write("/proc/self/setgroups", "deny") ||
	    file_write("/proc/self/uid_map", "0 %d 1", uid) ||
	    file_write("/proc/self/gid_map", "0 %d 1", uid) || getuid())
		_exit(101);
}

static int as_user_namespace_root(pid_t target)
{
	enter_user_namespace(NOBODY);
	return refused_all(target);
}

/* Owner of the files, all the same: it is their capabilities that count. */
static int as_user_namespace_true_root(pid_t target)
{
	enter_user_namespace(0);
	return refused_rows_and_control(target);
}

static int as_container_root(pid_t target)
{
	set_caps(CONTAINER_CAPS);
	return refused_rows_and_control(target);
}

/* It sees itself, added from outside, and nobody else. */
static int sees_itself_alone(pid_t outer)
{
	static const char *const tables[] = { "targets", "summary", "vmas", "counts" };
	char pages[40];
	size_t i;
	int row;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		struct table *t = table_read(tables[i]);

		for (row = 0; row < t->rows; row++)
			if (table_dec(t, row, "pid") != (unsigned long)getpid())
				return otherwise(tables[i], (int)table_dec(t, row, "pid"));
		if (!t->rows)
			return otherwise(tables[i], 0);
		table_free(t);
	}
	snprintf(pages, sizeof(pages), "%d/pages", outer);
	row = open_error("/proc/gomem", pages, O_RDONLY);
	return row == ESRCH ? 0 : otherwise("pages of one it does not see", row);
}

static int as_container_tracer(pid_t target)
{
	if (gomem_add(1))
		return otherwise("add 1, with all capabilities", 0);
	set_caps(CONTAINER_CAPS | BIT(CAP_SYS_PTRACE));
	return sees_itself_alone(target) | refused_control();
}

static int opens_its_own_pages(void)
{
	struct table *t = table_read("targets");
	char pages[40];
	int err;

	snprintf(pages, sizeof(pages), "%lu/pages", table_dec(t, table_find(t, 1), "dir"));
	err = open_error("/tmp/proc/gomem", pages, O_RDONLY);
	return err ? otherwise("its own pages, in its own /proc", err) : 0;
}

static int as_privileged_container(pid_t target)
{
	int err = gomem_add(1);

	if (err)
		return otherwise("add 1", err);
	err = gomem_del(target);
	if (err != -ENOENT)
		return otherwise("del of one it does not see", err);
	mkdir("/tmp/proc", 0755);
	if (unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/tmp/proc", "proc", 0, NULL))
		return otherwise("mount of /proc", errno);
	return sees_itself_alone(target) | opens_its_own_pages();
}

static int status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 102;
}

static void check(const char *who, check_fn fn, pid_t target)
{
	pid_t child = fork();

	if (!child)
		_exit(fn(target));
	tap_eq(0, "contract", status_of(child), "exit status", "%s", who);
}

/* As process 1 of a new pid namespace. */
static void check_contained(const char *who, check_fn fn, pid_t target)
{
	pid_t child = fork(), first;

	if (!child) {
		if (unshare(CLONE_NEWPID))
			_exit(103);
		first = fork();
		if (!first)
			_exit(fn(target));
		_exit(status_of(first));
	}
	tap_eq(0, "contract", status_of(child), "exit status", "%s", who);
}

static void check_mode(const char *path, int want)
{
	struct stat st;

	if (stat(path, &st))
		die("stat of %s failed: %s", path, strerror(errno));
	tap_ok((st.st_mode & 07777) == (mode_t)want && !st.st_uid && !st.st_gid,
	       "%s: expected mode %o, root's (contract), got %o", path, want, st.st_mode & 07777);
}

static bool takes_writes(const char *file)
{
	return !strcmp(file, "targets") || !strcmp(file, "events") || !strcmp(file, "huge");
}

static void modes(pid_t target)
{
	char path[300];
	int i;

	check_mode("/proc/gomem", 0500);
	for (i = 0; i < file_count; i++) {
		snprintf(path, sizeof(path), "/proc/gomem/%s", files[i]);
		check_mode(path, takes_writes(files[i]) ? 0600 : 0400);
	}
	snprintf(path, sizeof(path), "/proc/gomem/%d", target);
	check_mode(path, 0500);
	snprintf(path, sizeof(path), "/proc/gomem/%d/pages", target);
	check_mode(path, 0600);
}

/* Who opened it must have been privileged, and who writes must be. */
static void handed_on(void)
{
	int fd = open("/proc/gomem/targets", O_RDWR), status;
	pid_t child = fork();

	if (!child) {
		set_caps(0);
		_exit(write(fd, "del 1", 5) < 0 && errno == EPERM ? 0 : 1);
	}
	close(fd);
	status = status_of(child);
	tap_eq(0, "contract", status, "exit status", "targets handed to one without capabilities");
}

/* What was made in a pid namespace, seen from outside when that is gone. */
static void from_outside(void)
{
	struct table *t = table_read("targets");
	int row, bad = 0;

	for (row = 0; row < t->rows; row++) {
		pid_t pid = table_dec(t, row, "pid");

		bad += pid == 1 || table_dec(t, row, "dir") != (unsigned long)pid;
	}
	tap_ok(t->rows == 3, "three targets from outside (as made), got %d", t->rows);
	tap_eq(0, "contract", bad, "rows", "whose pid or dir is not the initial namespace's");
	table_free(t);
}

int main(int argc, char **argv)
{
	struct target t;
	char pages[40];

	target_main(argc, argv);
	module_require();
	file_write("/proc/sys/kernel/unprivileged_userns_clone", "1");
	t = target_start();
	gomem_add(t.pid);
	list_files();
	modes(t.pid);
	check("an unprivileged user", as_nobody, t.pid);
	check("root without capabilities", as_root_without_caps, t.pid);
	check("a user as root of a user namespace", as_user_namespace_root, t.pid);
	check("root as root of a user namespace", as_user_namespace_true_root, t.pid);
	check_contained("root of a container", as_container_root, t.pid);
	check_contained("root of a container, CAP_SYS_PTRACE", as_container_tracer, t.pid);
	check_contained("root of a privileged container", as_privileged_container, t.pid);
	handed_on();
	from_outside();
	gomem_del(t.pid);
	snprintf(pages, sizeof(pages), "/proc/gomem/%d", t.pid);
	tap_ok(access(pages, F_OK), "del: its directory is gone");
	target_kill(&t);
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
