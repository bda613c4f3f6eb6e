// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/pclntab.h"

#include <errno.h>
#include <inttypes.h>

#include "base/reader.h"

#define FUNCTIONS_MAX (8U << 20)
#define HEADER_BYTES 72
#define STRING_MAX (64U << 10)
#define NO_OFFSET UINT32_MAX

/* Bytes of the table, in it. */
struct part {
	const uint8_t *bytes;
	size_t size;
};

/**
 * struct form - what the forms differ in
 * @magic: the first four bytes
 * @words: how many of the header's words come before the offsets of the parts
 * @pointer: bytes of an address in the list of functions
 * @has_units: files are numbered by compilation unit
 * @has_line: a function says where it begins in the source
 * @inline_: number of the inlining tree among the function data, which it shifted
 */
static const struct form {
	uint32_t magic;
	uint8_t words;
	uint8_t pointer;
	bool has_units;
	bool has_line;
	uint8_t inline_;
} forms[] = {
	[GM_GO_PCLNTAB_1_2] = { 0xfffffffb, 1, 8, false, false, 4 },
	[GM_GO_PCLNTAB_1_16] = { 0xfffffffa, 2, 8, true, false, 3 },
	[GM_GO_PCLNTAB_1_18] = { 0xfffffff0, 3, 4, true, false, 3 },
	[GM_GO_PCLNTAB_1_20] = { 0xfffffff1, 3, 4, true, true, 3 },
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

/**
 * struct gm_go_pclntab - a copy of the table
 * @quantum: instructions are multiples of it
 * @list: @count pairs of a function's address, or offset, and its record's offset in
 *	@records, and the last one's end
 */
struct gm_go_pclntab {
	const struct gm_go_module *module;
	uint8_t *bytes;
	size_t size;
	enum gm_go_pclntab_form form;
	uint8_t quantum;
	size_t count;
	struct part list;
	struct part names;
	struct part units;
	struct part files;
	struct part values;
	struct part records;
};

static bool get_u32(const struct part *part, uint64_t at, uint32_t *value)
{
	if (at > part->size || part->size - at < sizeof(*value))
		return false;
	memcpy(value, part->bytes + at, sizeof(*value));
	return true;
}

static bool get_pointer(const struct gm_go_pclntab *table, const struct part *part, uint64_t at,
			uint64_t *value)
{
	size_t size = forms[table->form].pointer;

	*value = 0;
	if (at > part->size || part->size - at < size)
		return false;
	memcpy(value, part->bytes + at, size);
	return true;
}

/* They are printed: control characters make it no name. */
static const char *get_string(const struct part *part, uint64_t at)
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

static bool part_at(const struct gm_go_pclntab *table, size_t index, struct part *part)
{
	uint64_t offset = header_word(table->bytes, forms[table->form].words + index);

	if (offset > table->size)
		return false;
	*part = (struct part){ table->bytes + offset, table->size - offset };
	return true;
}

static size_t list_bytes(const struct gm_go_pclntab *table)
{
	return (table->count * 2 + 1) * forms[table->form].pointer;
}

static bool cut_list(struct gm_go_pclntab *table, const struct part *from)
{
	table->list = (struct part){ from->bytes, list_bytes(table) };
	return from->size >= table->list.size;
}

/* Of Go 1.2 to 1.15: one part, behind the list of functions the offset of that of files. */
static bool split_old(struct gm_go_pclntab *table)
{
	struct part all = { table->bytes, table->size };
	struct part list = { table->bytes + 16, table->size - 16 };
	uint32_t files;

	table->names = all;
	table->values = all;
	table->records = all;
	if (!cut_list(table, &list) || !get_u32(&list, table->list.size, &files) ||
	    files > table->size)
		return false;
	table->files = (struct part){ table->bytes + files, table->size - files };
	return true;
}

static bool split(struct gm_go_pclntab *table)
{
	uint64_t count;

	if (!find_form(table->bytes, table->size, &table->form))
		return false;
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

	get_pointer(table, &table->list, index * 2 * forms[table->form].pointer, &start);
	return start;
}

static bool in_order(const struct gm_go_pclntab *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (start_of(table, i) > start_of(table, i + 1))
			return false;
	return true;
}

static bool is_relative(const struct gm_go_pclntab *table)
{
	return table->form >= GM_GO_PCLNTAB_1_18;
}

static uint64_t address_of(const struct gm_go_pclntab *table, uint64_t start)
{
	return is_relative(table) ? gm_go_module_text_at(table->module, start) : start;
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

/* Go src/runtime/runtime2.go: _func. Behind its address, or offset, these u32. */
enum field {
	FUNC_NAME,
	FUNC_ARGS,
	FUNC_DEFER,
	FUNC_SP,
	FUNC_FILE,
	FUNC_LINE,
	FUNC_PCDATA,
	FUNC_UNIT,
};

static uint32_t field_of(const struct gm_go_pclntab *table, const struct gm_go_function *function,
			 enum field field)
{
	uint32_t value = 0;

	get_u32(&table->records, function->record + forms[table->form].pointer + field * 4, &value);
	return value;
}

static size_t record_bytes(const struct gm_go_pclntab *table)
{
	const struct form *form = &forms[table->form];

	return form->pointer + (FUNC_UNIT + form->has_units + form->has_line + 1) * 4;
}

bool gm_go_pclntab_function(const struct gm_go_pclntab *table, size_t index,
			    struct gm_go_function *function)
{
	size_t size = forms[table->form].pointer;
	uint64_t record;

	if (index >= table->count ||
	    !get_pointer(table, &table->list, (index * 2 + 1) * size, &record) ||
	    record > table->records.size || table->records.size - record < record_bytes(table))
		return false;
	*function = (struct gm_go_function){
		.entry = address_of(table, start_of(table, index)),
		.end = address_of(table, start_of(table, index + 1)),
		.record = record,
	};
	function->args = (int32_t)field_of(table, function, FUNC_ARGS);
	function->name = gm_go_pclntab_name(table, field_of(table, function, FUNC_NAME));
	return function->name && function->entry <= function->end;
}

bool gm_go_pclntab_find(const struct gm_go_pclntab *table, uint64_t pc,
			struct gm_go_function *function)
{
	uint64_t at = is_relative(table) ? gm_go_module_text_offset(table->module, pc) : pc;
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
	return get_string(&table->names, offset);
}

/* At most 32 bits in groups of seven. */
static bool get_varint(struct gm_reader *reader, uint32_t *value)
{
	uint8_t byte;

	*value = 0;
	for (unsigned int shift = 0; shift < 35; shift += 7) {
		if (!gm_reader_u8(reader, &byte))
			return false;
		*value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Pairs of a change of the value and of the bytes of code it holds for; a change of 0 ends
 * them, but for the first. Go src/runtime/symtab.go: pcvalue, step.
 */
static int32_t value_at(const struct gm_go_pclntab *table, const struct gm_go_function *function,
			uint32_t offset, uint64_t pc)
{
	uint64_t at = function->entry;
	struct gm_reader reader;
	uint32_t change, bytes;
	uint32_t value = -1;

	gm_reader_init(&reader, table->values.bytes, table->values.size);
	if (!offset || !gm_reader_seek(&reader, offset))
		return -1;
	while (at < function->end && get_varint(&reader, &change)) {
		if ((!change && at != function->entry) || !get_varint(&reader, &bytes))
			return -1;
		value += -(change & 1) ^ (change >> 1);
		at += (uint64_t)bytes * table->quantum;
		if (pc < at)
			return (int32_t)value;
		if (!bytes)
			return -1;
	}
	return -1;
}

static const char *file_name(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function, int32_t number)
{
	uint32_t offset = 0;

	if (number < 0)
		return NULL;
	if (table->form == GM_GO_PCLNTAB_1_2)
		return get_u32(&table->files, (uint64_t)number * 4, &offset) ?
			       get_string(&table->records, offset) :
			       NULL;
	if (!get_u32(&table->units, ((uint64_t)field_of(table, function, FUNC_UNIT) + number) * 4,
		     &offset) ||
	    offset == NO_OFFSET)
		return NULL;
	return get_string(&table->files, offset);
}

void gm_go_pclntab_line(const struct gm_go_pclntab *table, const struct gm_go_function *function,
			uint64_t pc, const char **file, int32_t *line)
{
	*file = file_name(table, function,
			  value_at(table, function, field_of(table, function, FUNC_FILE), pc));
	*line = value_at(table, function, field_of(table, function, FUNC_LINE), pc);
	if (*line < 0)
		*line = 0;
}

int32_t gm_go_pclntab_frame_bytes(const struct gm_go_pclntab *table,
				  const struct gm_go_function *function, uint64_t pc)
{
	return value_at(table, function, field_of(table, function, FUNC_SP), pc);
}

int32_t gm_go_pclntab_pcdata(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function, enum gm_go_pcdata kind,
			     uint64_t pc)
{
	uint32_t offset = 0;

	if (kind >= field_of(table, function, FUNC_PCDATA) ||
	    !get_u32(&table->records, function->record + record_bytes(table) + kind * 4, &offset))
		return -1;
	return value_at(table, function, offset, pc);
}

/* Of the record's last word the last byte. */
static size_t count_funcdata(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function)
{
	return table->records.bytes[function->record + record_bytes(table) - 1];
}

static size_t number_of(const struct gm_go_pclntab *table, enum gm_go_funcdata kind)
{
	size_t inlining = forms[table->form].inline_;

	switch (kind) {
	case GM_GO_FUNCDATA_INLINE:
		return inlining;
	case GM_GO_FUNCDATA_STACK_OBJECTS:
		return inlining - 1;
	default:
		return kind;
	}
}

uint64_t gm_go_pclntab_funcdata(const struct gm_go_pclntab *table,
				const struct gm_go_function *function, enum gm_go_funcdata kind)
{
	size_t number = number_of(table, kind), size = forms[table->form].pointer;
	uint64_t at = function->record + record_bytes(table) +
		      (uint64_t)field_of(table, function, FUNC_PCDATA) * 4;
	uint64_t value;

	/* In memory pointers are aligned to their size, and so is the table. */
	at += -(at + (table->records.bytes - table->bytes)) % size;
	if (number >= count_funcdata(table, function) ||
	    !get_pointer(table, &table->records, at + number * size, &value))
		return 0;
	if (!is_relative(table))
		return value;
	return value == NO_OFFSET ? 0 : table->module->gofunc + value;
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
