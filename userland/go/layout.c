// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/layout.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* No struct of the runtime comes near this: heapArena, the largest, has 2.1 MiB in Go 1.19. */
#define STRUCT_MAX (16U << 20)

static const struct gm_elf_field questions[GM_GO_FIELD_COUNT] = {
#define QUESTION(id, its_type, its_member, must) { .type = its_type, .member = its_member },
	GM_GO_FIELDS(QUESTION)
#undef QUESTION
};

static const bool musts[GM_GO_FIELD_COUNT] = {
#define MUST(id, type, member, must) must,
	GM_GO_FIELDS(MUST)
#undef MUST
};

/* Experiments that move fields the reader needs; with one of them only DWARF can be trusted
 * (found by comparing the DWARF of builds with each experiment of Go 1.19 to 1.27).
 */
static const char *const moving[] = { "noallocheaders", "staticlockranking" };

/* What the reader copies as a whole must have the size it knows. */
static const struct {
	enum gm_go_field field;
	uint32_t size;
} fixed[] = {
	{ GM_GO_MHEAP_ARENAS, 8 },     { GM_GO_PAGES_CHUNKS, 65536 }, { GM_GO_CHUNK_ALLOC, 64 },
	{ GM_GO_CHUNK_SCAVENGED, 64 }, { GM_GO_ARENA_SPANS, 65536 },
};

static struct gm_error *check_fixed(const struct gm_elf_field *fields)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		const struct gm_elf_field *field = &fields[fixed[i].field];

		if (field->size != fixed[i].size)
			return gm_error_create(ENOTSUP,
					       "%s.%s has %u bytes, gomem knows it with %u",
					       field->type, field->member, field->size,
					       fixed[i].size);
	}
	return NULL;
}

/* How far the members of a field's struct may reach. */
static uint32_t reach(const struct gm_elf_field *fields, size_t at)
{
	while (at && !strcmp(fields[at - 1].type, fields[at].type))
		at--;
	return fields[at].member || !fields[at].found ? STRUCT_MAX : fields[at].size;
}

static struct gm_error *check_place(const struct gm_elf_field *fields, size_t at, bool must)
{
	const struct gm_elf_field *field = &fields[at];
	uint32_t limit = reach(fields, at);

	if (!field->found && must)
		return gm_error_create(ENOTSUP, "%s%s%s is not described", field->type,
				       field->member ? "." : "", field->member ?: "");
	if (field->found &&
	    (limit > STRUCT_MAX || field->size > limit || field->offset > limit - field->size))
		return gm_error_create(ENOTSUP, "an impossible %s is described", field->type);
	return NULL;
}

/* Go src/runtime/malloc.go: arenaBaseOffset */
uint64_t gm_go_layout_arena_base(const struct gm_go_layout *layout)
{
	return layout->machine == EM_X86_64 ? 0xffff800000000000 : 0;
}

bool gm_go_layout_has_heap_stats(const struct gm_go_layout *layout)
{
	return gm_go_layout_has(layout, GM_GO_STATS_HEAP_STATS);
}

/* Of each of the two ways to count, all that it takes. */
static struct gm_error *check_stats(const struct gm_go_layout *layout)
{
	static const enum gm_go_field ways[2][5] = {
		{ GM_GO_STATS_GC_SYS, GM_GO_MHEAP_CUR_ARENA, GM_GO_MSPAN_BYTES, GM_GO_MSPAN_BYTES,
		  GM_GO_MSPAN_BYTES },
		{ GM_GO_STATS_GC_MISC_SYS, GM_GO_STATS_HEAP_STATS, GM_GO_HEAP_STATS_STATS,
		  GM_GO_DELTA_BYTES, GM_GO_DELTA_WORK_BUFS },
	};

	for (size_t i = 0; i < 5; i++)
		if (!gm_go_layout_has(layout, ways[gm_go_layout_has_heap_stats(layout)][i]))
			return gm_error_create(ENOTSUP, "how memory is counted is not described");
	return NULL;
}

static struct gm_error *check(const struct gm_elf_field *fields)
{
	for (size_t i = 0; i < GM_GO_FIELD_COUNT; i++) {
		struct gm_error *error = check_place(fields, i, musts[i]);

		if (error)
			return error;
	}
	return check_fixed(fields);
}

struct gm_error *gm_go_layout_read_dwarf(struct gm_elf *elf, struct gm_go_layout *layout)
{
	struct gm_elf_field fields[GM_GO_FIELD_COUNT];
	struct gm_error *error;

	memcpy(fields, questions, sizeof(fields));
	error = gm_elf_fields(elf, "runtime", fields, GM_GO_FIELD_COUNT);
	if (!error)
		error = check(fields);
	if (error)
		return error;
	memset(layout, 0, sizeof(*layout));
	layout->machine = gm_elf_machine(elf);
	for (size_t i = 0; i < GM_GO_FIELD_COUNT; i++)
		if (fields[i].found)
			layout->places[i] =
				(struct gm_go_place){ fields[i].offset, fields[i].size };
	strcpy(layout->source, "DWARF");
	return check_stats(layout);
}

struct gm_error *gm_go_layout_check(const struct gm_go_layout *layout)
{
	struct gm_elf_field fields[GM_GO_FIELD_COUNT];
	struct gm_error *error;

	memcpy(fields, questions, sizeof(fields));
	for (size_t i = 0; i < GM_GO_FIELD_COUNT; i++) {
		fields[i].offset = layout->places[i].offset;
		fields[i].size = layout->places[i].size;
		fields[i].found = gm_go_layout_has(layout, i);
	}
	error = check(fields);
	return error ?: check_stats(layout);
}

static const char *moved_by(const struct gm_go_version *version)
{
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		if (gm_go_version_has(version, moving[i]))
			return moving[i];
	return NULL;
}

static struct gm_error *from_table(const struct gm_go_version *version, uint32_t machine,
				   const struct gm_error *dwarf, struct gm_go_layout *layout)
{
	const char *experiment = moved_by(version);

	if (experiment)
		return gm_error_create(ENOTSUP,
				       "cannot tell how %s lays out its heap: it was built with"
				       " GOEXPERIMENT=%s, and %s; build it with DWARF",
				       version->text, experiment, dwarf->message);
	for (size_t i = 0; i < gm_go_layout_rows; i++) {
		if (gm_go_layout_table[i].minor != version->minor ||
		    gm_go_layout_table[i].machine != machine)
			continue;
		memset(layout, 0, sizeof(*layout));
		layout->machine = machine;
		memcpy(layout->places, gm_go_layout_table[i].places, sizeof(layout->places));
		snprintf(layout->source, sizeof(layout->source), "table for go1.%u",
			 version->minor);
		return NULL;
	}
	return gm_error_create(ENOTSUP,
			       "cannot tell how %s lays out its heap: it is not in gomem's table,"
			       " and %s; build it with DWARF",
			       version->text, dwarf->message);
}

struct gm_error *gm_go_layout_read(struct gm_elf *elf, const struct gm_go_version *version,
				   struct gm_go_layout *layout)
{
	gm_auto(gm_error) struct gm_error *dwarf = gm_go_layout_read_dwarf(elf, layout);

	return dwarf ? from_table(version, gm_elf_machine(elf), dwarf, layout) : NULL;
}

uint64_t gm_go_layout_number(const struct gm_go_layout *layout, enum gm_go_field field,
			     const void *record)
{
	const struct gm_go_place *place = &layout->places[field];
	uint64_t number = 0;

	if (place->size <= sizeof(number))
		memcpy(&number, (const char *)record + place->offset, place->size);
	return number;
}
