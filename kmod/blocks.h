/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process's memory was at one look, by 2 MiB of address space: the page tables and
 * the ledger's records, joined by address.
 */
#ifndef GOMEM_BLOCKS_H
#define GOMEM_BLOCKS_H

#include <linux/bits.h>
#include <linux/mm_types.h>

#include "ledger.h"

#define GOMEM_BLOCK_SHIFT 21
#define GOMEM_BLOCK_BYTES BIT(GOMEM_BLOCK_SHIFT)

/**
 * struct gomem_block - the part of one VMA in one 2 MiB block of address space
 * @start: of the VMA in this block: [start, end), aligned or not, in the one block
 * @end: see @start
 * @flags: vm_flags of the VMA; 0 when no VMA is there any more
 * @resident: pages of RSS; this and the rest are in pages of 4 KiB, at most 512
 * @anon: of those, anonymous and no part of a large folio
 * @mthp: of those, part of a large folio that PTEs map
 * @thp: of those, anonymous and mapped by a PMD, lazyfree or not
 * @lazyfree: of those, MADV_FREE'd and clean, whatever maps them
 * @swap: in swap; not resident
 * @counts: what the ledger's records inside [start, end) counted
 * @history: of those records the first fault, and the last of the others
 */
struct gomem_block {
	unsigned long start;
	unsigned long end;
	unsigned long flags;
	u16 resident;
	u16 anon;
	u16 mthp;
	u16 thp;
	u16 lazyfree;
	u16 swap;
	struct gomem_counts counts;
	struct gomem_history history;
};

/** struct gomem_blocks - all blocks that hold a page or a record, by address */
struct gomem_blocks;

/**
 * gomem_blocks_take() - look at a process
 * @mm: its memory, or NULL when that is gone: then there are only the records' blocks.
 *	The caller holds mm_users.
 * @ledger: its ledger
 *
 * May sleep. Return: the blocks; -ENOMEM; -EINTR when killed; -EBUSY when its VMAs change faster
 * than they are looked at.
 */
struct gomem_blocks *gomem_blocks_take(struct mm_struct *mm, struct gomem_ledger *ledger);

/** gomem_blocks_free() - NULL is fine */
void gomem_blocks_free(struct gomem_blocks *blocks);

/** gomem_blocks_count() - how many there are */
unsigned long gomem_blocks_count(const struct gomem_blocks *blocks);

/** gomem_blocks_at() - the block at @index, below the count; by address */
const struct gomem_block *gomem_blocks_at(const struct gomem_blocks *blocks, unsigned long index);

/** gomem_blocks_hold_ns() - the longest time the look held a lock */
u64 gomem_blocks_hold_ns(const struct gomem_blocks *blocks);

#endif /* GOMEM_BLOCKS_H */
