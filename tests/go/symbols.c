// SPDX-License-Identifier: GPL-2.0-or-later
/* Says of a Go program's code what tests/go/symbols says of itself, about the addresses in
 * the lines on stdin:
 *
 *	symbols PID|FILE
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "go/buildinfo.h"
#include "go/frames.h"
#include "go/image.h"
#include "os/maps.h"

static struct gm_go_program program;
static struct gm_go_modules *modules;
static struct gm_go_pclntab *table;

/* Its program may be a library of it. */
static struct gm_error *read_process(pid_t pid)
{
	struct gm_go_image image;
	struct gm_maps *maps = NULL;
	struct gm_mem *mem = NULL;
	struct gm_error *error;

	error = gm_mem_open_pid(pid, &mem);
	if (!error)
		error = gm_maps_read(pid, &maps);
	if (!error)
		error = gm_go_image_read(pid, mem, maps, &image);
	if (error)
		return error;
	program = image.program;
	modules = image.modules;
	return NULL;
}

static struct gm_error *read_file(const char *path)
{
	struct gm_go_version version;
	struct gm_go_layout layout;
	struct gm_error *error;

	error = gm_elf_open(path, &program.elf);
	if (!error)
		error = gm_go_buildinfo_read(&program, &version);
	if (!error)
		error = gm_go_layout_read(program.elf, &version, &layout);
	return error ?: gm_go_modules_read(&program, &layout, &modules);
}

static void print_place(const struct gm_go_frame *frame)
{
	printf(" %s %d %s\n", frame->function, frame->line, frame->file ?: "?");
}

static void answer(const char *kind, uint64_t address)
{
	struct gm_go_frame frames[GM_GO_FRAMES_MAX];
	size_t count = gm_go_frames(&program, table, address, frames, GM_GO_FRAMES_MAX);
	struct gm_go_function function = { 0 };

	if (!strcmp(kind, "in"))
		for (size_t i = 0; i < count; i++) {
			printf("in %" PRIx64, address);
			print_place(&frames[i]);
		}
	if (strcmp(kind, "at"))
		return;
	gm_go_pclntab_find(table, address, &function);
	printf("at %" PRIx64 " %" PRIx64, address, function.entry);
	print_place(count ? &frames[0] : &(struct gm_go_frame){ .function = "?" });
}

int main(int argc, char **argv)
{
	struct gm_error *error;
	uint64_t address, last = 0;
	char kind[3];

	if (argc != 2)
		return 2;
	error = isdigit((unsigned char)*argv[1]) ? read_process(atoi(argv[1])) : read_file(argv[1]);
	if (!error)
		error = gm_go_pclntab_open(&program, &modules->items[0], &table);
	if (error) {
		fprintf(stderr, "symbols: %s\n", error->message);
		return 1;
	}
	for (; scanf("%2s %" SCNx64 "%*[^\n]", kind, &address) == 2; last = address)
		if (address != last)
			answer(kind, address);
	return 0;
}
