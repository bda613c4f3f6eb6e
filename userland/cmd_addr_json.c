// SPDX-License-Identifier: GPL-2.0-or-later
/* One address for programs: an object of the schema gomem.addr/1. Sizes are bytes, addresses
 * strings; what is not known, or is not there, is null.
 */
#include <inttypes.h>

#include "cmd_addr.h"
#include "go/life.h"
#include "out/json.h"

static void add_hex(json_object *object, const char *key, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_count(json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key,
			       value == GM_OUT_NONE ? NULL : json_object_new_uint64(value));
}

static void add_text(json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, gm_out_json_string(value));
}

static json_object *vma_json(const struct gm_vma *vma)
{
	json_object *object;

	if (!vma)
		return NULL;
	object = json_object_new_object();
	add_hex(object, "start", vma->start);
	add_hex(object, "end", vma->end);
	add_text(object, "perms", vma->perms);
	add_text(object, "kind", gm_vma_kind_name(vma->kind));
	add_text(object, "name", vma->name);
	return object;
}

static json_object *range_json(uint64_t start, uint64_t end)
{
	json_object *object = json_object_new_object();

	add_hex(object, "start", start);
	add_hex(object, "end", end);
	return object;
}

static const char *kind_of(const struct gm_go_span *span)
{
	if (span->manual)
		return span->stack ? "stacks" : "work-buf";
	return span->size_class ? "objects" : "large";
}

static json_object *span_json(const struct gm_go_span *span, uint32_t sweepgen)
{
	json_object *object;

	if (!span)
		return NULL;
	object = range_json(span->start, gm_go_span_end(span));
	add_text(object, "kind", kind_of(span));
	add_count(object, "size_class", span->size_class);
	add_count(object, "elem_bytes", span->elem_bytes);
	add_count(object, "elems", span->elems);
	add_count(object, "allocated", span->allocated);
	json_object_object_add(object, "noscan", json_object_new_boolean(span->noscan));
	add_text(object, "life", gm_go_life_name(gm_go_span_life(span, sweepgen)));
	add_text(object, "sweep", gm_go_sweep_name(gm_go_span_sweep(span, sweepgen)));
	add_hex(object, "mspan", span->at);
	return object;
}

static void add_beside(json_object *object, const char *key, const struct gm_addr_look *look,
		       const struct gm_addr *addr, int by)
{
	uint32_t class_ = gm_addr_beside(look, addr, by);

	add_text(object, key, class_ < GM_GO_CLASSES ? gm_go_class_name(class_) : NULL);
}

static json_object *object_json(const struct gm_addr_look *look, const struct gm_addr *addr)
{
	const struct gm_go_location *go = &addr->go;
	json_object *object;
	int marked;

	if (!go->span || go->span->manual || go->object == GM_GO_NO_OBJECT)
		return NULL;
	marked = gm_addr_marked(look, addr);
	object = json_object_new_object();
	add_hex(object, "base", go->base);
	add_count(object, "offset", addr->address - go->base);
	add_count(object, "bytes", go->span->elem_bytes);
	add_count(object, "slot", go->object);
	add_text(object, "type", addr->type[0] ? addr->type : NULL);
	json_object_object_add(object, "allocated",
			       json_object_new_boolean(go->class_ != GM_GO_FREE_SLOT));
	json_object_object_add(object, "marked",
			       marked < 0 ? NULL : json_object_new_boolean(marked));
	add_beside(object, "below", look, addr, -1);
	add_beside(object, "above", look, addr, 1);
	return object;
}

static json_object *block_json(const struct gm_addr_look *look, const struct gm_addr *addr)
{
	gm_autofree char *held_by = NULL;
	const struct gm_block *block = addr->block;
	json_object *object;

	if (!block)
		return NULL;
	held_by = gm_huge_held_by(block, look->subject.heap);
	object = json_object_new_object();
	add_hex(object, "start", block->start);
	json_object_object_add(object, "huge", json_object_new_boolean(block->huge));
	add_count(object, "resident_bytes", gm_block_resident(block));
	add_count(object, "live_bytes", block->resident[GM_GO_LIVE]);
	add_count(object, "waste_bytes", gm_block_waste(block));
	add_count(object, "spans", block->spans);
	add_count(object, "holders", block->holders);
	add_text(object, "held_by", held_by);
	add_count(object, "collapses", addr->history.collapses);
	add_count(object, "refills", addr->history.refills);
	add_count(object, "churn_bytes", addr->history.churn);
	add_text(object, "by", addr->history.by);
	add_count(object, "since_ms", addr->history.since_ms);
	return object;
}

static json_object *goroutine_json(const struct gm_go_goroutine_state *goroutine)
{
	json_object *object;

	if (!goroutine)
		return NULL;
	object = range_json(goroutine->stack_low, goroutine->stack_high);
	add_count(object, "id", goroutine->id);
	add_text(object, "status", gm_go_status_name(goroutine->status));
	return object;
}

static json_object *symbol_json(const struct gm_addr_symbol *symbol)
{
	json_object *object, *frames;

	if (!symbol->count && !symbol->part)
		return NULL;
	object = json_object_new_object();
	frames = json_object_new_array();
	add_text(object, "part", symbol->part);
	add_text(object, "variable", symbol->variable);
	add_count(object, "offset",
		  symbol->count || symbol->variable ? symbol->offset : GM_OUT_NONE);
	for (size_t i = 0; i < symbol->count; i++) {
		json_object *frame = json_object_new_object();

		add_text(frame, "function", symbol->frames[i].function);
		add_text(frame, "file", symbol->frames[i].file);
		add_count(frame, "line", symbol->frames[i].line);
		json_object_array_add(frames, frame);
	}
	json_object_object_add(object, "frames", frames);
	return object;
}

static json_object *page_json(const struct gm_addr *addr)
{
	json_object *object = json_object_new_object();

	add_hex(object, "start", addr->address & ~0xfffULL);
	add_text(object, "state",
		 gm_page_state_name(addr->page ? addr->page->state : GOMEM_PAGE_ABSENT));
	add_count(object, "order", addr->page ? addr->page->order : 0);
	return object;
}

static const char *class_of(const struct gm_addr *addr)
{
	return addr->go.class_ < GM_GO_CLASSES ? gm_go_class_name(addr->go.class_) : NULL;
}

json_object *gm_addr_json(const struct gm_addr_look *look, const struct gm_addr *addr)
{
	const struct gm_go_heap *heap = look->subject.heap;
	const struct gm_go_location *go = &addr->go;
	uint32_t sweepgen = heap ? heap->sweepgen : 0;
	json_object *object = json_object_new_object(), *arena = NULL, *range = NULL;

	if (go->arena)
		arena = range_json(go->arena->start, go->arena->start + GM_GO_ARENA_SPAN);
	if (go->region && !go->span)
		range = range_json(go->region->start, go->region->end);
	add_hex(object, "address", addr->address);
	add_text(object, "class", class_of(addr));
	json_object_object_add(object, "mapping", vma_json(addr->vma));
	json_object_object_add(object, "mapping_below", vma_json(addr->below));
	json_object_object_add(object, "mapping_above", vma_json(addr->above));
	json_object_object_add(object, "page", page_json(addr));
	json_object_object_add(object, "huge_page", block_json(look, addr));
	json_object_object_add(object, "arena", arena);
	json_object_object_add(object, "range", range);
	json_object_object_add(object, "span", span_json(go->span, sweepgen));
	json_object_object_add(object, "span_below", span_json(go->span_below, sweepgen));
	json_object_object_add(object, "span_above", span_json(go->span_above, sweepgen));
	json_object_object_add(object, "object", object_json(look, addr));
	json_object_object_add(object, "goroutine", goroutine_json(addr->goroutine));
	json_object_object_add(object, "symbol", symbol_json(&addr->symbol));
	return object;
}
