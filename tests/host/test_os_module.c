// SPDX-License-Identifier: GPL-2.0-or-later
/* os: the contract's reader, on directories made here: good ones, newer ones, broken ones. */
#define _GNU_SOURCE 1 /* mkdtemp */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/module.h"
#include "os/pages_source.h"
#include "tap.h"

#define CONTRACT "include/gomem.h"

static char directory[] = "gomem-test-XXXXXX";

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (file) {
		fwrite(bytes, 1, size, file);
		fclose(file);
	}
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static struct gm_module *open_module(void)
{
	struct gm_module *module = NULL;

	write_text("version", "# gomem 2 version\n# module contract kernel\n0.1.0 2 6.1.0\n");
	gm_error_destroy(gm_module_open(directory, &module));
	return module;
}

static void check_open(const char *version, int code, const char *what)
{
	struct gm_module *module = NULL;
	struct gm_error *error;

	if (version)
		write_text("version", version);
	error = gm_module_open(directory, &module);
	tap_u64(error ? error->code : 0, code, what, CONTRACT);
	gm_module_destroy(module);
	gm_error_destroy(error);
}

static void test_open(void)
{
	struct gm_module *module;
	struct gm_error *error;

	check_open(NULL, ENOENT, "no module");
	check_open("# gomem 2 version\n# module contract kernel\n0.1.0 2 6.1.0\n", 0,
		   "our version");
	check_open("# gomem 2 version\n# module contract kernel later\n0.2 2 6.1.0 x\n", 0,
		   "our version, a later column");
	check_open("", EIO, "an empty version file");
	check_open("# gomem", EIO, "no number");
	check_open("# gomem one version\n", EIO, "a word for a number");
	check_open("# gomem 0 version\n", EPROTO, "version 0");
	check_open("# gomem 3 version\n", EPROTO, "version 3");
	error = gm_module_open(directory, &module);
	tap_ok(error && strstr(error->message, "version 3 "), "the refusal says their version");
	tap_ok(error && strstr(error->message, "version 2;"), "and ours");
	gm_error_destroy(error);
}

#define TARGETS_HEAD \
	"# gomem 2 targets\n# pid comm state age_ms execs follow origin parent unfollowed dir go\n"

static void test_targets(void)
{
	gm_auto(gm_module) struct gm_module *module = open_module();
	struct gm_module_targets targets = {};
	struct gm_error *error;

	write_text("targets",
		   TARGETS_HEAD "# a remark\n"
				"42 a\\040b\\134c running 10 0 1 write 0 0 42 tls\n"
				"43   -  exited\t18446744073709551615 - 0 fork 42 5 4300 -\n");
	error = gm_module_read_targets(module, &targets);
	if (tap_ok(!error, "a good table") &&
	    tap_u64(targets.count, 2, "two rows", "construction")) {
		tap_str(targets.items[0].comm, "a b\\c", "escapes are undone", CONTRACT);
		tap_u64(targets.items[0].follow, 1, "follow", "construction");
		tap_str(targets.items[0].origin, "write", "origin", "construction");
		tap_str(targets.items[1].comm, "-", "a string that is not there", CONTRACT);
		tap_u64(targets.items[1].age_ms, UINT64_MAX, "the largest number", "construction");
		tap_u64(targets.items[1].execs, UINT64_MAX, "a number that is not there", CONTRACT);
		tap_u64(targets.items[1].dir, 4300, "the last number", "construction");
	}
	gm_error_destroy(error);
	gm_module_targets_deinit(&targets);
}

static void test_columns(void)
{
	static const char text[] =
		"# gomem 2 targets\n"
		"# pid comm state age_ms execs follow origin parent unfollowed dir go new newer\n"
		"42 x running 10 3 1 write 7 1 42 - ?\\ 99\n";
	gm_auto(gm_module) struct gm_module *module = open_module();
	struct gm_module_targets targets = {};
	struct gm_error *error;

	write_text("targets", text);
	error = gm_module_read_targets(module, &targets);
	if (tap_ok(!error && targets.count == 1, "columns appended by a later module are left")) {
		tap_u64(targets.items[0].execs, 3, "and shift nothing", "construction");
		tap_u64(targets.items[0].dir, 42, "up to the last we know", "construction");
	}
	gm_error_destroy(error);
	gm_module_targets_deinit(&targets);
}

static void test_empty(void)
{
	gm_auto(gm_module) struct gm_module *module = open_module();
	struct gm_module_targets targets = {};

	write_text("targets", TARGETS_HEAD);
	tap_ok(!gm_module_read_targets(module, &targets), "a table without rows");
	tap_u64(targets.count, 0, "has none", "construction");
	gm_module_targets_deinit(&targets);
}

static const struct {
	const char *text;
	int code;
	const char *what;
} broken_tables[] = {
	{ "", EIO, "nothing" },
	{ "\n\n\n", EIO, "empty lines" },
	{ "# gomem 2 targets\n", EIO, "no columns" },
	{ "# gomem 2 targets\npid comm\n", EIO, "columns without #" },
	{ "# gomem 2 targets\n# pid comm state age_ms execs follow origin parent\n", EIO,
	  "a column is missing" },
	{ "# gomem 2 targets\n# comm pid comm state age_ms execs follow origin parent unfollowed "
	  "dir go\n",
	  EIO, "a column twice" },
	{ "# gomem 99 targets\n# pid\n1\n", EPROTO, "another version" },
	{ TARGETS_HEAD "42 x running 10 3 1 write 0 -\n", EIO, "a field is missing" },
	{ TARGETS_HEAD "42 x running 10 3 1 write 0 0 0 0 -\n", EIO, "a field too many" },
	{ TARGETS_HEAD "-42 x running 10 3 1 write 0 0 0 -\n", EIO, "a negative number" },
	{ TARGETS_HEAD "+42 x running 10 3 1 write 0 0 0 -\n", EIO, "a sign" },
	{ TARGETS_HEAD "0x42 x running 10 3 1 write 0 0 0 -\n", EIO, "0x" },
	{ TARGETS_HEAD "4f x running 10 3 1 write 0 0 0 -\n", EIO, "hexadecimal for decimal" },
	{ TARGETS_HEAD "42, x running 10 3 1 write 0 0 0 -\n", EIO, "punctuation" },
	{ TARGETS_HEAD "18446744073709551616 x running 10 3 1 write 0 0 0 -\n", EIO, "2^64" },
	{ TARGETS_HEAD "42 a\\ running 10 3 1 write 0 0 0 -\n", EIO, "a backslash alone" },
	{ TARGETS_HEAD "42 a\\40 running 10 3 1 write 0 0 0 -\n", EIO, "two octal digits" },
	{ TARGETS_HEAD "42 a\\400 running 10 3 1 write 0 0 0 -\n", EIO, "more than a byte" },
	{ TARGETS_HEAD "42 a\\000 running 10 3 1 write 0 0 0 -\n", EIO, "a NUL" },
	{ TARGETS_HEAD "42 a\\08x running 10 3 1 write 0 0 0 -\n", EIO, "no octal digits" },
};

static void test_broken(void)
{
	gm_auto(gm_module) struct gm_module *module = open_module();

	for (size_t i = 0; i < sizeof(broken_tables) / sizeof(*broken_tables); i++) {
		struct gm_module_targets targets = {};
		struct gm_error *error;

		write_text("targets", broken_tables[i].text);
		error = gm_module_read_targets(module, &targets);
		tap_u64(error ? error->code : 0, broken_tables[i].code, broken_tables[i].what,
			CONTRACT);
		tap_u64(targets.count, 0, "and no rows", "os/module.h");
		gm_error_destroy(error);
		gm_module_targets_deinit(&targets);
	}
}

static void test_many_columns(void)
{
	gm_auto(gm_module) struct gm_module *module = open_module();
	struct gm_module_targets targets = {};
	char text[4096] = TARGETS_HEAD;
	struct gm_error *error;

	text[strlen(text) - 1] = '\0';
	for (int i = 0; i < 1000; i++)
		strcat(text, " x");
	strcat(text, "\n");
	write_text("targets", text);
	error = gm_module_read_targets(module, &targets);
	tap_u64(error ? error->code : 0, EIO, "a thousand columns", "os/module.h");
	gm_error_destroy(error);
	gm_module_targets_deinit(&targets);
}

/* The names the contract lists, as the kernel would print them. */
#define NAME(name, type) " " #name
#define ONE(name, type) ONE_##type
#define ONE_DEC " 7"
#define ONE_HEX " c000"
#define ONE_STR " x"
#define ONE_ROW(title, columns) "# gomem 2 " title "\n#" columns(NAME) "\n" columns(ONE) "\n"

static void test_every_table(void)
{
	gm_auto(gm_module) struct gm_module *module = open_module();
	struct gm_module_vmas vmas = {};
	struct gm_module_summaries summaries = {};
	struct gm_module_probes probes = {};

	write_text("vmas", ONE_ROW("vmas, sizes in kB", GOMEM_VMAS_COLUMNS));
	write_text("summary", ONE_ROW("summary, sizes in kB", GOMEM_SUMMARY_COLUMNS));
	write_text("probes", ONE_ROW("probes", GOMEM_PROBES_COLUMNS));
	tap_ok(!gm_module_read_vmas(module, &vmas) && vmas.count == 1, "vmas");
	if (vmas.count) {
		tap_u64(vmas.items[0].start, 0xc000, "an address is hexadecimal", CONTRACT);
		tap_u64(vmas.items[0].lazyfree, 7, "a size is decimal", CONTRACT);
		tap_str(vmas.items[0].name, "x", "a name", CONTRACT);
	}
	tap_ok(!gm_module_read_summaries(module, &summaries) && summaries.count == 1, "summary");
	tap_ok(!gm_module_read_probes(module, &probes) && probes.count == 1, "probes");
	gm_module_vmas_deinit(&vmas);
	gm_module_summaries_deinit(&summaries);
	gm_module_probes_deinit(&probes);
}

static const struct gomem_page_run good_runs[] = {
	{ 0x1000, 1, GOMEM_PAGE_ANON, 0, 0, 0 },	 { 0x2000, 2, GOMEM_PAGE_ANON, 0, 0, 0 },
	{ 0x200000, 512, GOMEM_PAGE_THP, 9, 0, 0 },	 { 0x400000, 512, GOMEM_PAGE_THP, 9, 0, 0 },
	{ 0x7fffffffe000, 1, GOMEM_PAGE_MTHP, 4, 0, 0 },
};

static struct gm_error *read_runs(struct gm_pages *pages, const void *bytes, size_t size)
{
	struct gm_error *error;
	char path[64];
	int fd;

	write_file("pages", bytes, size);
	snprintf(path, sizeof(path), "%s/pages", directory);
	fd = open(path, O_RDONLY);
	error = gm_pages_read_runs(fd, pages);
	close(fd);
	return error;
}

static void test_runs(void)
{
	struct gm_pages pages = {};
	struct gm_error *error = read_runs(&pages, good_runs, sizeof(good_runs));

	tap_ok(!error, "good runs");
	if (tap_u64(pages.count, 3, "adjoining runs of one state are one", "construction")) {
		tap_u64(pages.items[0].pages, 3, "small pages", "construction");
		tap_u64(pages.items[1].pages, 1024, "huge pages", "construction");
		tap_u64(pages.items[2].order, 4, "a large folio's order", "construction");
	}
	gm_error_destroy(error);
	free(pages.items);
}

static const struct {
	struct gomem_page_run run;
	const char *what;
} broken_runs[] = {
	{ { 0x3001, 1, GOMEM_PAGE_ANON, 0, 0, 0 }, "not at a page" },
	{ { 0x3000, 0, GOMEM_PAGE_ANON, 0, 0, 0 }, "empty" },
	{ { 0x2000, 1, GOMEM_PAGE_ANON, 0, 0, 0 }, "overlapping" },
	{ { 0x0000, 1, GOMEM_PAGE_ANON, 0, 0, 0 }, "out of order" },
	{ { 0xfffffffffffff000, 2, GOMEM_PAGE_ANON, 0, 0, 0 }, "past 2^64" },
	{ { 0x3000, 1, GOMEM_PAGE_ABSENT, 0, 0, 0 }, "absent" },
	{ { 0x3000, 1, GOMEM_PAGE_STATES, 0, 0, 0 }, "an unknown state" },
	{ { 0x3000, 1, 255, 0, 0, 0 }, "state 255" },
	{ { 0x3000, 1, GOMEM_PAGE_MTHP, 64, 0, 0 }, "order 64" },
	{ { 0x3000, 1, GOMEM_PAGE_ANON, 0, 0, 1 }, "a reserved field in use" },
};

static void test_broken_runs(void)
{
	for (size_t i = 0; i < sizeof(broken_runs) / sizeof(*broken_runs); i++) {
		struct gomem_page_run runs[] = { { 0x1000, 2, GOMEM_PAGE_ANON, 0, 0, 0 },
						 broken_runs[i].run };
		struct gm_pages pages = {};
		struct gm_error *error = read_runs(&pages, runs, sizeof(runs));

		tap_u64(error ? error->code : 0, EIO, broken_runs[i].what, CONTRACT);
		gm_error_destroy(error);
		free(pages.items);
	}
}

/* In a pid namespace, a directory's name is another number than the pid. */
static void test_open_pages(void)
{
	gm_auto(gm_module) struct gm_module *module = open_module();
	struct gm_error *error;
	char path[64];
	struct stat st;
	int fd = -1;

	write_text("targets", TARGETS_HEAD "7 old exited 9 0 0 write 0 0 7 -\n"
					   "7 new running 9 0 0 write 0 0 4300 -\n");
	snprintf(path, sizeof(path), "%s/4300", directory);
	mkdir(path, 0700);
	write_file("4300/pages", good_runs, sizeof(good_runs));
	error = gm_module_open_pages(module, 7, &fd);
	tap_ok(!error && !fstat(fd, &st) && st.st_size == sizeof(good_runs),
	       "pages: of the newest target of that pid, by its directory");
	gm_error_destroy(error);
	close(fd);
	error = gm_module_open_pages(module, 4300, &fd);
	tap_u64(error ? error->code : 0, ENOENT, "pages: of no target", CONTRACT);
	gm_error_destroy(error);
}

static void test_cut_runs(void)
{
	for (size_t cut = 1; cut < sizeof(*good_runs); cut++) {
		struct gm_pages pages = {};
		struct gm_error *error = read_runs(&pages, good_runs, sizeof(good_runs) - cut);

		tap_u64(error ? error->code : 0, EIO, "a run cut short", CONTRACT);
		gm_error_destroy(error);
		free(pages.items);
	}
}

static void clean_up(void)
{
	static const char *const names[] = { "version", "targets", "vmas",	 "summary",
					     "probes",	"pages",   "4300/pages", "4300" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		remove(path);
	}
	rmdir(directory);
}

static void check_targets(const char *expected, const char *what)
{
	char path[64], text[128] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/targets", directory);
	file = fopen(path, "r");
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	tap_str(text, expected, what, "construction");
}

static void test_command(void)
{
	struct gm_module *module = open_module();
	struct gm_error *error;
	char path[64];

	snprintf(path, sizeof(path), "%s/targets", directory);
	write_text("targets", "");
	error = gm_module_command(module, "add %d follow=%d", 42, 1);
	tap_ok(!error, "a command is written");
	check_targets("add 42 follow=1", "as it was put together");
	gm_error_destroy(error);
	unlink(path);
	error = gm_module_command(module, "add 42");
	tap_u64(error ? error->code : 0, ENOENT, "a module that was unloaded", "open(2)");
	gm_error_destroy(error);
	/* It takes no bytes, as a module that refuses. */
	if (symlink("/dev/full", path))
		abort();
	error = gm_module_command(module, "add 42");
	tap_u64(error ? error->code : 0, ENOSPC, "what the kernel refuses", "full(4)");
	tap_ok(error && strstr(error->message, "\"add 42\""), "says the command");
	tap_ok(error && strstr(error->message, "the module watches as many as it can"), "and why");
	gm_error_destroy(error);
	gm_module_destroy(module);
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	test_open();
	test_targets();
	test_columns();
	test_empty();
	test_broken();
	test_many_columns();
	test_every_table();
	test_runs();
	test_broken_runs();
	test_open_pages();
	test_cut_runs();
	test_command();
	clean_up();
	return tap_done();
}
