// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>

#include "event.h"
#include "proc_cursor.h"
#include "rows.h"
#include "stacks.h"
#include "unwind.h"

#define FRAME_CHARS 17 /* 16 digits and a comma */

GOMEM_ROW(stacks, GOMEM_STACKS_COLUMNS)

/* Moves on to the first slot of the cursor's target from @slot on, or returns false. */
static bool find_row(struct gomem_proc_cursor *cursor, unsigned int slot)
{
	u64 image = READ_ONCE(cursor->target->image);
	struct gomem_stacks_user user;
	bool is_found = false;

	rcu_read_lock();
	for (; slot < gomem_stacks_slots() && !is_found; slot++) {
		is_found = gomem_stacks_at(slot, &user) && user.image == image;
		cursor->row = slot;
	}
	rcu_read_unlock();
	cond_resched();
	return is_found;
}

static void *stacks_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct gomem_proc_cursor *cursor = m->private;

	++*pos;
	if (v != SEQ_START_TOKEN && find_row(cursor, cursor->row + 1))
		return cursor;
	do {
		gomem_proc_cursor_enter_next(cursor);
	} while (cursor->target && !find_row(cursor, 0));
	return cursor->target ? cursor : NULL;
}

static void stacks_remark(struct seq_file *m)
{
	struct gomem_stacks_stats stats;

	gomem_stacks_stats(&stats);
	seq_printf(m, "# rate %u (/sys/module/gomem/parameters/stacks), ", stats.rate);
	seq_printf(m, "%u stacks, %u users of %u, ", stats.stacks, stats.users, stats.slots);
	seq_printf(m, "%llu merged, %llu dropped, %llu unreadable\n", stats.merged, stats.dropped,
		   stats.unreadable);
}

/* As the reader sees it; 0 when it is gone, or not in the reader's pid namespace. */
static pid_t tid_of(pid_t nr)
{
	if (task_active_pid_ns(current) == &init_pid_ns)
		return nr;
	return pid_vnr(find_pid_ns(nr, &init_pid_ns));
}

static void print_user(struct seq_file *m, const struct gomem_target *target,
		       const struct gomem_stacks_user *user)
{
	char frames[GOMEM_UNWIND_FRAMES * FRAME_CHARS + 1];
	struct stacks_row row = {
		.pid = pid_vnr(target->pid),
		.tid = tid_of(user->tid),
		.goid = user->goid,
		.labels = user->labels,
		.kind = gomem_event_name(user->kind),
		.count = user->count,
		.size = user->bytes >> 10,
		.frames = frames,
	};
	unsigned int i;
	int at = 0;

	for (i = 0; i < user->frame_count; i++)
		at += scnprintf(frames + at, sizeof(frames) - at, "%s%lx", i ? "," : "",
				user->frames[i]);
	stacks_print(m, &row);
}

static int stacks_show(struct seq_file *m, void *v)
{
	const struct gomem_proc_cursor *cursor = m->private;
	struct gomem_stacks_user user;
	int err = SEQ_SKIP;

	if (v == SEQ_START_TOKEN) {
		gomem_rows_title(m, "stacks", ", sizes in kB");
		stacks_header(m);
		stacks_remark(m);
		return 0;
	}
	rcu_read_lock();
	if (gomem_stacks_at(cursor->row, &user) && user.image == READ_ONCE(cursor->target->image)) {
		print_user(m, cursor->target, &user);
		err = 0;
	}
	rcu_read_unlock();
	return err;
}

GOMEM_PROC_CURSOR_OPEN(stacks, stacks_next, stacks_show)

const struct proc_ops gomem_proc_stacks_ops = {
	.proc_open = stacks_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
