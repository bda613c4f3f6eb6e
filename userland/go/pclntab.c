// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/pclntab.h"

#include <errno.h>
#include <inttypes.h>

#include "go/pclntab_parts.h"

#define FUNCTIONS_MAX (8U << 20)
#define HEADER_BYTES 72
#define STRING_MAX (64U << 10)

static const struct gm_go_pclntab_shape forms[] = {
	[GM_GO_PCLNTAB_1_2] = { 0xfffffffb, 1, 8, false, false, 4 },
	[GM_GO_PCLNTAB_1_16] = { 0xfffffffa, 2, 8, true, false, 3 },
	[GM_GO_PCLNTAB_1_18] = { 0xfffffff0, 3, 4, true, false, 3 },
	[GM_GO_PCLNTAB_1_20] = { 0xfffffff1, 3, 4, true, true, 3 },
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

bool gm_go_pclntab_u32(const struct gm_go_pclntab_part *part, uint64_t at, uint32_t *value)
{
	if (at > part->size || part->size - at < sizeof(*value))
		return false;
	memcpy(value, part->bytes + at, sizeof(*value));
	return true;
}

bool gm_go_pclntab_pointer(const struct gm_go_pclntab *table, const struct gm_go_pclntab_part *part,
			   uint64_t at, uint64_t *value)
{
	size_t size = table->shape->pointer;

	*value = 0;
	if (at > part->size || part->size - at < size)
		return false;
	memcpy(value, part->bytes + at, size);
	return true;
}

const char *gm_go_pclntab_string(const struct gm_go_pclntab_part *part, uint64_t at)
{
	for (uint64_t i = at; i < part->size && i - at < STRING_MAX; i++) {
		if (!part->bytes[i])
			return (const char *)part->bytes + at;
		if (part->bytes[i] < ' ' || part->bytes[i] == 0x7f)
			break;
	}
	return NULL;
}

static bool find_form(const uint8_t *header, size_t size, enum gm_go_pclntab_form *form)
{
	uint32_t magic;

	/* magic, two zeros, the quantum, bytes of a pointer */
	if (size < 16 || header[4] || header[5] || header[7] != 8 ||
	    (header[6] != 1 && header[6] != 2 && header[6] != 4))
		return false;
	memcpy(&magic, header, sizeof(magic));
	for (size_t i = 0; i < FORMS; i++) {
		if (forms[i].magic != magic)
			continue;
		*form = i;
		return true;
	}
	return false;
}

static uint64_t header_word(const uint8_t *header, size_t index)
{
	uint64_t value;

	memcpy(&value, header + 8 + index * 8, sizeof(value));
	return value;
}

static bool part_at(const struct gm_go_pclntab *table, size_t index,
		    struct gm_go_pclntab_part *part)
{
	uint64_t offset = header_word(table->bytes, table->shape->words + index);

	if (offset > table->size)
		return false;
	*part = (struct gm_go_pclntab_part){ table->bytes + offset, table->size - offset };
	return true;
}

static size_t list_bytes(const struct gm_go_pclntab *table)
{
	return (table->count * 2 + 1) * table->shape->pointer;
}

static bool cut_list(struct gm_go_pclntab *table, const struct gm_go_pclntab_part *from)
{
	table->list = (struct gm_go_pclntab_part){ from->bytes, list_bytes(table) };
	return from->size >= table->list.size;
}

/* Of Go 1.2 to 1.15: one part, behind the list of functions the offset of that of files. */
static bool split_old(struct gm_go_pclntab *table)
{
	struct gm_go_pclntab_part all = { table->bytes, table->size };
	struct gm_go_pclntab_part list = { table->bytes + 16, table->size - 16 };
	uint32_t files;

	table->names = all;
	table->values = all;
	table->records = all;
	if (!cut_list(table, &list) || !gm_go_pclntab_u32(&list, table->list.size, &files) ||
	    files > table->size)
		return false;
	table->files = (struct gm_go_pclntab_part){ table->bytes + files, table->size - files };
	return true;
}

static bool split(struct gm_go_pclntab *table)
{
	uint64_t count;

	if (!find_form(table->bytes, table->size, &table->form))
		return false;
	table->shape = &forms[table->form];
	table->quantum = table->bytes[6];
	count = header_word(table->bytes, 0);
	if (!count || count > FUNCTIONS_MAX)
		return false;
	table->count = count;
	if (table->form == GM_GO_PCLNTAB_1_2)
		return split_old(table);
	return part_at(table, 0, &table->names) && part_at(table, 1, &table->units) &&
	       part_at(table, 2, &table->files) && part_at(table, 3, &table->values) &&
	       part_at(table, 4, &table->records) && cut_list(table, &table->records);
}

/* What the list says, an address up to Go 1.17, then an offset. */
static uint64_t start_of(const struct gm_go_pclntab *table, size_t index)
{
	uint64_t start = 0;

	gm_go_pclntab_pointer(table, &table->list, index * 2 * table->shape->pointer, &start);
	return start;
}

static bool in_order(const struct gm_go_pclntab *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (start_of(table, i) > start_of(table, i + 1))
			return false;
	return true;
}

static uint64_t address_of(const struct gm_go_pclntab *table, uint64_t start)
{
	return gm_go_pclntab_is_relative(table) ? gm_go_module_text_at(table->module, start) :
						  start;
}

static struct gm_error *read_table(const struct gm_go_program *program, struct gm_go_pclntab *table)
{
	const struct gm_go_range *range = &table->module->pclntab;
	struct gm_error *error;

	if (range->end - range->start < HEADER_BYTES)
		return gm_error_create(EBADMSG, "a table of Go functions of %" PRIu64 " bytes",
				       range->end - range->start);
	table->size = range->end - range->start;
	table->bytes = malloc(table->size);
	if (!table->bytes)
		return gm_error_errno(ENOMEM, "cannot read the functions of a Go program");
	error = gm_go_program_read(program, range->start, table->bytes, table->size);
	if (error)
		return error;
	if (!split(table) || !in_order(table))
		return gm_error_create(EBADMSG,
				       "what lies at %" PRIx64 " is no table of Go functions",
				       range->start);
	return NULL;
}

struct gm_error *gm_go_pclntab_open(const struct gm_go_program *program,
				    const struct gm_go_module *module, struct gm_go_pclntab **out)
{
	struct gm_go_pclntab *table = calloc(1, sizeof(*table));
	struct gm_error *error;

	if (!table)
		return gm_error_errno(ENOMEM, "cannot read the functions of a Go program");
	table->module = module;
	error = read_table(program, table);
	if (error) {
		gm_go_pclntab_destroy(table);
		return error;
	}
	*out = table;
	return NULL;
}

void gm_go_pclntab_destroy(struct gm_go_pclntab *table)
{
	if (!table)
		return;
	free(table->bytes);
	free(table);
}

enum gm_go_pclntab_form gm_go_pclntab_form(const struct gm_go_pclntab *table)
{
	return table->form;
}

size_t gm_go_pclntab_count(const struct gm_go_pclntab *table)
{
	return table->count;
}

uint32_t gm_go_pclntab_field(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function, enum gm_go_pclntab_field field)
{
	uint32_t value = 0;

	gm_go_pclntab_u32(&table->records, function->record + table->shape->pointer + field * 4,
			  &value);
	return value;
}

size_t gm_go_pclntab_record_bytes(const struct gm_go_pclntab *table)
{
	const struct gm_go_pclntab_shape *shape = table->shape;

	return shape->pointer + (FUNC_UNIT + shape->has_units + shape->has_line + 1) * 4;
}

bool gm_go_pclntab_function(const struct gm_go_pclntab *table, size_t index,
			    struct gm_go_function *function)
{
	size_t size = table->shape->pointer;
	uint64_t record;

	if (index >= table->count ||
	    !gm_go_pclntab_pointer(table, &table->list, (index * 2 + 1) * size, &record) ||
	    record > table->records.size ||
	    table->records.size - record < gm_go_pclntab_record_bytes(table))
		return false;
	*function = (struct gm_go_function){
		.entry = address_of(table, start_of(table, index)),
		.end = address_of(table, start_of(table, index + 1)),
		.record = record,
	};
	function->args = (int32_t)gm_go_pclntab_field(table, function, FUNC_ARGS);
	function->name = gm_go_pclntab_name(table, gm_go_pclntab_field(table, function, FUNC_NAME));
	return function->name && function->entry <= function->end;
}

bool gm_go_pclntab_find(const struct gm_go_pclntab *table, uint64_t pc,
			struct gm_go_function *function)
{
	uint64_t at =
		gm_go_pclntab_is_relative(table) ? gm_go_module_text_offset(table->module, pc) : pc;
	size_t low = 0, high = table->count;

	if (at < start_of(table, 0) || at >= start_of(table, table->count))
		return false;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (start_of(table, middle) <= at)
			low = middle;
		else
			high = middle;
	}
	return gm_go_pclntab_function(table, low, function) && pc >= function->entry &&
	       pc < function->end;
}

bool gm_go_pclntab_find_name(const struct gm_go_pclntab *table, const char *name,
			     struct gm_go_function *function)
{
	for (size_t i = 0; i < table->count; i++)
		if (gm_go_pclntab_function(table, i, function) && !strcmp(function->name, name))
			return true;
	return false;
}

const char *gm_go_pclntab_name(const struct gm_go_pclntab *table, uint32_t offset)
{
	return gm_go_pclntab_string(&table->names, offset);
}

/* Where a table's header says that its names are, behind itself. */
static bool header_possible(const uint8_t *bytes, size_t size)
{
	enum gm_go_pclntab_form form;
	uint64_t names;

	if (!find_form(bytes, size, &form) || size < HEADER_BYTES)
		return false;
	if (!header_word(bytes, 0) || header_word(bytes, 0) > FUNCTIONS_MAX)
		return false;
	names = header_word(bytes, forms[form].words);
	return form == GM_GO_PCLNTAB_1_2 || (names >= 48 && names <= 128);
}

bool gm_go_pclntab_begins(const struct gm_go_program *program, uint64_t address)
{
	uint8_t header[HEADER_BYTES];
	struct gm_error *error = gm_go_program_read(program, address, header, sizeof(header));
	bool begins = !error && header_possible(header, sizeof(header));

	gm_error_destroy(error);
	return begins;
}

static bool look(void *context, uint64_t address, const void *bytes, size_t size)
{
	for (size_t at = 0; at + HEADER_BYTES <= size; at += 8) {
		if (!header_possible((const uint8_t *)bytes + at, HEADER_BYTES))
			continue;
		*(uint64_t *)context = address + at;
		return true;
	}
	return false;
}

uint64_t gm_go_pclntab_scan(const struct gm_go_program *program, uint64_t from, uint64_t *left)
{
	struct gm_elf_segment segments[GM_ELF_SEGMENTS_MAX];
	size_t count = gm_go_program_segments(program, segments, GM_ELF_SEGMENTS_MAX);
	uint64_t found = 0;

	for (size_t i = 0; i < count && !found; i++) {
		uint64_t start = segments[i].address;
		uint64_t end = start + segments[i].file_bytes;

		gm_go_program_scan(program, start > from ? start : from, end, left, HEADER_BYTES,
				   look, &found);
	}
	return found;
}
