// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/goroutine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "elf/tls.h"
#include "go/buildinfo.h"
#include "go/image.h"

/* Go's linker makes room for one pointer where the program has no other thread-local variable. */
#define TLS_ALONE (-8)
#define TLS_MAX 1048576 /* as the module takes it */
#define SLOTS_MAX 16

static const enum gm_go_field needed[] = {
	GM_GO_G_STACK,	GM_GO_G_M,    GM_GO_G_SCHED,  GM_GO_G_GOID,
	GM_GO_G_LABELS, GM_GO_M_CURG, GM_GO_GOBUF_PC, GM_GO_GOBUF_BP,
};

static struct gm_error *check_needed(const struct gm_go_goroutine *goroutine)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!gm_go_layout_has(&goroutine->layout, needed[i]))
			return gm_error_create(ENOTSUP,
					       "cannot tell how %s lays out its goroutines"
					       " (layout: %s)",
					       goroutine->version.text, goroutine->layout.source);
	return NULL;
}

/* runtime.tlsg lies at the start of the thread-local block where there is no symbol to say so. */
static struct gm_error *read_tlsg(struct gm_elf *elf, uint64_t *offset, bool *has_symbol)
{
	struct gm_elf_symbol tlsg = { .name = "runtime.tlsg" };
	struct gm_error *error = gm_elf_symbols(elf, &tlsg, 1);

	*offset = tlsg.address;
	*has_symbol = tlsg.found;
	if (error && error->code != ENOENT)
		return error;
	gm_error_destroy(error);
	return NULL;
}

/* x86-64 ABI, variant II: the thread-local block of a program ends at the thread pointer. */
static struct gm_error *find_in_program(struct gm_elf *elf, int64_t *tls)
{
	uint64_t bytes = gm_elf_tls_bytes(elf), offset;
	struct gm_error *error;
	bool has_symbol;

	error = read_tlsg(elf, &offset, &has_symbol);
	*tls = TLS_ALONE;
	if (bytes && bytes <= INT32_MAX && offset < bytes)
		*tls = (int64_t)offset - (int64_t)bytes;
	return error;
}

/* Of the slots, that of runtime.tlsg; false where it cannot be told. */
static bool choose_slot(const struct gm_elf_tls_slot *slots, size_t count, uint64_t offset,
			bool has_symbol, uint64_t *address)
{
	size_t fit = 0;

	for (size_t i = 0; i < count; i++) {
		if (has_symbol && slots[i].offset != offset)
			continue;
		*address = slots[i].address;
		fit++;
	}
	return fit == 1;
}

/* Where a library's block lies is decided when it is loaded, and written to a slot of its own for
 * its code to read.
 */
static struct gm_error *find_in_library(const struct gm_go_program *program, int64_t *tls)
{
	struct gm_elf_tls_slot slots[SLOTS_MAX];
	size_t count = gm_elf_tls_slots(program->elf, slots, SLOTS_MAX);
	uint64_t offset, address;
	struct gm_error *error;
	bool has_symbol;

	error = read_tlsg(program->elf, &offset, &has_symbol);
	if (error)
		return error;
	if (!choose_slot(slots, count, offset, has_symbol, &address))
		return gm_error_create(ENOTSUP,
				       "the Go library does not say where its threads keep the"
				       " current goroutine");
	error = gm_go_program_read(program, program->bias + address, tls, sizeof(*tls));
	if (!error && (*tls >= 0 || *tls < -TLS_MAX || *tls % 8))
		error = gm_error_create(ENOTSUP,
					"a thread cannot keep its goroutine at %" PRId64
					" of the thread pointer",
					*tls);
	return error;
}

static struct gm_error *read_program(const struct gm_go_program *program, bool is_library,
				     struct gm_go_goroutine *goroutine)
{
	struct gm_error *error = gm_go_buildinfo_read(program, &goroutine->version);

	if (!error)
		error = gm_go_layout_read(program->elf, &goroutine->version, &goroutine->layout);
	if (!error)
		error = check_needed(goroutine);
	if (error)
		return error;
	return is_library ? find_in_library(program, &goroutine->tls) :
			    find_in_program(program->elf, &goroutine->tls);
}

struct gm_error *gm_go_goroutine_read_file(const char *path, struct gm_go_goroutine *goroutine)
{
	struct gm_go_program program = { 0 };
	struct gm_error *error = gm_elf_open(path, &program.elf);

	if (!error)
		error = read_program(&program, false, goroutine);
	gm_go_program_deinit(&program);
	return error;
}

struct gm_error *gm_go_goroutine_read(pid_t pid, struct gm_go_goroutine *goroutine)
{
	gm_auto(gm_maps) struct gm_maps *maps = NULL;
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	struct gm_go_program program = { 0 };
	struct gm_error *error;
	bool is_library;

	error = gm_mem_open_pid(pid, &mem);
	if (!error)
		error = gm_maps_read(pid, &maps);
	if (!error)
		error = gm_go_image_find(pid, mem, maps, &program, &is_library);
	if (!error)
		error = read_program(&program, is_library, goroutine);
	gm_go_program_deinit(&program);
	return error;
}

char *gm_go_goroutine_words(const struct gm_go_goroutine *goroutine,
			    char text[GM_GO_GOROUTINE_WORDS])
{
	const struct gm_go_layout *layout = &goroutine->layout;
	uint32_t sched = gm_go_layout_offset(layout, GM_GO_G_SCHED);

	snprintf(text, GM_GO_GOROUTINE_WORDS,
		 "tls=%" PRId64 " m=%u curg=%u goid=%u labels=%u stack=%u sched_pc=%u sched_bp=%u",
		 goroutine->tls, gm_go_layout_offset(layout, GM_GO_G_M),
		 gm_go_layout_offset(layout, GM_GO_M_CURG),
		 gm_go_layout_offset(layout, GM_GO_G_GOID),
		 gm_go_layout_offset(layout, GM_GO_G_LABELS),
		 gm_go_layout_offset(layout, GM_GO_G_STACK),
		 sched + gm_go_layout_offset(layout, GM_GO_GOBUF_PC),
		 sched + gm_go_layout_offset(layout, GM_GO_GOBUF_BP));
	return text;
}
