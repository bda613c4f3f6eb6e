/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of /proc/gomem with rows per target.
 *
 * The cursor keeps its place between two read()s, which seq_file always makes one after
 * the other: any seek starts at the beginning. A file gives gomem_proc_cursor_next() or a
 * .next of its own, and a .show, which gets SEQ_START_TOKEN for the header.
 */
#ifndef GOMEM_PROC_CURSOR_H
#define GOMEM_PROC_CURSOR_H

#include <linux/fs.h>
#include <linux/seq_file.h>

#include "target.h"

/**
 * struct gomem_proc_cursor - where a reader is; m->private
 * @target: its target, with a reference; NULL at the header
 * @nr: the pid of that, as who reads now sees it
 * @snapshot: the file's look at it, with a reference, or NULL
 * @row: the file's place in it
 * @err: why the rows end here
 */
struct gomem_proc_cursor {
	struct gomem_target *target;
	pid_t nr;
	struct gomem_snapshot *snapshot;
	unsigned long row;
	int err;
};

/** gomem_proc_cursor_enter_next() - leave this target for the next the reader sees, or NULL */
void gomem_proc_cursor_enter_next(struct gomem_proc_cursor *cursor);

/* seq_operations: one row a target, with gomem_proc_cursor_next(). */
void *gomem_proc_cursor_start(struct seq_file *m, loff_t *pos);
void *gomem_proc_cursor_next(struct seq_file *m, void *v, loff_t *pos);
void gomem_proc_cursor_stop(struct seq_file *m, void *v);

/**
 * gomem_proc_cursor_open() - for who may read addresses
 * @size: bytes of what begins with the cursor
 *
 * Return: 0, -EPERM, -ENOMEM.
 */
int gomem_proc_cursor_open(struct file *file, const struct seq_operations *ops, int size);

/** gomem_proc_cursor_release() - of proc_ops */
int gomem_proc_cursor_release(struct inode *inode, struct file *file);

/* Defines name_open() of a file with rows per target: @step is .next, @print .show. */
#define GOMEM_PROC_CURSOR_OPEN(name, step, print)                                \
	static const struct seq_operations name##_seq = {                        \
		.start = gomem_proc_cursor_start,                                \
		.next = step,                                                    \
		.stop = gomem_proc_cursor_stop,                                  \
		.show = print,                                                   \
	};                                                                       \
	static int name##_open(struct inode *inode, struct file *file)           \
	{                                                                        \
		return gomem_proc_cursor_open(file, &name##_seq,                 \
					      sizeof(struct gomem_proc_cursor)); \
	}

#endif /* GOMEM_PROC_CURSOR_H */
