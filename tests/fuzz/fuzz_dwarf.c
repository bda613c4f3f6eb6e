// SPDX-License-Identifier: GPL-2.0-or-later
/* Where an ELF file says by DWARF that structs have their fields, and frames their variables. */
#include "elf/debug.h"
#include "go/layout.h"
#include "program.h"

#define FRAMES 200
#define FRAME_STEP 977 /* bytes of code */

static bool is_struct(uint64_t kind)
{
	return kind == 25;
}

static const struct gm_elf_vendor vendor = {
	.kind = 0x2900,
	.descend = is_struct,
	.elem = 0x2902,
	.tag = 0x2904,
	.captured = 0x2907,
};

static void ask_frames(struct gm_elf_debug *debug, uint64_t address)
{
	struct gm_elf_slots slots = {};
	struct gm_elf_part part;

	for (int i = 0; i < FRAMES; i++) {
		fuzz_accept(gm_elf_debug_frame(debug, address + i * FRAME_STEP, &slots));
		fuzz_accept(gm_elf_debug_closure(debug, address + i * FRAME_STEP, &slots));
		gm_elf_debug_global(debug, address + i * FRAME_STEP, &part);
	}
	for (size_t i = 0; i < slots.count; i++)
		gm_elf_debug_part(debug, slots.items[i].type, slots.items[i].offset, &part);
	free(slots.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_elf_debug *debug = NULL;
	struct gm_go_layout layout;
	struct gm_elf *elf = NULL;

	fuzz_accept(gm_elf_open(fuzz_program(data, size), &elf));
	if (elf) {
		fuzz_accept(gm_go_layout_read_dwarf(elf, &layout));
		fuzz_accept(gm_elf_debug_read(elf, &vendor, &debug));
	}
	if (debug)
		ask_frames(debug, gm_elf_entry(elf));
	gm_elf_debug_destroy(debug);
	gm_elf_destroy(elf);
	return 0;
}
