// SPDX-License-Identifier: GPL-2.0-or-later
/* An ELF file: sections, symbols, segments, functions. */
#include "elf/functions.h"
#include "elf/segments.h"
#include "program.h"

static void look(struct gm_elf *elf)
{
	struct gm_elf_symbol symbols[] = { { .name = "runtime.mheap_" }, { .name = "main" } };
	struct gm_elf_segment segments[GM_ELF_SEGMENTS_MAX];
	struct gm_elf_functions *functions = NULL;
	uint64_t address, size;
	const void *data;
	size_t bytes;

	gm_elf_entry(elf);
	fuzz_accept(gm_elf_section(elf, ".go.buildinfo", &data, &bytes));
	fuzz_accept(gm_elf_section_place(elf, ".gopclntab", &address, &size));
	fuzz_accept(gm_elf_symbols(elf, symbols, 2));
	bytes = gm_elf_segments(elf, segments, GM_ELF_SEGMENTS_MAX);
	for (size_t i = 0; i < bytes; i++)
		fuzz_accept(gm_elf_read(elf, segments[i].address, &address, sizeof(address)));
	fuzz_accept(gm_elf_functions_read(elf, &functions));
	if (functions)
		gm_elf_functions_at(functions, 0x1000);
	gm_elf_functions_destroy(functions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_elf *elf = NULL;

	fuzz_accept(gm_elf_open(fuzz_program(data, size), &elf));
	if (elf)
		look(elf);
	gm_elf_destroy(elf);
	return 0;
}
