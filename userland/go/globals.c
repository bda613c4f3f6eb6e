// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/globals.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>

#include "go/code.h"

/* Between the argument and the call: at most the argument's way to the stack, before Go 1.17. */
#define ARGUMENT_GAP 24

enum how {
	ARGUMENT, /* its address is taken for a call of @callee */
	COMPARED, /* its @bytes are compared with @constant */
	USED, /* its address is taken, and it is loaded */
	ONCE, /* it is loaded, and only once */
	SLICE, /* its first two words are loaded */
	STRINGS, /* the address of this array is taken, which has as many as AL is compared with */
};

/* What has been true of these functions from Go 1.15 to 1.27: Go src/runtime/malloc.go, mgc.go,
 * mheap.go, proc.go. The first of several that fit is meant.
 */
static const struct rule {
	enum gm_go_global global;
	uint8_t size;
	enum how how;
	const char *function;
	const char *callee;
	uint8_t bytes;
	uint8_t constant;
} rules[] = {
	{ GM_GO_MHEAP, 0, ARGUMENT, "runtime.mallocinit", "runtime.(*mheap).init", 0, 0 },
	{ GM_GO_PACER, 0, ARGUMENT, "runtime.gcinit", "runtime.(*gcControllerState).init", 0, 0 },
	{ GM_GO_GC_BITS_ARENAS, 40, ARGUMENT, "runtime.nextMarkBitArenaEpoch", "runtime.lock2", 0,
	  0 },
	{ GM_GO_GCPHASE, 4, COMPARED, "runtime.gcMarkDone", NULL, 4, 1 },
	{ GM_GO_ISCGO, 1, COMPARED, "runtime.newm1", NULL, 1, 0 },
	{ GM_GO_ALLM, 8, USED, "runtime.mcommoninit", NULL, 0, 0 },
	{ GM_GO_PERSISTENT_CHUNKS, 8, USED, "runtime.persistentalloc1", NULL, 0, 0 },
	{ GM_GO_ALLP, 24, SLICE, "runtime.preemptall", NULL, 0, 0 },
	{ GM_GO_ALLGS, 24, SLICE, "runtime.allgadd", NULL, 0, 0 },
	{ GM_GO_ALLFIN, 8, ONCE, "runtime.queuefinalizer", NULL, 0, 0 },
	{ GM_GO_CLEANUPS, 0, ARGUMENT, "runtime.freeSpecial", "runtime.(*cleanupQueue).enqueue", 0,
	  0 },
	{ GM_GO_WAIT_REASONS, 16, STRINGS, "runtime.waitReason.String", NULL, 0, 0 },
};

/* A program that is looked at, and the table of its runtime's functions. */
struct search {
	const struct gm_go_program *program;
	const struct gm_go_module *module;
	const struct gm_go_pclntab *table;
};

static bool lies_in(const struct gm_go_range *range, uint64_t address)
{
	return address >= range->start && address < range->end;
}

static bool is_data(const struct search *search, uint64_t address)
{
	const struct gm_go_module *module = search->module;

	return lies_in(&module->data, address) || lies_in(&module->bss, address) ||
	       lies_in(&module->noptrdata, address) || lies_in(&module->noptrbss, address);
}

static size_t count(const struct gm_go_refs *refs, enum gm_go_ref_kind kind, uint64_t address)
{
	size_t found = 0;

	for (size_t i = 0; i < refs->count; i++)
		found += refs->items[i].kind == kind && refs->items[i].address == address;
	return found;
}

static bool is_called_next(const struct gm_go_refs *refs, size_t at, uint64_t callee)
{
	for (size_t i = at + 1; i < refs->count; i++) {
		const struct gm_go_ref *ref = &refs->items[i];

		if (ref->at - refs->items[at].at > ARGUMENT_GAP)
			return false;
		if (ref->kind == GM_GO_REF_CALLED && ref->address == callee)
			return true;
	}
	return false;
}

static bool fits(const struct rule *rule, const struct gm_go_refs *refs, size_t at, uint64_t callee)
{
	const struct gm_go_ref *ref = &refs->items[at];

	switch (rule->how) {
	case ARGUMENT:
		return ref->kind == GM_GO_REF_TAKEN && is_called_next(refs, at, callee);
	case COMPARED:
		return ref->kind == GM_GO_REF_COMPARED && ref->bytes == rule->bytes &&
		       ref->constant == rule->constant;
	case USED:
		return ref->kind == GM_GO_REF_LOADED && count(refs, GM_GO_REF_TAKEN, ref->address);
	case ONCE:
		return ref->kind == GM_GO_REF_LOADED &&
		       count(refs, GM_GO_REF_LOADED, ref->address) == 1;
	case SLICE:
		return ref->kind == GM_GO_REF_LOADED &&
		       count(refs, GM_GO_REF_LOADED, ref->address + 8) &&
		       !count(refs, GM_GO_REF_LOADED, ref->address - 8);
	case STRINGS:
		return ref->kind == GM_GO_REF_TAKEN;
	}
	return false;
}

/* Of an array, how many; of anything else one. */
static uint64_t count_items(const struct rule *rule, const struct gm_go_refs *refs)
{
	for (size_t i = 0; i < refs->count && rule->how == STRINGS; i++)
		if (refs->items[i].kind == GM_GO_REF_BOUND)
			return refs->items[i].constant;
	return 1;
}

static struct gm_error *apply(const struct search *search, const struct rule *rule,
			      struct gm_go_variable *variable)
{
	struct gm_go_function function, callee = { 0 };
	struct gm_go_refs refs = { 0 };
	struct gm_error *error;

	if (!gm_go_pclntab_find_name(search->table, rule->function, &function) ||
	    (rule->callee && !gm_go_pclntab_find_name(search->table, rule->callee, &callee)))
		return NULL;
	error = gm_go_code_refs(search->program, &function, &refs);
	for (size_t i = 0; i < refs.count && !error && !variable->address; i++)
		if (is_data(search, refs.items[i].address) && fits(rule, &refs, i, callee.entry))
			*variable = (struct gm_go_variable){
				refs.items[i].address,
				rule->size * count_items(rule, &refs),
			};
	free(refs.items);
	return error;
}

/* mheap_.spanalloc counts its memory in memstats.mspan_sys. */
static struct gm_error *find_memstats(const struct search *search,
				      const struct gm_go_layout *layout,
				      struct gm_go_variable globals[GM_GO_GLOBAL_COUNT])
{
	uint64_t at = globals[GM_GO_MHEAP].address +
		      gm_go_layout_offset(layout, GM_GO_MHEAP_SPANALLOC) +
		      gm_go_layout_offset(layout, GM_GO_FIXALLOC_STAT);
	struct gm_error *error;
	uint64_t stat;

	error = gm_go_program_read(search->program, at, &stat, sizeof(stat));
	stat -= gm_go_layout_offset(layout, GM_GO_STATS_MSPAN_SYS);
	if (!error && is_data(search, stat))
		globals[GM_GO_MEMSTATS].address = stat;
	return error;
}

static struct gm_error *apply_all(const struct search *search, const struct gm_go_layout *layout,
				  struct gm_go_variable globals[GM_GO_GLOBAL_COUNT])
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !error; i++)
		error = apply(search, &rules[i], &globals[rules[i].global]);
	if (!error && !globals[GM_GO_MHEAP].address)
		error = gm_error_create(ENOTSUP, "its code does not tell where runtime.mheap_ is");
	return error ?: find_memstats(search, layout, globals);
}

struct gm_error *gm_go_globals_by_code(const struct gm_go_program *program,
				       const struct gm_go_modules *modules,
				       const struct gm_go_layout *layout,
				       struct gm_go_variable globals[GM_GO_GLOBAL_COUNT])
{
	gm_auto(gm_go_pclntab) struct gm_go_pclntab *table = NULL;
	struct search search = { .program = program, .module = &modules->items[0] };
	struct gm_error *error;

	memset(globals, 0, GM_GO_GLOBAL_COUNT * sizeof(*globals));
	if (layout->machine != EM_X86_64)
		return gm_error_create(ENOTSUP, "only code of amd64 is understood");
	error = gm_go_pclntab_open(program, search.module, &table);
	search.table = table;
	return error ?: apply_all(&search, layout, globals);
}

/* The search for mheap_.allspans, and what must lie around it. */
struct scan {
	const struct gm_go_program *program;
	const struct gm_go_layout *layout;
	uint64_t found;
};

struct slice {
	uint64_t array;
	uint64_t length;
	uint64_t capacity;
};

static bool read_word(const struct scan *scan, uint64_t address, uint64_t *word)
{
	struct gm_error *error = gm_go_program_read(scan->program, address, word, sizeof(*word));
	bool ok = !error;

	gm_error_destroy(error);
	return ok;
}

/* A fixalloc begins with the size of what it gives out. */
static bool is_spanalloc(const struct scan *scan, uint64_t mheap)
{
	uint64_t size;

	return read_word(scan, mheap + gm_go_layout_offset(scan->layout, GM_GO_MHEAP_SPANALLOC),
			 &size) &&
	       size == gm_go_layout_size(scan->layout, GM_GO_MSPAN_BYTES);
}

static bool is_mspan(const struct scan *scan, uint64_t slot)
{
	uint64_t mspan, start, pages;

	return read_word(scan, slot, &mspan) &&
	       read_word(scan, mspan + gm_go_layout_offset(scan->layout, GM_GO_MSPAN_START),
			 &start) &&
	       read_word(scan, mspan + gm_go_layout_offset(scan->layout, GM_GO_MSPAN_PAGES),
			 &pages) &&
	       !(start % 8192) && start && pages && pages < 1ULL << 36;
}

static bool is_allspans(const struct slice *slice)
{
	return slice->array && !(slice->array & 7) && slice->length &&
	       slice->length <= slice->capacity && slice->capacity < 1ULL << 32 &&
	       slice->array < GM_GO_MODULE_ADDRESS_MAX;
}

static bool look(void *context, uint64_t address, const void *bytes, size_t size)
{
	struct scan *scan = context;

	for (size_t at = 0; at + sizeof(struct slice) <= size; at += 8) {
		uint64_t mheap =
			address + at - gm_go_layout_offset(scan->layout, GM_GO_MHEAP_ALLSPANS);
		struct slice slice;

		memcpy(&slice, (const char *)bytes + at, sizeof(slice));
		if (!is_allspans(&slice) || !is_spanalloc(scan, mheap) ||
		    !is_mspan(scan, slice.array) ||
		    !is_mspan(scan, slice.array + (slice.length - 1) * 8))
			continue;
		scan->found = mheap;
		return true;
	}
	return false;
}

uint64_t gm_go_globals_scan(const struct gm_go_program *program,
			    const struct gm_go_modules *modules, const struct gm_go_layout *layout)
{
	const struct gm_go_range *ranges[] = { &modules->items[0].data, &modules->items[0].bss };
	struct scan scan = { .program = program, .layout = layout };
	uint64_t left = GM_GO_SCAN_MAX;

	for (size_t i = 0; i < 2 && !scan.found; i++)
		gm_go_program_scan(program, ranges[i]->start, ranges[i]->end, &left,
				   sizeof(struct slice), look, &scan);
	return scan.found;
}
