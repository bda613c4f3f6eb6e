// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/mgcmark.go: markroot() scans data and bss of each module by gcdatamask and
 * gcbssmask.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "go/roots_parts.h"

#define WORD 8
#define CHUNK_WORDS (64U << 10)

/**
 * struct globals - a stretch of them
 * @name: of the stretch, for variables without
 * @holder: of the word before, whose variable starts at @start
 */
struct globals {
	const struct gm_go_rooting *rooting;
	struct gm_go_roots *roots;
	const char *name;
	uint64_t base;
	const char *variable;
	uint32_t holder;
};

static struct gm_error *find_holder(struct globals *globals, uint64_t at)
{
	const struct gm_go_rooting *rooting = globals->rooting;
	const char *variable = NULL;
	uint64_t start;
	char text[64];

	if (rooting->variables)
		variable = gm_elf_variables_at(rooting->variables, at - rooting->program->bias,
					       &start);
	if (variable && variable == globals->variable)
		return NULL;
	globals->variable = variable;
	snprintf(text, sizeof(text), "%s+0x%" PRIx64, globals->name, at - globals->base);
	return gm_go_roots_holder(globals->roots, GM_GO_HOLDER_VARIABLE, variable ?: text,
				  &globals->holder);
}

static struct gm_error *scan(struct globals *globals, uint64_t at, const uint64_t *words,
			     const uint8_t *mask, uint64_t count)
{
	struct gm_error *error = NULL;

	for (uint64_t i = 0; i < count && !error; i++) {
		if (!(mask[i / 8] >> i % 8 & 1) ||
		    !gm_go_roots_plausible(globals->rooting, words[i]))
			continue;
		error = find_holder(globals, at + i * WORD);
		if (!error)
			error = gm_go_roots_add(globals->roots,
						&(struct gm_go_root){ .at = at + i * WORD,
								      .address = words[i],
								      .holder = globals->holder });
	}
	return error;
}

static struct gm_error *scan_range(struct globals *globals, const struct gm_go_range *range,
				   uint64_t mask_at, uint64_t bits)
{
	gm_autofree uint64_t *copy = malloc(CHUNK_WORDS * sizeof(*copy));
	gm_autofree uint8_t *mask = malloc(CHUNK_WORDS / 8);
	const struct gm_go_program *program = globals->rooting->program;
	uint64_t words = (range->end - range->start) / WORD, done = 0;
	struct gm_error *error = NULL;

	if (!copy || !mask)
		return gm_error_errno(ENOMEM, "cannot read the global variables");
	globals->base = range->start;
	globals->variable = NULL;
	words = words < bits ? words : bits;
	while (done < words && !error) {
		uint64_t count = words - done < CHUNK_WORDS ? words - done : CHUNK_WORDS;

		error = gm_mem_read(globals->rooting->target->mem, range->start + done * WORD, copy,
				    count * WORD);
		if (!error)
			error = gm_go_program_read(program, mask_at + done / 8, mask,
						   (count + 7) / 8);
		if (!error)
			error = scan(globals, range->start + done * WORD, copy, mask, count);
		done += count;
	}
	return error;
}

struct gm_error *gm_go_roots_globals(const struct gm_go_rooting *rooting, struct gm_go_roots *roots)
{
	struct globals data = { .rooting = rooting, .roots = roots, .name = "data" };
	struct globals bss = { .rooting = rooting, .roots = roots, .name = "bss" };
	struct gm_error *error = NULL;

	for (size_t i = 0; i < rooting->modules->count && !error; i++) {
		const struct gm_go_module *module = &rooting->modules->items[i];

		error = scan_range(&data, &module->data, module->data_mask, module->data_mask_bits);
		if (!error)
			error = scan_range(&bss, &module->bss, module->bss_mask,
					   module->bss_mask_bits);
	}
	return error;
}
