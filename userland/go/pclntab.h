/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Go's function table, which every Go program carries, stripped or not: what the runtime
 * itself unwinds and prints stacks with. Go src/runtime/symtab.go, cmd/link/internal/ld/pcln.go.
 * Its bytes are hostile: whatever they say, a call ends soon and reads nothing else.
 */
#ifndef GM_GO_PCLNTAB_H
#define GM_GO_PCLNTAB_H

#include "go/moduledata.h"

/* The forms that Go has used, by the first release of each. */
enum gm_go_pclntab_form {
	GM_GO_PCLNTAB_1_2,
	GM_GO_PCLNTAB_1_16,
	GM_GO_PCLNTAB_1_18,
	GM_GO_PCLNTAB_1_20,
};

/* Tables by a number in the code, of which there is one for each function that needs it. */
enum gm_go_pcdata {
	GM_GO_PCDATA_STACK_MAP = 1, /* row of the pointer maps at a call, -1: none */
	GM_GO_PCDATA_INLINE = 2, /* row of the inlining tree, -1: not inlined */
};

/* Data of a function, whose numbers depend on the form. */
enum gm_go_funcdata {
	GM_GO_FUNCDATA_ARGS, /* pointer maps of its arguments */
	GM_GO_FUNCDATA_LOCALS, /* and of its locals */
	GM_GO_FUNCDATA_STACK_OBJECTS,
	GM_GO_FUNCDATA_INLINE, /* what was inlined into it */
};

struct gm_go_pclntab;

/**
 * struct gm_go_function - [entry, end)
 * @end: of its code, or the start of the next function: what lies between is padding
 * @args: bytes of its arguments on the stack; INT32_MIN: not known
 * @name: with its package, of generic functions with the types; as long as the table
 * @record: its place in the table
 */
struct gm_go_function {
	uint64_t entry;
	uint64_t end;
	int32_t args;
	const char *name;
	uint64_t record;
};

/* Reads and checks the table of @module, of which @program has the bytes and must live as
 * long. EBADMSG: it is none.
 */
struct gm_error *gm_go_pclntab_open(const struct gm_go_program *program,
				    const struct gm_go_module *module,
				    struct gm_go_pclntab **table) GM_MUST_CHECK;
void gm_go_pclntab_destroy(struct gm_go_pclntab *table);
GM_DEFINE_AUTO(gm_go_pclntab)

enum gm_go_pclntab_form gm_go_pclntab_form(const struct gm_go_pclntab *table);
size_t gm_go_pclntab_count(const struct gm_go_pclntab *table);

/* The @index'th, by address; false where it makes no sense. */
bool gm_go_pclntab_function(const struct gm_go_pclntab *table, size_t index,
			    struct gm_go_function *function);

/* The one whose code @pc lies in. */
bool gm_go_pclntab_find(const struct gm_go_pclntab *table, uint64_t pc,
			struct gm_go_function *function);

/* The first one called @name. */
bool gm_go_pclntab_find_name(const struct gm_go_pclntab *table, const char *name,
			     struct gm_go_function *function);

/* The name at @offset of the table's names; NULL: there is none. */
const char *gm_go_pclntab_name(const struct gm_go_pclntab *table, uint32_t offset);

/* File and line of the instruction at @pc, where inlined functions are concerned the
 * innermost's. NULL and 0 where not known.
 */
void gm_go_pclntab_line(const struct gm_go_pclntab *table, const struct gm_go_function *function,
			uint64_t pc, const char **file, int32_t *line);

/* Bytes that the function has on the stack at @pc, its return address not among them;
 * -1: not known.
 */
int32_t gm_go_pclntab_frame_bytes(const struct gm_go_pclntab *table,
				  const struct gm_go_function *function, uint64_t pc);

/* -1: there is no such table, or nothing in it for @pc. */
int32_t gm_go_pclntab_pcdata(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function, enum gm_go_pcdata kind,
			     uint64_t pc);

/* The address of the data, 0: there is none. */
uint64_t gm_go_pclntab_funcdata(const struct gm_go_pclntab *table,
				const struct gm_go_function *function, enum gm_go_funcdata kind);

/* For the tables' own address: the first in @program from @from on that has the look of one,
 * 0 where there is none; @left: as gm_go_program_scan() takes it.
 */
uint64_t gm_go_pclntab_scan(const struct gm_go_program *program, uint64_t from, uint64_t *left);

/* Whether the bytes at @address begin a table. */
bool gm_go_pclntab_begins(const struct gm_go_program *program, uint64_t address);

#endif
