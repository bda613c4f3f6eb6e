/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of pclntab.c, which finds functions in it, and what pclntab_values.c, which follows
 * what they say, asks of it. Offsets are what the table claims: each is checked here.
 */
#ifndef GM_GO_PCLNTAB_PARTS_H
#define GM_GO_PCLNTAB_PARTS_H

#include "go/pclntab.h"

#define GM_GO_PCLNTAB_NO_OFFSET UINT32_MAX

/* Bytes of the table, in it. */
struct gm_go_pclntab_part {
	const uint8_t *bytes;
	size_t size;
};

/**
 * struct gm_go_pclntab_shape - what the forms differ in
 * @magic: the first four bytes
 * @words: how many of the header's words come before the offsets of the parts
 * @pointer: bytes of an address in the list of functions
 * @has_units: files are numbered by compilation unit
 * @has_line: a function says where it begins in the source
 * @inline_: number of the inlining tree among the function data, which it shifted
 */
struct gm_go_pclntab_shape {
	uint32_t magic;
	uint8_t words;
	uint8_t pointer;
	bool has_units;
	bool has_line;
	uint8_t inline_;
};

/**
 * struct gm_go_pclntab - a copy of the table
 * @shape: that of its @form
 * @quantum: instructions are multiples of it
 * @list: @count pairs of a function's address, or offset, and its record's offset in
 *	@records, and the last one's end
 */
struct gm_go_pclntab {
	const struct gm_go_module *module;
	uint8_t *bytes;
	size_t size;
	enum gm_go_pclntab_form form;
	const struct gm_go_pclntab_shape *shape;
	uint8_t quantum;
	size_t count;
	struct gm_go_pclntab_part list;
	struct gm_go_pclntab_part names;
	struct gm_go_pclntab_part units;
	struct gm_go_pclntab_part files;
	struct gm_go_pclntab_part values;
	struct gm_go_pclntab_part records;
};

/* Go src/runtime/runtime2.go: _func. Behind its address, or offset, these u32. */
enum gm_go_pclntab_field {
	FUNC_NAME,
	FUNC_ARGS,
	FUNC_DEFER,
	FUNC_SP,
	FUNC_FILE,
	FUNC_LINE,
	FUNC_PCDATA,
	FUNC_UNIT,
};

/* Of @part, at @at; false behind its end. */
bool gm_go_pclntab_u32(const struct gm_go_pclntab_part *part, uint64_t at, uint32_t *value);

/* The same of a pointer, of as many bytes as the form's have. */
bool gm_go_pclntab_pointer(const struct gm_go_pclntab *table, const struct gm_go_pclntab_part *part,
			   uint64_t at, uint64_t *value);

/* NULL where there is no end of it, or what no name has: they are printed. */
const char *gm_go_pclntab_string(const struct gm_go_pclntab_part *part, uint64_t at);

/* Of the record of @function, which was checked to be there. */
uint32_t gm_go_pclntab_field(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function, enum gm_go_pclntab_field field);

/* Without what comes behind: the offsets of values and the data. */
size_t gm_go_pclntab_record_bytes(const struct gm_go_pclntab *table);

/* Its addresses are offsets. */
static inline bool gm_go_pclntab_is_relative(const struct gm_go_pclntab *table)
{
	return table->form >= GM_GO_PCLNTAB_1_18;
}

#endif
