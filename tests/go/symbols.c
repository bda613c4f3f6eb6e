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

static struct gm_go_program program;
static struct gm_go_modules *modules;
static struct gm_go_pclntab *table;

static struct gm_error *open_program(const char *what)
{
	struct gm_mem *mem = NULL;
	struct gm_error *error;

	if (!isdigit((unsigned char)*what))
		return gm_elf_open(what, &program.elf);
	error = gm_mem_open_pid(atoi(what), &mem);
	return error ?: gm_go_program_open(atoi(what), mem, &program);
}

static struct gm_error *read_tables(void)
{
	struct gm_go_version version;
	struct gm_go_layout layout;
	struct gm_error *error;

	error = gm_go_buildinfo_read(&program, &version);
	if (!error)
		error = gm_go_layout_read(program.elf, &version, &layout);
	if (!error)
		error = gm_go_modules_read(&program, &layout, &modules);
	return error ?: gm_go_pclntab_open(&program, &modules->items[0], &table);
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
	error = open_program(argv[1]);
	if (!error)
		error = read_tables();
	if (error) {
		fprintf(stderr, "symbols: %s\n", error->message);
		return 1;
	}
	for (; scanf("%2s %" SCNx64 "%*[^\n]", kind, &address) == 2; last = address)
		if (address != last)
			answer(kind, address);
	return 0;
}
