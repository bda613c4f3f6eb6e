/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tests share: TAP, the module, targets that run the tests' own
 * functions, and the text of /proc/gomem read by column name. On purpose nothing
 * here is generated from include/gomem.h's lists: a column that changes its name or
 * its unit must break a test.
 *
 * The tests run as root in a virtual machine, with /gomem.ko present. Whatever
 * a test cannot go on without ends it at once, without a plan.
 */
#ifndef KSELFTEST_LIB_H
#define KSELFTEST_LIB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define KB 1024L
#define MB (1024L * KB)
#define PAGE 4096L
#define HUGE (2 * MB)
#define PAGES(n) ((long)(n) << 12)
#define PAGE_KB 4L
#define HUGE_KB 2048L

#define UNUSED __attribute__((unused))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* TAP. Each check prints one line; the plan comes last, from tap_done(). */
void tap_ok(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tap_skip(const char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One check: @got, read from @from, equals @want, known from @source. Both say their unit. */
void tap_eq(long want, const char *source, long got, const char *from, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Print the plan. Return: the exit status, 0 when all passed. */
int tap_done(void);
/* End the test at once: without this it cannot go on. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Small files. file_write returns 0 or -errno of open or write, as one system call each. */
int file_write(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A whole file of any size, NUL-terminated, to be freed; NULL with errno set. */
char *file_read(const char *path);
/* The number that opens a file, such as one in sysfs; dies when there is none. */
long file_number(const char *path);
/* A counter of /proc/vmstat; dies when there is none. */
long vmstat(const char *name);

/* This process, and what it executes, does without it, one below 32, from now on. */
void capability_drop(int capability);

/* The module. Return: 0 or -errno of open, finit_module, delete_module. */
int module_load(const char *params);
int module_unload(void);
/* Whether /proc/modules lists it. */
bool module_loaded(void);
/* Unload it if it is loaded, or die: what a test before left may hold it until it has died. */
void module_remove(void);
/* Load it anew without targets, or die. */
void module_require(void);

/* "add PID", "del PID" written to /proc/gomem/targets. Return: 0 or -errno. */
int gomem_add(pid_t pid);
int gomem_del(pid_t pid);

/**
 * struct target - a child that waits for functions to run
 * @pid: its pid
 * @to, @from: pipes, ours
 * @faults: page faults getrusage counted (minor and major) in the last call
 */
struct target {
	pid_t pid;
	int to;
	int from;
	long faults;
};

typedef long (*target_fn)(long a, long b, long c);

/* The linker's: where the program begins, and where its code ends. */
extern const char __executable_start[], etext[];

/* In a test's main(): if this process was exec'ed to be a target, never returns. */
void target_main(int argc, char **argv);
struct target target_start(void);
/* One that the module watches; @options are the words after its pid, "" or " follow=1". */
struct target target_watched(const char *options);
/* Run @fn in the target, wait for it. Return: what @fn returned. */
long target_call(struct target *t, target_fn fn, long a, long b, long c);
/* The same in two halves, to do something meanwhile. */
void target_begin(struct target *t, target_fn fn, long a, long b, long c);
long target_end(struct target *t);
/* The faults of being called, and of being scheduled, are over before anybody counts. */
void target_settle(struct target *t);
/* Replace its program by this test's own again; it has the same pid and waits for calls. */
void target_exec(struct target *t);
/* SIGSTOP, SIGCONT, and wait until it did. */
void target_stop(const struct target *t);
void target_go(const struct target *t);
/* SIGSTOP any process, and wait until it did. */
void process_stop(pid_t pid);
/* Let it exit normally, without unmapping anything, and reap it. */
void target_exit(struct target *t);
/* SIGKILL and reap. */
void target_kill(struct target *t);
/* The same, and the module no longer watches it. */
void target_drop(struct target *t);

/* A text table of /proc/gomem: rows of fields, by the names in its header line. */
struct table {
	char *text;
	int rows;
	int columns;
	char **names;
	char **fields;
};

/* Read /proc/gomem/@file; dies when it is not a table of that name. */
struct table *table_read(const char *file);
/* The same after @words were written to it. */
struct table *table_ask(const char *file, const char *words);
/* The same of a file that is open at its start, and stays open. */
struct table *table_from(int fd, const char *file);
void table_free(struct table *t);
/* A field; dies when there is no such column, or it is no such number. */
const char *table_str(const struct table *t, int row, const char *column);
unsigned long table_dec(const struct table *t, int row, const char *column);
unsigned long table_hex(const struct table *t, int row, const char *column);
/* The first row of @pid, or -1. */
int table_find(const struct table *t, pid_t pid);

/* One field of @pid's row in targets is @want; there, "no row" stands for any field. */
void check_field(pid_t pid, const char *column, const char *want, const char *name);

/* One figure of @pid's row in summary; dies when there is no such row. */
unsigned long summary(pid_t pid, const char *column);
/* The sum of a column of vmas over @pid's rows that touch [@start, @start + @bytes). */
unsigned long vmas_sum(pid_t pid, long start, long bytes, const char *column);

#endif
