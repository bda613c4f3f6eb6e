// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/mm.h>

#include "proc_cursor.h"
#include "proc_fields.h"
#include "rows.h"

GOMEM_ROW(vmas, GOMEM_VMAS_COLUMNS)

/* The next VMA, with the look at its target made when the reader gets there. */
static void *vmas_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct gomem_proc_cursor *cursor = m->private;

	++*pos;
	if (v != SEQ_START_TOKEN && cursor->row < cursor->snapshot->rows.count) {
		cursor->row++;
		return cursor;
	}
	gomem_proc_cursor_enter_next(cursor);
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
	const struct gomem_counts *counts = vma->counts;
	const struct gomem_tally *sizes = &vma->sizes;

	GOMEM_PROC_SET_SIZES_AND_EVENTS;
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
static void vmas_remark(struct seq_file *m, const struct gomem_proc_cursor *cursor)
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
			   gomem_proc_ms_since(snapshot->seen_ns));
}

static int vmas_show(struct seq_file *m, void *v)
{
	const struct gomem_proc_cursor *cursor = m->private;
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

GOMEM_PROC_CURSOR_OPEN(vmas, vmas_next, vmas_show)

const struct proc_ops gomem_proc_vmas_ops = {
	.proc_open = vmas_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
