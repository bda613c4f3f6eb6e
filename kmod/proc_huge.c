// SPDX-License-Identifier: GPL-2.0
#include "blocks.h"

#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>

#include "proc_cursor.h"
#include "proc_fields.h"
#include "proc_files.h"
#include "rows.h"
#include "words.h"
#include "zeros.h"

GOMEM_ROW(huge, GOMEM_HUGE_COLUMNS)

/**
 * struct huge_cursor - where a reader is, and what it wants
 * @cursor: its target, and which of the blocks
 * @blocks: the look at the target, NULL when it had nothing to look at
 * @pid: the one target it wants, with a reference, or NULL for all
 * @zeros: it wants huge pages read for zeros
 */
struct huge_cursor {
	struct gomem_proc_cursor cursor;
	struct gomem_blocks *blocks;
	struct pid *pid;
	bool zeros;
};

static void drop_blocks(struct huge_cursor *huge)
{
	gomem_blocks_free(huge->blocks);
	huge->blocks = NULL;
}

static bool is_wanted(const struct huge_cursor *huge)
{
	return !huge->pid || huge->cursor.target->pid == huge->pid;
}

static void *enter_next(struct huge_cursor *huge)
{
	struct gomem_proc_cursor *cursor = &huge->cursor;
	struct gomem_blocks *blocks;

	drop_blocks(huge);
	do {
		gomem_proc_cursor_enter_next(cursor);
		if (!cursor->target)
			return NULL;
	} while (!is_wanted(huge));
	blocks = gomem_target_blocks(cursor->target);
	if (IS_ERR(blocks)) {
		cursor->err = PTR_ERR(blocks);
		return blocks;
	}
	huge->blocks = blocks;
	return huge;
}

static void *huge_start(struct seq_file *m, loff_t *pos)
{
	if (*pos == 0)
		drop_blocks(m->private);
	return gomem_proc_cursor_start(m, pos);
}

static bool is_at_end(const struct huge_cursor *huge)
{
	return !huge->blocks || huge->cursor.row == gomem_blocks_count(huge->blocks);
}

static void *huge_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct huge_cursor *huge = m->private;

	++*pos;
	if (v == SEQ_START_TOKEN || is_at_end(huge))
		return enter_next(huge);
	huge->cursor.row++;
	return huge;
}

static u64 zeros_of(const struct huge_cursor *huge, const struct gomem_block *block)
{
	struct mm_struct *mm;
	int zeros;

	if (!huge->zeros || !block->thp)
		return U64_MAX;
	mm = gomem_target_mm(huge->cursor.target);
	if (!mm)
		return U64_MAX;
	zeros = gomem_zeros_count(mm, block->start);
	mmput(mm);
	return zeros < 0 ? U64_MAX : gomem_proc_kb(zeros);
}

static const char *name_of(enum gomem_huge_by by)
{
	static const char *const names[] = {
		[GOMEM_HUGE_BY_FAULT] = "fault",
		[GOMEM_HUGE_BY_KHUGEPAGED] = "khugepaged",
		[GOMEM_HUGE_BY_MADVISE] = "madvise",
	};

	return names[by];
}

static void print_block(struct seq_file *m, const struct huge_cursor *huge,
			const struct gomem_block *block)
{
	const struct gomem_history *history = &block->history;
	const struct gomem_counts *counts = &block->counts;
	struct huge_row values = {
		.pid = pid_vnr(huge->cursor.target->pid),
		.start = block->start,
		.end = block->end,
		.rss = gomem_proc_kb(block->resident),
		.anon = gomem_proc_kb(block->anon),
		.mthp = gomem_proc_kb(block->mthp),
		.thp = gomem_proc_kb(block->thp),
		.swap = gomem_proc_kb(block->swap),
		.lazyfree = gomem_proc_kb(block->lazyfree),
		.zero = zeros_of(huge, block),
		.first_fault = history->first_fault,
		.last_fault = history->last_fault,
		.last_release = history->last_release,
		.last_huge = history->last_huge,
		.by = name_of(history->by),
	};
	struct huge_row *row = &values;

	GOMEM_PROC_SET_EVENTS;
	huge_print(m, row);
}

/* After the last row: what these figures are worth. */
static void print_remark(struct seq_file *m, const struct huge_cursor *huge)
{
	int pid = pid_vnr(huge->cursor.target->pid);

	if (!huge->blocks)
		seq_printf(m, "# pid %d: exited, there is nothing to look at\n", pid);
	else
		seq_printf(m, "# pid %d: longest hold of a lock %llu us\n", pid,
			   div_u64(gomem_blocks_hold_ns(huge->blocks), NSEC_PER_USEC));
}

static int huge_show(struct seq_file *m, void *v)
{
	const struct huge_cursor *huge = m->private;

	if (v == SEQ_START_TOKEN) {
		gomem_rows_title(m, "huge", ", sizes in kB, times in ms ago");
		huge_header(m);
	} else if (is_at_end(huge)) {
		print_remark(m, huge);
	} else {
		print_block(m, huge, gomem_blocks_at(huge->blocks, huge->cursor.row));
	}
	return 0;
}

static const struct seq_operations huge_seq = {
	.start = huge_start,
	.next = huge_next,
	.stop = gomem_proc_cursor_stop,
	.show = huge_show,
};

static int huge_open(struct inode *inode, struct file *file)
{
	return gomem_proc_cursor_open(file, &huge_seq, sizeof(struct huge_cursor));
}

static int huge_release(struct inode *inode, struct file *file)
{
	struct huge_cursor *huge = ((struct seq_file *)file->private_data)->private;

	drop_blocks(huge);
	put_pid(huge->pid);
	return gomem_proc_cursor_release(inode, file);
}

static int set_pid(struct huge_cursor *huge, const char *value)
{
	int nr;

	if (!value || kstrtoint(value, 10, &nr) || nr <= 0)
		return -EINVAL;
	put_pid(huge->pid);
	huge->pid = find_get_pid(nr);
	return huge->pid ? 0 : -ESRCH;
}

static int set_option(struct huge_cursor *huge, const struct gomem_word *word)
{
	if (!strcmp(word->key, "zeros"))
		return gomem_words_flag(word->value, &huge->zeros);
	if (!strcmp(word->key, "pid"))
		return set_pid(huge, word->value);
	return -EINVAL;
}

static ssize_t huge_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char text[GOMEM_WORDS_MAX], *rest = text;
	struct seq_file *m = file->private_data;
	struct gomem_word word;
	int err = gomem_words_copy(text, from, count);

	mutex_lock(&m->lock);
	if (m->index)
		err = -EBUSY;
	while (!err && gomem_words_next(&rest, &word))
		err = set_option(m->private, &word);
	mutex_unlock(&m->lock);
	return err ?: count;
}

const struct proc_ops gomem_proc_huge_ops = {
	.proc_open = huge_open,
	.proc_read = seq_read,
	.proc_write = huge_write,
	.proc_lseek = seq_lseek,
	.proc_release = huge_release,
};
