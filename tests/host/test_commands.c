// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
/* Whole commands on a process that is not written in Go, which every tool is given some day: an
 * answer from its pages, or a refusal.
 */
#include <json-c/json.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_spans.h"
#include "tap.h"

#define CONTRACT "gomemctl(8)"
#define OUTPUT_MAX (1 << 20)

/**
 * struct ran - what became of a command
 * @json: what it printed, parsed; NULL where it is no JSON
 */
struct ran {
	int exit_code;
	struct json_object *json;
};

static struct json_object *read_json(int fd)
{
	gm_autofree char *text = calloc(1, OUTPUT_MAX);

	if (!text || pread(fd, text, OUTPUT_MAX - 1, 0) <= 0)
		return NULL;
	return json_tokener_parse(text);
}

/* What it prints goes to @fd. */
static int run_to(int fd, int (*command)(int argc, char **argv), char **arguments)
{
	int before = dup(STDOUT_FILENO), count = 0, exit_code;

	while (arguments[count])
		count++;
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	exit_code = command(count, arguments);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	return exit_code;
}

/* @operand: also "-p" and another pid in one word, or NULL. */
static struct ran run(int (*command)(int argc, char **argv), const char *name, pid_t pid,
		      const char *operand)
{
	int fd = memfd_create("stdout", MFD_CLOEXEC);
	char text[16];
	char *arguments[] = { (char *)name, (char *)"--json", (char *)"-p",
			      text,	    (char *)operand,  NULL };
	struct ran ran;

	snprintf(text, sizeof(text), "%d", (int)pid);
	ran.exit_code = run_to(fd, command, arguments);
	ran.json = read_json(fd);
	close(fd);
	return ran;
}

static void test_answers(pid_t pid)
{
	static const struct {
		const char *name;
		int (*command)(int argc, char **argv);
		const char *operand;
		const char *schema;
	} commands[] = {
		{ "report", gm_cmd_report, NULL, "gomem.report/1" },
		{ "vmas", gm_cmd_vmas, NULL, "gomem.vmas/1" },
		{ "addr", gm_cmd_addr, "1000", "gomem.addr/1" },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct ran ran =
			run(commands[i].command, commands[i].name, pid, commands[i].operand);
		const char *schema =
			json_object_get_string(json_object_object_get(ran.json, "schema"));

		tap_u64(ran.exit_code, GM_EXIT_DONE, commands[i].name, CONTRACT);
		tap_str(schema, commands[i].schema, "and JSON of its schema", CONTRACT);
		json_object_put(ran.json);
	}
}

static void test_refusals(pid_t pid)
{
	static const struct {
		const char *name;
		int (*command)(int argc, char **argv);
	} commands[] = {
		{ "spans", gm_cmd_spans },
		{ "classes", gm_cmd_classes },
		{ "huge", gm_cmd_huge },
		{ "refs", gm_cmd_refs },
		{ "goroutines", gm_cmd_goroutines },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct ran ran = run(commands[i].command, commands[i].name, pid, NULL);

		tap_u64(ran.exit_code, GM_EXIT_FAILED, commands[i].name, CONTRACT);
		tap_ok(ran.json, "what it printed is JSON");
		json_object_put(ran.json);
	}
}

/* One that has just gone does not hide the others. */
static void test_gone(pid_t pid, pid_t gone)
{
	char other[16];
	struct ran ran;

	snprintf(other, sizeof(other), "-p%d", (int)pid);
	ran = run(gm_cmd_vmas, "vmas", gone, other);
	tap_u64(ran.exit_code, GM_EXIT_FAILED, "one of two is gone", CONTRACT);
	tap_ok(json_object_array_length(json_object_object_get(ran.json, "vmas")) > 0,
	       "the other one is shown");
	json_object_put(ran.json);
}

/* The title of the first column, and in how many lines @pid stands there. */
static size_t first_column(char **arguments, pid_t pid, char title[16])
{
	int fd = memfd_create("stdout", MFD_CLOEXEC);
	FILE *file = fdopen(fd, "r");
	char *line = NULL;
	size_t room = 0, lines = 0;

	run_to(fd, gm_cmd_vmas, arguments);
	rewind(file);
	if (fscanf(file, "%15s", title) != 1)
		*title = '\0';
	while (getline(&line, &room, file) > 0)
		lines += atoi(line) == pid;
	free(line);
	fclose(file);
	return lines;
}

/* Rows of several processes say whose they are; of one nobody asks. */
static void test_whose(pid_t pid)
{
	char one[16], two[16], title[16];
	char *both[] = { (char *)"vmas", (char *)"-p", one, (char *)"-p", two, NULL };

	snprintf(one, sizeof(one), "%d", (int)pid);
	snprintf(two, sizeof(two), "%d", (int)getpid());
	tap_ok(first_column(both, pid, title) > 5, "two processes: its rows have its pid");
	tap_str(title, "PID", "in the first column", CONTRACT);
	both[3] = NULL;
	first_column(both, pid, title);
	tap_str(title, "START", "one process: no pid", CONTRACT);
}

static void test_same(void)
{
	const struct gm_spans_process one = { 10, { .start_ticks = 500 } };
	const struct gm_spans_process core = { 10, { .start_ticks = GM_UNKNOWN } };
	const struct gm_spans_process later = { 10, { .start_ticks = 900 } };
	const struct gm_spans_process other = { 11, { .start_ticks = 500 } };

	tap_ok(gm_spans_same_process(&one, &one), "a process is itself");
	tap_ok(gm_spans_same_process(&one, &core), "and may be what a core is of");
	tap_ok(!gm_spans_same_process(&one, &later), "a later one of its pid is not");
	tap_ok(!gm_spans_same_process(&other, &one), "nor is another one");
}

/* A pid that was somebody's. */
static pid_t make_gone(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

int main(void)
{
	char *sleep[] = { (char *)"sleep", (char *)"60", NULL };
	pid_t pid;

	alarm(60);
	if (posix_spawnp(&pid, "sleep", NULL, NULL, sleep, environ)) {
		printf("Bail out! no sleep\n");
		return 1;
	}
	test_answers(pid);
	test_refusals(pid);
	test_gone(pid, make_gone());
	test_whose(pid);
	test_same();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return tap_done();
}
