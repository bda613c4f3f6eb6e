// SPDX-License-Identifier: GPL-2.0-or-later
/* The bill as a tree, and the heap's address space as a strip. */
#include <string.h>

#include "base/plural.h"
#include "cmd_report.h"

#define MIB 1048576.0

/**
 * struct branch - consecutive classes that make one line
 * @leaves: the names of its classes, where each is a line of its own below it
 */
struct branch {
	const char *name;
	enum gm_go_class first;
	enum gm_go_class last;
	const char *const *leaves;
};

static const char *const heap_leaves[] = {
	"live", "dead, not swept",	 "free slots", "span tails",
	"idle", "released but resident", "reserved",
};

static const struct branch branches[] = {
	{ "Go heap", GM_GO_LIVE, GM_GO_RESERVED, heap_leaves },
	{ "goroutine stacks", GM_GO_STACK, GM_GO_STACK_FREE, NULL },
	{ "Go runtime metadata", GM_GO_GC_BITS, GM_GO_OTHER_SYS, NULL },
	{ "binary", GM_GO_BINARY, GM_GO_BINARY, NULL },
	{ "thread stacks", GM_GO_THREAD_STACK, GM_GO_THREAD_STACK, NULL },
	{ "C malloc", GM_GO_CGO_HEAP, GM_GO_CGO_HEAP, NULL },
	{ "other anonymous", GM_GO_ANON_OTHER, GM_GO_ANON_OTHER, NULL },
	{ "other files", GM_GO_FILE, GM_GO_FILE, NULL },
	{ "shared memory", GM_GO_SHMEM, GM_GO_SHMEM, NULL },
};

static const struct {
	const char *cause;
	enum gm_go_class class_;
} culprits[] = {
	{ "thp-refill", GM_GO_RELEASED },
	{ "span-fragmentation", GM_GO_FREE_SLOT },
	{ "idle-not-released", GM_GO_IDLE },
};

static bool is_culprit(const struct gm_report *report, enum gm_go_class class_)
{
	const char *id = report->verdict->causes[0].id;

	for (size_t i = 0; i < sizeof(culprits) / sizeof(culprits[0]); i++)
		if (culprits[i].class_ == class_ && !strcmp(culprits[i].cause, id))
			return true;
	return false;
}

static uint64_t branch_bytes(const struct gm_bill *bill, const struct branch *branch)
{
	uint64_t bytes = 0;

	for (enum gm_go_class i = branch->first; i <= branch->last; i++)
		bytes += bill->resident[i];
	return bytes;
}

static void leaf_text(const struct gm_report *report, enum gm_go_class class_, const char *name,
		      char *text, size_t size)
{
	if (class_ == GM_GO_RELEASED && report->bill->released_huge)
		snprintf(text, size, "%s, in %lu huge page%s",
			 is_culprit(report, class_) ? "RELEASED BUT RESIDENT" : name,
			 (unsigned long)report->bill->released_huge,
			 gm_plural(report->bill->released_huge));
	else
		snprintf(text, size, "%s", name);
}

static int digits(const struct gm_bill *bill)
{
	return snprintf(NULL, 0, "%.2f", bill->rss / MIB);
}

static void print_leaves(FILE *stream, const struct gm_report *report, const struct branch *branch)
{
	uint64_t left = branch_bytes(report->bill, branch);

	for (enum gm_go_class i = branch->first; i <= branch->last; i++) {
		uint64_t bytes = report->bill->resident[i];
		char text[96];

		if (!bytes)
			continue;
		left -= bytes;
		leaf_text(report, i, branch->leaves[i - branch->first], text, sizeof(text));
		fprintf(stream, "  |  %s %*.2f %-*s%s\n", left ? "|-" : "`-", digits(report->bill),
			bytes / MIB, is_culprit(report, i) ? 48 : 0, text,
			is_culprit(report, i) ? "<==" : "");
	}
}

static void print_branch(FILE *stream, const struct gm_report *report, const struct branch *branch)
{
	uint64_t bytes = branch_bytes(report->bill, branch);

	if (!bytes)
		return;
	fprintf(stream, "  |- %*.2f %s\n", digits(report->bill), bytes / MIB, branch->name);
	if (branch->leaves)
		print_leaves(stream, report, branch);
}

static const char *unexplained_reason(const struct gm_bill *bill)
{
	if (!bill->unexplained)
		return "";
	return bill->classless ? "  (some pages were in no mapping: it ran during the look)" :
				 "  (it ran between the two looks)";
}

/* How the kernel holds it, in one line. */
static void print_states(FILE *stream, const struct gm_bill *bill)
{
	static const struct {
		enum gomem_page_state state;
		const char *name;
	} shown[] = {
		{ GOMEM_PAGE_THP, "huge pages" },   { GOMEM_PAGE_MTHP, "large folios" },
		{ GOMEM_PAGE_ANON, "small pages" }, { GOMEM_PAGE_LAZYFREE, "lazyfree" },
		{ GOMEM_PAGE_FILE, "file" },	    { GOMEM_PAGE_SHMEM, "shmem" },
		{ GOMEM_PAGE_SWAP, "swapped out" },
	};
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		uint64_t bytes = 0;

		for (size_t class_ = 0; class_ < GM_GO_CLASSES; class_++)
			bytes += bill->bytes[class_][shown[i].state];
		if (bytes)
			used += snprintf(text + used, sizeof(text) - used, "%s%s %.2f",
					 used ? ", " : "", shown[i].name, bytes / MIB);
	}
	if (used)
		gm_report_print_wrapped(stream, "  held in  ", text);
}

void gm_report_print_bill(FILE *stream, const struct gm_report *report)
{
	const struct gm_bill *bill = report->bill;

	fprintf(stream, "  %.2f MiB resident (RSS)\n", bill->rss / MIB);
	for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++)
		print_branch(stream, report, &branches[i]);
	fprintf(stream, "  `- %*.2f not explained%s\n", digits(bill), bill->unexplained / MIB,
		unexplained_reason(bill));
	print_states(stream, bill);
}

static const char letters[GM_GO_STACK_FREE + 1] = {
	[GM_GO_LIVE] = 'l',  [GM_GO_DEAD] = 'd',       [GM_GO_FREE_SLOT] = 'f',
	[GM_GO_TAIL] = 't',  [GM_GO_IDLE] = 'i',       [GM_GO_RELEASED] = 'r',
	[GM_GO_STACK] = 's', [GM_GO_STACK_FREE] = 's',
};

/* What most of a cell is; capital where most of what is resident is huge. */
static char cell_letter(const struct gm_strip_cell *cell)
{
	uint64_t resident = 0, most = cell->absent;
	char letter = '.';

	for (size_t i = 0; i <= GM_GO_STACK_FREE; i++) {
		resident += cell->resident[i];
		if (cell->resident[i] > most) {
			most = cell->resident[i];
			letter = letters[i];
		}
	}
	return letter != '.' && cell->huge > resident / 2 ? letter - 'a' + 'A' : letter;
}

/* Explains the letters that are there, and no others. */
static void print_legend(FILE *stream, const char *cells)
{
	static const struct {
		char letter;
		const char *meaning;
	} legend[] = {
		{ 'l', "l live" },   { 'd', "d dead" },		{ 'f', "f free slots" },
		{ 't', "t tails" },  { 'i', "i idle" },		{ 'r', "r released" },
		{ 's', "s stacks" }, { '.', ". not resident" },
	};
	char text[160] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(legend) / sizeof(legend[0]); i++) {
		char huge = legend[i].letter - 'a' + 'A';

		if (strchr(cells, legend[i].letter) ||
		    (legend[i].letter != '.' && strchr(cells, huge)))
			used += snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "",
					 legend[i].meaning);
	}
	if (strpbrk(cells, "LDFTIRS"))
		snprintf(text + used, sizeof(text) - used, "; capitals: huge pages");
	gm_report_print_wrapped(stream, "          ", text);
}

void gm_report_print_strip(FILE *stream, const struct gm_strip *strip)
{
	char cells[GM_STRIP_CELLS + 1] = "";

	if (!strip->count)
		return;
	for (size_t i = 0; i < strip->count; i++)
		cells[i] = cell_letter(&strip->cells[i]);
	fprintf(stream, "HEAP MAP  |%s|\n", cells);
	fprintf(stream, "          by address, %.2f MiB a character\n", strip->cell_bytes / MIB);
	print_legend(stream, cells);
}
