// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* posix_openpt */
/* out: one table as text, raw and JSON; sizes in words; strings nobody vouches for. */
#include <fcntl.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "out/bytes.h"
#include "out/clean.h"
#include "out/json.h"
#include "out/table.h"
#include "tap.h"

#define CONSTRUCTION "construction"

struct row {
	const char *kind;
	uint64_t start;
	uint64_t rss;
	uint64_t faults;
	const char *name;
};

static const struct gm_out_column columns[] = {
	{ "kind", "KIND", GM_OUT_STRING, offsetof(struct row, kind) },
	{ "start", "START", GM_OUT_HEX, offsetof(struct row, start) },
	{ "rss_bytes", "RSS", GM_OUT_BYTES, offsetof(struct row, rss) },
	{ "faults", NULL, GM_OUT_COUNT, offsetof(struct row, faults) },
	{ "name", "NAME", GM_OUT_STRING, offsetof(struct row, name) },
};

static const struct gm_out_table table = { "things", columns, 5, sizeof(struct row) };

static const struct row rows[] = {
	{ "anon", 0xc000000000, 4096, 12345678901, NULL },
	{ "file", 0x1000, 0, GM_OUT_NONE, "/a file \xff\x1b[31m" },
};

/* What printing gives; caller frees. */
static char *print(enum gm_out_format format, const struct row *what, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	struct gm_error *error = gm_out_table_print(stream, format, &table, what, count);

	tap_ok(!error, "the table prints");
	gm_error_destroy(error);
	fclose(stream);
	return text;
}

static void test_text(void)
{
	gm_autofree char *text = print(GM_OUT_TEXT, rows, 1);

	tap_str(text,
		"KIND      START      RSS      faults NAME\n"
		"anon c000000000 4.00 KiB 12345678901 -\n",
		"text: titles, numbers to the right, sizes with units", CONSTRUCTION);
}

static void test_long_name(void)
{
	char name[200] = {};
	struct row row = { "file", 0x1000, 0, 1, name };
	gm_autofree char *text = NULL;
	const char *second;

	memset(name, 'x', sizeof(name) - 1);
	text = print(GM_OUT_TEXT, &row, 1);
	second = strchr(text, '\n') + 1;
	tap_ok(strstr(second, name), "text: a long name is whole where there is no terminal");
}

static void test_raw(void)
{
	gm_autofree char *text = print(GM_OUT_RAW, rows, 2);

	tap_str(text,
		"kind start rss_bytes faults name\n"
		"anon c000000000 4096 12345678901 -\n"
		"file 1000 0 - /a\\x20file\\x20\\xff\\x1b[31m\n",
		"raw: names, plain numbers, no field empty, no terminal codes", CONSTRUCTION);
}

static void test_empty(void)
{
	gm_autofree char *raw = print(GM_OUT_RAW, rows, 0);
	gm_autofree char *json = print(GM_OUT_JSON, rows, 0);
	struct json_object *root = json_tokener_parse(json);
	struct json_object *array = json_object_object_get(root, "things");

	tap_str(raw, "", "raw: no rows, no text", "out/table.h");
	tap_ok(json_object_is_type(array, json_type_array), "JSON: no rows are an array");
	tap_u64(json_object_array_length(array), 0, "which is empty", CONSTRUCTION);
	json_object_put(root);
}

static const char *member(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

static void test_json(void)
{
	gm_autofree char *text = print(GM_OUT_JSON, rows, 2);
	struct json_object *root = json_tokener_parse(text), *array, *row;

	if (!tap_ok(root, "JSON: parses"))
		return;
	tap_str(member(root, "schema"), "gomem.things/1", "JSON: schema", CONSTRUCTION);
	array = json_object_object_get(root, "things");
	tap_u64(json_object_array_length(array), 2, "JSON: as many rows", CONSTRUCTION);
	row = json_object_array_get_idx(array, 0);
	tap_str(member(row, "start"), "0xc000000000", "JSON: address", CONSTRUCTION);
	tap_u64(json_object_get_uint64(json_object_object_get(row, "rss_bytes")), 4096,
		"JSON: bytes are a number", CONSTRUCTION);
	tap_u64(json_object_get_uint64(json_object_object_get(row, "faults")), 12345678901,
		"JSON: a count beyond 32 bits", CONSTRUCTION);
	tap_ok(!json_object_object_get(row, "name"), "JSON: no string is null");
	row = json_object_array_get_idx(array, 1);
	tap_ok(!json_object_object_get(row, "faults"), "JSON: an unknown number is null");
	tap_str(member(row, "name"), "/a file \xef\xbf\xbd\x1b[31m",
		"JSON: a byte that is no UTF-8 is replaced", "RFC 3629");
	json_object_put(root);
}

static void check_string(const char *in, const char *expected, const char *what)
{
	struct json_object *string = gm_out_json_string(in);

	tap_str(json_object_get_string(string), expected, what, "RFC 3629");
	json_object_put(string);
}

#define BAD "\xef\xbf\xbd"

static void test_utf8(void)
{
	check_string("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		     "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "characters of 1 to 4 bytes stay");
	check_string("\xc0\xaf", BAD BAD, "overlong, 2 bytes");
	check_string("\xe0\x80\xaf", BAD BAD BAD, "overlong, 3 bytes");
	check_string("\xed\xa0\x80", BAD BAD BAD, "a surrogate");
	check_string("\xf4\x90\x80\x80", BAD BAD BAD BAD, "past U+10FFFF");
	check_string("\xe2\x82", BAD BAD, "cut short by the end");
	check_string("", "", "empty");
	check_string(NULL, NULL, "none");
}

static void test_key(void)
{
	struct json_object *object = json_object_new_object();

	tap_ok(gm_out_json_add_text(object, "k\xff", "v\xfe"), "a key that is not UTF-8");
	tap_str(member(object, "k" BAD), "v" BAD, "becomes one that is", "RFC 3629");
	json_object_put(object);
}

static void check_bytes(uint64_t bytes, const char *expected)
{
	char text[GM_OUT_BYTES_MAX];

	tap_str(gm_out_bytes(bytes, text), expected, expected, "arithmetic");
}

static void test_bytes(void)
{
	check_bytes(0, "0 B");
	check_bytes(1023, "1023 B");
	check_bytes(1024, "1.00 KiB");
	check_bytes(10234, "9.99 KiB"); /* 9.994 */
	check_bytes(10236, "10.0 KiB"); /* 9.996 */
	check_bytes(102348, "99.9 KiB"); /* 99.949 */
	check_bytes(102352, "100 KiB"); /* 99.953 */
	check_bytes((1 << 20) - 513, "1023 KiB"); /* 1023.499 */
	check_bytes((1 << 20) - 1, "1.00 MiB");
	check_bytes((uint64_t)412 << 20, "412 MiB");
	check_bytes(1954210120, "1.82 GiB"); /* 1.82 * 2^30 = 1954210119.7 */
	check_bytes(UINT64_MAX, "16.0 EiB");
}

static void check_clean(const char *text, const char *expected, const char *what)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", text);
	gm_out_clean(copy, strlen(copy), "\n");
	tap_str(copy, expected, what, "ISO 6429");
}

static void test_clean(void)
{
	check_clean("a\033[2Jb\x7f\r", "a?[2Jb??", "escapes go");
	check_clean("two\nlines", "two\nlines", "what is to be kept stays");
	check_clean("\xc2\x9b 2J \xc2\xa0 \xc3\x9f", "\xc2\xbf 2J \xc2\xa0 \xc3\x9f",
		    "those of UTF-8 become one that is none, letters stay");
}

/* A terminal of @columns in place of stdout; the other end of it, -1 where there is none. */
static int open_terminal(unsigned short columns)
{
	const struct winsize size = { .ws_row = 24, .ws_col = columns };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size))
		return -1;
	dup2(slave, STDOUT_FILENO);
	close(slave);
	return master;
}

static int print_clean(const struct row *row)
{
	struct gm_error *error = gm_out_clean_stdout();

	if (!error)
		error = gm_out_table_print(stdout, GM_OUT_TEXT, &table, row, 1);
	return error ? 1 : fflush(stdout) != 0;
}

static void test_terminal(void)
{
	int before = dup(STDOUT_FILENO), master = open_terminal(160), status = -1;
	char name[200] = {}, text[1024] = {};
	const struct row row = { "file", 0x1000, 0, 1, name };
	const char *second;

	memset(name, 'x', sizeof(name) - 1);
	fflush(stdout);
	if (master >= 0 && !fork())
		_exit(print_clean(&row));
	if (master >= 0)
		wait(&status);
	if (!status && read(master, text, sizeof(text) - 1) <= 0)
		status = -1;
	dup2(before, STDOUT_FILENO);
	close(before);
	if (!tap_ok(!status, "a table on a terminal"))
		return;
	second = strchr(text, '\n') ?: "";
	tap_u64(strspn(second + strcspn(second, "x"), "x"), 160 - strlen("file  1000 0 B      1 "),
		"goes to its edge, also where stdout is cleaned", CONSTRUCTION);
	close(master);
}

static void test_full_disk(void)
{
	FILE *full = fopen("/dev/full", "w");
	struct gm_error *error = gm_out_table_print(full, GM_OUT_RAW, &table, rows, 2);

	tap_ok(error, "a full disk is an error");
	gm_error_destroy(error);
	fclose(full);
}

int main(void)
{
	test_text();
	test_long_name();
	test_raw();
	test_empty();
	test_json();
	test_utf8();
	test_key();
	test_bytes();
	test_clean();
	test_terminal();
	test_full_disk();
	return tap_done();
}
