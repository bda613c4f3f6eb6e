// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/wait_reasons.h"

#include <ctype.h>
#include <string.h>

struct go_string {
	uint64_t data;
	uint64_t length;
};

/* Go src/runtime/runtime2.go: waitReasonStrings, of which the first is "". */
static const char *const head[] = { "", "GC assist marking", "IO wait" };

#define HEAD (sizeof(head) / sizeof(head[0]))

static bool read_bytes(const struct gm_go_program *program, uint64_t address, void *buffer,
		       size_t size)
{
	struct gm_error *error = gm_go_program_read(program, address, buffer, size);
	bool is_read = !error;

	gm_error_destroy(error);
	return is_read;
}

static bool read_text(const struct gm_go_program *program, const struct go_string *string,
		      char text[GM_GO_WAIT_REASON_BYTES])
{
	if (string->length >= GM_GO_WAIT_REASON_BYTES ||
	    (string->length && !read_bytes(program, string->data, text, string->length)))
		return false;
	text[string->length] = '\0';
	for (size_t i = 0; i < string->length; i++)
		if (!isprint((unsigned char)text[i]))
			return false;
	return true;
}

/* As far as texts stand there, all of them but the first not empty. */
static void read_table(const struct gm_go_program *program, uint64_t address, size_t max,
		       struct gm_go_wait_reasons *reasons)
{
	struct go_string string;

	for (size_t i = 0; i < max; i++) {
		if (!read_bytes(program, address + i * sizeof(string), &string, sizeof(string)) ||
		    !read_text(program, &string, reasons->texts[i]) || !string.length != !i)
			break;
		reasons->count = i + 1;
	}
	for (size_t i = 0; i < HEAD; i++)
		if (i >= reasons->count || strcmp(reasons->texts[i], head[i]))
			reasons->count = 0;
}

struct search {
	const struct gm_go_program *program;
	struct gm_go_wait_reasons *reasons;
};

static bool has_lengths(const struct go_string *strings)
{
	for (size_t i = 0; i < HEAD; i++)
		if (strings[i].length != strlen(head[i]))
			return false;
	return true;
}

static bool look_in(void *context, uint64_t address, const void *bytes, size_t size)
{
	struct search *search = context;
	struct go_string strings[HEAD];

	for (size_t at = 0; at + sizeof(strings) <= size; at += sizeof(uint64_t)) {
		memcpy(strings, (const char *)bytes + at, sizeof(strings));
		if (has_lengths(strings))
			read_table(search->program, address + at, GM_GO_WAIT_REASONS_MAX,
				   search->reasons);
		if (search->reasons->count)
			return true;
	}
	return false;
}

void gm_go_wait_reasons_read(const struct gm_go_program *program,
			     const struct gm_go_variable *variable,
			     const struct gm_go_modules *modules,
			     struct gm_go_wait_reasons *reasons)
{
	struct search search = { program, reasons };
	size_t max = variable->size / sizeof(struct go_string);
	uint64_t left = GM_GO_SCAN_MAX;

	*reasons = (struct gm_go_wait_reasons){};
	if (variable->address)
		read_table(program, variable->address,
			   max < GM_GO_WAIT_REASONS_MAX ? max : GM_GO_WAIT_REASONS_MAX, reasons);
	for (size_t i = 0; i < modules->count && !reasons->count; i++)
		gm_go_program_scan(program, modules->items[i].data.start,
				   modules->items[i].data.end, &left,
				   HEAD * sizeof(struct go_string), look_in, &search);
}

const char *gm_go_wait_reason(const struct gm_go_wait_reasons *reasons, uint16_t reason)
{
	return reason < reasons->count ? reasons->texts[reason] : NULL;
}
