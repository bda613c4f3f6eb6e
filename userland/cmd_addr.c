// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl addr: what is at an address. */
#include "cmd_addr.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "out/json.h"

static const char usage[] =
	"Usage: gomemctl addr PID [ADDR]... [--json]\n"
	"       gomemctl addr SOURCE [ADDR]... [--json]\n"
	"\n"
	"Says what is at an address, hexadecimal, with or without 0x: the object and whether it\n"
	"lives, its slot, span and class, the function or the goroutine's stack, the page and\n"
	"the huge page, the mapping, and what lies beside it. Without ADDR, or for an ADDR that\n"
	"is -, addresses are read from standard input, separated by blanks or lines.\n";

#define ADDRESSES_MAX (16U << 20)

struct addresses {
	GM_VEC(uint64_t);
};

static struct gm_error *parse_address(const char *word, uint64_t *address)
{
	const char *digits = !strncasecmp(word, "0x", 2) ? word + 2 : word;
	char *end;

	errno = 0;
	*address = strtoull(digits, &end, 16);
	if (errno || end == digits || *end || !strchr("0123456789abcdefABCDEF", *digits))
		return gm_error_create(EINVAL, "not an address: %s", word);
	return NULL;
}

static struct gm_error *add_address(struct addresses *addresses, const char *word)
{
	uint64_t address, *added;
	struct gm_error *error = parse_address(word, &address);

	if (error)
		return error;
	if (addresses->count == ADDRESSES_MAX)
		return gm_error_create(E2BIG, "more than %u addresses", ADDRESSES_MAX);
	added = gm_vec_push(addresses);
	if (!added)
		return gm_error_errno(ENOMEM, "cannot list the addresses");
	*added = address;
	return NULL;
}

static struct gm_error *read_addresses(FILE *stream, struct addresses *addresses)
{
	struct gm_error *error = NULL;
	char word[64];

	while (!error && fscanf(stream, "%63s", word) == 1)
		error = add_address(addresses, word);
	if (!error && ferror(stream))
		error = gm_error_errno(errno, "cannot read standard input");
	return error;
}

static struct gm_error *take_addresses(char **words, struct addresses *addresses)
{
	struct gm_error *error = NULL;

	if (!*words)
		return read_addresses(stdin, addresses);
	for (; *words && !error; words++)
		error = strcmp(*words, "-") ? add_address(addresses, *words) :
					      read_addresses(stdin, addresses);
	return error;
}

uint32_t gm_addr_beside(const struct gm_addr_look *look, const struct gm_addr *addr, int by)
{
	const struct gm_go_heap *heap = look->subject.heap;
	int64_t slot = (int64_t)addr->go.object + by;

	if (slot < 0 || slot >= addr->go.span->elems)
		return GM_GO_CLASSES;
	return gm_go_objects_class(&heap->objects, &heap->spans, addr->go.index, slot);
}

int gm_addr_marked(const struct gm_addr_look *look, const struct gm_addr *addr)
{
	const struct gm_go_objects *objects = &look->subject.heap->objects;

	if (addr->go.class_ == GM_GO_FREE_SLOT ||
	    gm_go_objects_marks(objects, addr->go.index) == GM_GO_NO_BITS)
		return -1;
	return addr->go.class_ == GM_GO_LIVE;
}

static const struct gm_go_goroutine_state *find_goroutine(const struct gm_go_goroutines *goroutines,
							  uint64_t address)
{
	for (size_t i = 0; i < goroutines->count; i++) {
		const struct gm_go_goroutine_state *goroutine = &goroutines->items[i];

		if (address >= goroutine->stack_low && address < goroutine->stack_high)
			return goroutine;
	}
	return NULL;
}

static void find_neighbours(const struct gm_maps *maps, struct gm_addr *addr)
{
	for (size_t i = 0; i < maps->count && !addr->above; i++) {
		if (maps->items[i].end <= addr->address)
			addr->below = &maps->items[i];
		else
			addr->above = &maps->items[i];
	}
}

static void fill_go(const struct gm_addr_look *look, struct gm_addr *addr)
{
	const struct gm_go_heap *heap = look->subject.heap;

	addr->go.class_ = GM_GO_CLASSES;
	if (!heap)
		return;
	gm_go_locate(heap, addr->address, &addr->go);
	if (addr->go.span)
		addr->census = gm_go_objects_census(heap, addr->go.index);
	addr->block = gm_blocks_find(&look->blocks, addr->address);
	if (addr->block)
		addr->history = gm_huge_history_of(&look->subject.blocks, addr->block);
	if (!addr->go.span || addr->go.span->stack)
		addr->goroutine = find_goroutine(&look->goroutines, addr->address);
}

static void fill(const struct gm_addr_look *look, uint64_t address, struct gm_addr *addr)
{
	const struct gm_subject *subject = &look->subject;

	*addr = (struct gm_addr){ .address = address };
	addr->vma = gm_maps_find(subject->maps, address);
	if (!addr->vma)
		find_neighbours(subject->maps, addr);
	addr->page = gm_pages_find(subject->pages, address);
	fill_go(look, addr);
	gm_addr_names_find(look->names, address, &addr->symbol);
	if (!gm_addr_names_type(look->names, &addr->go, addr->type, sizeof(addr->type)))
		addr->type[0] = '\0';
}

static struct gm_error *read_go(struct gm_addr_look *look)
{
	struct gm_subject *subject = &look->subject;

	gm_error_destroy(gm_addr_names_create(subject, &look->names));
	gm_error_destroy(gm_go_goroutines_read(&subject->target, &look->goroutines));
	return gm_blocks_compute(subject->maps, subject->pages, subject->heap, &look->blocks);
}

/* A program that is not Go has mappings and pages, too. */
static struct gm_error *look_at(const struct gm_source *source, struct gm_addr_look *look)
{
	struct gm_subject *subject = &look->subject;
	struct gm_error *error = gm_subject_open(source, subject);

	if (error)
		return error;
	look->heap_problem = gm_subject_read_heap(subject);
	error = gm_subject_read_pages(subject);
	if (!error)
		error = gm_subject_read_blocks(subject);
	return error || !subject->heap ? error : read_go(look);
}

static void look_deinit(struct gm_addr_look *look)
{
	gm_addr_names_destroy(look->names);
	gm_go_goroutines_deinit(&look->goroutines);
	free(look->blocks.items);
	gm_error_destroy(look->heap_problem);
	gm_subject_deinit(&look->subject);
}

static void print_text(const struct gm_addr_look *look, const struct addresses *addresses)
{
	struct gm_addr addr;

	if (look->heap_problem)
		gm_cmd_say("addr", "no Go heap: %s", look->heap_problem->message);
	for (size_t i = 0; i < addresses->count; i++) {
		fill(look, addresses->items[i], &addr);
		fputs(i ? "\n" : "", stdout);
		gm_addr_print(stdout, look, &addr);
	}
}

static struct gm_error *print_json(const struct gm_addr_look *look,
				   const struct addresses *addresses)
{
	json_object *root = json_object_new_object(), *array = json_object_new_array();
	json_object *problem = NULL;
	const char *text;
	struct gm_addr addr;

	if (look->heap_problem)
		problem = gm_out_json_string(look->heap_problem->message);
	for (size_t i = 0; i < addresses->count; i++) {
		fill(look, addresses->items[i], &addr);
		json_object_array_add(array, gm_addr_json(look, &addr));
	}
	json_object_object_add(root, "schema", json_object_new_string("gomem.addr/1"));
	json_object_object_add(root, "pid", json_object_new_int(look->subject.pid));
	json_object_object_add(root, "go_problem", problem);
	json_object_object_add(root, "addresses", array);
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		puts(text);
	json_object_put(root);
	return text ? NULL : gm_error_errno(ENOMEM, "cannot print %zu addresses", addresses->count);
}

static struct gm_error *run(const struct gm_options *options, const struct addresses *addresses)
{
	struct gm_addr_look look = {};
	struct gm_error *error = look_at(&options->sources.items[0], &look);

	if (!error && options->format == GM_OUT_JSON)
		error = print_json(&look, addresses);
	else if (!error)
		print_text(&look, addresses);
	look_deinit(&look);
	return error;
}

static int run_command(char **argv, const struct gm_options *options)
{
	struct addresses addresses = {};
	struct gm_error *error;
	int exit_code;

	if (options->sources.count != 1)
		return gm_cmd_misused(argv[0], "one process at a time", "");
	error = take_addresses(argv + optind, &addresses);
	if (error && error->code == EINVAL) {
		exit_code = gm_cmd_misused(argv[0], error->message, "");
		gm_error_destroy(error);
	} else {
		if (!error)
			error = run(options, &addresses);
		exit_code = error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
	}
	free(addresses.items);
	return exit_code;
}

int gm_cmd_addr(int argc, char **argv)
{
	const struct gm_syntax syntax = { .usage = usage, .operands = true, .pid_operand = true };
	struct gm_options options;
	int exit_code;

	if (gm_options_parse(&options, argc, argv, &syntax, &exit_code))
		exit_code = run_command(argv, &options);
	gm_options_deinit(&options);
	return exit_code;
}
