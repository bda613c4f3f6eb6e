/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine code of a function refers to by its own address: globals, and calls.
 * amd64. Code is not taken apart into instructions; bytes that only look like one give a
 * reference that means nothing, and whoever asks looks for what cannot come about so.
 */
#ifndef GM_GO_CODE_H
#define GM_GO_CODE_H

#include "go/pclntab.h"

enum gm_go_ref_kind {
	GM_GO_REF_TAKEN, /* LEA: the address itself */
	GM_GO_REF_LOADED, /* MOV of 8 bytes to a register */
	GM_GO_REF_COMPARED, /* CMP with a constant */
	GM_GO_REF_CALLED,
	GM_GO_REF_BOUND, /* no address: AL is compared with a constant */
};

/**
 * struct gm_go_ref - a reference
 * @at: of the instruction; @address: what it refers to
 * @bytes: compared; @constant: with
 */
struct gm_go_ref {
	enum gm_go_ref_kind kind;
	uint64_t at;
	uint64_t address;
	uint8_t bytes;
	uint8_t constant;
};

struct gm_go_refs {
	GM_VEC(struct gm_go_ref);
};

/* Those of @function, by where they are; the owner frees refs->items. */
struct gm_error *gm_go_code_refs(const struct gm_go_program *program,
				 const struct gm_go_function *function,
				 struct gm_go_refs *refs) GM_MUST_CHECK;

#endif
