/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types that a Go program carries for its own use, stripped or not: what the words of an
 * object of a type point to. Their bytes are hostile: cyclic, or of any length.
 */
#ifndef GM_GO_TYPES_H
#define GM_GO_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "elf/debug.h"
#include "go/moduledata.h"
#include "go/program.h"

/* How an object is of a type. */
enum gm_go_form {
	GM_GO_FORM_NONE,
	GM_GO_FORM_VALUE, /* one of it, or, where only the allocator told, several */
	GM_GO_FORM_ARRAY, /* what a slice of it points to */
	GM_GO_FORM_TEXT, /* of a string; no type */
	GM_GO_FORM_FUNCTION, /* a closure; in place of the type its function, 0: any */
	GM_GO_FORM_CHANNEL, /* the type is the channel's, as it is the map's below */
	GM_GO_FORM_MAP,
	GM_GO_FORM_MAP_BUCKETS, /* up to Go 1.23 */
	GM_GO_FORM_MAP_EXTRA,
	GM_GO_FORM_MAP_OVERFLOW, /* a slice's header, and what it points to: pointers to buckets */
	GM_GO_FORM_MAP_OVERFLOW_LIST,
	GM_GO_FORM_MAP_TOP, /* since: a group, or the directory of tables */
	GM_GO_FORM_MAP_TABLE,
	GM_GO_FORM_MAP_GROUPS,
	GM_GO_FORM_SIZE, /* not known; in place of the type, see gm_go_types_of_size() */
	GM_GO_FORMS,
};

/* A form and a type in one number; 0: not known. */
typedef uint32_t gm_go_code;
#define GM_GO_TYPES_MAX (1U << 24)
#define GM_GO_CODE(form, type) ((gm_go_code)(form) << 24 | (type))
#define GM_GO_CODE_FORM(code) ((enum gm_go_form)((code) >> 24))
#define GM_GO_CODE_TYPE(code) ((code) & (GM_GO_TYPES_MAX - 1))

struct gm_go_types;

/* @program and @modules must stay. Caller destroys. */
struct gm_error *gm_go_types_create(const struct gm_go_program *program,
				    const struct gm_go_modules *modules, unsigned int minor,
				    struct gm_go_types **types) GM_MUST_CHECK;
void gm_go_types_destroy(struct gm_go_types *types);
GM_DEFINE_AUTO(gm_go_types)

/* The number of the type described at @address, 0: none is. All calls may come from several
 * threads.
 */
uint32_t gm_go_types_find(struct gm_go_types *types, uint64_t address);

/* What the data of an interface is whose first word is @word, a type or an itab; 0 where it is
 * neither.
 */
gm_go_code gm_go_types_of_interface(struct gm_go_types *types, uint64_t word);

/* What an object is that begins with @word: a closure where that is where a function begins; 0
 * where it is not.
 */
gm_go_code gm_go_types_of_closure(struct gm_go_types *types, uint64_t word);

/* Reads what DWARF says of the program's variables, of which the calls below know nothing before,
 * and nothing where there is none. One thread; @types' program keeps its file.
 */
struct gm_error *gm_go_types_describe(struct gm_go_types *types) GM_MUST_CHECK;

/* What the word at @at, of a global variable, points to; 0 where that is not known. */
gm_go_code gm_go_types_of_global(struct gm_go_types *types, uint64_t at);

/* Appends what variables have of a frame that goes on at @pc; see gm_elf_debug_frame(). */
struct gm_error *gm_go_types_frame(struct gm_go_types *types, uint64_t pc,
				   struct gm_elf_slots *slots) GM_MUST_CHECK;

/* What the word at @offset of @slot points to; 0 where that is not known, or, which *@interface
 * tells, the word before it in the variable says it.
 */
gm_go_code gm_go_types_of_slot(struct gm_go_types *types, const struct gm_elf_slot *slot,
			       uint64_t offset, bool *interface);

/* What the word at @offset of an object of @code points to; 0 where that is not known. */
gm_go_code gm_go_types_follow(struct gm_go_types *types, gm_go_code code, uint64_t offset);

/* Of one value of @code's type; 0: not known. */
uint64_t gm_go_types_bytes(struct gm_go_types *types, gm_go_code code);

/* Whether a value of @code's type holds pointers, as far as is known. */
bool gm_go_types_has_pointers(struct gm_go_types *types, gm_go_code code);

/* What is not known of an object of @bytes: a code of GM_GO_FORM_SIZE. */
gm_go_code gm_go_types_of_size(uint64_t bytes, bool pointers);

/* "main.node", "[]main.node", "map[string]int (buckets)", "func main.run.func1",
 * "48 B, with pointers". Returns @text.
 */
char *gm_go_types_name(struct gm_go_types *types, gm_go_code code, char *text, size_t size);

#endif
