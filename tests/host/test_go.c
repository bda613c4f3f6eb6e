// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create, chroot */
/* Version, layout and image of made-up Go programs, and lists of regions. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_make.h"
#include "go/image.h"
#include "go/regions.h"
#include "tap.h"

static const char magic[] = "\xff Go buildinf:";

/* As Go 1.18 and later write it: magic, pointer size, flags, and at 32 the version. */
static size_t make_buildinfo(const char *version, uint8_t flags, uint8_t bytes[128])
{
	size_t length = strlen(version);

	memset(bytes, 0, 128);
	memcpy(bytes, magic, 14);
	bytes[14] = 8;
	bytes[15] = flags;
	bytes[32] = length;
	memcpy(bytes + 33, version, length);
	return 33 + length;
}

static void is_version(const char *text, unsigned int minor, const char *experiments)
{
	struct gm_go_version version;
	uint8_t bytes[128];
	size_t size = make_buildinfo(text, 2, bytes);

	tap_ok(gm_go_version_parse(bytes, size, &version), text);
	tap_str(version.text, text, "its text", "construction");
	tap_u64(version.minor, minor, "its minor", "construction");
	tap_str(version.experiments, experiments, "its experiments", "construction");
	tap_ok(!gm_go_version_parse(bytes, size - 1, &version), "one byte less is refused");
}

static void test_version(void)
{
	struct gm_go_version version;
	uint8_t bytes[128];
	size_t size;

	is_version("go1.19.8", 19, "");
	is_version("go1.26.10-X:nogreenteagc", 26, "nogreenteagc");
	is_version("go1.22.1 X:noallocheaders,arenas", 22, "noallocheaders,arenas");
	is_version("devel go1.28-abcdef", 0, "");
	size = make_buildinfo("go1.17", 0, bytes);
	tap_ok(!gm_go_version_parse(bytes, size, &version), "the form before Go 1.18 is refused");
	size = make_buildinfo("go1.24\x1b[2J", 2, bytes);
	tap_ok(!gm_go_version_parse(bytes, size, &version), "control characters are refused");
	size = make_buildinfo("go1.22.1 X:noallocheaders,arenas", 2, bytes);
	gm_go_version_parse(bytes, size, &version);
	tap_ok(gm_go_version_has(&version, "arenas"), "an experiment that is on");
	tap_ok(!gm_go_version_has(&version, "arena"), "a name that is the start of another");
}

/* The image of a program without DWARF, with these globals. */
static struct gm_error *read_image(const char *version, const struct made_symbol *symbols,
				   size_t symbol_count, struct gm_go_image *image)
{
	uint8_t bytes[128];
	const struct made_section section = { ".go.buildinfo", bytes,
					      make_buildinfo(version, 2, bytes), false };
	const struct made_elf elf = { .entry = 0x401000,
				      .sections = &section,
				      .section_count = 1,
				      .symbols = symbols,
				      .symbol_count = symbol_count };
	struct gm_go_program program = { .bias = 0x7f0000000000 };
	struct gm_error *error;
	char path[32];
	int fd = made_file(&elf, path);

	error = gm_elf_open(path, &program.elf);
	close(fd);
	return error ?: gm_go_image_read_program(&program, image);
}

/* And lets go of @image. */
static void is_refused(struct gm_error *error, int code, const char *words,
		       struct gm_go_image *image)
{
	tap_u64(error ? error->code : 0, code, words, "go/heap.h");
	tap_ok(error && strstr(error->message, words), "and the sentence says so");
	gm_error_destroy(error);
	gm_go_image_deinit(image);
}

static struct gm_error *read_self(struct gm_go_image *image)
{
	struct gm_go_program program = { 0 };
	struct gm_error *error = gm_elf_open("/proc/self/exe", &program.elf);

	return error ?: gm_go_image_read_program(&program, image);
}

static void test_image(void)
{
	static const struct made_symbol symbols[] = {
		{ "runtime.mheap_", 0x500000, 93464, STT_OBJECT },
		{ "runtime.memstats", 0x520000, 10440, STT_OBJECT },
		{ "runtime.gcphase", 0x530000, 4, STT_OBJECT },
		{ "runtime.allp", 0x530010, 24, STT_OBJECT },
	};
	struct gm_go_image image;
	struct gm_error *error;

	error = read_image("go1.24.4", symbols, 4, &image);
	if (!tap_ok(!error, "symbols, a known Go, no DWARF"))
		printf("# %s\n", error->message);
	gm_error_destroy(error);
	tap_str(image.layout.source, "table for go1.24", "layout from the table", "go/layout.h");
	tap_u64(image.globals[GM_GO_MHEAP].address, 0x7f0000500000, "a global, where it was loaded",
		"its symbol, and the entry point moved by 0x7f0000000000");
	tap_u64(gm_go_layout_size(&image.layout, GM_GO_MSPAN_BYTES), 160, "sizeof mspan",
		"readelf --debug-dump=info of a Go 1.24 program");
	tap_u64(image.globals[GM_GO_ISCGO].address, 0, "a global that is not there",
		"construction");
	gm_go_image_deinit(&image);
	is_refused(read_image("go1.24.4", symbols, 3, &image), ENOTSUP, "nothing tells where",
		   &image);
	is_refused(read_image("go1.24.4", NULL, 0, &image), ENOTSUP, "stripped", &image);
	is_refused(read_image("go1.99.1", symbols, 4, &image), ENOTSUP, "not in gomem's table",
		   &image);
	is_refused(read_image("go1.24.4 X:staticlockranking", symbols, 4, &image), ENOTSUP,
		   "GOEXPERIMENT=staticlockranking", &image);
	is_refused(read_self(&image), ENOENT, "not a Go program", &image);
}

static void add(struct gm_go_regions *regions, uint64_t start, uint64_t end,
		enum gm_go_class class_)
{
	struct gm_error *error = gm_go_regions_add(regions, start, end, class_, GM_GO_NO_SPAN);

	if (error)
		abort();
}

static void is_region(const struct gm_go_regions *regions, size_t at, uint64_t start, uint64_t end,
		      enum gm_go_class class_)
{
	struct gm_go_region region = { 0 };
	char what[96];

	if (at < regions->count)
		region = regions->items[at];
	snprintf(what, sizeof(what), "region %zu is %" PRIx64 "-%" PRIx64 " %s", at, start, end,
		 gm_go_class_name(class_));
	tap_ok(region.start == start && region.end == end && region.class_ == class_, what);
}

static void test_regions(void)
{
	struct gm_go_regions under = { 0 }, over = { 0 }, out = { 0 };

	add(&under, 50, 60, GM_GO_OTHER_SYS);
	add(&under, 0, 20, GM_GO_RESERVED);
	add(&under, 10, 30, GM_GO_OTHER_SYS);
	add(&under, 31, 31, GM_GO_OTHER_SYS);
	gm_go_regions_sort(&under);
	tap_u64(under.count, 3, "sorted, what overlaps cut, what is empty left out",
		"construction");
	is_region(&under, 1, 20, 30, GM_GO_OTHER_SYS);
	add(&over, 5, 10, GM_GO_IDLE);
	add(&over, 10, 12, GM_GO_IDLE);
	add(&over, 25, 55, GM_GO_MSPAN);
	add(&over, 70, 80, GM_GO_STACK);
	tap_u64(over.count, 3, "neighbours of one class are one region", "construction");
	tap_ok(!gm_go_regions_overlay(&under, &over, &out), "one list over the other");
	tap_u64(out.count, 7, "regions of both", "construction");
	is_region(&out, 0, 0, 5, GM_GO_RESERVED);
	is_region(&out, 1, 5, 12, GM_GO_IDLE);
	is_region(&out, 2, 12, 20, GM_GO_RESERVED);
	is_region(&out, 3, 20, 25, GM_GO_OTHER_SYS);
	is_region(&out, 4, 25, 55, GM_GO_MSPAN);
	is_region(&out, 5, 55, 60, GM_GO_OTHER_SYS);
	is_region(&out, 6, 70, 80, GM_GO_STACK);
	free(under.items);
	free(over.items);
	free(out.items);
}

static void put_program(const char *path)
{
	const struct made_elf elf = { .entry = 0x401000 };
	char made[32];
	int from = made_file(&elf, made), to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	off_t at = 0;

	while (sendfile(to, from, &at, 1 << 20) > 0)
		;
	close(from);
	close(to);
}

/* In the directory: a program, one below root/, where the process lives, and a link there that
 * leads to the first when it is followed from our root.
 */
static pid_t start_confined(const char *directory)
{
	char path[64], target[64];
	pid_t child;

	snprintf(target, sizeof(target), "%s/outside", directory);
	put_program(target);
	snprintf(path, sizeof(path), "%s/root", directory);
	mkdir(path, 0700);
	child = fork();
	if (!child) {
		raise(chroot(path) || chdir("/") ? SIGKILL : SIGSTOP);
		_exit(0);
	}
	strcat(path, "/inside");
	put_program(path);
	strcpy(strrchr(path, '/'), "/link");
	if (symlink(target, path))
		abort();
	return child;
}

static void remove_confined(const char *directory)
{
	static const char *const names[] = { "root/link", "root/inside", "root", "outside", "" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		remove(path);
	}
}

/* As a VMA of @pid that is there no more, so that its name alone tells the file. Which has no
 * code: EBADMSG, once it was opened.
 */
static void by_name(pid_t pid, char *name, int code)
{
	const struct gm_vma vma = { .start = 0x1000, .end = 0x2000, .name = name };
	struct gm_go_program program;
	struct gm_error *error = gm_go_program_open_mapped(pid, &vma, NULL, &program);

	tap_u64(error ? error->code : 0, code, name, "go/program.h");
	gm_error_destroy(error);
	gm_go_program_deinit(&program);
}

/* The names of files that a process mapped are its own choice. */
static void test_confined(void)
{
	char directory[] = "/tmp/gomem-go-XXXXXX";
	pid_t child;
	int status;

	if (!mkdtemp(directory))
		abort();
	child = start_confined(directory);
	waitpid(child, &status, WUNTRACED);
	if (WIFSTOPPED(status)) {
		by_name(child, "/inside", EBADMSG);
		by_name(child, "/link", ENOENT);
		by_name(child, "/../outside", ENOENT);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	} else {
		tap_skip("a process in a root of its own", "chroot() is not permitted");
	}
	remove_confined(directory);
}

int main(void)
{
	alarm(60);
	test_version();
	test_image();
	test_regions();
	test_confined();
	return tap_done();
}
