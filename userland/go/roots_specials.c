// SPDX-License-Identifier: GPL-2.0-or-later
/* Go src/runtime/mheap.go: a span lists what is special about its objects. A finalizer keeps
 * its function, and what the object refers to, but not the object; a cleanup keeps its
 * function; a weak pointer its handle. mgcmark.go: markroot(), gcMarkTinyAllocs().
 */
#include <errno.h>
#include <string.h>

#include "go/roots_parts.h"

#define RECORD_MAX 256
#define PS_MAX (1U << 16)
#define BLOCKS_MAX (1U << 16)
#define ROUNDS_MAX (1U << 18) /* specials of one span: each takes a system call */
/* Go src/runtime/mfinal.go: finblock, the same since Go 1.15. */
#define BLOCK_COUNT 16
#define BLOCK_FIRST 24
#define BLOCK_BYTES 4096
#define FINALIZER_WORDS 5

/* The numbers of the kinds that matter, mheap.go: _KindSpecialFinalizer and so on. */
struct kinds {
	uint8_t finalizer;
	uint8_t weak;
	uint8_t cleanup;
};

/* The next special of a span, at @at. */
struct entry {
	uint64_t at;
	uint32_t span;
};

/* The names of what is held here, in the order of enum holder. */
enum holder { FUNCTIONS, CLEANUPS, HANDLES, QUEUE, CLEANUP_QUEUE, FINALIZED, TINY, HOLDERS };

static const struct gm_go_holder names[HOLDERS] = {
	[FUNCTIONS] = { GM_GO_HOLDER_SPECIAL, "finalizers" },
	[CLEANUPS] = { GM_GO_HOLDER_SPECIAL, "cleanups" },
	[HANDLES] = { GM_GO_HOLDER_SPECIAL, "weak handles" },
	[QUEUE] = { GM_GO_HOLDER_SPECIAL, "finalizers to run" },
	[CLEANUP_QUEUE] = { GM_GO_HOLDER_SPECIAL, "cleanups to run" },
	[FINALIZED] = { GM_GO_HOLDER_WEAK, "objects with finalizers" },
	[TINY] = { GM_GO_HOLDER_WEAK, "tiny allocators" },
};

/**
 * struct specials - the lists of all spans, walked at the same time
 * @entries: what was asked for; those that go on come first again
 * @size: of a record, as far as it matters
 * @budget: records still to be read, as a list may be a circle
 */
struct specials {
	const struct gm_go_rooting *rooting;
	const struct gm_go_ids *ids;
	struct gm_go_roots *roots;
	const struct gm_go_layout *layout;
	struct kinds kinds;
	uint32_t size;
	struct entry *entries;
	struct entry *next;
	size_t next_count;
	uint64_t budget;
	struct gm_error *error;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot read the finalizers of the heap");
}

static struct kinds kinds_of(unsigned int minor)
{
	if (minor >= 25)
		return (struct kinds){ 2, 3, 7 };
	if (minor >= 23)
		return (struct kinds){ 1, 2, 6 };
	return (struct kinds){ 1, 0, 0 };
}

static void add(struct specials *specials, enum holder which, uint64_t address)
{
	struct gm_go_root root = { .address = address };

	if (!address || specials->error)
		return;
	specials->error = gm_go_roots_holder(specials->roots, names[which].kind, names[which].name,
					     &root.holder);
	if (!specials->error)
		specials->error = gm_go_roots_add(specials->roots, &root);
}

static uint64_t field(const struct specials *specials, enum gm_go_field id, const void *record)
{
	const struct gm_go_place *place = &specials->layout->places[id];

	if (place->offset + place->size > specials->size)
		return 0;
	return gm_go_layout_number(specials->layout, id, record);
}

/* cleanupFn: call, fn, arg. */
static void add_cleanup(struct specials *specials, const char *record)
{
	uint32_t at = gm_go_layout_offset(specials->layout, GM_GO_CLEANUP_CLEANUP);
	uint64_t words[3];

	add(specials, CLEANUPS, field(specials, GM_GO_CLEANUP_FN, record));
	if (gm_go_layout_size(specials->layout, GM_GO_CLEANUP_CLEANUP) != sizeof(words) ||
	    at + sizeof(words) > specials->size)
		return;
	memcpy(words, record + at, sizeof(words));
	for (size_t i = 0; i < 3; i++)
		add(specials, CLEANUPS, words[i]);
}

static void got_special(void *context, uint32_t index, const void *record)
{
	struct specials *specials = context;
	const struct gm_go_span *spans = specials->ids->heap->spans.items;
	struct entry *entry = &specials->entries[index];
	uint64_t kind, next;

	if (!record || specials->error)
		return;
	kind = field(specials, GM_GO_SPECIAL_KIND, record);
	if (kind == specials->kinds.finalizer) {
		add(specials, FUNCTIONS, field(specials, GM_GO_FINALIZER_FN, record));
		add(specials, FINALIZED,
		    spans[entry->span].start + field(specials, GM_GO_SPECIAL_OFFSET, record));
	} else if (kind && kind == specials->kinds.weak) {
		add(specials, HANDLES, field(specials, GM_GO_WEAK_HANDLE, record));
	} else if (kind && kind == specials->kinds.cleanup) {
		add_cleanup(specials, record);
	}
	next = field(specials, GM_GO_SPECIAL_NEXT, record);
	if (next && specials->budget && specials->budget--)
		specials->next[specials->next_count++] = (struct entry){ next, entry->span };
}

static void got_list(void *context, uint32_t index, const void *record)
{
	struct specials *specials = context;
	uint64_t at = 0;

	if (record)
		memcpy(&at, record, sizeof(at));
	if (at)
		specials->next[specials->next_count++] = (struct entry){ at, index };
}

static struct gm_error *take_error(struct specials *specials)
{
	struct gm_error *error = specials->error;

	specials->error = NULL;
	return error;
}

/* What was found last becomes what to look at. */
static size_t turn(struct specials *specials)
{
	struct entry *entries = specials->entries;
	size_t count = specials->next_count;

	specials->entries = specials->next;
	specials->next = entries;
	specials->next_count = 0;
	return count;
}

static struct gm_error *walk(struct specials *specials, struct gm_go_want *wants)
{
	const struct gm_go_spans *spans = &specials->ids->heap->spans;
	uint32_t at = gm_go_layout_offset(specials->layout, GM_GO_MSPAN_SPECIALS);
	struct gm_error *error;
	size_t count = 0, rounds = 0;

	for (size_t i = 0; i < spans->count; i++)
		if (!spans->items[i].manual)
			wants[count++] = (struct gm_go_want){ spans->items[i].at + at, 8, i };
	error = gm_go_gather(specials->rooting->target, wants, count, got_list, specials);
	while (!error && (count = turn(specials)) && rounds++ < ROUNDS_MAX) {
		for (size_t i = 0; i < count; i++)
			wants[i] =
				(struct gm_go_want){ specials->entries[i].at, specials->size, i };
		error = gm_go_gather(specials->rooting->target, wants, count, got_special,
				     specials);
		error = error ?: take_error(specials);
	}
	return error;
}

static struct gm_error *read_specials(struct specials *specials)
{
	gm_autofree struct gm_go_want *wants = NULL;
	size_t count = specials->ids->heap->spans.count + 1;
	struct gm_error *error;

	wants = calloc(count, sizeof(*wants));
	specials->entries = calloc(count, sizeof(*specials->entries));
	specials->next = calloc(count, sizeof(*specials->next));
	if (wants && specials->entries && specials->next)
		error = walk(specials, wants);
	else
		error = no_memory();
	free(specials->entries);
	free(specials->next);
	return error;
}

/* Not mapped is no error: it is the target that says where to look. */
static bool read_at(const struct specials *specials, uint64_t address, void *to, size_t size)
{
	struct gm_error *error = gm_mem_read(specials->rooting->target->mem, address, to, size);

	gm_error_destroy(error);
	return !error;
}

/* Finalizers whose time has come: blocks of them, in a list. */
static void read_queue(struct specials *specials)
{
	const struct gm_go_image *image = specials->rooting->target->image;
	uint64_t block = 0, words[BLOCK_BYTES / 8];

	if (image->globals[GM_GO_ALLFIN].address)
		read_at(specials, image->globals[GM_GO_ALLFIN].address, &block, sizeof(block));
	for (size_t i = 0; block && i < BLOCKS_MAX; i++) {
		size_t first = BLOCK_FIRST / 8, count;

		if (!read_at(specials, block, words, sizeof(words)))
			return;
		count = (uint32_t)words[BLOCK_COUNT / 8] * (size_t)FINALIZER_WORDS;
		for (size_t word = first; word < first + count && word < BLOCK_BYTES / 8; word++)
			add(specials, QUEUE, words[word]);
		block = words[0];
	}
}

/* Cleanups whose time has come, since Go 1.25: mcleanup.go, cleanupBlock, of pointers alone. */
static void read_cleanups(struct specials *specials)
{
	const struct gm_go_layout *layout = specials->layout;
	uint64_t at = specials->rooting->target->image->globals[GM_GO_CLEANUPS].address, block = 0;
	uint32_t bytes = gm_go_layout_size(layout, GM_GO_CLEANUPS_BYTES);
	uint32_t first = gm_go_layout_offset(layout, GM_GO_CLEANUPS_ITEMS);
	uint64_t words[BLOCK_BYTES / 8];

	if (!at || !bytes || bytes > sizeof(words))
		return;
	read_at(specials, at + gm_go_layout_offset(layout, GM_GO_CLEANUPS_ALL), &block,
		sizeof(block));
	for (size_t i = 0; block && i < BLOCKS_MAX; i++) {
		if (!read_at(specials, block, words, bytes))
			return;
		for (size_t word = first / 8; word < bytes / 8; word++)
			add(specials, CLEANUP_QUEUE, words[word]);
		block = gm_go_layout_number(layout, GM_GO_CLEANUPS_NEXT, words);
	}
}

/* The block that a P puts its tiny objects in lives, even when they do not. */
static struct gm_error *read_tiny(struct specials *specials)
{
	gm_autofree uint64_t *ps = NULL;
	const struct gm_go_target *target = specials->rooting->target;
	struct gm_error *error;
	size_t count;

	error = gm_go_read_items(target, target->image->globals[GM_GO_ALLP].address, sizeof(*ps),
				 PS_MAX, (void **)&ps, &count);
	for (size_t i = 0; i < count && !error; i++) {
		uint64_t cache, tiny;

		if (read_at(specials, ps[i] + gm_go_layout_offset(specials->layout, GM_GO_P_MCACHE),
			    &cache, sizeof(cache)) &&
		    read_at(specials,
			    cache + gm_go_layout_offset(specials->layout, GM_GO_MCACHE_TINY), &tiny,
			    sizeof(tiny)))
			add(specials, TINY, tiny);
	}
	return error;
}

/* No more than that, as what lies behind it may not be mapped. */
static uint32_t record_size(const struct gm_go_layout *layout)
{
	static const enum gm_go_field fields[] = { GM_GO_SPECIAL_NEXT, GM_GO_SPECIAL_OFFSET,
						   GM_GO_SPECIAL_KIND, GM_GO_FINALIZER_FN,
						   GM_GO_CLEANUP_FN,   GM_GO_CLEANUP_CLEANUP,
						   GM_GO_WEAK_HANDLE };
	uint32_t size = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint32_t end = layout->places[fields[i]].offset + layout->places[fields[i]].size;

		if (end > size && end <= RECORD_MAX)
			size = end;
	}
	return size;
}

struct gm_error *gm_go_roots_specials(const struct gm_go_rooting *rooting,
				      const struct gm_go_ids *ids, struct gm_go_roots *roots)
{
	const struct gm_go_image *image = rooting->target->image;
	struct specials specials = {
		.rooting = rooting,
		.ids = ids,
		.roots = roots,
		.layout = &image->layout,
		.kinds = kinds_of(image->version.minor),
		.size = record_size(&image->layout),
		.budget = 4ULL * ids->count,
	};
	struct gm_error *error = NULL;

	if (gm_go_layout_has(specials.layout, GM_GO_MSPAN_SPECIALS) &&
	    gm_go_layout_has(specials.layout, GM_GO_SPECIAL_KIND))
		error = read_specials(&specials);
	/* Behind the lists that what waits there came from. */
	if (!error) {
		read_queue(&specials);
		read_cleanups(&specials);
		error = take_error(&specials);
	}
	if (!error && gm_go_layout_has(specials.layout, GM_GO_P_MCACHE) &&
	    gm_go_layout_has(specials.layout, GM_GO_MCACHE_TINY))
		error = read_tiny(&specials);
	return error ?: take_error(&specials);
}
