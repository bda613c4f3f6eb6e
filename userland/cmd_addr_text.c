// SPDX-License-Identifier: GPL-2.0-or-later
/* One address for eyes: a line for what it is, and one for each thing it lies in. */
#include <inttypes.h>

#include "base/plural.h"
#include "cmd_addr.h"
#include "go/life.h"
#include "out/bytes.h"

#define LABEL "  %-10s "
#define PAGE_BYTES ((uint64_t)4096)

/* Printable ASCII of what a target may have named itself. */
static void print_name(FILE *stream, const char *name)
{
	for (; *name; name++)
		putc(*name >= ' ' && *name <= '~' ? *name : '?', stream);
}

static struct gm_bytes_text {
	char text[GM_OUT_BYTES_MAX];
} size(uint64_t bytes)
{
	struct gm_bytes_text text;

	gm_out_bytes(bytes, text.text);
	return text;
}

static void print_vma(FILE *stream, const char *label, const struct gm_vma *vma)
{
	if (!vma)
		return;
	fprintf(stream, LABEL "%" PRIx64 "-%" PRIx64 " %s %s, %s ", label, vma->start, vma->end,
		vma->perms, gm_vma_kind_name(vma->kind), size(vma->end - vma->start).text);
	print_name(stream, vma->name);
	putc('\n', stream);
}

static void print_nowhere(FILE *stream, const struct gm_addr *addr)
{
	fprintf(stream, "%" PRIx64 "  not mapped\n", addr->address);
	if (addr->below)
		fprintf(stream, LABEL "%s below\n", "nearest",
			size(addr->address - addr->below->end).text);
	print_vma(stream, "", addr->below);
	if (addr->above)
		fprintf(stream, LABEL "%s above\n", "nearest",
			size(addr->above->start - addr->address).text);
	print_vma(stream, "", addr->above);
}

static const char *describe(uint32_t class_)
{
	static const char *const words[GM_GO_CLASSES] = {
		[GM_GO_LIVE] = "a live object",
		[GM_GO_DEAD] = "a dead object, not swept yet",
		[GM_GO_FREE_SLOT] = "a free slot of a span",
		[GM_GO_TAIL] = "the tail of a span, behind its last slot",
		[GM_GO_IDLE] = "free pages of the heap, not released",
		[GM_GO_RELEASED] = "free pages of the heap, released",
		[GM_GO_RESERVED] = "heap address space, never used yet",
		[GM_GO_STACK] = "a goroutine's stack",
		[GM_GO_STACK_FREE] = "memory for stacks that nobody uses",
		[GM_GO_GC_BITS] = "mark and allocation bits",
		[GM_GO_HEAP_INDEX] = "the runtime's index of its heap",
		[GM_GO_PAGE_ALLOC] = "the runtime's page allocator",
		[GM_GO_MSPAN] = "the runtime's span records",
		[GM_GO_OTHER_SYS] = "the runtime's own memory",
	};

	return class_ < GM_GO_CLASSES ? words[class_] : NULL;
}

static void print_headline(FILE *stream, const struct gm_addr *addr)
{
	const char *words = describe(addr->go.class_);

	fprintf(stream, "%" PRIx64 "  ", addr->address);
	if (words)
		fputs(words, stream);
	else if (addr->symbol.count)
		fputs("code", stream);
	else if (addr->symbol.part)
		fputs("the program's data", stream);
	else
		fprintf(stream, "%s memory, none of Go's", gm_vma_kind_name(addr->vma->kind));
	putc('\n', stream);
}

static void print_symbol(FILE *stream, const struct gm_addr_symbol *symbol)
{
	if (symbol->variable) {
		fprintf(stream, LABEL, "symbol");
		print_name(stream, symbol->variable);
		fprintf(stream, "+0x%" PRIx64 "\n", symbol->offset);
	}
	if (symbol->part)
		fprintf(stream, LABEL "%s\n", "section", symbol->part);
	for (size_t i = 0; i < symbol->count; i++) {
		const struct gm_go_frame *frame = &symbol->frames[i];

		fprintf(stream, LABEL, i ? "in" : "symbol");
		print_name(stream, frame->function);
		if (i + 1 == symbol->count)
			fprintf(stream, "+0x%" PRIx64, symbol->offset);
		fputs(frame->inlined ? " (inlined)" : "", stream);
		if (frame->file) {
			putc(' ', stream);
			print_name(stream, frame->file);
			fprintf(stream, ":%d", (int)frame->line);
		}
		putc('\n', stream);
	}
}

static void print_goroutine(FILE *stream, const struct gm_go_goroutine_state *goroutine)
{
	const char *status = gm_go_status_name(goroutine->status);

	fprintf(stream, LABEL, "goroutine");
	if (goroutine->kind == GM_GO_G_GOROUTINE)
		fprintf(stream, "%" PRIu64 ", %s", goroutine->id, status ?: "unknown");
	else
		fputs(goroutine->kind == GM_GO_G_THREAD ? "a thread's own stack" :
							  "a thread's signal stack",
		      stream);
	fprintf(stream, ", stack %" PRIx64 "-%" PRIx64, goroutine->stack_low,
		goroutine->stack_high);
	if (goroutine->sp)
		fprintf(stream, ", sp %" PRIx64, goroutine->sp);
	putc('\n', stream);
}

static void print_object(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr)
{
	static const char *const marks[] = {
		[0] = "no mark of the last GC",
		[1] = "marked by the last GC",
	};
	int marked = gm_addr_marked(look, addr);

	fprintf(stream, LABEL "%" PRIx64 " + %" PRIu64 ", %s, %sallocated%s%s\n", "object",
		addr->go.base, addr->address - addr->go.base, size(addr->go.span->elem_bytes).text,
		addr->go.class_ == GM_GO_FREE_SLOT ? "not " : "", marked < 0 ? "" : ", ",
		marked < 0 ? "" : marks[marked]);
}

static void print_beside(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr)
{
	const char *words = "below it";

	fprintf(stream, LABEL, "beside");
	for (int by = -1; by <= 1; by += 2) {
		uint32_t class_ = gm_addr_beside(look, addr, by);
		uint64_t bytes = addr->go.span->elem_bytes;
		uint64_t base = by < 0 ? addr->go.base - bytes : addr->go.base + bytes;

		if (class_ < GM_GO_CLASSES)
			fprintf(stream, "%s %" PRIx64 " %s", words, base, gm_go_class_name(class_));
		else
			fprintf(stream, "%s no slot", words);
		words = ", above it";
	}
	putc('\n', stream);
}

static void print_span_kind(FILE *stream, const struct gm_go_span *span)
{
	if (span->stack)
		fprintf(stream, "stacks of %s", size(span->elem_bytes).text);
	else if (span->manual)
		fputs("the collector's buffers", stream);
	else if (!span->size_class)
		fprintf(stream, "one large object, with%s pointers", span->noscan ? "out" : "");
	else
		fprintf(stream, "class %u, objects of %s with%s pointers", span->size_class,
			size(span->elem_bytes).text, span->noscan ? "out" : "");
}

static void print_slots(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr)
{
	const struct gm_go_span *span = addr->go.span;

	fprintf(stream, LABEL, "");
	if (addr->go.object != GM_GO_NO_OBJECT)
		fprintf(stream, "slot %u of %u: ", addr->go.object, span->elems);
	fprintf(stream, "%u allocated", span->allocated);
	if (addr->census.dead)
		fprintf(stream, " (%u live, %u dead)", addr->census.live, addr->census.dead);
	fprintf(stream, ", %u free%s\n", span->elems - span->allocated,
		look->subject.heap->gc_running ? "; a GC ran, so dead ones are not told" : "");
}

static void print_span(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr)
{
	uint32_t sweepgen = look->subject.heap->sweepgen;
	const struct gm_go_span *span = addr->go.span;

	fprintf(stream, LABEL "%" PRIx64 ", %s: ", "span", span->start,
		size(span->pages * GM_GO_PAGE_BYTES).text);
	print_span_kind(stream, span);
	putc('\n', stream);
	if (span->manual)
		return;
	print_slots(stream, look, addr);
	fprintf(stream, LABEL "%s, %s, mspan at %" PRIx64 "\n", "",
		gm_go_life_name(gm_go_span_life(span, sweepgen)),
		gm_go_sweep_name(gm_go_span_sweep(span, sweepgen)), span->at);
}

static void print_neighbour(FILE *stream, const char *label, const struct gm_go_span *span)
{
	if (!span)
		return;
	fprintf(stream, LABEL "%" PRIx64 "-%" PRIx64 ": ", label, span->start,
		gm_go_span_end(span));
	print_span_kind(stream, span);
	putc('\n', stream);
}

static void print_page(FILE *stream, const struct gm_addr *addr)
{
	fprintf(stream, LABEL "%" PRIx64 " %s", "page", addr->address & ~(PAGE_BYTES - 1),
		gm_page_state_name(addr->page ? addr->page->state : GOMEM_PAGE_ABSENT));
	if (addr->page && addr->page->order)
		fprintf(stream, ", of a folio of %s", size(PAGE_BYTES << addr->page->order).text);
	putc('\n', stream);
}

static void print_history(FILE *stream, const struct gm_huge_history *history)
{
	if (history->collapses == GM_OUT_NONE)
		return;
	fprintf(stream, LABEL "%" PRIu64 " collapse%s, %" PRIu64 " refill%s, %s of churn", "",
		history->collapses, gm_plural(history->collapses), history->refills,
		gm_plural(history->refills), size(history->churn).text);
	if (history->by)
		fprintf(stream, "; last made huge by %s %.1f s ago", history->by,
			history->since_ms / 1000.0);
	putc('\n', stream);
}

static void print_block(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr)
{
	gm_autofree char *held_by = gm_huge_held_by(addr->block, look->subject.heap);
	const struct gm_block *block = addr->block;

	fprintf(stream,
		LABEL "%" PRIx64 "-%" PRIx64 ": %s of 2 MiB resident, %s live, %s could go\n",
		block->huge ? "huge page" : "2 MiB", block->start,
		block->start + (uint64_t)GM_HUGE_BYTES, size(gm_block_resident(block)).text,
		size(block->resident[GM_GO_LIVE]).text, size(gm_block_waste(block)).text);
	if (held_by)
		fprintf(stream, LABEL "held by %s\n", "", held_by);
	print_history(stream, &addr->history);
}

static void print_go(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr)
{
	const struct gm_go_location *go = &addr->go;

	if (go->span && !go->span->manual && go->object != GM_GO_NO_OBJECT) {
		print_object(stream, look, addr);
		if (addr->type[0]) {
			fprintf(stream, LABEL, "type");
			print_name(stream, addr->type);
			putc('\n', stream);
		}
		print_beside(stream, look, addr);
	}
	if (go->span)
		print_span(stream, look, addr);
	else if (go->region)
		fprintf(stream, LABEL "%" PRIx64 "-%" PRIx64 " %s, %s\n", "range",
			go->region->start, go->region->end, gm_go_class_name(go->class_),
			size(go->region->end - go->region->start).text);
	if (go->arena) {
		print_neighbour(stream, "span below", go->span_below);
		print_neighbour(stream, "span above", go->span_above);
		fprintf(stream, LABEL "%" PRIx64 "-%" PRIx64 ", heapArena at %" PRIx64 "\n",
			"arena", go->arena->start, go->arena->start + (uint64_t)GM_GO_ARENA_SPAN,
			go->arena->at);
	}
}

void gm_addr_print(FILE *stream, const struct gm_addr_look *look, const struct gm_addr *addr)
{
	if (!addr->vma) {
		print_nowhere(stream, addr);
		return;
	}
	print_headline(stream, addr);
	print_symbol(stream, &addr->symbol);
	if (addr->goroutine)
		print_goroutine(stream, addr->goroutine);
	print_go(stream, look, addr);
	print_page(stream, addr);
	if (addr->block)
		print_block(stream, look, addr);
	print_vma(stream, "mapping", addr->vma);
}
