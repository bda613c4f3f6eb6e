// SPDX-License-Identifier: GPL-2.0-or-later
/* Recorded inputs, and the exact report each must give: tests/golden/NAME.{in,txt,json}.
 * tests/golden/README says how an input is written.
 */
#include <stdlib.h>

#include "cmd_report.h"
#include "tap.h"

#define LINES 64
#define WORDS 8

/**
 * struct input - one recorded input; the arrays are small because people write them
 */
struct input {
	struct gm_vma vmas[LINES];
	struct gomem_page_run runs[LINES];
	struct gm_go_span spans[LINES];
	struct gm_go_region regions[LINES];
	char names[LINES][64];
	char version[32];
	struct gm_maps maps;
	struct gm_pages pages;
	struct gm_go_heap heap;
	struct gm_process process;
	struct gm_host host;
	struct gm_verdict_events events;
	struct gm_report_cost cost;
	uint64_t rss_again;
	bool twice, huge_unknown;
};

static void broken(const char *file, const char *line)
{
	printf("Bail out! %s: cannot use this line: %s\n", file, line);
	exit(1);
}

static unsigned int lookup(const char *word, const char *const *words, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (!strcmp(word, words[i]))
			return i;
	return count;
}

static unsigned int state_of(const char *word)
{
	static const char *const words[] = { "absent",	 "zero", "anon", "mthp",  "thp",
					     "lazyfree", "swap", "file", "shmem", "migrating" };

	return lookup(word, words, GOMEM_PAGE_STATES);
}

static unsigned int kind_of(const char *word)
{
	static const char *const words[] = { "anon",  "heap",	 "stack", "file",
					     "shmem", "hugetlb", "vdso" };

	return lookup(word, words, GM_VMA_KINDS);
}

static unsigned int class_of(const char *word)
{
	unsigned int i;

	for (i = 0; i < GM_GO_CLASSES; i++)
		if (!strcmp(word, gm_go_class_name(i)))
			break;
	return i;
}

static uint64_t hex(const char *word)
{
	return strtoull(word, NULL, 16);
}

static uint64_t number(const char *word)
{
	return strtoull(word, NULL, 10);
}

static void take_vma(struct input *input, char **word)
{
	size_t i = input->maps.count++;

	strcpy(input->names[i], word[5] ? word[5] : "");
	input->vmas[i] = (struct gm_vma){ .start = hex(word[1]),
					  .end = hex(word[2]),
					  .kind = kind_of(word[4]),
					  .inode = word[5] ? 1 : 0,
					  .name = input->names[i] };
	memcpy(input->vmas[i].perms, word[3], 4);
}

static void take_run(struct input *input, char **word)
{
	input->runs[input->pages.count++] = (struct gomem_page_run){ .start = hex(word[1]),
								     .pages = number(word[2]),
								     .state = state_of(word[3]) };
}

static void take_span(struct input *input, char **word)
{
	input->spans[input->heap.spans.count++] =
		(struct gm_go_span){ .start = hex(word[1]),
				     .pages = number(word[2]),
				     .elem_bytes = number(word[3]),
				     .elems = number(word[4]),
				     .allocated = number(word[5]),
				     .size_class = number(word[6]) };
}

static void take_region(struct input *input, char **word)
{
	input->regions[input->heap.regions.count++] =
		(struct gm_go_region){ .start = hex(word[1]),
				       .end = hex(word[2]),
				       .class_ = class_of(word[3]),
				       .span = word[4] ? number(word[4]) : UINT32_MAX };
}

static void take_totals(struct input *input, char **word)
{
	input->heap.totals = (struct gm_go_totals){
		.heap_alloc = number(word[1]),
		.heap_inuse = number(word[2]),
		.heap_idle = number(word[3]),
		.heap_released = number(word[4]),
		.heap_sys = number(word[5]),
		.heap_objects = number(word[6]),
	};
	/* What a program has that sets neither GOGC nor GOMEMLIMIT */
	input->heap.gc_percent = 100;
	input->heap.memory_limit = INT64_MAX;
}

static void take_host(struct input *input, char **word)
{
	strcpy(input->host.thp_enabled, word[1]);
	input->host.max_ptes_none = number(word[2]);
	if (!word[3] || !word[4])
		return;
	input->process.cgroup_current_bytes = number(word[3]);
	input->process.cgroup_max_bytes = number(word[4]);
}

static void take_events(struct input *input, char **word)
{
	input->cost.module = true;
	input->events = (struct gm_verdict_events){ .collapses = number(word[1]),
						    .huge_faults = number(word[2]),
						    .released_bytes = number(word[3]),
						    .age_ms = number(word[4]) };
}

static void take_cost(struct input *input, char **word)
{
	input->cost.pages_ns = number(word[1]);
	input->cost.spans_ns = number(word[2]);
	input->cost.walk_us = number(word[3]);
	input->cost.hold_us = number(word[4]);
	input->cost.missed = number(word[5]);
	input->cost.dropped = number(word[6]);
}

static void take_look(struct input *input, char **word)
{
	input->rss_again = number(word[1]);
	input->twice = !strcmp(word[2], "twice");
	input->huge_unknown = !strcmp(word[3], "pagemap");
	input->heap.gc_running = !strcmp(word[4], "gc");
}

static void take_process(struct input *input, char **word)
{
	strcpy(input->process.comm, word[1]);
	if (word[2])
		strcpy(input->version, word[2]);
}

static const struct {
	const char *word;
	int arguments;
	void (*take)(struct input *input, char **word);
} takers[] = {
	{ "process", 1, take_process }, { "vma", 4, take_vma },	      { "run", 3, take_run },
	{ "span", 6, take_span },	{ "region", 3, take_region }, { "totals", 6, take_totals },
	{ "host", 2, take_host },	{ "events", 4, take_events }, { "cost", 6, take_cost },
	{ "look", 4, take_look },
};

static void take_line(struct input *input, const char *file, char *line)
{
	char whole[256], *word[WORDS + 1] = { NULL };
	int count = 0;

	strcpy(whole, line);
	for (char *w = strtok(line, " \t\n"); w && count < WORDS; w = strtok(NULL, " \t\n"))
		word[count++] = w;
	if (!count || word[0][0] == '#')
		return;
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (!strcmp(word[0], takers[i].word) && count > takers[i].arguments) {
			takers[i].take(input, word);
			return;
		}
	broken(file, whole);
}

static void input_read(struct input *input, const char *file)
{
	FILE *stream = fopen(file, "r");
	char line[256];

	memset(input, 0, sizeof(*input));
	input->host.max_ptes_none = GM_UNKNOWN;
	input->process.cgroup_current_bytes = GM_UNKNOWN;
	input->process.cgroup_max_bytes = GM_UNKNOWN;
	if (!stream)
		broken(file, "(no such file)");
	while (fgets(line, sizeof(line), stream))
		take_line(input, file, line);
	fclose(stream);
	input->maps.items = input->vmas;
	input->pages.items = input->runs;
	input->heap.spans.items = input->spans;
	input->heap.regions.items = input->regions;
	input->heap.version = input->version;
	input->heap.layout = (char *)"DWARF";
	input->cost.pages = input->cost.module	? "the module" :
			    input->huge_unknown ? "/proc/PID/pagemap" :
						  "PAGEMAP_SCAN";
}

static void must(struct gm_error *error)
{
	if (error)
		broken("join", error->message);
}

/* Everything cmd_report.c does after it has read. */
static json_object *render(struct input *input, FILE *text)
{
	const struct gm_go_heap *heap = input->version[0] ? &input->heap : NULL;
	const char *problem = heap ? NULL : "pid 7 is not a Go program";
	struct gm_bill *bill = NULL;
	struct gm_verdict verdict;
	struct gm_strip strip = { 0 };
	json_object *json;

	must(gm_bill_compute(&input->maps, &input->pages, heap, input->rss_again, &bill));
	if (heap)
		gm_strip_compute(&input->maps, &input->pages, heap, &strip);
	const struct gm_verdict_input evidence = {
		.bill = bill,
		.again = input->twice ? bill : NULL,
		.heap = heap,
		.heap_problem = problem,
		.host = &input->host,
		.process = &input->process,
		.events = input->cost.module ? &input->events : NULL,
		.huge_known = !input->huge_unknown,
	};
	const struct gm_report report = {
		.pid = 7,
		.process = &input->process,
		.host = &input->host,
		.heap = heap,
		.heap_problem = problem,
		.bill = bill,
		.strip = heap ? &strip : NULL,
		.verdict = &verdict,
		.cost = input->cost,
	};

	gm_verdict_judge(&evidence, &verdict);
	gm_report_print(text, &report);
	json = gm_report_json(&report);
	gm_bill_destroy(bill);
	return json;
}

static char *slurp(const char *file)
{
	FILE *stream = fopen(file, "r");
	char *content = calloc(1, 65536);

	if (!stream || !content)
		broken(file, "(no such file)");
	if (!fread(content, 1, 65535, stream))
		broken(file, "(empty)");
	fclose(stream);
	return content;
}

static void tell_difference(const char *expected, const char *came, const char *file)
{
	int line = 1;

	for (; *expected && *expected == *came; expected++, came++)
		line += *expected == '\n';
	printf("# from %s, line %d, where they part\n# expected: %.*s\n# came:     %.*s\n", file,
	       line, (int)strcspn(expected, "\n"), expected, (int)strcspn(came, "\n"), came);
}

static void compare_text(const char *file, const char *came)
{
	char *expected = slurp(file);

	if (!tap_ok(!strcmp(expected, came), file))
		tell_difference(expected, came, file);
	free(expected);
}

/* By value: how it is spaced is json-c's business. */
static void compare_json(const char *file, json_object *came)
{
	char *text = slurp(file);
	json_object *expected = json_tokener_parse(text), *other;

	if (!tap_ok(expected && json_object_equal(expected, came), file)) {
		json_object_object_foreach(came, key, value)
		{
			other = NULL;
			if (json_object_object_get_ex(expected, key, &other) &&
			    json_object_equal(other, value))
				continue;
			printf("# from %s, %s\n# expected: %s\n", file, key,
			       json_object_to_json_string(other));
			printf("# came:     %s\n", json_object_to_json_string(value));
		}
	}
	json_object_put(expected);
	free(text);
}

static void check_columns(const char *text, const char *name)
{
	size_t widest = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > widest)
			widest = strcspn(line, "\n");
	if (!tap_ok(widest <= 80, "80 columns"))
		printf("# %s: expected at most 80, from DESIGN, came %zu\n", name, widest);
}

static void test_golden(const char *directory, const char *name, bool with_json)
{
	struct input *input = malloc(sizeof(*input));
	char file[512], *text = NULL;
	size_t text_size;
	FILE *stream = open_memstream(&text, &text_size);
	json_object *json;

	if (!input || !stream)
		exit(1);
	snprintf(file, sizeof(file), "%s/%s.in", directory, name);
	input_read(input, file);
	json = render(input, stream);
	fclose(stream);
	snprintf(file, sizeof(file), "%s/%s.txt", directory, name);
	compare_text(file, text);
	check_columns(text, name);
	snprintf(file, sizeof(file), "%s/%s.json", directory, name);
	if (with_json)
		compare_json(file, json);
	json_object_put(json);
	free(text);
	free(input);
}

int main(int argc, char **argv)
{
	const char *directory = argc > 1 ? argv[1] : "tests/golden";

	test_golden(directory, "thp-refill", true);
	test_golden(directory, "fragmentation", false);
	test_golden(directory, "idle", false);
	test_golden(directory, "healthy", false);
	test_golden(directory, "not-go", true);
	return tap_done();
}
