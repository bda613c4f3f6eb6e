// SPDX-License-Identifier: GPL-2.0
#include "proc.h"

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/utsname.h>

#include "gomem.h"
#include "pages.h"
#include "rows.h"

#define COMMAND_MAX 64

GOMEM_ROW(version, GOMEM_VERSION_COLUMNS)
GOMEM_ROW(probes, GOMEM_PROBES_COLUMNS)
GOMEM_ROW(targets, GOMEM_TARGETS_COLUMNS)
GOMEM_ROW(summary, GOMEM_SUMMARY_COLUMNS)
GOMEM_ROW(vmas, GOMEM_VMAS_COLUMNS)

static DEFINE_MUTEX(root_mutex); /* guards root, and what is made below it */
static struct proc_dir_entry *root;
static gomem_probe_fn probe_of;

static u64 kb(u64 pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static u64 ms_since(u64 ns)
{
	return div_u64(ktime_get_ns() - ns, NSEC_PER_MSEC);
}

static const char *state_of(struct gomem_target *target)
{
	return gomem_target_is_exited(target) ? "exited" : "running";
}

static const char *origin_of(const struct gomem_target *target)
{
	static const char *const names[] = {
		[GOMEM_TARGET_PARAM] = "param",
		[GOMEM_TARGET_WRITE] = "write",
		[GOMEM_TARGET_FORK] = "fork",
	};

	return names[target->origin];
}

/* The columns of GOMEM_SIZE_COLUMNS and GOMEM_EVENT_COLUMNS, in any row that has them. */
#define SET_SIZE(name, type) row->name = kb(sizes->name);
#define SET_EVENT(name, type) row->name = counts->of[GOMEM_EVENT_##name];
#define SET_SIZES_AND_EVENTS                       \
	do {                                       \
		GOMEM_SIZE_COLUMNS(SET_SIZE)       \
		GOMEM_EVENT_COLUMNS(SET_EVENT)     \
		row->released = kb(row->released); \
	} while (0)

static int version_show(struct seq_file *m, void *v)
{
	const struct version_row row = {
		.module = GOMEM_VERSION,
		.contract = GOMEM_CONTRACT_VERSION,
		.kernel = utsname()->release,
	};

	gomem_rows_title(m, "version", "");
	version_header(m);
	version_print(m, &row);
	return 0;
}

static int probes_show(struct seq_file *m, void *v)
{
	struct gomem_probe probe;
	unsigned int i;

	gomem_rows_title(m, "probes", "");
	probes_header(m);
	for (i = 0; probe_of(i, &probe); i++) {
		const struct probes_row row = {
			.event = probe.event,
			.symbol = probe.symbol,
			.type = probe.type,
			.state = probe.why ? "absent" : "planted",
			.hits = probe.hits,
			.missed = probe.missed,
			.why = probe.why,
		};

		probes_print(m, &row);
	}
	return 0;
}

/*
 * Files with rows per target. The cursor keeps its place between two read()s, which
 * seq_file always makes one after the other: any seek starts at the beginning.
 */
struct cursor {
	struct gomem_target *target;
	struct gomem_snapshot *snapshot;
	unsigned long row;
	int err; /* why the rows end here */
};

static void cursor_leave(struct cursor *cursor)
{
	gomem_snapshot_put(cursor->snapshot);
	gomem_target_put(cursor->target);
	*cursor = (struct cursor){};
}

static void cursor_enter_next(struct cursor *cursor)
{
	u64 id = cursor->target ? cursor->target->id : 0;

	cursor_leave(cursor);
	cursor->target = gomem_target_next(id);
}

static void *cursor_start(struct seq_file *m, loff_t *pos)
{
	struct cursor *cursor = m->private;

	if (*pos == 0) {
		cursor_leave(cursor);
		return SEQ_START_TOKEN;
	}
	if (cursor->err)
		return ERR_PTR(cursor->err);
	return cursor->target ? cursor : NULL;
}

static void cursor_stop(struct seq_file *m, void *v)
{
}

static void *target_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct cursor *cursor = m->private;

	++*pos;
	cursor_enter_next(cursor);
	return cursor->target ? cursor : NULL;
}

static int targets_show(struct seq_file *m, void *v)
{
	struct gomem_target *target = ((struct cursor *)m->private)->target;
	char comm[TASK_COMM_LEN];
	struct targets_row row;

	if (v == SEQ_START_TOKEN) {
		gomem_rows_title(m, "targets", "");
		targets_header(m);
		return 0;
	}
	gomem_target_comm(target, comm);
	row = (struct targets_row){
		.pid = pid_vnr(target->pid),
		.comm = comm,
		.state = state_of(target),
		.age_ms = ms_since(target->attached_ns),
		.execs = atomic64_read(&target->execs),
		.follow = target->follow,
		.origin = origin_of(target),
		.parent = target->parent,
		.unfollowed = atomic64_read(&target->unfollowed),
	};
	targets_print(m, &row);
	return 0;
}

static void set_summary(struct summary_row *row, const struct gomem_snapshot *snapshot)
{
	const struct gomem_counts *counts = &snapshot->counts;
	const struct gomem_sizes *sizes = &snapshot->sizes;

	SET_SIZES_AND_EVENTS;
	row->vmas = snapshot->row_count;
	row->seen_ms = ms_since(snapshot->seen_ns);
	row->records = snapshot->ledger.records;
	row->dropped = snapshot->ledger.dropped;
	row->unseen = kb(snapshot->ledger.unseen);
	row->walk_us = div_u64(snapshot->walk_ns, NSEC_PER_USEC);
	row->hold_us = div_u64(snapshot->hold_ns, NSEC_PER_USEC);
}

static int summary_of(struct seq_file *m, struct gomem_target *target)
{
	struct gomem_snapshot *snapshot = gomem_target_look(target);
	char comm[TASK_COMM_LEN];
	struct summary_row row = { .pid = pid_vnr(target->pid), .comm = comm };

	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot);
	gomem_target_comm(target, comm);
	row.state = state_of(target);
	row.age_ms = ms_since(target->attached_ns);
	row.execs = atomic64_read(&target->execs);
	set_summary(&row, snapshot);
	gomem_snapshot_put(snapshot);
	summary_print(m, &row);
	return 0;
}

static int summary_show(struct seq_file *m, void *v)
{
	if (v != SEQ_START_TOKEN)
		return summary_of(m, ((struct cursor *)m->private)->target);
	gomem_rows_title(m, "summary", ", sizes in kB");
	summary_header(m);
	return 0;
}

/* The next VMA, with the look at its target made when the reader gets there. */
static void *vmas_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct cursor *cursor = m->private;

	++*pos;
	if (v != SEQ_START_TOKEN && cursor->row < cursor->snapshot->row_count) {
		cursor->row++;
		return cursor;
	}
	cursor_enter_next(cursor);
	if (!cursor->target)
		return NULL;
	cursor->snapshot = gomem_target_look(cursor->target);
	if (!IS_ERR(cursor->snapshot))
		return cursor;
	cursor->err = PTR_ERR(cursor->snapshot);
	cursor->snapshot = NULL;
	return ERR_PTR(cursor->err);
}

static void set_vmas(struct vmas_row *row, const struct gomem_row *vma)
{
	const struct gomem_counts *counts = &vma->counts;
	const struct gomem_sizes *sizes = &vma->sizes;

	SET_SIZES_AND_EVENTS;
	row->start = vma->start;
	row->end = vma->end;
	row->kind = vma->kind;
	row->name = vma->name;
}

static void vma_perms(char perms[5], unsigned long flags)
{
	perms[0] = flags & VM_READ ? 'r' : '-';
	perms[1] = flags & VM_WRITE ? 'w' : '-';
	perms[2] = flags & VM_EXEC ? 'x' : '-';
	perms[3] = flags & VM_MAYSHARE ? 's' : 'p';
	perms[4] = '\0';
}

/* After the last row: what these figures are worth. */
static void vmas_remark(struct seq_file *m, const struct cursor *cursor)
{
	struct gomem_target *target = cursor->target;
	const struct gomem_snapshot *snapshot = cursor->snapshot;
	u64 execs = atomic64_read(&target->execs);

	seq_printf(m, "# pid %d: looked at in %llu us, longest hold of a lock %llu us\n",
		   pid_vnr(target->pid), div_u64(snapshot->walk_ns, NSEC_PER_USEC),
		   div_u64(snapshot->hold_ns, NSEC_PER_USEC));
	if (execs)
		seq_printf(m, "# pid %d: exec %llu times, counts are since the last one\n",
			   pid_vnr(target->pid), execs);
	if (gomem_target_is_exited(target))
		seq_printf(m, "# pid %d: exited, figures as of %llu ms ago\n", pid_vnr(target->pid),
			   ms_since(snapshot->seen_ns));
}

static int vmas_show(struct seq_file *m, void *v)
{
	const struct cursor *cursor = m->private;
	const struct gomem_row *vma;
	struct vmas_row row;
	char perms[5];

	if (v == SEQ_START_TOKEN) {
		gomem_rows_title(m, "vmas", ", sizes in kB");
		vmas_header(m);
		return 0;
	}
	vma = gomem_snapshot_row(cursor->snapshot, cursor->row);
	if (!vma) {
		vmas_remark(m, cursor);
		return 0;
	}
	row.pid = pid_vnr(cursor->target->pid);
	vma_perms(perms, vma->flags);
	row.perms = perms;
	set_vmas(&row, vma);
	vmas_print(m, &row);
	return 0;
}

static const struct seq_operations targets_seq = {
	.start = cursor_start,
	.next = target_next,
	.stop = cursor_stop,
	.show = targets_show,
};

static const struct seq_operations summary_seq = {
	.start = cursor_start,
	.next = target_next,
	.stop = cursor_stop,
	.show = summary_show,
};

static const struct seq_operations vmas_seq = {
	.start = cursor_start,
	.next = vmas_next,
	.stop = cursor_stop,
	.show = vmas_show,
};

static int open_rows(struct file *file, const struct seq_operations *ops)
{
	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	return seq_open_private(file, ops, sizeof(struct cursor));
}

static int targets_open(struct inode *inode, struct file *file)
{
	return open_rows(file, &targets_seq);
}

static int summary_open(struct inode *inode, struct file *file)
{
	return open_rows(file, &summary_seq);
}

static int vmas_open(struct inode *inode, struct file *file)
{
	return open_rows(file, &vmas_seq);
}

static int rows_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	cursor_leave(m->private);
	return seq_release_private(inode, file);
}

static int parse_follow(const char *option, bool *follow)
{
	*follow = option && !strcmp(option, "follow=1");
	return !option || *follow || !strcmp(option, "follow=0") ? 0 : -EINVAL;
}

/* "add PID [follow=0|1]" or "del PID" */
static int run_command(char *command)
{
	const char *verb = strsep(&command, " "), *pid = strsep(&command, " ");
	bool follow;
	int nr;

	if (!pid || !isdigit(*pid) || kstrtoint(pid, 10, &nr) || parse_follow(command, &follow))
		return -EINVAL;
	if (!strcmp(verb, "add"))
		return gomem_target_add(nr, follow, GOMEM_TARGET_WRITE);
	if (!strcmp(verb, "del") && !command)
		return gomem_target_del(nr);
	return -EINVAL;
}

static ssize_t targets_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char command[COMMAND_MAX];
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (count >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, from, count))
		return -EFAULT;
	command[count] = '\0';
	if (strlen(command) != count)
		return -EINVAL;
	err = run_command(strim(command));
	return err ?: count;
}

static const struct proc_ops targets_ops = {
	.proc_open = targets_open,
	.proc_read = seq_read,
	.proc_write = targets_write,
	.proc_lseek = seq_lseek,
	.proc_release = rows_release,
};

static const struct proc_ops summary_ops = {
	.proc_open = summary_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = rows_release,
};

static const struct proc_ops vmas_ops = {
	.proc_open = vmas_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = rows_release,
};

static int born(struct gomem_target *target)
{
	char name[16];
	int err = 0;

	snprintf(name, sizeof(name), "%d", pid_nr(target->pid));
	mutex_lock(&root_mutex);
	target->private = root ? proc_mkdir_mode(name, 0500, root) : NULL;
	if (!target->private) {
		err = -ENOMEM;
	} else if (!proc_create_data("pages", 0400, target->private, &gomem_pages_ops, target)) {
		proc_remove(target->private);
		err = -ENOMEM;
	}
	mutex_unlock(&root_mutex);
	return err;
}

/*
 * Without a root its directory went with it. The mutex is held until it is removed, or
 * gomem_proc_exit() could free it meanwhile; no reader that proc_remove() waits for
 * takes it.
 */
static void gone(struct gomem_target *target)
{
	mutex_lock(&root_mutex);
	if (root)
		proc_remove(target->private);
	mutex_unlock(&root_mutex);
}

const struct gomem_target_listener gomem_proc_listener = { .born = born, .gone = gone };

static bool create_files(struct proc_dir_entry *dir)
{
	return proc_create_single("version", 0400, dir, version_show) &&
	       proc_create_single("probes", 0400, dir, probes_show) &&
	       proc_create("targets", 0600, dir, &targets_ops) &&
	       proc_create("summary", 0400, dir, &summary_ops) &&
	       proc_create("vmas", 0400, dir, &vmas_ops);
}

int gomem_proc_init(gomem_probe_fn probes)
{
	struct proc_dir_entry *dir = proc_mkdir_mode(GOMEM_PROC_DIR, 0500, NULL);

	if (!dir)
		return -ENOMEM;
	probe_of = probes;
	if (!create_files(dir)) {
		proc_remove(dir);
		return -ENOMEM;
	}
	root = dir;
	return 0;
}

void gomem_proc_exit(void)
{
	struct proc_dir_entry *dir;

	mutex_lock(&root_mutex);
	dir = root;
	root = NULL;
	mutex_unlock(&root_mutex);
	proc_remove(dir);
}
