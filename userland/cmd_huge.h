/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of gomemctl huge share, and gomemctl addr with them. */
#ifndef GM_CMD_HUGE_H
#define GM_CMD_HUGE_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd_subject.h"
#include "join/blocks.h"
#include "out/table.h"

/* The blocks of a spread: of each of its buckets, those with at least so much and less than the
 * next one asks for; @huge: of @blocks, the huge pages.
 */
#define GM_HUGE_BUCKETS 10

struct gm_huge_bucket {
	uint64_t blocks;
	uint64_t huge;
};

struct gm_huge_spread {
	struct gm_huge_bucket free_pages[GM_HUGE_BUCKETS];
	struct gm_huge_bucket longest_free[GM_HUGE_BUCKETS];
	struct gm_huge_bucket spans[GM_HUGE_BUCKETS];
};

/* Where each bucket starts: of free pages and their longest run, and of spans. */
extern const uint32_t gm_huge_page_buckets[GM_HUGE_BUCKETS];
extern const uint32_t gm_huge_span_buckets[GM_HUGE_BUCKETS];

/**
 * struct gm_huge_sum - of all blocks that are shown
 * @blocks: how many; @huge: of them, the huge pages
 * @waste: what could be given back, @free: of it in pages of no span, @slots: in free slots and
 *	tails, @dead: in dead objects, @stacks: in stacks that wait
 */
struct gm_huge_sum {
	uint64_t blocks;
	uint64_t huge;
	uint64_t resident;
	uint64_t live;
	uint64_t waste;
	uint64_t free;
	uint64_t slots;
	uint64_t dead;
	uint64_t stacks;
	struct gm_huge_spread spread;
};

/**
 * struct gm_huge_row - a block, and what the module saw of it; bytes where no unit is said
 * @state: thp or small
 * @by, @since_ms: who made it huge last and how long ago; NULL, GM_OUT_NONE: not known
 * @collapses, @refills, @churn: GM_OUT_NONE where not known
 * @holders_text: "48 B in a span of 8.00 KiB, 48 B each"
 */
struct gm_huge_row {
	const struct gm_block *block;
	uint64_t pid;
	uint64_t start;
	const char *state;
	uint64_t resident;
	uint64_t live;
	uint64_t waste;
	uint64_t idle;
	uint64_t released;
	uint64_t free_slot;
	uint64_t tail;
	uint64_t dead;
	uint64_t stack;
	uint64_t stack_free;
	uint64_t others;
	uint64_t spans;
	uint64_t holders;
	uint64_t free_pages;
	uint64_t longest_free;
	uint64_t collapses;
	uint64_t refills;
	uint64_t churn;
	const char *by;
	uint64_t since_ms;
	char *held_by;
};

struct gm_huge_rows {
	GM_VEC(struct gm_huge_row);
};

/**
 * struct gm_huge_look - one process
 * @all: small pages, too
 * @rows: what could be given back most first; point into @blocks and @subject
 */
struct gm_huge_look {
	struct gm_subject subject;
	struct gm_blocks blocks;
	struct gm_huge_sum sum;
	struct gm_huge_rows rows;
	bool all;
};

/* Whether the page source tells huge pages from small ones. */
bool gm_huge_known(const struct gm_huge_look *look);

/* What the module counted in @block, GM_OUT_NONE where it does not watch. */
struct gm_huge_history {
	uint64_t collapses;
	uint64_t refills;
	uint64_t churn;
	const char *by;
	uint64_t since_ms;
};

struct gm_huge_history gm_huge_history_of(const struct gm_module_blocks *blocks,
					  const struct gm_block *block);

/* "48 B in one span of 8.00 KiB (48 B)", NULL when memory is out; the caller frees it. */
char *gm_huge_held_by(const struct gm_block *block, const struct gm_go_heap *heap);

/* Adds @block to the sum. */
void gm_huge_add(struct gm_huge_sum *sum, const struct gm_block *block);

/* @max: rows to show. */
struct gm_error *gm_huge_print_text(const struct gm_huge_look *look, size_t max) GM_MUST_CHECK;
struct gm_error *gm_huge_print_raw(const struct gm_huge_look *looks, size_t count,
				   size_t max) GM_MUST_CHECK;
struct gm_error *gm_huge_print_json(const struct gm_huge_look *looks, size_t count,
				    size_t max) GM_MUST_CHECK;

#endif
