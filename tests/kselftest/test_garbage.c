// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Garbage in every file of /proc/gomem: bytes, broken commands, wild offsets and sizes, bad
 * pointers, calls that make no sense there. Each is answered at once, with a count or
 * an errno, and the module works as before. Whoever runs this looks for warnings in the
 * kernel's log.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"

#define DIRECTORY "/proc/gomem"
#define FILES_MAX 64
#define TURNS 300 /* per file */
#define TEXT_MAX 4096
#define ANSWER_S 20 /* a call that takes longer hangs */

static char *files[FILES_MAX];
static int file_count;
static struct target target;
static char text[TEXT_MAX];

/* What the files understand, and what comes close to it. */
static const char *const phrases[] = {
	"add ",	       "del ",
	"add-cgroup ", "del-cgroup ",
	"follow=1",    "follow=",
	"go ",	       "tls=-8 ",
	"m=48 ",       "curg=",
	"kinds=",      "anon_fault,",
	"zap",	       "pid=",
	"node=1",      "node=2",
	"zeros=1",     "1",
	"0",	       "-1",
	"4294967297",  "99999999999999999999",
	"0x10",	       " ",
	"  ",	       "\n",
	"\t",	       "=",
	",",	       "==",
	"/",	       "../..",
	"%s%n",	       "\x80\xff",
	"add",	       "\\",
};

static void collect(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	char *name;

	if (!dir)
		die("cannot read %s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0 || stat(name, &st))
			die("cannot stat %s/%s", path, entry->d_name);
		if (S_ISDIR(st.st_mode))
			collect(name);
		else if (file_count < FILES_MAX)
			files[file_count++] = name;
	}
	closedir(dir);
}

static size_t random_text(void)
{
	size_t length = 0, want = random() % 3 ? random() % 64 : random() % TEXT_MAX;

	while (length < want) {
		const char *phrase = phrases[random() % ARRAY_SIZE(phrases)];
		size_t bytes = strlen(phrase);

		if (random() % 8 == 0) {
			text[length++] = random();
			continue;
		}
		if (length + bytes > TEXT_MAX)
			break;
		memcpy(text + length, phrase, bytes);
		length += bytes;
		if (random() % 16 == 0 && length + 16 < TEXT_MAX)
			length += sprintf(text + length, "%d ", target.pid);
	}
	return length;
}

static off_t random_offset(void)
{
	static const off_t offsets[] = { 0, 1, 4095, 1L << 31, 1L << 47, LONG_MAX, -1, LONG_MIN };

	return random() % 2 ? offsets[random() % ARRAY_SIZE(offsets)] : random();
}

static void *random_pointer(void)
{
	void *const pointers[] = { text, NULL, (void *)-4096L, (void *)1,
				   (void *)0xffffffff81000000 };

	return pointers[random() % ARRAY_SIZE(pointers)];
}

static size_t random_size(void)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, TEXT_MAX };

	return sizes[random() % ARRAY_SIZE(sizes)];
}

static void one_call(int fd)
{
	struct iovec parts[2] = { { text, 7 }, { text + 7, 900 } };
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };
	long ignored = 0;

	switch (random() % 12) {
	case 0:
		ignored = read(fd, random_pointer(), random_size());
		break;
	case 1:
		ignored = pread(fd, random_pointer(), random_size(), random_offset());
		break;
	case 2:
		ignored = lseek(fd, random_offset(), random() % 6);
		break;
	case 3:
		ignored = write(fd, random_pointer(), random_size());
		break;
	case 4:
		ignored = pwrite(fd, text, random_text(), random_offset());
		break;
	case 5:
		ignored = writev(fd, parts, 2);
		break;
	case 6:
		ignored = readv(fd, parts, 2);
		break;
	case 7:
		ignored = ioctl(fd, random(), random_pointer());
		break;
	case 8:
		ignored = poll(&poller, 1, 0);
		break;
	case 9:
		ignored = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED;
		break;
	case 10:
		ignored = sendfile(STDOUT_FILENO, fd, NULL, 0) | fsync(fd) | ftruncate(fd, 7);
		break;
	default:
		ignored = write(fd, text, random_text());
		break;
	}
	(void)ignored;
}

static void torment(const char *path)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int turn, calls, fd;

	for (turn = 0; turn < TURNS; turn++) {
		fd = open(path, modes[random() % 3] | O_NONBLOCK | (random() % 8 ? 0 : O_APPEND));
		if (fd < 0)
			continue;
		for (calls = random() % 8; calls; calls--)
			one_call(fd);
		close(fd);
	}
}

/* In a process of its own: one that hangs is killed by its alarm, unless the kernel holds it. */
static void test_file(const char *path, unsigned int seed)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		srandom(seed);
		alarm(ANSWER_S);
		torment(path);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid: %s", strerror(errno));
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	       "%s: every call is answered (seed %u)", path, seed);
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? atoi(argv[1]) : 1;
	struct table *t;
	int i;

	target_main(argc, argv);
	module_require();
	target = target_start();
	tap_eq(0, "errno, contract", gomem_add(target.pid), "write", "the target is watched");
	collect(DIRECTORY);
	tap_ok(file_count > 5, "%d files found", file_count);
	for (i = 0; i < file_count; i++)
		test_file(files[i], seed + i);

	gomem_del(target.pid);
	tap_eq(0, "errno, contract", gomem_add(target.pid), "write", "targets can still be added");
	t = table_read("targets");
	tap_ok(table_find(t, target.pid) >= 0, "and are shown");
	table_free(t);
	target_exit(&target);
	tap_eq(0, "errno, contract", module_unload(), "delete_module",
	       "the module can be unloaded");
	return tap_done();
}
