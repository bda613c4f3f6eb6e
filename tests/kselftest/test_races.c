// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Races on purpose: targets that fork, exec and exit while they are read, added and deleted by
 * several at a time, and the module unloaded under all that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib.h"
#include "verbs.h"

#define CHURNS 3
#define TARGETS "/proc/gomem/targets"
#define CGROUP "/sys/fs/cgroup/races"

static void copy_file(const char *from, const char *to)
{
	char bytes[64 * KB];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, n) != n)
			die("copying %s failed", from);
	close(in);
	close(out);
}

static pid_t run_sleep(const char *path)
{
	char *argv[] = { "sleep", "1000", NULL };
	pid_t pid = vfork();

	if (!pid) {
		execv(path, argv);
		_exit(1);
	}
	return pid;
}

/* Its last look is over when a process has been waited for: its file can be written. */
static void exit_frees_all(void)
{
	int i, fd, bad = 0;
	pid_t pid;

	copy_file("/bin/busybox", "/tmp/copy");
	for (i = 0; i < 50; i++) {
		pid = run_sleep("/tmp/copy");
		if (gomem_add(pid))
			die("adding a target failed");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fd = open("/tmp/copy", O_WRONLY);
		bad += fd < 0;
		close(fd);
		gomem_del(pid);
	}
	tap_eq(0, "as without the module", bad, "ETXTBSY", "50 programs written after wait()");
}

static volatile bool is_reading;
static long exited_seen, looks, small_seen;

static void look_at(pid_t pid)
{
	struct table *t = table_read("summary");
	int row = table_find(t, pid);

	looks++;
	exited_seen += row < 0 || strcmp(table_str(t, row, "state"), "running");
	small_seen += row >= 0 && !table_dec(t, row, "rss");
	table_free(t);
}

static void *read_on(void *pid)
{
	while (is_reading)
		look_at(*(pid_t *)pid);
	return NULL;
}

/* Tearing down what it had takes a while; all of it the target runs. */
static void exec_of_a_big_one(void)
{
	struct target t = target_start();
	pthread_t reader;
	int i;

	gomem_add(t.pid);
	is_reading = true;
	pthread_create(&reader, NULL, read_on, &t.pid);
	for (i = 0; i < 3; i++) {
		long p = target_call(&t, do_map, 256 * MB, 0, 0);

		target_call(&t, do_touch, p, 256 * MB, PAGE);
		target_exec(&t);
	}
	is_reading = false;
	pthread_join(reader, NULL);
	check_field(t.pid, "execs", "3", "exec of a big target");
	tap_note("%ld looks", looks);
	tap_eq(0, "contract", exited_seen, "of these", "looks that say exited during exec");
	tap_eq(0, "contract", small_seen, "of these", "looks that show no memory during exec");
	gomem_del(t.pid);
	target_kill(&t);
}

/* Shared with the processes that come and go: whom they made last. */
static volatile pid_t *newest;
static atomic_bool is_over;
static atomic_long reads, writes, surprises;

static void live(void)
{
	char *argv[] = { "true", NULL };
	long p = do_map(4 * MB, 0, 0);

	do_touch(p, 4 * MB, PAGE);
	switch (rand() % 3) {
	case 0:
		execv("/bin/true", argv);
		break;
	case 1:
		if (!fork())
			do_touch(p, 2 * MB, PAGE);
		break;
	}
	_exit(0);
}

static void churn(int i)
{
	unsigned int round = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		srand(round++);
		if (!pid)
			live();
		newest[i] = pid;
		waitpid(pid, NULL, 0);
	}
}

/* Any answer of the contract will do; there is no telling which. */
static void expect(int err, const int *allowed, const char *what)
{
	writes++;
	for (; *allowed; allowed++)
		if (err == -*allowed)
			return;
	if (!err)
		return;
	surprises++;
	tap_note("%s: errno %d", what, -err);
}

static void *write_on(void *seed)
{
	static const int add_may[] = { ESRCH, EEXIST, 0 }, del_may[] = { ENOENT, EBUSY, 0 };
	static const int watch_may[] = { EEXIST, 0 }, unwatch_may[] = { ENOENT, 0 };
	unsigned int state = *(unsigned int *)seed;

	while (!is_over) {
		pid_t pid = newest[rand_r(&state) % CHURNS];

		switch (rand_r(&state) % 8) {
		case 0:
			expect(file_write(TARGETS, "add-cgroup /races"), watch_may, "add-cgroup");
			break;
		case 1:
			expect(file_write(TARGETS, "del-cgroup /races"), unwatch_may, "del-cgroup");
			break;
		case 2:
		case 3:
			expect(gomem_del(pid), del_may, "del");
			break;
		default:
			expect(file_write(TARGETS, "add %d follow=%d", pid, pid & 1), add_may,
			       "add");
		}
	}
	return NULL;
}

static void read_pages(pid_t pid)
{
	char path[40], bytes[4096];
	ssize_t n = 1;
	int fd;

	snprintf(path, sizeof(path), "/proc/gomem/%d/pages", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 && errno != ENOENT)
		surprises++;
	while (fd >= 0 && n > 0)
		n = read(fd, bytes, sizeof(bytes));
	/* EIO: deleted while open */
	if (fd >= 0 && n < 0 && errno != ESRCH && errno != EIO)
		surprises++;
	close(fd);
}

static void *read_all(void *unused)
{
	static const char *const files[] = { "targets", "summary", "vmas", "counts" };
	unsigned int i = 0;
	char path[40], *text;

	while (!is_over) {
		snprintf(path, sizeof(path), "/proc/gomem/%s", files[i++ % ARRAY_SIZE(files)]);
		text = file_read(path);
		if (!text)
			surprises++;
		free(text);
		read_pages(newest[i % CHURNS]);
		reads++;
	}
	return unused;
}

static pid_t churns[CHURNS];

static void start_churns(void)
{
	int i;

	for (i = 0; i < CHURNS; i++) {
		churns[i] = fork();
		if (!churns[i])
			churn(i);
		if (i && file_write(CGROUP "/cgroup.procs", "%d", churns[i]))
			die("moving to a cgroup failed");
	}
}

static void stop_churns(void)
{
	int i;

	for (i = 0; i < CHURNS; i++) {
		kill(churns[i], SIGKILL);
		waitpid(churns[i], NULL, 0);
	}
}

/* Return: how many there were. */
static int delete_targets(void)
{
	struct table *t = table_read("targets");
	int row, rows = t->rows;

	for (row = 0; row < rows; row++)
		gomem_del(table_dec(t, row, "pid"));
	table_free(t);
	return rows;
}

/* A child is followed a moment after its fork. Return: how many are still there after a while. */
static int delete_all(void)
{
	int rows, tries;

	file_write(TARGETS, "del-cgroup /races");
	for (tries = 0; (rows = delete_targets()) && tries < 100; tries++)
		usleep(20000);
	return rows;
}

static void hammer(void)
{
	static unsigned int seeds[] = { 1, 2 };
	pthread_t threads[4];
	int i;

	is_over = false;
	start_churns();
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, write_on, &seeds[i]);
	for (; i < 4; i++)
		pthread_create(&threads[i], NULL, read_all, NULL);
	sleep(10);
	is_over = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	stop_churns();
	tap_note("%ld reads, %ld writes", (long)reads, (long)writes);
	tap_eq(0, "contract", surprises, "others", "answers under races");
	tap_eq(0, "as deleted", delete_all(), "rows", "targets after races");
}

static void *write_until_gone(void *unused)
{
	int err = 0;

	while (err != -ENOENT && err != -ENODEV)
		err = file_write(TARGETS, "add %d follow=1", newest[rand() % CHURNS]);
	return unused;
}

static void *read_until_gone(void *unused)
{
	char *text;

	do {
		text = file_read("/proc/gomem/vmas");
		free(text);
	} while (text || errno == EINTR || errno == ESRCH);
	return unused;
}

/* With files open, readers inside, a write under way and targets that exit. */
static void unload(void)
{
	static char big[64 * KB];
	pthread_t reader, writer;
	int vmas, targets, ret;

	start_churns();
	file_write(TARGETS, "add-cgroup /races");
	vmas = open("/proc/gomem/vmas", O_RDONLY);
	targets = open(TARGETS, O_RDWR);
	pthread_create(&reader, NULL, read_until_gone, NULL);
	pthread_create(&writer, NULL, write_until_gone, NULL);
	usleep(300000);
	ret = module_unload();
	tap_eq(0, "as asked", ret, "delete_module", "unload under load");
	pthread_join(reader, NULL);
	pthread_join(writer, NULL);
	tap_ok(read(vmas, big, sizeof(big)) < 0 && errno == EIO, "a file that was open: EIO");
	tap_ok(write(targets, "del 1", 5) < 0 && errno == EIO, "a write to one: EIO");
	close(vmas);
	close(targets);
	stop_churns();
	module_require();
}

int main(int argc, char **argv)
{
	int i;

	target_main(argc, argv);
	mm_quiet();
	newest = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir(CGROUP, 0755);
	module_require();
	exit_frees_all();
	exec_of_a_big_one();
	hammer();
	for (i = 0; i < 5; i++)
		unload();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
