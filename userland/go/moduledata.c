// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/moduledata.h"

#include <errno.h>
#include <inttypes.h>

#include "go/pclntab.h"

#define MODULES_MAX 1024 /* one for each plugin */
#define TEXTSECTS_MAX 4096
#define RANGE_MAX (1ULL << 36) /* a global may be an array of any size */
#define PCLNTAB_MAX (1ULL << 30)
#define RECORD_MAX 4096
#define CANDIDATES_MAX 64

/* Go src/runtime/symtab.go: bitvector, textsect. */
struct bitvector {
	int32_t bits;
	uint32_t padding;
	uint64_t bytes;
};

struct textsect {
	uint64_t vaddr;
	uint64_t end;
	uint64_t baseaddr;
};

struct slice {
	uint64_t array;
	uint64_t length;
	uint64_t capacity;
};

/* A moduledata's bytes. */
struct record {
	const struct gm_go_layout *layout;
	unsigned char bytes[RECORD_MAX];
};

static uint64_t word(const struct record *record, enum gm_go_field field)
{
	return gm_go_layout_number(record->layout, field, record->bytes);
}

static bool get(const struct record *record, enum gm_go_field field, void *to, size_t size)
{
	if (gm_go_layout_size(record->layout, field) != size)
		return false;
	memcpy(to, record->bytes + gm_go_layout_offset(record->layout, field), size);
	return true;
}

static bool range_possible(const struct gm_go_range *range, uint64_t max)
{
	return range->start <= range->end && range->end < GM_GO_MODULE_ADDRESS_MAX &&
	       range->end - range->start <= max;
}

static bool get_range(const struct record *record, enum gm_go_field start, enum gm_go_field end,
		      struct gm_go_range *range)
{
	*range = (struct gm_go_range){ word(record, start), word(record, end) };
	return range_possible(range, RANGE_MAX);
}

static bool get_mask(const struct record *record, enum gm_go_field field,
		     const struct gm_go_range *range, uint64_t *mask, uint64_t *bits)
{
	struct bitvector vector;

	if (!get(record, field, &vector, sizeof(vector)) || vector.bits < 0 ||
	    (uint64_t)vector.bits > (range->end - range->start + 7) / 8 ||
	    vector.bytes >= GM_GO_MODULE_ADDRESS_MAX)
		return false;
	*bits = vector.bits;
	*mask = vector.bytes;
	return true;
}

/* The table begins where the first word says, and its list of functions is its end. */
static bool get_pclntab(const struct record *record, struct gm_go_range *pclntab)
{
	struct slice functions;

	if (!get(record, GM_GO_MODULE_PCLNTABLE, &functions, sizeof(functions)) ||
	    functions.length > PCLNTAB_MAX || functions.array >= GM_GO_MODULE_ADDRESS_MAX)
		return false;
	memcpy(&pclntab->start, record->bytes, sizeof(pclntab->start));
	pclntab->end = functions.array + functions.length;
	return pclntab->start && pclntab->start <= functions.array &&
	       range_possible(pclntab, PCLNTAB_MAX);
}

static bool parse(const struct record *record, struct gm_go_module *module)
{
	module->gofunc = word(record, GM_GO_MODULE_GOFUNC);
	module->next = word(record, GM_GO_MODULE_NEXT);
	return get_pclntab(record, &module->pclntab) &&
	       get_range(record, GM_GO_MODULE_MINPC, GM_GO_MODULE_MAXPC, &module->functions) &&
	       get_range(record, GM_GO_MODULE_TEXT, GM_GO_MODULE_ETEXT, &module->text) &&
	       get_range(record, GM_GO_MODULE_NOPTRDATA, GM_GO_MODULE_ENOPTRDATA,
			 &module->noptrdata) &&
	       get_range(record, GM_GO_MODULE_DATA, GM_GO_MODULE_EDATA, &module->data) &&
	       get_range(record, GM_GO_MODULE_BSS, GM_GO_MODULE_EBSS, &module->bss) &&
	       get_range(record, GM_GO_MODULE_NOPTRBSS, GM_GO_MODULE_ENOPTRBSS,
			 &module->noptrbss) &&
	       get_range(record, GM_GO_MODULE_TYPES, GM_GO_MODULE_ETYPES, &module->types) &&
	       get_mask(record, GM_GO_MODULE_DATA_MASK, &module->data, &module->data_mask,
			&module->data_mask_bits) &&
	       get_mask(record, GM_GO_MODULE_BSS_MASK, &module->bss, &module->bss_mask,
			&module->bss_mask_bits) &&
	       module->text.start && module->functions.start >= module->text.start &&
	       module->functions.end <= module->text.end &&
	       module->functions.start < module->functions.end &&
	       module->gofunc < GM_GO_MODULE_ADDRESS_MAX && module->next < GM_GO_MODULE_ADDRESS_MAX;
}

static struct gm_error *read_textsects(const struct gm_go_program *program,
				       const struct record *record, struct gm_go_module *module)
{
	struct gm_error *error = NULL;
	struct textsect sect;
	struct slice slice;

	/* Before Go 1.17 functions have addresses, not offsets. */
	if (!gm_go_layout_has(record->layout, GM_GO_TEXTSECT_END) ||
	    !get(record, GM_GO_MODULE_TEXTSECTS, &slice, sizeof(slice)) || slice.length < 2)
		return NULL;
	if (slice.length > TEXTSECTS_MAX || !gm_vec_reserve(&module->textsects, slice.length))
		return gm_error_create(EBADMSG, "a Go module with %" PRIu64 " parts of code",
				       slice.length);
	for (uint64_t i = 0; i < slice.length && !error; i++) {
		error = gm_go_program_read(program, slice.array + i * sizeof(sect), &sect,
					   sizeof(sect));
		if (!error)
			module->textsects.items[module->textsects.count++] =
				(struct gm_go_textsect){ sect.vaddr, sect.end, sect.baseaddr };
	}
	return error;
}

static struct gm_error *read_module(const struct gm_go_program *program,
				    const struct gm_go_layout *layout, uint64_t address,
				    struct gm_go_module *module)
{
	size_t size = gm_go_layout_size(layout, GM_GO_MODULE_BYTES);
	struct record record = { .layout = layout };
	struct gm_error *error;

	if (!size || size > sizeof(record.bytes))
		return gm_error_create(ENOTSUP, "how this Go describes its program is not known");
	error = gm_go_program_read(program, address, record.bytes, size);
	if (error)
		return error;
	memset(module, 0, sizeof(*module));
	module->address = address;
	if (!parse(&record, module))
		return gm_error_create(EBADMSG, "what lies at %" PRIx64 " is no Go module",
				       address);
	return read_textsects(program, &record, module);
}

/* The search for the moduledata of a function table, by the pointer it begins with; @left: bytes
 * that it may see.
 */
struct search {
	const struct gm_go_program *program;
	const struct gm_go_layout *layout;
	uint64_t pclntab;
	uint64_t found;
	uint64_t left;
};

static bool makes_sense(const struct search *search, uint64_t address)
{
	struct gm_go_module module = { 0 };
	struct gm_error *error;
	bool sense;

	error = read_module(search->program, search->layout, address, &module);
	sense = !error;
	gm_error_destroy(error);
	free(module.textsects.items);
	return sense;
}

static bool look(void *context, uint64_t address, const void *bytes, size_t size)
{
	struct search *search = context;

	for (size_t at = 0; at + 8 <= size; at += 8) {
		uint64_t value;

		memcpy(&value, (const char *)bytes + at, sizeof(value));
		if (value != search->pclntab || !makes_sense(search, address + at))
			continue;
		search->found = address + at;
		return true;
	}
	return false;
}

static bool find_by_table(struct search *search)
{
	struct gm_elf_segment segments[GM_ELF_SEGMENTS_MAX];
	size_t count = gm_go_program_segments(search->program, segments, GM_ELF_SEGMENTS_MAX);

	for (size_t i = 0; i < count; i++) {
		const struct gm_elf_segment *segment = &segments[i];

		if (segment->writable && gm_go_program_scan(search->program, segment->address,
							    segment->address + segment->file_bytes,
							    &search->left, 0, look, search))
			return true;
	}
	return false;
}

static uint64_t section_at(const struct gm_go_program *program, const char *name)
{
	struct gm_error *error;
	uint64_t at, size;

	if (!program->elf)
		return 0;
	error = gm_elf_section_place(program->elf, name, &at, &size);
	if (!error)
		return at + program->bias;
	gm_error_destroy(error);
	return 0;
}

/* A program may carry another one as data, so the first that looks like a table need not be
 * its own: its own is the one that a module tells of.
 */
static bool find_by_scan(struct search *search)
{
	for (size_t i = 0; i < CANDIDATES_MAX; i++) {
		search->pclntab =
			gm_go_pclntab_scan(search->program, search->pclntab + 8, &search->left);
		if (!search->pclntab || find_by_table(search))
			break;
	}
	return search->found;
}

static struct gm_error *find(const struct gm_go_program *program, const struct gm_go_layout *layout,
			     uint64_t *address)
{
	static const char *const tables[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	struct search search = { .program = program, .layout = layout, .left = 2 * GM_GO_SCAN_MAX };

	*address = section_at(program, ".go.module");
	if (*address && makes_sense(&search, *address))
		return NULL;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !search.found; i++) {
		search.pclntab = section_at(program, tables[i]);
		if (search.pclntab)
			find_by_table(&search);
	}
	search.pclntab = search.found ? search.pclntab : 0;
	if (!search.found && !find_by_scan(&search))
		return gm_error_create(ENOENT, "nothing tells where its functions are");
	*address = search.found;
	return NULL;
}

struct gm_error *gm_go_modules_read(const struct gm_go_program *program,
				    const struct gm_go_layout *layout, struct gm_go_modules **out)
{
	struct gm_go_modules *modules = calloc(1, sizeof(*modules));
	struct gm_error *error;
	uint64_t address = 0, tables = 0;

	if (!modules)
		return gm_error_errno(ENOMEM, "cannot read a Go module");
	error = find(program, layout, &address);
	while (!error && address) {
		struct gm_go_module *module = modules->count < MODULES_MAX ? gm_vec_push(modules) :
									     NULL;

		error = module ? read_module(program, layout, address, module) :
				 gm_error_create(EBADMSG, "a Go program of more than %d modules",
						 MODULES_MAX);
		address = module ? module->next : 0;
		if (!error)
			tables += module->pclntab.end - module->pclntab.start;
		if (!error && tables > PCLNTAB_MAX)
			error = gm_error_create(EBADMSG, "a Go program with over 1 GiB of"
							 " function tables");
	}
	if (error) {
		gm_go_modules_destroy(modules);
		return error;
	}
	*out = modules;
	return NULL;
}

void gm_go_modules_destroy(struct gm_go_modules *modules)
{
	if (!modules)
		return;
	for (size_t i = 0; i < modules->count; i++)
		free(modules->items[i].textsects.items);
	free(modules->items);
	free(modules);
}

const struct gm_go_module *gm_go_modules_find(const struct gm_go_modules *modules, uint64_t pc)
{
	for (size_t i = 0; i < modules->count; i++)
		if (pc >= modules->items[i].functions.start && pc < modules->items[i].functions.end)
			return &modules->items[i];
	return NULL;
}

uint64_t gm_go_module_text_at(const struct gm_go_module *module, uint64_t offset)
{
	for (size_t i = 0; i < module->textsects.count; i++) {
		const struct gm_go_textsect *sect = &module->textsects.items[i];
		bool last = i + 1 == module->textsects.count;

		/* The list of functions ends with the end of the last part. */
		if (offset >= sect->offset &&
		    offset - sect->offset < sect->end - sect->offset + last)
			return sect->address + (offset - sect->offset);
	}
	return module->textsects.count ? UINT64_MAX : module->text.start + offset;
}

uint64_t gm_go_module_text_offset(const struct gm_go_module *module, uint64_t pc)
{
	for (size_t i = 0; i < module->textsects.count; i++) {
		const struct gm_go_textsect *sect = &module->textsects.items[i];

		if (pc >= sect->address && pc - sect->address < sect->end - sect->offset)
			return sect->offset + (pc - sect->address);
	}
	return module->textsects.count ? UINT64_MAX : pc - module->text.start;
}
