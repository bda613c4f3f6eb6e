// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/goroutine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "go/buildinfo.h"

/* Go's linker makes room for one pointer where the program has no other thread-local variable. */
#define TLS_ALONE (-8)

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

/* x86-64 ABI, variant II: the thread-local block ends at the thread pointer; runtime.tlsg lies
 * in it, at its start where there is no symbol to say so.
 */
static struct gm_error *find_tls(struct gm_elf *elf, int64_t *tls)
{
	struct gm_elf_symbol tlsg = { .name = "runtime.tlsg" };
	struct gm_error *error = gm_elf_symbols(elf, &tlsg, 1);
	uint64_t bytes = gm_elf_tls_bytes(elf);

	if (error && error->code != ENOENT)
		return error;
	gm_error_destroy(error);
	*tls = TLS_ALONE;
	if (bytes && bytes <= INT32_MAX && tlsg.address < bytes)
		*tls = (int64_t)tlsg.address - (int64_t)bytes;
	return NULL;
}

static struct gm_error *read_program(const struct gm_go_program *program,
				     struct gm_go_goroutine *goroutine)
{
	struct gm_error *error = gm_go_buildinfo_read(program, &goroutine->version);

	if (!error)
		error = gm_go_layout_read(program->elf, &goroutine->version, &goroutine->layout);
	if (!error)
		error = check_needed(goroutine);
	return error ?: find_tls(program->elf, &goroutine->tls);
}

struct gm_error *gm_go_goroutine_read_file(const char *path, struct gm_go_goroutine *goroutine)
{
	struct gm_go_program program = { 0 };
	struct gm_error *error = gm_elf_open(path, &program.elf);

	if (!error)
		error = read_program(&program, goroutine);
	gm_go_program_deinit(&program);
	return error;
}

struct gm_error *gm_go_goroutine_read(pid_t pid, struct gm_go_goroutine *goroutine)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return gm_go_goroutine_read_file(path, goroutine);
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
