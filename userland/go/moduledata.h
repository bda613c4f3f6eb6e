/* SPDX-License-Identifier: GPL-2.0-or-later */
/* runtime.moduledata: where the parts of a Go program lie. One for the program, others for
 * plugins and shared libraries. Go src/runtime/symtab.go.
 */
#ifndef GM_GO_MODULEDATA_H
#define GM_GO_MODULEDATA_H

#include "base/vec.h"
#include "go/layout.h"
#include "go/program.h"

/* [start, end) in the process; both 0 where there is none. */
struct gm_go_range {
	uint64_t start;
	uint64_t end;
};

/* A part of the code: what the linker numbered from @offset to @end lies at @address. */
struct gm_go_textsect {
	uint64_t offset;
	uint64_t end;
	uint64_t address;
};

/**
 * struct gm_go_module - what its moduledata says, checked: ranges are in order, below
 *	GM_GO_MODULE_ADDRESS_MAX and not absurdly large
 * @address: of the moduledata
 * @pclntab: the function table, from its header to its end
 * @functions: the code it tells of (minpc, maxpc)
 * @text: runtime.text to runtime.etext: functions are counted from its start
 * @data, @bss: globals with pointers; @noptrdata, @noptrbss: without
 * @data_mask, @bss_mask: a bit for each word of @data and @bss, set for a pointer (bitvector:
 *	bits from the lowest on); they have @data_mask_bits and @bss_mask_bits; 0: not made yet
 * @types: type descriptors; names and types are offsets from its start
 * @gofunc: what function data is counted from; 0 before Go 1.18
 * @textsects: the owner frees .items; fewer than two: code is where @text says
 * @next: the next module's moduledata, 0: none
 */
struct gm_go_module {
	uint64_t address;
	struct gm_go_range pclntab;
	struct gm_go_range functions;
	struct gm_go_range text;
	struct gm_go_range noptrdata;
	struct gm_go_range data;
	struct gm_go_range bss;
	struct gm_go_range noptrbss;
	struct gm_go_range types;
	uint64_t data_mask;
	uint64_t data_mask_bits;
	uint64_t bss_mask;
	uint64_t bss_mask_bits;
	uint64_t gofunc;
	uint64_t next;
	struct {
		GM_VEC(struct gm_go_textsect);
	} textsects;
};

#define GM_GO_MODULE_ADDRESS_MAX (1ULL << 56)

struct gm_go_modules {
	GM_VEC(struct gm_go_module);
};

/* All modules of @program, the runtime's own first. ENOENT: there is none, or none that
 * makes sense. Caller destroys.
 */
struct gm_error *gm_go_modules_read(const struct gm_go_program *program,
				    const struct gm_go_layout *layout,
				    struct gm_go_modules **modules) GM_MUST_CHECK;
void gm_go_modules_destroy(struct gm_go_modules *modules);
GM_DEFINE_AUTO(gm_go_modules)

/* The module whose functions @pc may lie in, NULL: none. */
const struct gm_go_module *gm_go_modules_find(const struct gm_go_modules *modules, uint64_t pc);

/* Where code that the linker numbered @offset lies, and back; UINT64_MAX: in no part. */
uint64_t gm_go_module_text_at(const struct gm_go_module *module, uint64_t offset);
uint64_t gm_go_module_text_offset(const struct gm_go_module *module, uint64_t pc);

#endif
