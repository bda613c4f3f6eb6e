// SPDX-License-Identifier: GPL-2.0
#include "pages.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat/compat.h"
#include "gomem.h"
#include "target.h"
#include "walk.h"
#include "words.h"

#define BUFFER_BYTES SZ_64K

static_assert(sizeof(struct gomem_page_run) == 16);

/**
 * struct reader - an open file
 * @target: of which target
 * @nodes: whether it wants nodes
 * @mutex: guards @runs, one read at a time
 * @runs: BUFFER_BYTES for what is read, from the first read on
 */
struct reader {
	struct gomem_target *target;
	bool nodes;
	struct mutex mutex; /* guards @runs */
	struct gomem_page_run *runs;
};

/* Fills the view's room from @pos on, or to the end; @pos is where to go on. */
static int fill(struct gomem_walk *walk)
{
	int err;

	do {
		err = gomem_walk_window(walk);
		if (err > 0 && signal_pending(current))
			return walk->view.used ? 0 : -EINTR;
	} while (err > 0 && walk->view.used < walk->view.room);
	return min(err, 0);
}

static ssize_t copy_runs(struct gomem_walk *walk, struct gomem_target *target, char __user *to)
{
	size_t bytes;
	int err;

	walk->mm = gomem_target_mm(target);
	if (!walk->mm)
		return -ESRCH;
	err = fill(walk);
	mmput(walk->mm);
	bytes = walk->view.used * sizeof(*walk->view.runs);
	if (!err && copy_to_user(to, walk->view.runs, bytes))
		err = -EFAULT;
	return err ?: bytes;
}

static ssize_t read_runs(struct reader *reader, char __user *to, size_t room, loff_t *pos)
{
	struct gomem_walk walk = {
		.pos = *pos & PAGE_MASK,
		.end = TASK_SIZE_MAX,
		.view.orders = true,
		.view.nodes = READ_ONCE(reader->nodes),
		.view.room = room,
	};
	ssize_t done;

	lockdep_assert_held(&reader->mutex);
	if (!reader->runs)
		reader->runs = kvmalloc(BUFFER_BYTES, GFP_KERNEL);
	if (!reader->runs)
		return -ENOMEM;
	walk.view.runs = reader->runs;
	done = copy_runs(&walk, reader->target, to);
	if (done >= 0)
		*pos = walk.pos;
	return done;
}

static ssize_t pages_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	size_t room = min_t(size_t, count, BUFFER_BYTES) / sizeof(struct gomem_page_run);
	struct reader *reader = file->private_data;
	ssize_t done;

	if (!room || *pos < 0)
		return -EINVAL;
	if (*pos >= TASK_SIZE_MAX)
		return 0;
	if (mutex_lock_killable(&reader->mutex))
		return -EINTR;
	done = read_runs(reader, to, room, pos);
	mutex_unlock(&reader->mutex);
	return done;
}

static int set(struct reader *reader, const struct gomem_word *word)
{
	bool nodes;
	int err;

	if (strcmp(word->key, "node"))
		return -EINVAL;
	err = gomem_words_flag(word->value, &nodes);
	if (!err)
		WRITE_ONCE(reader->nodes, nodes);
	return err;
}

static ssize_t pages_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char text[GOMEM_WORDS_MAX], *rest = text;
	struct gomem_word word;
	int err = gomem_words_copy(text, from, count);

	while (!err && gomem_words_next(&rest, &word))
		err = set(file->private_data, &word);
	return err ?: count;
}

static int pages_open(struct inode *inode, struct file *file)
{
	struct gomem_target *target = pde_data(inode);
	struct reader *reader;

	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	if (!pid_vnr(target->pid))
		return -ESRCH;
	reader = kzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->mutex);
	gomem_target_get(target);
	reader->target = target;
	file->private_data = reader;
	return 0;
}

static int pages_release(struct inode *inode, struct file *file)
{
	struct reader *reader = file->private_data;

	gomem_target_put(reader->target);
	kvfree(reader->runs);
	kfree(reader);
	return 0;
}

const struct proc_ops gomem_pages_ops = {
	.proc_open = pages_open,
	.proc_read = pages_read,
	.proc_write = pages_write,
	.proc_lseek = default_llseek,
	.proc_release = pages_release,
};
