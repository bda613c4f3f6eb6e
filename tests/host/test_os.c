// SPDX-License-Identifier: GPL-2.0-or-later
/* os: memory of a child, hostile maps, the host, a process that is gone. */
#define _GNU_SOURCE 1 /* pipe2 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/host.h"
#include "os/maps.h"
#include "os/maps_parse.h"
#include "os/mem.h"
#include "os/pages.h"
#include "tap.h"

#define BASE 0x200000000000UL
#define PAGE 4096UL
#define PIECES 5000

/* Page i holds its number; every 16th page is a hole. */
static pid_t start_child(void)
{
	pid_t child = fork();

	if (!child) {
		uint64_t *at = mmap((void *)BASE, PIECES * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "a b\x1b)(\xff");
		for (size_t i = 0; i < PIECES; i++) {
			at[i * PAGE / sizeof(*at)] = i;
			if (i % 16 == 15)
				munmap((char *)at + i * PAGE, PAGE);
		}
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, NULL, WUNTRACED);
	return child;
}

static void test_read(struct gm_mem *mem)
{
	gm_autofree char *buffer = malloc(16 * PAGE);
	struct gm_error *error;
	uint64_t number = 0;

	tap_ok(!gm_mem_read(mem, BASE + 14 * PAGE, &number, 8), "a word can be read");
	tap_u64(number, 14, "and is what the child wrote", "construction");
	tap_ok(!gm_mem_read(mem, BASE, buffer, 15 * PAGE), "up to the hole");
	error = gm_mem_read(mem, BASE, buffer, 15 * PAGE + 1);
	tap_u64(error ? error->code : 0, EFAULT, "one byte into the hole", "os/mem.h");
	tap_ok(error && strstr(error->message, "0x200000000000"), "the error names the address");
	gm_error_destroy(error);
	error = gm_mem_read(mem, UINT64_MAX - 3, &number, 8);
	tap_u64(error ? error->code : 0, EFAULT, "past the end of all addresses", "os/mem.h");
	gm_error_destroy(error);
	tap_ok(!gm_mem_read(mem, 0, NULL, 0), "nothing, nowhere");
}

static void test_pieces(struct gm_mem *mem)
{
	static struct gm_mem_piece pieces[PIECES];
	static uint64_t numbers[PIECES];
	size_t wrong = 0;

	memset(numbers, 0xff, sizeof(numbers));
	for (size_t i = 0; i < PIECES; i++)
		pieces[i] = (struct gm_mem_piece){ BASE + i * PAGE, 8, &numbers[i], false };
	pieces[3].address = UINT64_MAX - 4;
	pieces[4].address = 1UL << 63;
	pieces[5].size = 0;
	tap_ok(!gm_mem_read_pieces(mem, pieces, PIECES), "5000 pieces in one call");
	for (size_t i = 6; i < PIECES; i++) {
		bool hole = i % 16 == 15;

		wrong += pieces[i].ok == hole || numbers[i] != (hole ? 0 : i);
	}
	tap_u64(wrong, 0, "each is right, or marked and zeroed", "construction");
	tap_ok(!pieces[3].ok && !numbers[3], "a piece that wraps around is marked");
	tap_ok(!pieces[4].ok && !numbers[4], "a piece no process can have is marked");
	tap_ok(pieces[5].ok, "an empty piece is read");
}

static void test_process(pid_t child)
{
	struct gm_process process;

	tap_ok(!gm_process_read(child, &process), "a process");
	tap_str(process.comm, "a b?)(?", "its name, made harmless", "construction");
	tap_u64(process.threads, 1, "its threads", "construction");
	tap_ok(process.start_ticks != GM_UNKNOWN, "its start");
	tap_ok(process.vm_rss_bytes >= PIECES * PAGE / 16 * 15, "its RSS holds what it wrote");
}

static void check_gone(struct gm_error *error, const char *what)
{
	tap_u64(error ? error->code : 0, ESRCH, what, "the process was killed");
	gm_error_destroy(error);
}

static void test_gone(pid_t pid, struct gm_mem *mem)
{
	struct gm_process process;
	struct gm_maps *maps;
	struct gm_mem *other;
	uint64_t number;

	check_gone(gm_mem_read(mem, BASE, &number, 8), "reading it");
	check_gone(gm_mem_open_pid(pid, &other), "opening it");
	check_gone(gm_maps_read(pid, &maps), "its maps");
	check_gone(gm_process_read(pid, &process), "its state");
	check_gone(gm_pages_rss(pid, GM_PAGES_PAGEMAP, &number), "its RSS");
}

static void test_memory(void)
{
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	pid_t child = start_child();

	if (tap_ok(!gm_mem_open_pid(child, &mem), "a child can be opened")) {
		test_read(mem);
		test_pieces(mem);
		test_process(child);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (mem)
		test_gone(child, mem);
}

static struct gm_maps parse(const char *text, struct gm_error **error)
{
	struct gm_memory_device shmem = { makedev(0, 1), GM_VMA_SHMEM };
	struct gm_memory_devices devices = { &shmem, 1, 1 };
	struct gm_maps maps = {};
	char copy[512];

	snprintf(copy, sizeof(copy), "%s\n", text);
	*error = gm_maps_parse(copy, &devices, &maps);
	return maps;
}

static void deinit(struct gm_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		free(maps->items[i].name);
	free(maps->items);
}

static const struct {
	const char *line;
	enum gm_vma_kind kind;
	const char *name;
} good_lines[] = {
	{ "1000-2000 rw-p 00000000 00:00 0 ", GM_VMA_ANON, "" },
	{ "1000-2000 rw-p 00000000 00:00 0", GM_VMA_ANON, "" },
	{ "1000-2000 r-xp 00001000 fe:01 77         /a b\\012c (deleted)", GM_VMA_FILE,
	  "/a b\\012c (deleted)" },
	{ "1000-2000 rw-s 00000000 00:01 2          /memfd:[heap] (deleted)", GM_VMA_SHMEM,
	  "/memfd:[heap] (deleted)" },
	{ "1000-2000 rw-s 00000000 fe:01 2          /memfd:not (deleted)", GM_VMA_FILE,
	  "/memfd:not (deleted)" },
	{ "1000-2000 rw-s 00000000 00:01 2          /SYSV00000000 (deleted)", GM_VMA_SHMEM,
	  "/SYSV00000000 (deleted)" },
	{ "1000-2000 rw-p 00000000 00:00 0          [anon: Go: heap]", GM_VMA_ANON,
	  "[anon: Go: heap]" },
	{ "1000-2000 rw-p 00000000 00:00 0          [heap]", GM_VMA_HEAP, "[heap]" },
	{ "1000-2000 rw-p 00000000 00:00 0          [stack]", GM_VMA_STACK, "[stack]" },
	{ "1000-2000 r--p 00000000 00:00 0          [vvar_vclock]", GM_VMA_VDSO, "[vvar_vclock]" },
	{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]", GM_VMA_VDSO,
	  "[vsyscall]" },
};

static void test_lines(void)
{
	for (size_t i = 0; i < sizeof(good_lines) / sizeof(*good_lines); i++) {
		struct gm_error *error;
		struct gm_maps maps = parse(good_lines[i].line, &error);

		if (tap_ok(!error && maps.count == 1, good_lines[i].line)) {
			tap_str(gm_vma_kind_name(maps.items[0].kind),
				gm_vma_kind_name(good_lines[i].kind), "its kind", "proc(5)");
			tap_str(maps.items[0].name, good_lines[i].name, "its name", "proc(5)");
		}
		gm_error_destroy(error);
		deinit(&maps);
	}
}

static const char *const broken_lines[] = {
	"x",
	"1000",
	"1000-",
	"1000-2000",
	"1000-2000 rw-p",
	"1000-2000 rw-p 0 00:00",
	"2000-1000 rw-p 00000000 00:00 0",
	"1000-1000 rw-p 00000000 00:00 0",
	"1000-2000 rw 00000000 00:00 0",
	"1000-2000 rw-pp 00000000 00:00 0",
};

static void test_broken_lines(void)
{
	for (size_t i = 0; i < sizeof(broken_lines) / sizeof(*broken_lines); i++) {
		struct gm_error *error;
		struct gm_maps maps = parse(broken_lines[i], &error);

		tap_u64(error ? error->code : 0, EIO, broken_lines[i], "os/maps_parse.h");
		gm_error_destroy(error);
		deinit(&maps);
	}
}

/* A map that changed while it was read: lines overlap, or come back. */
static void test_overlap(void)
{
	struct gm_error *error;
	struct gm_maps maps = parse("1000-3000 rw-p 00000000 00:00 0\n"
				    "2000-5000 rw-p 00000000 00:00 0\n"
				    "4000-5000 rw-p 00000000 00:00 0\n"
				    "9000-a000 rw-p 00000000 00:00 0\n",
				    &error);

	tap_ok(!error, "overlapping lines are no error");
	if (tap_u64(maps.count, 3, "what adds nothing is left out", "construction")) {
		tap_u64(maps.items[1].start, 0x3000, "what overlaps is clipped", "os/maps.h");
		tap_ok(!gm_maps_find(&maps, 0xfff), "find: before all");
		tap_ok(gm_maps_find(&maps, 0x1000) == &maps.items[0], "find: the first byte");
		tap_ok(gm_maps_find(&maps, 0x4fff) == &maps.items[1], "find: the last byte");
		tap_ok(!gm_maps_find(&maps, 0x5000), "find: in a gap");
		tap_ok(gm_maps_find(&maps, 0x9000) == &maps.items[2], "find: the last VMA");
		tap_ok(!gm_maps_find(&maps, UINT64_MAX), "find: after all");
	}
	gm_error_destroy(error);
	deinit(&maps);
}

static void test_host(void)
{
	struct gm_host host;
	struct sysinfo info;
	struct utsname uts;

	sysinfo(&info);
	uname(&uts);
	gm_host_read(&host);
	tap_str(host.kernel, uts.release, "the kernel's release", "uname(2)");
	tap_u64(host.mem_total_bytes, (uint64_t)info.totalram * info.mem_unit, "physical memory",
		"sysinfo(2)");
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK)) {
		tap_skip("THP settings", "the kernel has no transparent huge pages");
		return;
	}
	tap_ok(strstr("always madvise never", host.thp_enabled) && *host.thp_enabled,
	       "THP is always, madvise or never");
	tap_ok(host.max_ptes_none < 512, "max_ptes_none is in its range");
	tap_ok(host.thp_fault_alloc != GM_UNKNOWN, "vmstat counts huge faults");
}

int main(void)
{
	test_memory();
	test_lines();
	test_broken_lines();
	test_overlap();
	test_host();
	return tap_done();
}
