// SPDX-License-Identifier: GPL-2.0
#include "blocks.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "vec.h"
#include "walk.h"

#define SPARE 8 /* VMAs and blocks that may come while a window goes on */

static const struct gomem_history never = {
	.first_fault = U64_MAX,
	.last_fault = U64_MAX,
	.last_release = U64_MAX,
	.last_huge = U64_MAX,
};

/* A VMA, or what was seen of it before it changed: [start, end). */
struct span {
	unsigned long start;
	unsigned long end;
	unsigned long flags;
};

/**
 * struct gomem_blocks - see blocks.h
 * @spans: struct span, by address
 * @blocks: struct gomem_block: first those that page tables know, by address, then those
 *	of records alone
 * @seen: how many the first are
 * @missing: records that had no room
 * @tally: of the block under way
 * @hold_ns: the longest time a lock was held
 * @order: indices of @blocks, by address
 * @count: how many of them
 */
struct gomem_blocks {
	struct gomem_vec spans;
	struct gomem_vec blocks;
	unsigned long seen;
	unsigned long missing;
	struct gomem_tally tally;
	u64 hold_ns;
	u32 *order;
	unsigned long count;
};

static struct gomem_block *block_at(const struct gomem_blocks *blocks, unsigned long index)
{
	return gomem_vec_at(&blocks->blocks, index);
}

static bool has_room(const struct gomem_blocks *blocks)
{
	return gomem_vec_has_room(&blocks->spans) && gomem_vec_has_room(&blocks->blocks);
}

static struct gomem_tally *sink_vma(void *arg, struct vm_area_struct *vma, unsigned long at)
{
	struct gomem_blocks *blocks = arg;
	struct span *span;

	if (!has_room(blocks))
		return NULL;
	span = blocks->spans.count ? gomem_vec_at(&blocks->spans, blocks->spans.count - 1) : NULL;
	if (span && span->end == vma->vm_end && span->flags == vma->vm_flags)
		return &blocks->tally;
	if (span)
		span->end = min(span->end, at);
	span = gomem_vec_push(&blocks->spans);
	*span = (struct span){ at, vma->vm_end, vma->vm_flags };
	return &blocks->tally;
}

static bool sink_block(void *arg, unsigned long start, unsigned long end)
{
	struct gomem_blocks *blocks = arg;
	const struct span *span = gomem_vec_at(&blocks->spans, blocks->spans.count - 1);
	const struct gomem_tally tally = blocks->tally;

	if (!tally.rss && !tally.swap)
		return true;
	blocks->tally = (struct gomem_tally){};
	*(struct gomem_block *)gomem_vec_push(&blocks->blocks) = (struct gomem_block){
		.start = start,
		.end = end,
		.flags = span->flags,
		.resident = tally.rss,
		.anon = tally.small,
		.mthp = tally.mthp,
		.thp = tally.thp,
		.lazyfree = tally.lazyfree,
		.swap = tally.swap,
		.history = never,
	};
	return has_room(blocks);
}

static const struct gomem_sink sink = { .vma = sink_vma, .block = sink_block };

static unsigned long vmas_ahead(const struct gomem_blocks *blocks, const struct mm_struct *mm)
{
	unsigned long vmas = READ_ONCE(mm->map_count);

	return (vmas > blocks->spans.count ? vmas - blocks->spans.count : 0) + SPARE;
}

static int make_room(struct gomem_blocks *blocks, const struct gomem_walk *walk)
{
	if (gomem_walk_is_outrun(walk, blocks->spans.count))
		return -EBUSY;
	return gomem_vec_reserve(&blocks->spans, vmas_ahead(blocks, walk->mm)) ?:
		       gomem_vec_reserve(&blocks->blocks, blocks->blocks.count + SPARE);
}

static int look(struct gomem_blocks *blocks, struct mm_struct *mm)
{
	struct gomem_walk walk = {
		.mm = mm,
		.end = TASK_SIZE_MAX,
		.view.orders = true,
		.sink = &sink,
		.arg = blocks,
	};
	int err;

	do {
		err = make_room(blocks, &walk);
		if (!err)
			err = gomem_walk_window(&walk);
	} while (err > 0);
	blocks->seen = blocks->blocks.count;
	blocks->hold_ns = walk.hold_ns;
	return err;
}

/* The last item of @vec, sorted by a start that opens it, that starts at @addr or before. */
static void *last_before(const struct gomem_vec *vec, unsigned long count, unsigned long addr)
{
	unsigned long lo = 0, hi = count;

	while (lo < hi) {
		unsigned long mid = lo + (hi - lo) / 2;

		if (*(const unsigned long *)gomem_vec_at(vec, mid) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? gomem_vec_at(vec, lo - 1) : NULL;
}

static_assert(offsetof(struct gomem_block, start) == 0);
static_assert(offsetof(struct span, start) == 0);

static u64 earlier(u64 a, u64 b)
{
	if (a == U64_MAX || b == U64_MAX)
		return min(a, b);
	return max(a, b);
}

static void add_history(struct gomem_history *sum, const struct gomem_history *history)
{
	if (history->last_huge < sum->last_huge)
		sum->by = history->by;
	sum->first_fault = earlier(sum->first_fault, history->first_fault);
	sum->last_fault = min(sum->last_fault, history->last_fault);
	sum->last_release = min(sum->last_release, history->last_release);
	sum->last_huge = min(sum->last_huge, history->last_huge);
}

/* Called where one may not sleep. */
static void add_record(void *arg, unsigned long pos, const struct gomem_record *record)
{
	struct gomem_blocks *blocks = arg;
	struct gomem_block *block = last_before(&blocks->blocks, blocks->seen, pos);
	struct gomem_history history;

	if (!block || pos >= block->end) {
		if (!gomem_vec_has_room(&blocks->blocks)) {
			blocks->missing++;
			return;
		}
		block = gomem_vec_push(&blocks->blocks);
		*block = (struct gomem_block){ .start = pos, .history = never };
	}
	history = gomem_ledger_history(record);
	gomem_ledger_add(record, &block->counts);
	add_history(&block->history, &history);
}

static void forget_records(struct gomem_blocks *blocks)
{
	unsigned long i;

	for (i = 0; i < blocks->seen; i++) {
		block_at(blocks, i)->counts = (struct gomem_counts){};
		block_at(blocks, i)->history = never;
	}
	blocks->blocks.count = blocks->seen;
	blocks->missing = 0;
}

static int read_ledger(struct gomem_blocks *blocks, struct gomem_ledger *ledger)
{
	struct gomem_ledger_state state;
	int err;

	do {
		err = gomem_vec_reserve(&blocks->blocks, blocks->missing);
		if (err)
			return err;
		forget_records(blocks);
		gomem_ledger_read(ledger, add_record, blocks, &state);
	} while (blocks->missing);
	return 0;
}

/* The range of a block that only a record is in: of the record's VMA, if there is one. */
static void set_range(const struct gomem_blocks *blocks, struct gomem_block *block)
{
	unsigned long pos = block->start;
	const struct span *span = last_before(&blocks->spans, blocks->spans.count, pos);

	block->start = round_down(pos, GOMEM_BLOCK_BYTES);
	block->end = block->start + GOMEM_BLOCK_BYTES;
	if (!span || pos >= span->end)
		return;
	block->start = max(block->start, span->start);
	block->end = min(block->end, span->end);
	block->flags = span->flags;
}

static int compare(const void *a, const void *b, const void *arg)
{
	unsigned long left = block_at(arg, *(const u32 *)a)->start;
	unsigned long right = block_at(arg, *(const u32 *)b)->start;

	return left < right ? -1 : left > right;
}

/* Records of one range and VMA become one block. */
static bool merge(const struct gomem_blocks *blocks, u32 into, u32 from)
{
	struct gomem_block *a = block_at(blocks, into);
	const struct gomem_block *b = block_at(blocks, from);

	if (a->start != b->start || a->end != b->end)
		return false;
	gomem_counts_add(&a->counts, &b->counts);
	add_history(&a->history, &b->history);
	return true;
}

static int put_in_order(struct gomem_blocks *blocks)
{
	unsigned long i, n = blocks->blocks.count;
	u32 *order = kvmalloc_array(n + 1, sizeof(*order), GFP_KERNEL);

	if (!order)
		return -ENOMEM;
	blocks->order = order;
	for (i = 0; i < n; i++) {
		order[i] = i;
		if (i >= blocks->seen)
			set_range(blocks, block_at(blocks, i));
	}
	sort_r(order, n, sizeof(*order), compare, NULL, blocks);
	for (i = 0; i < n; i++) {
		if (!blocks->count || !merge(blocks, order[blocks->count - 1], order[i]))
			order[blocks->count++] = order[i];
	}
	return 0;
}

struct gomem_blocks *gomem_blocks_take(struct mm_struct *mm, struct gomem_ledger *ledger)
{
	struct gomem_blocks *blocks = kzalloc(sizeof(*blocks), GFP_KERNEL);
	int err = 0;

	if (!blocks)
		return ERR_PTR(-ENOMEM);
	gomem_vec_init(&blocks->spans, sizeof(struct span));
	gomem_vec_init(&blocks->blocks, sizeof(struct gomem_block));
	if (mm)
		err = look(blocks, mm);
	if (!err)
		err = read_ledger(blocks, ledger);
	if (!err)
		err = put_in_order(blocks);
	if (err) {
		gomem_blocks_free(blocks);
		return ERR_PTR(err);
	}
	return blocks;
}

void gomem_blocks_free(struct gomem_blocks *blocks)
{
	if (!blocks)
		return;
	gomem_vec_free(&blocks->spans);
	gomem_vec_free(&blocks->blocks);
	kvfree(blocks->order);
	kfree(blocks);
}

unsigned long gomem_blocks_count(const struct gomem_blocks *blocks)
{
	return blocks->count;
}

const struct gomem_block *gomem_blocks_at(const struct gomem_blocks *blocks, unsigned long index)
{
	return block_at(blocks, blocks->order[index]);
}

u64 gomem_blocks_hold_ns(const struct gomem_blocks *blocks)
{
	return blocks->hold_ns;
}
