// SPDX-License-Identifier: GPL-2.0-or-later
/* TAP, files, the module and its tables. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib.h"

static int checks, failures;

static void print_check(bool ok, const char *fmt, va_list ap)
{
	if (!checks++)
		puts("TAP version 13");
	failures += !ok;
	printf("%s %d ", ok ? "ok" : "not ok", checks);
	vprintf(fmt, ap);
}

void tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_check(ok, fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void tap_skip(const char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_check(true, fmt, ap);
	va_end(ap);
	printf(" # SKIP %s\n", why);
	fflush(stdout);
}

void tap_eq(long want, const char *source, long got, const char *from, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_check(want == got, fmt, ap);
	va_end(ap);
	if (want != got)
		printf(": expected %ld (%s), got %ld (%s)", want, source, got, from);
	putchar('\n');
	fflush(stdout);
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
}

int tap_done(void)
{
	printf("1..%d\n", checks);
	fflush(stdout);
	return failures != 0;
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("Bail out! ");
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

int file_write(const char *path, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int fd, len, ret;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, len) == len ? 0 : -errno;
	close(fd);
	return ret;
}

/* All that @fd, open or -1, has to say; closes it. */
static char *read_all(int fd)
{
	size_t room = 64 * KB, len = 0;
	char *text = malloc(room);
	ssize_t n;

	while ((n = read(fd, text + len, room - 1 - len)) > 0) {
		len += n;
		if (room - len < 32 * KB)
			text = realloc(text, room *= 2);
	}
	text[len] = 0;
	if (n == 0)
		return text;
	free(text);
	return NULL;
}

char *file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : read_all(fd);

	if (fd >= 0)
		close(fd);
	return text;
}

long file_number(const char *path)
{
	char *text = file_read(path), *end;
	long value;

	if (!text)
		die("reading %s failed: %s", path, strerror(errno));
	value = strtol(text, &end, 10);
	if (end == text)
		die("%s does not open with a number: %s", path, text);
	free(text);
	return value;
}

long vmstat(const char *name)
{
	char *text = file_read("/proc/vmstat"), *line, *save;
	size_t len = strlen(name);
	long value = -1;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, len) && line[len] == ' ')
			value = atol(line + len);
	free(text);
	if (value < 0)
		die("/proc/vmstat has no %s", name);
	return value;
}

void capability_drop(int capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	/* Root's exec() would bring back what the bounding set has. */
	if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) || syscall(SYS_capget, &head, data))
		die("cannot drop capability %d: %s", capability, strerror(errno));
	data[0].effective &= ~(1U << capability);
	data[0].permitted &= ~(1U << capability);
	data[0].inheritable &= ~(1U << capability);
	if (syscall(SYS_capset, &head, data))
		die("cannot drop capability %d: %s", capability, strerror(errno));
}

int module_load(const char *params)
{
	int fd = open("/gomem.ko", O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int module_unload(void)
{
	return syscall(SYS_delete_module, "gomem", O_NONBLOCK) ? -errno : 0;
}

bool module_loaded(void)
{
	char *text = file_read("/proc/modules");
	bool loaded = !strncmp(text, "gomem ", 6) || strstr(text, "\ngomem ");

	free(text);
	return loaded;
}

void module_remove(void)
{
	int i, ret = 0;

	for (i = 0; module_loaded() && i < 500; i++) {
		ret = module_unload();
		if (ret)
			usleep(20000);
	}
	if (module_loaded())
		die("the module was loaded, and unloading it failed: %s", strerror(-ret));
}

void module_require(void)
{
	int ret;

	module_remove();
	ret = module_load("");
	if (ret)
		die("loading /gomem.ko failed: %s", strerror(-ret));
}

int gomem_add(pid_t pid)
{
	return file_write("/proc/gomem/targets", "add %d\n", pid);
}

int gomem_del(pid_t pid)
{
	return file_write("/proc/gomem/targets", "del %d\n", pid);
}

/* Cut @line at blanks in place. Return: how many fields, at most @max of them stored. */
static int split(char *line, char **fields, int max)
{
	char *save, *field = strtok_r(line, " ", &save);
	int n = 0;

	for (; field; field = strtok_r(NULL, " ", &save), n++)
		if (n < max)
			fields[n] = field;
	return n;
}

static void table_row(struct table *t, const char *file, char *line)
{
	char **fields;
	int n;

	t->fields = realloc(t->fields, sizeof(char *) * t->columns * (t->rows + 1));
	fields = t->fields + t->columns * t->rows++;
	n = split(line, fields, t->columns);
	if (n != t->columns)
		die("/proc/gomem/%s: row %d has %d fields, its header %d", file, t->rows, n,
		    t->columns);
}

struct table *table_read(const char *file)
{
	return table_ask(file, "");
}

struct table *table_ask(const char *file, const char *words)
{
	char path[64];
	struct table *t;
	int fd;

	snprintf(path, sizeof(path), "/proc/gomem/%s", file);
	fd = open(path, (*words ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0 || (*words && write(fd, words, strlen(words)) < 0))
		die("opening %s, or writing '%s' to it, failed: %s", path, words, strerror(errno));
	t = table_from(fd, file);
	close(fd);
	return t;
}

struct table *table_from(int fd, const char *file)
{
	struct table *t = calloc(1, sizeof(*t));
	char want[64], *line, *save;

	snprintf(want, sizeof(want), "# gomem 2 %s", file);
	t->text = read_all(fd);
	if (!t->text)
		die("reading %s failed: %s", file, strerror(errno));
	line = strtok_r(t->text, "\n", &save);
	if (!line || strncmp(line, want, strlen(want)))
		die("%s opens with '%s', not with '%s'", file, line ? line : "", want);
	line = strtok_r(NULL, "\n", &save);
	if (!line || strncmp(line, "# ", 2))
		die("%s has no line of column names", file);
	t->names = calloc(64, sizeof(char *));
	t->columns = split(line + 2, t->names, 64);
	while ((line = strtok_r(NULL, "\n", &save)))
		if (*line != '#')
			table_row(t, file, line);
	return t;
}

void table_free(struct table *t)
{
	free(t->text);
	free(t->names);
	free(t->fields);
	free(t);
}

const char *table_str(const struct table *t, int row, const char *column)
{
	int i;

	for (i = 0; i < t->columns; i++)
		if (!strcmp(t->names[i], column))
			return t->fields[t->columns * row + i];
	die("%s has no column '%s'", t->text, column);
}

static unsigned long number(const struct table *t, int row, const char *column, int base)
{
	const char *text = table_str(t, row, column);
	unsigned long value;
	char *end;

	value = strtoul(text, &end, base);
	if (end == text || *end)
		die("%s: column '%s' holds '%s', not a number", t->text, column, text);
	return value;
}

unsigned long table_dec(const struct table *t, int row, const char *column)
{
	return number(t, row, column, 10);
}

unsigned long table_hex(const struct table *t, int row, const char *column)
{
	return number(t, row, column, 16);
}

int table_find(const struct table *t, pid_t pid)
{
	int row;

	for (row = 0; row < t->rows; row++)
		if (table_dec(t, row, "pid") == (unsigned long)pid)
			return row;
	return -1;
}

void check_field(pid_t pid, const char *column, const char *want, const char *name)
{
	struct table *t = table_read("targets");
	int row = table_find(t, pid);
	const char *got = row < 0 ? "no row" : table_str(t, row, column);

	tap_ok(!strcmp(got, want), "%s: %s: expected %s (contract), got %s (/proc/gomem/targets)",
	       name, column, want, got);
	table_free(t);
}

unsigned long summary(pid_t pid, const char *column)
{
	struct table *t = table_read("summary");
	int row = table_find(t, pid);
	unsigned long value;

	if (row < 0)
		die("/proc/gomem/summary has no row for pid %d", pid);
	value = table_dec(t, row, column);
	table_free(t);
	return value;
}

unsigned long vmas_sum(pid_t pid, long start, long bytes, const char *column)
{
	struct table *t = table_read("vmas");
	unsigned long sum = 0;
	int row;

	for (row = 0; row < t->rows; row++)
		if (table_dec(t, row, "pid") == (unsigned long)pid &&
		    (long)table_hex(t, row, "start") < start + bytes &&
		    (long)table_hex(t, row, "end") > start)
			sum += table_dec(t, row, column);
	table_free(t);
	return sum;
}
