// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
/* Variables of frames and closures: location lists byte by byte, and DWARF made here. */
#include <time.h>
#include <unistd.h>

#include "elf/debug.h"
#include "elf/locations.h"
#include "elf_make.h"
#include "tap.h"

#define KIND_POINTER 22
#define SECONDS_MAX 5

static const char dwarf[] = "DWARF 5";

struct expression {
	const char *what;
	uint8_t bytes[16];
	size_t size;
	size_t count;
	struct gm_elf_piece first;
	struct gm_elf_piece last;
};

#define IN_FRAME(at)         \
	{                    \
		true, at, 0, \
	}

static const struct expression expressions[] = {
	{ "the CFA itself", { DW_OP_call_frame_cfa }, 1, 1, IN_FRAME(0), IN_FRAME(0) },
	{ "below the CFA", { DW_OP_fbreg, 0x58 }, 2, 1, IN_FRAME(-40), IN_FRAME(-40) },
	{ "far below", { DW_OP_fbreg, 0xf0, 0x7e }, 3, 1, IN_FRAME(-144), IN_FRAME(-144) },
	{ "above", { DW_OP_fbreg, 0xc0, 0 }, 3, 1, IN_FRAME(64), IN_FRAME(64) },
	{ "a register", { DW_OP_reg3 }, 1, 1, {}, {} },
	{ "nothing", {}, 0, 0, {}, {} },
	{ "an address", { DW_OP_addr, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 0, {}, {} },
	{ "three pieces, one nowhere",
	  { DW_OP_fbreg, 0x58, DW_OP_piece, 8, DW_OP_piece, 8, DW_OP_regx, 40, DW_OP_piece, 4 },
	  10,
	  3,
	  { true, -40, 8 },
	  { false, 0, 4 } },
	{ "a piece of no bytes", { DW_OP_fbreg, 0, DW_OP_piece, 0 }, 4, 0, {}, {} },
	{ "a piece without an end", { DW_OP_fbreg, 0, DW_OP_piece, 0x80 }, 4, 0, {}, {} },
	{ "two places in one", { DW_OP_fbreg, 0, DW_OP_fbreg, 0 }, 4, 0, {}, {} },
	{ "a number without an end", { DW_OP_fbreg, 0x80, 0x80 }, 3, 0, {}, {} },
};

static bool are_same(const struct gm_elf_piece *a, const struct gm_elf_piece *b)
{
	return a->in_frame == b->in_frame && a->offset == b->offset && a->bytes == b->bytes;
}

static void test_expression(const struct expression *asked)
{
	struct gm_elf_piece pieces[GM_ELF_PIECES_MAX];
	size_t count = gm_elf_expression(asked->bytes, asked->size, pieces);

	if (!tap_u64(count, asked->count, asked->what, dwarf) || !count)
		return;
	tap_ok(are_same(&pieces[0], &asked->first), "where it begins");
	tap_ok(are_same(&pieces[count - 1], &asked->last), "where it ends");
}

static void test_many_pieces(void)
{
	struct gm_elf_piece pieces[GM_ELF_PIECES_MAX];
	uint8_t bytes[2 * GM_ELF_PIECES_MAX + 2];

	for (size_t i = 0; i < sizeof(bytes); i += 2) {
		bytes[i] = DW_OP_piece;
		bytes[i + 1] = 8;
	}
	tap_u64(gm_elf_expression(bytes, 2UL * GM_ELF_PIECES_MAX, pieces), GM_ELF_PIECES_MAX,
		"as many pieces as there may be", "elf/locations.h");
	tap_u64(gm_elf_expression(bytes, sizeof(bytes), pieces), 0, "one more", "elf/locations.h");
}

/* Each entry of a list says who it is by an expression of one byte, its number. */
static void add_list(struct made_bytes *lists)
{
	static const uint64_t start = 0x7000, end = 0x7010;

	made_u8(lists, DW_LLE_offset_pair);
	made_uleb(lists, 0x10);
	made_uleb(lists, 0x20);
	made_uleb(lists, 1);
	made_u8(lists, 1);
	made_u8(lists, DW_LLE_base_addressx);
	made_uleb(lists, 1);
	made_u8(lists, DW_LLE_offset_pair);
	made_uleb(lists, 0x10);
	made_uleb(lists, 0x200);
	made_uleb(lists, 1);
	made_u8(lists, 2);
	made_u8(lists, DW_LLE_startx_length);
	made_uleb(lists, 2);
	made_uleb(lists, 0x10);
	made_uleb(lists, 1);
	made_u8(lists, 3);
	made_u8(lists, DW_LLE_start_end);
	made_raw(lists, &start, sizeof(start));
	made_raw(lists, &end, sizeof(end));
	made_uleb(lists, 1);
	made_u8(lists, 4);
	made_u8(lists, DW_LLE_base_address);
	made_raw(lists, &end, sizeof(end));
	made_u8(lists, DW_LLE_offset_pair);
	made_uleb(lists, 0);
	made_uleb(lists, 8);
	made_uleb(lists, 1);
	made_u8(lists, 5);
	made_u8(lists, DW_LLE_start_length);
	made_raw(lists, &start, sizeof(start));
	made_uleb(lists, 0x30);
	made_uleb(lists, 1);
	made_u8(lists, 6);
	made_u8(lists, DW_LLE_end_of_list);
}

static unsigned int who(const struct gm_elf_lists *lists, uint64_t address)
{
	const uint8_t *expression;
	uint64_t left = 100;
	size_t bytes;

	return gm_elf_lists_find(lists, 0, address, &left, &expression, &bytes) ? *expression : 0;
}

static bool is_in(const struct gm_elf_lists *ranges, uint64_t address)
{
	const uint8_t *expression;
	uint64_t left = 100;
	size_t bytes;

	return gm_elf_lists_find(ranges, 0, address, &left, &expression, &bytes);
}

static void test_lists(void)
{
	static const uint64_t addresses[] = { 0xdead, 0x1000, 0x5000, 0x6000 };
	static const uint64_t asked[][2] = {
		{ 0x10f, 0 },  { 0x110, 1 },  { 0x11f, 1 },  { 0x120, 0 },  { 0x5010, 2 },
		{ 0x51ff, 2 }, { 0x6000, 3 }, { 0x600f, 3 }, { 0x6010, 0 }, { 0x700f, 4 },
		{ 0x7010, 5 }, { 0x7018, 6 }, { 0x7030, 0 },
	};
	struct made_bytes bytes = { .size = 0 };
	struct gm_elf_lists lists = { .addresses = (const uint8_t *)addresses,
				      .addresses_bytes = sizeof(addresses),
				      .addresses_at = 8,
				      .base = 0x100,
				      .version = 5 };
	bool good = true;

	add_list(&bytes);
	lists.lists = bytes.at;
	lists.lists_bytes = bytes.size;
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		tap_u64(who(&lists, asked[i][0]), asked[i][1], "the entry for an address", dwarf);
	/* Cut short anywhere, and with fewer addresses. */
	for (lists.lists_bytes = 0; lists.lists_bytes < bytes.size; lists.lists_bytes++)
		good &= !who(&lists, 0x9000);
	tap_ok(good, "no list that ends too soon says anything");
	lists.addresses_bytes = 16;
	tap_u64(who(&lists, 0x5010), 0, "an address that is not there", "construction");
}

static void test_old_lists(void)
{
	static const uint64_t asked[][2] = {
		{ 0x10f, 0 }, { 0x110, 1 }, { 0x120, 0 }, { 0x910, 2 }, { 0x920, 0 }
	};
	static const uint64_t words[] = { 0x10, 0x20, UINT64_MAX, 0x900, 0x10, 0x20, 0, 0 };
	static const uint8_t one[] = { 1, 0, 1 }, two[] = { 1, 0, 2 };
	struct made_bytes bytes = { .size = 0 };
	struct gm_elf_lists lists = { .base = 0x100, .version = 4 };

	made_raw(&bytes, words, 16);
	made_raw(&bytes, one, sizeof(one));
	made_raw(&bytes, words + 2, 32);
	made_raw(&bytes, two, sizeof(two));
	made_raw(&bytes, words + 6, 16);
	lists.lists = bytes.at;
	lists.lists_bytes = bytes.size;
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		tap_u64(who(&lists, asked[i][0]), asked[i][1], "the entry of DWARF 4", "DWARF 4");
}

static void test_ranges(void)
{
	static const uint64_t address = 0x5000, start = 0x7000, end = 0x7010;
	static const uint64_t asked[][2] = {
		{ 0x10f, 0 },  { 0x110, 1 },  { 0x120, 0 },  { 0x5010, 1 }, { 0x5020, 0 },
		{ 0x5100, 1 }, { 0x5108, 1 }, { 0x5109, 0 }, { 0x7000, 1 }, { 0x700f, 1 },
		{ 0x7010, 0 }, { 0x7018, 1 }, { 0x7019, 0 }, { 0x7110, 1 }, { 0x7118, 0 },
	};
	struct made_bytes bytes = { .size = 0 };
	struct gm_elf_lists lists = { .ranges = true,
				      .addresses = (const uint8_t *)&address,
				      .addresses_bytes = sizeof(address),
				      .base = 0x100,
				      .version = 5 };
	bool good = true;

	made_u8(&bytes, DW_RLE_offset_pair);
	made_uleb(&bytes, 0x10);
	made_uleb(&bytes, 0x20);
	made_u8(&bytes, DW_RLE_base_addressx);
	made_uleb(&bytes, 0);
	made_u8(&bytes, DW_RLE_offset_pair);
	made_uleb(&bytes, 0x10);
	made_uleb(&bytes, 0x20);
	made_u8(&bytes, DW_RLE_offset_pair);
	made_uleb(&bytes, 0x100);
	made_uleb(&bytes, 0x109);
	made_u8(&bytes, DW_RLE_start_end);
	made_raw(&bytes, &start, sizeof(start));
	made_raw(&bytes, &end, sizeof(end));
	made_u8(&bytes, DW_RLE_base_address);
	made_raw(&bytes, &end, sizeof(end));
	made_u8(&bytes, DW_RLE_offset_pair);
	made_uleb(&bytes, 8);
	made_uleb(&bytes, 9);
	made_u8(&bytes, DW_RLE_start_length);
	made_raw(&bytes, &end, sizeof(end));
	made_uleb(&bytes, 0);
	made_u8(&bytes, DW_RLE_offset_pair);
	made_uleb(&bytes, 0x100);
	made_uleb(&bytes, 0x108);
	made_u8(&bytes, DW_RLE_end_of_list);
	lists.lists = bytes.at;
	lists.lists_bytes = bytes.size;
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		tap_u64(is_in(&lists, asked[i][0]), asked[i][1], "whether it has an address",
			dwarf);
	for (lists.lists_bytes = 0; lists.lists_bytes < bytes.size; lists.lists_bytes++)
		good &= !is_in(&lists, 0x9000);
	tap_ok(good, "none that ends too soon has any");
}

/* Nothing but bases: however long it is, so many entries are read. */
static void test_budget(void)
{
	static uint8_t bytes[9 * 1000];
	struct gm_elf_lists lists = { .lists = bytes, .lists_bytes = sizeof(bytes), .version = 5 };
	const uint8_t *expression;
	uint64_t left = 10;
	size_t size;

	for (size_t i = 0; i < sizeof(bytes); i += 9)
		bytes[i] = DW_LLE_base_address;
	tap_ok(!gm_elf_lists_find(&lists, 0, 1, &left, &expression, &size) && !left,
	       "a list is read as far as it may be");
	left = 100000;
	tap_ok(!gm_elf_lists_find(&lists, 0, 1, &left, &expression, &size) && left == 100000 - 1001,
	       "and no further than it goes");
	tap_ok(!gm_elf_lists_find(&lists, UINT64_MAX, 1, &left, &expression, &size),
	       "no list begins there");
}

static struct gm_elf_debug *read_made(struct made_bytes *info, const struct made_bytes *lists,
				      const struct made_bytes *ranges, struct gm_elf **elf)
{
	static const struct gm_elf_vendor vendor = { .kind = MADE_AT_KIND,
						     .captured = MADE_AT_CAPTURED };
	const struct made_section sections[] = {
		{ ".debug_abbrev", made_abbrev, sizeof(made_abbrev), false },
		{ ".debug_info", info->at, info->size, false },
		{ ".debug_loc", lists->at, lists->size, false },
		{ ".debug_ranges", ranges->at, ranges->size, false },
	};
	const struct made_elf made = { .sections = sections, .section_count = 4 };
	struct gm_elf_debug *debug = NULL;
	struct gm_error *error;
	char path[32];

	/* The file stays open as long as the test runs. */
	made_file(&made, path);
	error = gm_elf_open(path, elf);
	if (!error)
		error = gm_elf_debug_read(*elf, &vendor, &debug);
	if (error)
		printf("Bail out! %s\n", error->message);
	gm_error_destroy(error);
	return debug;
}

/* Of 0x1000 to 0x1100: "whole" always at -8, "some" at -16 within 0x1020 to 0x1030, "listed" at -24
 * within 0x1040 to 0x1050; "inner" at -32 of what is inlined at 0x1060 to 0x1070; "ranged" at -40
 * within 0x1080 to 0x1088 and 0x1090 to 0x1098. Its closures have "captured" at 8.
 */
static void make_function(struct made_bytes *info, struct made_bytes *lists,
			  struct made_bytes *ranges)
{
	static const uint8_t whole[] = { DW_OP_fbreg, 0x78 }, some[] = { DW_OP_fbreg, 0x70 };
	static const uint8_t listed[] = { 2, 0, DW_OP_fbreg, 0x68 };
	static const uint8_t inner[] = { DW_OP_fbreg, 0x60 };
	static const uint8_t ranged[] = { DW_OP_fbreg, 0x58 };
	static const uint64_t range[] = { 0x1040, 0x1050, 0, 0 };
	static const uint64_t scope[] = {
		0, 0, 0x1080, 0x1088, UINT64_MAX, 0x1000, 0x90, 0x98, 0, 0
	};
	uint32_t pointer, function;

	made_unit(info, "unit");
	pointer = made_kind_pointer(info, KIND_POINTER);
	function = made_named_function(info, "main.inlined");
	made_function(info, 0x1000, 0x1100);
	made_scope(info, 0x1020, 0x1030);
	made_local(info, "some", some, sizeof(some), pointer);
	made_end(info);
	made_inlined(info, function, 0x1060, 0x1070);
	made_local(info, "inner", inner, sizeof(inner), pointer);
	made_end(info);
	made_ranged(info, 16);
	made_local(info, "ranged", ranged, sizeof(ranged), pointer);
	made_end(info);
	made_listed(info, "listed", 0, pointer);
	made_captured(info, "captured", pointer, 8);
	made_local(info, "whole", whole, sizeof(whole), pointer);
	made_end(info);
	made_unit_end(info);
	made_raw(lists, range, 16);
	made_raw(lists, listed, sizeof(listed));
	made_raw(lists, range + 2, 16);
	made_raw(ranges, scope, sizeof(scope));
}

static void is_slot(const struct gm_elf_slot *slot, const char *name, int64_t start,
		    const char *function)
{
	tap_str(slot->name, name, "name of a variable", "construction");
	tap_u64(slot->start, start, "where it lies", "construction");
	tap_u64(slot->bytes, 8, "its size", "construction");
	tap_str(slot->function, function, "the inlined function whose it is", "construction");
}

static void test_frames(void)
{
	static const struct {
		uint64_t address;
		const char *name;
		int64_t start;
		const char *function;
	} asked[] = {
		/* A frame goes on behind its call, unless nothing was done yet. */
		{ 0x1000, NULL, 0, NULL },	 { 0x1020, NULL, 0, NULL },
		{ 0x1021, "some", -16, NULL },	 { 0x1030, "some", -16, NULL },
		{ 0x1031, NULL, 0, NULL },	 { 0x1041, "listed", -24, NULL },
		{ 0x1051, NULL, 0, NULL },	 { 0x1061, "inner", -32, "main.inlined" },
		{ 0x1071, NULL, 0, NULL },	 { 0x1100, NULL, 0, NULL },
		{ 0x1081, "ranged", -40, NULL }, { 0x1088, "ranged", -40, NULL },
		{ 0x1089, NULL, 0, NULL },	 { 0x1098, "ranged", -40, NULL },
	};
	struct made_bytes info = { .size = 0 }, lists = { .size = 0 }, ranges = { .size = 0 };
	struct gm_elf_slots slots = {};
	struct gm_elf_debug *debug;
	struct gm_elf *elf = NULL;

	make_function(&info, &lists, &ranges);
	debug = read_made(&info, &lists, &ranges, &elf);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked) && debug; i++) {
		size_t whole, other;

		slots.count = 0;
		tap_ok(!gm_elf_debug_frame(debug, asked[i].address, &slots), "a frame");
		if (!tap_u64(slots.count, asked[i].name ? 2 : 1, "its variables", "construction"))
			continue;
		/* The function's own come first, in their order. */
		whole = slots.count == 2 && asked[i].start == -24;
		other = !whole;
		is_slot(&slots.items[whole], "whole", -8, NULL);
		if (asked[i].name)
			is_slot(&slots.items[other], asked[i].name, asked[i].start,
				asked[i].function);
	}
	slots.count = 0;
	tap_ok(debug && !gm_elf_debug_frame(debug, 0x1101, &slots) && !slots.count,
	       "no function is there");
	tap_ok(debug && !gm_elf_debug_closure(debug, 0x1001, &slots) && !slots.count,
	       "none begins there");
	tap_ok(debug && !gm_elf_debug_closure(debug, 0x1000, &slots) && slots.count == 1,
	       "what its closures capture");
	if (slots.count)
		is_slot(&slots.items[0], "captured", 8, NULL);
	free(slots.items);
	gm_elf_debug_destroy(debug);
	gm_elf_destroy(elf);
}

/* A program, and what was asked of it. */
struct asked {
	struct made_bytes info;
	struct made_bytes lists;
	struct made_bytes ranges;
	struct gm_elf_slots slots;
	struct gm_elf_debug *debug;
	struct gm_elf *elf;
};

static void asked_end(struct asked *asked)
{
	free(asked->slots.items);
	gm_elf_debug_destroy(asked->debug);
	gm_elf_destroy(asked->elf);
}

/* A function of @scopes in each other, which @add makes, and @locals in the innermost. */
static void make_deep(struct asked *asked,
		      void (*add)(struct made_bytes *info, uint64_t start, uint64_t end),
		      int scopes, int locals)
{
	static const uint8_t whole[] = { DW_OP_fbreg, 0x78 };
	uint32_t pointer;

	made_unit(&asked->info, "unit");
	pointer = made_kind_pointer(&asked->info, KIND_POINTER);
	made_function(&asked->info, 0x1000, 0x100000);
	for (int i = 0; i < scopes; i++)
		add(&asked->info, 0x1000, 0x100000);
	for (int i = 0; i < locals; i++)
		made_local(&asked->info, "deep", whole, sizeof(whole), pointer);
	for (int i = 0; i < scopes + 1; i++)
		made_end(&asked->info);
	made_unit_end(&asked->info);
	asked->debug = read_made(&asked->info, &asked->lists, &asked->ranges, &asked->elf);
}

/* Asked of over and over. */
static void test_hostile(void)
{
	struct asked asked = {};
	clock_t started = clock();
	bool good = true;

	make_deep(&asked, made_scope, 300, 1);
	for (uint64_t i = 0; i < 1000000 && asked.debug && good; i++)
		good = !gm_elf_debug_frame(asked.debug, 0x1001 + i % 0xff000, &asked.slots);
	tap_ok(asked.debug && good && !asked.slots.count, "what lies too deep is not described");
	tap_ok(clock() - started <= SECONDS_MAX * CLOCKS_PER_SEC,
	       "and nobody looks for it for ever");
	asked_end(&asked);
}

/* Scopes whose first child is also said to be beside them: each would double the walk. */
static void test_beside(void)
{
	struct asked asked = {};
	clock_t started = clock();

	make_deep(&asked, made_beside, 40, 2000);
	tap_ok(asked.debug && !gm_elf_debug_frame(asked.debug, 0x1001, &asked.slots),
	       "a frame of such");
	tap_ok(clock() - started <= SECONDS_MAX * CLOCKS_PER_SEC, "is looked at in no time");
	asked_end(&asked);
}

/* Scopes of one list, which has nothing but bases. */
static void test_bases(void)
{
	static const uint64_t base[] = { UINT64_MAX, 0x1000 };
	struct asked asked = {};
	clock_t started = clock();
	bool good = true;

	while (asked.ranges.size + sizeof(base) <= MADE_BYTES)
		made_raw(&asked.ranges, base, sizeof(base));
	made_unit(&asked.info, "unit");
	made_function(&asked.info, 0x1000, 0x100000);
	for (int i = 0; i < 5000; i++) {
		made_ranged(&asked.info, 0);
		made_end(&asked.info);
	}
	made_end(&asked.info);
	made_unit_end(&asked.info);
	asked.debug = read_made(&asked.info, &asked.lists, &asked.ranges, &asked.elf);
	for (uint64_t i = 0; i < 1000 && asked.debug && good; i++)
		good = !gm_elf_debug_frame(asked.debug, 0x1001 + i, &asked.slots);
	tap_ok(asked.debug && good, "frames of such");
	tap_ok(clock() - started <= SECONDS_MAX * CLOCKS_PER_SEC, "are looked at in no time");
	asked_end(&asked);
}

/* 3,000 variables of 63 pieces. */
static void test_pieces_of_many(void)
{
	struct asked asked = {};
	uint8_t pieces[4 * 63];
	uint32_t type;

	for (size_t i = 0; i < sizeof(pieces); i += 4) {
		pieces[i] = DW_OP_fbreg;
		pieces[i + 1] = 0x78;
		pieces[i + 2] = DW_OP_piece;
		pieces[i + 3] = 1;
	}
	made_unit(&asked.info, "unit");
	type = made_base(&asked.info, "uint8x64", 64);
	made_function(&asked.info, 0x1000, 0x1100);
	for (int i = 0; i < 3000; i++)
		made_local(&asked.info, "wide", pieces, sizeof(pieces), type);
	made_end(&asked.info);
	made_unit_end(&asked.info);
	asked.debug = read_made(&asked.info, &asked.lists, &asked.ranges, &asked.elf);
	tap_ok(asked.debug && !gm_elf_debug_frame(asked.debug, 0x1001, &asked.slots),
	       "a frame of many pieces");
	tap_ok(asked.slots.count > 0 && asked.slots.count <= 65536, "has 65,536 of them at most");
	asked_end(&asked);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++)
		test_expression(&expressions[i]);
	test_many_pieces();
	test_lists();
	test_old_lists();
	test_ranges();
	test_budget();
	test_frames();
	test_hostile();
	test_beside();
	test_bases();
	test_pieces_of_many();
	return tap_done();
}
