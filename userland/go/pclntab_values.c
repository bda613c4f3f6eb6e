// SPDX-License-Identifier: GPL-2.0-or-later
/* What the function table says of a function and of the instructions in it. */
#include "base/reader.h"
#include "go/pclntab_parts.h"

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
	uint64_t index;

	if (number < 0)
		return NULL;
	if (table->form == GM_GO_PCLNTAB_1_2)
		return gm_go_pclntab_u32(&table->files, (uint64_t)number * 4, &offset) ?
			       gm_go_pclntab_string(&table->records, offset) :
			       NULL;
	index = (uint64_t)gm_go_pclntab_field(table, function, FUNC_UNIT) + number;
	if (!gm_go_pclntab_u32(&table->units, index * 4, &offset) ||
	    offset == GM_GO_PCLNTAB_NO_OFFSET)
		return NULL;
	return gm_go_pclntab_string(&table->files, offset);
}

void gm_go_pclntab_line(const struct gm_go_pclntab *table, const struct gm_go_function *function,
			uint64_t pc, const char **file, int32_t *line)
{
	*file = file_name(table, function,
			  value_at(table, function, gm_go_pclntab_field(table, function, FUNC_FILE),
				   pc));
	*line = value_at(table, function, gm_go_pclntab_field(table, function, FUNC_LINE), pc);
	if (*line < 0)
		*line = 0;
}

int32_t gm_go_pclntab_frame_bytes(const struct gm_go_pclntab *table,
				  const struct gm_go_function *function, uint64_t pc)
{
	return value_at(table, function, gm_go_pclntab_field(table, function, FUNC_SP), pc);
}

int32_t gm_go_pclntab_pcdata(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function, enum gm_go_pcdata kind,
			     uint64_t pc)
{
	uint32_t offset = 0;

	if (kind >= gm_go_pclntab_field(table, function, FUNC_PCDATA) ||
	    !gm_go_pclntab_u32(&table->records,
			       function->record + gm_go_pclntab_record_bytes(table) + kind * 4,
			       &offset))
		return -1;
	return value_at(table, function, offset, pc);
}

/* Of the record's last word the last byte. */
static size_t count_funcdata(const struct gm_go_pclntab *table,
			     const struct gm_go_function *function)
{
	return table->records.bytes[function->record + gm_go_pclntab_record_bytes(table) - 1];
}

static size_t number_of(const struct gm_go_pclntab *table, enum gm_go_funcdata kind)
{
	size_t inlining = table->shape->inline_;

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
	size_t number = number_of(table, kind), size = table->shape->pointer;
	uint64_t at = function->record + gm_go_pclntab_record_bytes(table) +
		      (uint64_t)gm_go_pclntab_field(table, function, FUNC_PCDATA) * 4;
	uint64_t value;

	/* In memory pointers are aligned to their size, and so is the table. */
	at += -(at + (table->records.bytes - table->bytes)) % size;
	if (number >= count_funcdata(table, function) ||
	    !gm_go_pclntab_pointer(table, &table->records, at + number * size, &value))
		return 0;
	if (!gm_go_pclntab_is_relative(table))
		return value;
	return value == GM_GO_PCLNTAB_NO_OFFSET ? 0 : table->module->gofunc + value;
}
