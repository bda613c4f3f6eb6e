// SPDX-License-Identifier: GPL-2.0
#include "pages.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "gomem.h"
#include "target.h"
#include "walk.h"

#define BUFFER_BYTES SZ_64K

static_assert(sizeof(struct gomem_page_run) == 16);

/** struct buffer - @used of @room @runs */
struct buffer {
	struct gomem_page_run *runs;
	size_t used;
	size_t room;
};

static bool sink_vma(void *arg, struct vm_area_struct *vma, unsigned long at)
{
	const struct buffer *buffer = arg;

	return buffer->used < buffer->room;
}

static bool sink_run(void *arg, const struct gomem_run *run)
{
	struct buffer *buffer = arg;

	if (buffer->used == buffer->room)
		return false;
	buffer->runs[buffer->used++] = (struct gomem_page_run){
		.start = run->start,
		.pages = run->pages,
		.state = run->state,
		.order = run->order,
	};
	return true;
}

static const struct gomem_sink sink = { .vma = sink_vma, .run = sink_run };

/* Fills the buffer from @pos on, or to the end; @pos is where to go on. */
static int fill(struct buffer *buffer, struct mm_struct *mm, loff_t *pos)
{
	struct gomem_walk walk = {
		.mm = mm,
		.pos = *pos & PAGE_MASK,
		.end = TASK_SIZE_MAX,
		.orders = true,
		.sink = &sink,
		.arg = buffer,
	};
	int err;

	do {
		err = gomem_walk_window(&walk);
		if (err > 0 && signal_pending(current) && !buffer->used)
			err = -EINTR;
	} while (err > 0 && buffer->used < buffer->room);
	*pos = walk.pos;
	return min(err, 0);
}

static ssize_t copy_runs(struct buffer *buffer, struct gomem_target *target, char __user *to,
			 loff_t *pos)
{
	struct mm_struct *mm = gomem_target_mm(target);
	size_t bytes;
	int err;

	if (!mm)
		return -ESRCH;
	err = fill(buffer, mm, pos);
	mmput(mm);
	bytes = buffer->used * sizeof(*buffer->runs);
	if (!err && copy_to_user(to, buffer->runs, bytes))
		err = -EFAULT;
	return err ?: bytes;
}

static ssize_t pages_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct buffer buffer = { .room = min_t(size_t, count, BUFFER_BYTES) };
	loff_t at = *pos;
	ssize_t done;

	buffer.room /= sizeof(*buffer.runs);
	if (!buffer.room || at < 0)
		return -EINVAL;
	if (at >= TASK_SIZE_MAX)
		return 0;
	buffer.runs = kvmalloc_array(buffer.room, sizeof(*buffer.runs), GFP_KERNEL);
	if (!buffer.runs)
		return -ENOMEM;
	done = copy_runs(&buffer, file->private_data, to, &at);
	kvfree(buffer.runs);
	if (done >= 0)
		*pos = at;
	return done;
}

static int pages_open(struct inode *inode, struct file *file)
{
	struct gomem_target *target = pde_data(inode);

	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	if (!pid_vnr(target->pid))
		return -ESRCH;
	gomem_target_get(target);
	file->private_data = target;
	return 0;
}

static int pages_release(struct inode *inode, struct file *file)
{
	gomem_target_put(file->private_data);
	return 0;
}

const struct proc_ops gomem_pages_ops = {
	.proc_open = pages_open,
	.proc_read = pages_read,
	.proc_lseek = default_llseek,
	.proc_release = pages_release,
};
