/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the heap's objects become edges: one thread's part of edges.c. */
#ifndef GM_GO_EDGES_SCAN_H
#define GM_GO_EDGES_SCAN_H

#include "go/edges.h"
#include "go/pointers.h"

#define GM_GO_SCAN_KNOWN 4096
#define GM_GO_SCAN_CLOSURES 1024

/* What a type or itab says that its data are; what a function says that its closures are. */
struct gm_go_scan_known {
	uint64_t word;
	gm_go_code code;
};

/**
 * struct gm_go_scan - objects one after the other, in the order of their numbers
 * @target, @ids, @graph, @part, @typing: not owned; of @graph the nodes of @part are written, of
 *	@typing the codes alone
 * @pointers: owned
 * @steps: of the edges of @part; the owner frees .items and .far.items
 * @filled: nodes below know where their edges start
 * @object: the one at hand, over several calls where it is large
 * @last: the word of its last edge, counted from 1
 * @before: the word before those at hand; @before_is_pointer: it is one
 * @id: its number
 * @known: what words of interfaces say, by a few of their bits; @closures: the same of first words
 */
struct gm_go_scan {
	const struct gm_go_target *target;
	const struct gm_go_ids *ids;
	struct gm_graph *graph;
	struct gm_graph_part *part;
	struct gm_go_typing *typing;
	struct gm_go_pointers *pointers;
	struct gm_go_edges_count count;
	struct gm_go_steps steps;
	uint32_t filled;
	struct gm_go_object object;
	uint32_t id;
	uint64_t last;
	uint64_t before;
	bool before_is_pointer;
	struct gm_go_scan_known known[GM_GO_SCAN_KNOWN];
	struct gm_go_scan_known closures[GM_GO_SCAN_CLOSURES];
};

/* The nodes below @node have no edges beyond those that were added. */
void gm_go_scan_fill_to(struct gm_go_scan *scan, uint32_t node);

/* Begins with object @index of span @span_index. @copy: the bytes of the span, @copy_bytes, from
 * its start; @large_type: of a span of one large object, see gm_go_pointers_begin().
 */
struct gm_error *gm_go_scan_begin(struct gm_go_scan *scan, uint32_t span_index, uint32_t index,
				  const void *copy, uint64_t copy_bytes,
				  uint64_t large_type) GM_MUST_CHECK;

/* Its words from @word to @end, which are at @words; @word is a multiple of 64, and follows what
 * was given or skipped before.
 */
struct gm_error *gm_go_scan_words(struct gm_go_scan *scan, const uint64_t *words, uint64_t word,
				  uint64_t end) GM_MUST_CHECK;

/* Of the object at hand there are words that cannot be read. */
void gm_go_scan_skip(struct gm_go_scan *scan, uint64_t bytes);

#endif
