// SPDX-License-Identifier: GPL-2.0-or-later
/* Where an ELF file's DWARF says that Go's structs have their fields. */
#include "go/layout.h"
#include "program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_go_layout layout;
	struct gm_elf *elf = NULL;

	fuzz_accept(gm_elf_open(fuzz_program(data, size), &elf));
	if (elf)
		fuzz_accept(gm_go_layout_read_dwarf(elf, &layout));
	gm_elf_destroy(elf);
	return 0;
}
