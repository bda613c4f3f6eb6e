/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps the objects of the heap alive: what the collector starts from. */
#ifndef GM_GO_ROOTS_H
#define GM_GO_ROOTS_H

#include "elf/variables.h"
#include "go/edges.h"
#include "go/ids.h"
#include "go/moduledata.h"
#include "go/program.h"
#include "go/target.h"
#include "go/types.h"

/* A weak one holds only what no other does. */
enum gm_go_holder_kind {
	GM_GO_HOLDER_VARIABLE, /* a global */
	GM_GO_HOLDER_STACK, /* a variable of a function, on all goroutines' stacks, or its frames */
	GM_GO_HOLDER_SPECIAL, /* functions and handles the runtime notes beside an object */
	GM_GO_HOLDER_WEAK, /* objects that wait for their finalizer, or for a tiny neighbour */
	GM_GO_HOLDER_KINDS,
};

/**
 * struct gm_go_holder - what holds objects by itself
 * @name: "main.cache", "main.(*server).run conn", "data+0x1f40" and "main.(*server).run" where
 *	variables have no names
 */
struct gm_go_holder {
	enum gm_go_holder_kind kind;
	const char *name;
};

/**
 * struct gm_go_root - a reference of a holder
 * @at: address of the word, where it is a global's, else 0
 * @address: what it refers to
 * @object: the same, once it was settled
 * @code: what the variable of a stack says that it is; 0: nothing
 * @inside: not to the start of the object
 * @guessed: the word may be no reference at all
 */
struct gm_go_root {
	uint64_t at;
	uint64_t address;
	uint32_t holder;
	uint32_t object;
	gm_go_code code;
	bool inside;
	bool guessed;
};

/**
 * struct gm_go_roots - holders, and objects that each refers to; once they were settled, those of
 *	no object are left out, and holders without
 * @frames: of goroutines, read with their pointer maps
 * @guessed_bytes: of stacks where each word was taken for a pointer, as they were running, or
 *	their frames do not say
 * @unread_bytes: of stacks that were too many or too large
 * @flux: references to where no object lived any more, or not yet
 * @moved: goroutines that went on while they were read
 */
struct gm_go_roots {
	struct {
		GM_VEC(struct gm_go_holder);
	} holders;
	GM_VEC(struct gm_go_root);
	struct gm_go_names *names;
	uint64_t goroutines;
	uint64_t frames;
	uint64_t guessed_bytes;
	uint64_t unread_bytes;
	uint64_t flux;
	uint64_t moved;
};

/**
 * struct gm_go_rooting - from what they are read
 * @variables: NULL where they have no names
 * @copying: called before the first of the target's heap and stacks is read, once the program is;
 *	an error ends it all; NULL: nobody asks
 * @copied: called when no more of them is needed; NULL: nobody asks
 */
struct gm_go_rooting {
	const struct gm_go_target *target;
	const struct gm_go_program *program;
	const struct gm_go_modules *modules;
	const struct gm_elf_variables *variables;
	struct gm_error *(*copying)(void *context);
	void (*copied)(void *context);
	void *context;
	struct gm_go_progress progress;
};

/* What globals and stacks refer to: to be read before the heap, as what they refer to then is
 * known of in the heap, while it could be of a later moment that way round: the list of all
 * goroutines, grown meanwhile, would be lost with all of them. What @types were described tells
 * the variables of stacks. Memory: 32 bytes each. Caller deinits, also after an error.
 */
struct gm_error *gm_go_roots_read(const struct gm_go_rooting *rooting, struct gm_go_types *types,
				  struct gm_go_roots *roots) GM_MUST_CHECK;

/* Adds what the runtime notes beside the objects of @ids, whose heap was read since, and finds the
 * objects of all.
 */
struct gm_error *gm_go_roots_settle(const struct gm_go_rooting *rooting,
				    const struct gm_go_ids *ids,
				    struct gm_go_roots *roots) GM_MUST_CHECK;
void gm_go_roots_deinit(struct gm_go_roots *roots);

#endif
