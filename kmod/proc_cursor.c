// SPDX-License-Identifier: GPL-2.0
#include "proc_cursor.h"

#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#define BUFFER_BYTES SZ_32K /* what a read() gets at most; seq_file would make it a page */

static void leave(struct gomem_proc_cursor *cursor)
{
	gomem_snapshot_put(cursor->snapshot);
	gomem_target_put(cursor->target);
	*cursor = (struct gomem_proc_cursor){};
}

void gomem_proc_cursor_enter_next(struct gomem_proc_cursor *cursor)
{
	u64 id = cursor->target ? cursor->target->id : 0;

	leave(cursor);
	while ((cursor->target = gomem_target_next(id))) {
		cursor->nr = pid_vnr(cursor->target->pid);
		if (cursor->nr)
			return;
		id = cursor->target->id;
		gomem_target_put(cursor->target);
	}
}

void *gomem_proc_cursor_start(struct seq_file *m, loff_t *pos)
{
	struct gomem_proc_cursor *cursor = m->private;

	if (*pos == 0) {
		leave(cursor);
		return SEQ_START_TOKEN;
	}
	if (cursor->err)
		return ERR_PTR(cursor->err);
	if (!cursor->target)
		return NULL;
	cursor->nr = pid_vnr(cursor->target->pid);
	return cursor;
}

void gomem_proc_cursor_stop(struct seq_file *m, void *v)
{
}

void *gomem_proc_cursor_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct gomem_proc_cursor *cursor = m->private;

	++*pos;
	gomem_proc_cursor_enter_next(cursor);
	return cursor->target ? cursor : NULL;
}

int gomem_proc_cursor_open(struct file *file, const struct seq_operations *ops, int size)
{
	struct seq_file *m;
	int err;

	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	err = seq_open_private(file, ops, size);
	if (err)
		return err;
	m = file->private_data;
	m->buf = kvmalloc(BUFFER_BYTES, GFP_KERNEL);
	m->size = m->buf ? BUFFER_BYTES : 0;
	return 0;
}

int gomem_proc_cursor_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	leave(m->private);
	return seq_release_private(inode, file);
}
