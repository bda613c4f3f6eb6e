// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of Go functions in every form, made here, whole and broken; and modules. */
#include <errno.h>
#include <unistd.h>

#include "go/frames.h"
#include "tap.h"

#define TEXT 0x400000
#define TABLE_MAX 1024

/* What the forms differ in, as Go's linker writes them: Go src/cmd/link/internal/ld/pcln.go of
 * 1.15, 1.17, 1.19 and 1.27.
 */
static const struct form {
	const char *name;
	uint32_t magic;
	size_t pointer;
	bool units;
	bool line;
	uint8_t inlining;
} forms[] = {
	{ "Go 1.2", 0xfffffffb, 8, false, false, 4 },
	{ "Go 1.16", 0xfffffffa, 8, true, false, 3 },
	{ "Go 1.18", 0xfffffff0, 4, true, false, 3 },
	{ "Go 1.20", 0xfffffff1, 4, true, true, 3 },
};

/* A table that grows at its end, and where its parts begin: 0 for all in the oldest form. */
struct made {
	const struct form *form;
	uint8_t bytes[TABLE_MAX] __attribute__((aligned(8)));
	size_t size;
	size_t names;
	size_t units;
	size_t files;
	size_t values;
	size_t records;
};

static size_t add(struct made *made, const void *bytes, size_t size)
{
	size_t at = made->size;

	memcpy(made->bytes + at, bytes, size);
	made->size += size;
	return at;
}

static size_t add_number(struct made *made, uint64_t number, size_t size)
{
	return add(made, &number, size);
}

static size_t add_string(struct made *made, const char *string)
{
	return add(made, string, strlen(string) + 1);
}

static void align(struct made *made)
{
	made->size = (made->size + 7) / 8 * 8;
}

static void set(struct made *made, size_t at, uint64_t number, size_t size)
{
	memcpy(made->bytes + at, &number, size);
}

/* Values up to an end, each with the bytes of code it holds for; from -1 on, in zigzag,
 * differences below 64.
 */
static size_t add_values(struct made *made, const int *values)
{
	size_t at = made->size;
	int last = -1;

	for (; values[1]; values += 2) {
		int change = values[0] - last;

		add_number(made, change < 0 ? -change * 2 - 1 : change * 2, 1);
		add_number(made, values[1], 1);
		last = values[0];
	}
	add_number(made, 0, 1);
	return at;
}

/* Offsets in the values' part. */
struct values {
	size_t frame;
	size_t file;
	size_t line;
	size_t stack_map;
	size_t inlining;
};

static uint64_t inline_tree[8];

static size_t add_record(struct made *made, uint64_t entry, size_t name,
			 const struct values *values, bool inlining)
{
	const struct form *form = made->form;
	size_t at = made->size, count = inlining ? form->inlining + 1 : 0;

	add_number(made, form->pointer == 8 ? TEXT + entry : entry, form->pointer);
	add_number(made, name - made->names, 4);
	add_number(made, 24, 4); /* arguments */
	add_number(made, 0, 4);
	add_number(made, values->frame - made->values, 4);
	add_number(made, values->file - made->values, 4);
	add_number(made, values->line - made->values, 4);
	add_number(made, 3, 4);
	if (form->units)
		add_number(made, 0, 4);
	if (form->line)
		add_number(made, 7, 4);
	add_number(made, count << 24, 4);
	add_number(made, 0, 4);
	add_number(made, values->stack_map - made->values, 4);
	add_number(made, inlining ? values->inlining - made->values : 0, 4);
	if (form->pointer == 8)
		align(made);
	for (size_t i = 0; i < count; i++) {
		bool tree = i + 1 == count;

		if (form->pointer == 8)
			add_number(made, tree ? (uint64_t)(uintptr_t)inline_tree : 0, 8);
		else
			add_number(made, tree ? 8 : UINT32_MAX, 4);
	}
	align(made);
	return at;
}

/* The tree of one inlined function, named @name, called from the first instruction of its host. */
static void make_tree(const struct form *form, uint32_t name)
{
	uint32_t old[5] = { 0xffff, 0, 0, name, 0 }, new[4] = { 0, name, 0, 0 };

	memset(inline_tree, 0, sizeof(inline_tree));
	memcpy(inline_tree, form->line ? new : old, form->line ? sizeof(new) : sizeof(old));
}

static void add_header(struct made *made, size_t *parts)
{
	add_number(made, made->form->magic, 4);
	add_number(made, 0x0801ULL << 16, 4);
	add_number(made, 2, 8);
	*parts = made->size;
	if (made->form->units)
		made->size += (made->form->pointer == 8 ? 1 : 2) * 8 + 5 * 8;
}

static size_t add_list(struct made *made)
{
	static const uint8_t nothing[40];

	return add(made, nothing, 5 * made->form->pointer);
}

static void set_list(struct made *made, size_t list, size_t first, size_t second)
{
	const uint64_t words[5] = { 0, first - made->records, 0x20, second - made->records, 0x60 };
	size_t size = made->form->pointer;

	for (size_t i = 0; i < 5; i++)
		set(made, list + i * size, words[i] + (size == 8 && !(i & 1) ? TEXT : 0), size);
}

static void set_parts(struct made *made, size_t parts)
{
	const size_t words[] = { made->names, made->units, made->files, made->values,
				 made->records };

	parts += made->form->pointer == 8 ? 8 : 16;
	for (size_t i = 0; i < 5; i++)
		set(made, parts + i * 8, words[i], 8);
}

/* main.one [0, 0x20) and main.two [0x20, 0x60), with main.in inlined at [0x30, 0x40) */
static void make(struct made *made, const struct form *form)
{
	size_t parts, list = 0, names[3], files[2], first, second, old_files = 0;
	struct values values;
	int file;

	memset(made, 0, sizeof(*made));
	made->form = form;
	add_header(made, &parts);
	if (!form->units) {
		list = add_list(made);
		old_files = add_number(made, 0, 4);
	}
	if (form->units)
		made->names = made->size;
	add_string(made, "");
	names[0] = add_string(made, "main.one");
	names[1] = add_string(made, "main.two");
	names[2] = add_string(made, "main.in");
	if (form->units)
		made->files = made->size;
	files[0] = add_string(made, "/a.go");
	files[1] = add_string(made, "/b.go");
	align(made);
	if (form->units) {
		made->units = made->size;
		add_number(made, files[0] - made->files, 4);
		add_number(made, files[1] - made->files, 4);
	} else {
		set(made, old_files, made->size, 4);
		add_number(made, 3, 4);
		add_number(made, files[0], 4);
		add_number(made, files[1], 4);
	}
	if (form->units)
		made->values = made->size;
	add_number(made, 0, 1);
	values.frame = add_values(made, (int[]){ 0, 4, 40, 0x3c, 0, 0 });
	/* The oldest form counts files from 1. */
	file = !form->units;
	values.file = add_values(made, (int[]){ file, 16, file + 1, 16, file, 32, 0, 0 });
	values.line = add_values(made, (int[]){ 10, 16, 60, 16, 11, 32, 0, 0 });
	values.stack_map = add_values(made, (int[]){ -1, 8, 5, 56, 0, 0 });
	values.inlining = add_values(made, (int[]){ -1, 16, 0, 16, -1, 32, 0, 0 });
	align(made);
	if (form->units) {
		made->records = made->size;
		list = add_list(made);
		align(made);
	}
	first = add_record(made, 0, names[0], &values, false);
	second = add_record(made, 0x20, names[1], &values, true);
	set_list(made, list, first, second);
	if (form->units)
		set_parts(made, parts);
	make_tree(form, names[2] - made->names);
}

static struct gm_go_module module_of(const struct made *made)
{
	uint64_t start = (uintptr_t)made->bytes;

	return (struct gm_go_module){
		.pclntab = { start, start + made->size },
		.functions = { TEXT, TEXT + 0x60 },
		.text = { TEXT, TEXT + 0x60 },
		.gofunc = (uintptr_t)inline_tree - 8,
	};
}

static void test_frames(const struct gm_go_program *program, const struct gm_go_pclntab *table)
{
	struct gm_go_frame frames[4];

	tap_u64(gm_go_frames(program, table, TEXT + 0x30, frames, 4), 2, "two functions there",
		"construction");
	tap_str(frames[0].function, "main.in", "the inlined one", "construction");
	tap_str(frames[0].file, "/b.go", "its file", "construction");
	tap_u64(frames[0].line, 60, "its line", "construction");
	tap_ok(frames[0].inlined, "it is inlined");
	tap_str(frames[1].function, "main.two", "into this one", "construction");
	tap_u64(frames[1].line, 10, "the line of the call", "construction");
	tap_ok(!frames[1].inlined, "which is not inlined");
	tap_u64(gm_go_frames(program, table, TEXT + 0x48, frames, 4), 1, "one function there",
		"construction");
	tap_str(frames[0].file, "/a.go", "its file", "construction");
	tap_u64(frames[0].line, 11, "its line", "construction");
	tap_u64(gm_go_frames(program, table, TEXT + 0x60, frames, 4), 0, "none behind the last",
		"construction");
}

static void test_table(const struct gm_go_program *program, const struct gm_go_pclntab *table)
{
	struct gm_go_function function = { 0 };

	tap_u64(gm_go_pclntab_count(table), 2, "two functions", "construction");
	tap_ok(gm_go_pclntab_find(table, TEXT + 0x20, &function), "one is found by address");
	tap_str(function.name, "main.two", "its name", "construction");
	tap_u64(function.entry, TEXT + 0x20, "its start", "construction");
	tap_u64(function.end, TEXT + 0x60, "its end", "construction");
	tap_u64(function.args, 24, "bytes of its arguments", "construction");
	tap_u64(gm_go_pclntab_frame_bytes(table, &function, TEXT + 0x23), 0, "no frame yet",
		"construction");
	tap_u64(gm_go_pclntab_frame_bytes(table, &function, TEXT + 0x24), 40, "its frame",
		"construction");
	tap_u64(gm_go_pclntab_pcdata(table, &function, GM_GO_PCDATA_STACK_MAP, TEXT + 0x28), 5,
		"the row of its pointer maps", "construction");
	tap_ok(gm_go_pclntab_pcdata(table, &function, GM_GO_PCDATA_STACK_MAP, TEXT + 0x27) == -1,
	       "and none before");
	tap_u64(gm_go_pclntab_funcdata(table, &function, GM_GO_FUNCDATA_INLINE),
		(uintptr_t)inline_tree, "where its inlining tree is", "construction");
	tap_u64(gm_go_pclntab_funcdata(table, &function, GM_GO_FUNCDATA_LOCALS), 0,
		"no maps of its locals", "construction");
	tap_ok(gm_go_pclntab_find_name(table, "main.one", &function), "one is found by name");
	tap_u64(function.entry, TEXT, "where it begins", "construction");
	tap_u64(gm_go_pclntab_funcdata(table, &function, GM_GO_FUNCDATA_INLINE), 0,
		"nothing was inlined into it", "construction");
	tap_ok(!gm_go_pclntab_find_name(table, "main", &function), "no part of a name is found");
	tap_ok(!gm_go_pclntab_find(table, TEXT - 1, &function), "nothing before the first");
	test_frames(program, table);
}

/* Everything that can be asked, of every byte of code, on a table that may be broken. */
static void ask_all(const struct gm_go_program *program, const struct gm_go_module *module)
{
	gm_auto(gm_go_pclntab) struct gm_go_pclntab *table = NULL;
	gm_auto(gm_error) struct gm_error *error = gm_go_pclntab_open(program, module, &table);
	struct gm_go_frame frames[4];
	struct gm_go_function function;

	if (error)
		return;
	for (uint64_t pc = TEXT - 1; pc <= TEXT + 0x60; pc += 7) {
		gm_go_frames(program, table, pc, frames, 4);
		if (!gm_go_pclntab_find(table, pc, &function))
			continue;
		gm_go_pclntab_frame_bytes(table, &function, pc);
		gm_go_pclntab_pcdata(table, &function, GM_GO_PCDATA_STACK_MAP, pc);
		gm_go_pclntab_funcdata(table, &function, GM_GO_FUNCDATA_STACK_OBJECTS);
	}
	gm_go_pclntab_find_name(table, "main.none", &function);
}

static void test_broken(const struct gm_go_program *program, struct made *made)
{
	static const uint8_t changes[] = { 0x01, 0x80, 0xff };
	struct gm_go_module module = module_of(made);

	for (size_t at = 0; at < made->size; at++)
		for (size_t i = 0; i < sizeof(changes); i++) {
			made->bytes[at] ^= changes[i];
			ask_all(program, &module);
			made->bytes[at] ^= changes[i];
		}
	for (size_t size = 0; size < made->size; size++) {
		module.pclntab.end = module.pclntab.start + size;
		ask_all(program, &module);
	}
	tap_ok(true, "broken tables are borne");
}

static void test_form(const struct gm_go_program *program, const struct form *form)
{
	gm_auto(gm_go_pclntab) struct gm_go_pclntab *table = NULL;
	static struct made made;
	struct gm_go_module module;
	struct gm_error *error;

	printf("# %s\n", form->name);
	make(&made, form);
	module = module_of(&made);
	error = gm_go_pclntab_open(program, &module, &table);
	if (!tap_ok(!error, "it is read")) {
		printf("# %s\n", error->message);
		gm_error_destroy(error);
		return;
	}
	test_table(program, table);
	tap_ok(gm_go_pclntab_begins(program, module.pclntab.start), "it is known by its look");
	tap_ok(!gm_go_pclntab_begins(program, module.pclntab.start + 8), "and nothing else is");
	test_broken(program, &made);
}

static void test_textsects(void)
{
	struct gm_go_textsect sects[] = { { 0, 0x100, 0x1000 }, { 0x100, 0x180, 0x5000 } };
	struct gm_go_module module = { .text = { 0x1000, 0x5080 } };

	tap_u64(gm_go_module_text_at(&module, 0x110), 0x1110, "code in one part", "construction");
	module.textsects.items = sects;
	module.textsects.count = 2;
	tap_u64(gm_go_module_text_at(&module, 0xff), 0x10ff, "in the first", "construction");
	tap_u64(gm_go_module_text_at(&module, 0x110), 0x5010, "in the second", "construction");
	tap_u64(gm_go_module_text_at(&module, 0x180), 0x5080, "the end", "construction");
	tap_u64(gm_go_module_text_at(&module, 0x181), UINT64_MAX, "behind it", "construction");
	tap_u64(gm_go_module_text_offset(&module, 0x5010), 0x110, "and back", "construction");
	tap_u64(gm_go_module_text_offset(&module, 0x1100), UINT64_MAX, "from between the parts",
		"construction");
}

int main(void)
{
	struct gm_go_program program = { 0 };
	struct gm_error *error = gm_mem_open_pid(getpid(), &program.mem);

	if (!tap_ok(!error, "this process's own memory"))
		return tap_done();
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		test_form(&program, &forms[i]);
	test_textsects();
	gm_mem_destroy(program.mem);
	return tap_done();
}
