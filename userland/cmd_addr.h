/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of gomemctl addr share. */
#ifndef GM_CMD_ADDR_H
#define GM_CMD_ADDR_H

#include <json-c/json.h>
#include <stdio.h>

#include "cmd_huge.h"
#include "cmd_subject.h"
#include "go/frames.h"
#include "go/goroutines.h"
#include "go/locate.h"

#define GM_ADDR_FRAMES_MAX 16

/* The names in a process' program. */
struct gm_addr_names;

/* What cannot be read is left out. @subject must live as long. */
struct gm_error *gm_addr_names_create(const struct gm_subject *subject,
				      struct gm_addr_names **names) GM_MUST_CHECK;
void gm_addr_names_destroy(struct gm_addr_names *names);
GM_DEFINE_AUTO(gm_addr_names)

/**
 * struct gm_addr_symbol - what the program calls an address
 * @frames: of the function there, those inlined into it first; @count: 0 where none is
 * @part: of the program's data that it lies in, "bss"; NULL: in none
 * @variable: the global there, NULL: not known
 * @offset: bytes into the function or @variable
 */
struct gm_addr_symbol {
	struct gm_go_frame frames[GM_ADDR_FRAMES_MAX];
	size_t count;
	uint64_t offset;
	const char *part;
	const char *variable;
};

void gm_addr_names_find(struct gm_addr_names *names, uint64_t address,
			struct gm_addr_symbol *symbol);

#define GM_ADDR_TYPE_MAX 256

/* The type of the object at @location, as the allocator noted it, in @text; NULL where it did
 * not.
 */
const char *gm_addr_names_type(struct gm_addr_names *names, const struct gm_go_location *location,
			       char *text, size_t size);

/**
 * struct gm_addr_look - one process, read once for all addresses
 * @heap_problem: why subject.heap is NULL
 * @names: NULL where there are none
 */
struct gm_addr_look {
	struct gm_subject subject;
	struct gm_error *heap_problem;
	struct gm_blocks blocks;
	struct gm_go_goroutines goroutines;
	struct gm_addr_names *names;
};

/**
 * struct gm_addr - all that is known of one address
 * @vma: NULL where nothing is mapped; @below, @above: then what is nearest, NULL at the ends
 * @page: NULL where absent
 * @go: of the Go heap; all NULL without one
 * @census: of go.span
 * @block: NULL outside of the heap
 * @history: of @block
 * @goroutine: whose stack it is, NULL: nobody's
 * @type: of the object, "" where not known
 */
struct gm_addr {
	uint64_t address;
	const struct gm_vma *vma;
	const struct gm_vma *below;
	const struct gm_vma *above;
	const struct gomem_page_run *page;
	struct gm_go_location go;
	struct gm_go_census census;
	const struct gm_block *block;
	struct gm_huge_history history;
	const struct gm_go_goroutine_state *goroutine;
	struct gm_addr_symbol symbol;
	char type[GM_ADDR_TYPE_MAX];
};

void gm_addr_print(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr);

/* An object of the schema gomem.addr/1; NULL when memory is out. */
json_object *gm_addr_json(const struct gm_addr_look *look, const struct gm_addr *addr);

/* The class of the slot @by below or above that of @addr, GM_GO_CLASSES where there is none. */
uint32_t gm_addr_beside(const struct gm_addr_look *look, const struct gm_addr *addr, int by);

/* Of an address in an object: whether that carries the mark of the last GC: 1, 0, or -1 where no
 * mark tells: its span was swept since, or a GC ran.
 */
int gm_addr_marked(const struct gm_addr_look *look, const struct gm_addr *addr);

#endif
