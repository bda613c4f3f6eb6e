// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/code.h"

#include <errno.h>

#define FUNCTION_MAX (1U << 20)
#define INSTRUCTION_MAX 16

/**
 * struct form - an instruction, Intel SDM volume 2
 * @opcode, @mask: of its first bytes
 * @distance: then come four bytes, from its end to the address
 * @constant: then comes a byte
 */
struct form {
	enum gm_go_ref_kind kind;
	uint8_t size;
	uint8_t opcode[3];
	uint8_t mask[3];
	uint8_t distance;
	uint8_t constant;
	uint8_t bytes;
};

/* ModRM with mod 0 and r/m 5 is an address relative to the instruction pointer; REX.W is 8
 * bytes, REX.R one of the upper registers.
 */
static const struct form forms[] = {
	{ GM_GO_REF_TAKEN, 3, { 0x48, 0x8d, 0x05 }, { 0xfb, 0xff, 0xc7 }, 4, 0, 0 },
	{ GM_GO_REF_LOADED, 3, { 0x48, 0x8b, 0x05 }, { 0xfb, 0xff, 0xc7 }, 4, 0, 0 },
	{ GM_GO_REF_COMPARED, 2, { 0x80, 0x3d }, { 0xff, 0xff }, 4, 1, 1 },
	{ GM_GO_REF_COMPARED, 2, { 0x83, 0x3d }, { 0xff, 0xff }, 4, 1, 4 },
	{ GM_GO_REF_CALLED, 1, { 0xe8 }, { 0xff }, 4, 0, 0 },
	{ GM_GO_REF_BOUND, 1, { 0x3c }, { 0xff }, 0, 1, 1 },
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

static bool matches(const struct form *form, const uint8_t *code)
{
	for (size_t i = 0; i < form->size; i++)
		if ((code[i] & form->mask[i]) != form->opcode[i])
			return false;
	return true;
}

static struct gm_error *add_ref(const struct form *form, const uint8_t *code, uint64_t at,
				struct gm_go_refs *refs)
{
	size_t size = form->size + form->distance + form->constant;
	struct gm_go_ref *ref = gm_vec_push(refs);
	int32_t distance;

	if (!ref)
		return gm_error_errno(ENOMEM, "cannot read a function's code");
	memcpy(&distance, code + form->size, sizeof(distance));
	*ref = (struct gm_go_ref){
		.kind = form->kind,
		.at = at,
		.address = form->distance ? at + size + distance : 0,
		.bytes = form->bytes,
		.constant = form->constant ? code[size - 1] : 0,
	};
	return NULL;
}

/* @code has INSTRUCTION_MAX more bytes than @size. */
static struct gm_error *find_refs(const uint8_t *code, size_t size, uint64_t address,
				  struct gm_go_refs *refs)
{
	struct gm_error *error = NULL;
	const struct form *form;

	for (size_t at = 0; at < size; at++) {
		for (form = forms; form < forms + FORMS && !error; form++)
			if (matches(form, code + at))
				error = add_ref(form, code + at, address + at, refs);
	}
	return error;
}

struct gm_error *gm_go_code_refs(const struct gm_go_program *program,
				 const struct gm_go_function *function, struct gm_go_refs *refs)
{
	gm_autofree uint8_t *code = NULL;
	uint64_t size = function->end - function->entry;
	struct gm_error *error;

	if (size > FUNCTION_MAX)
		return gm_error_create(EBADMSG, "%s has an impossible size", function->name);
	code = calloc(1, size + INSTRUCTION_MAX);
	if (!code)
		return gm_error_errno(ENOMEM, "cannot read a function's code");
	error = gm_go_program_read(program, function->entry, code, size);
	return error ?: find_refs(code, size, function->entry, refs);
}
