// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include "proc_cursor.h"
#include "proc_fields.h"
#include "rows.h"

GOMEM_ROW(summary, GOMEM_SUMMARY_COLUMNS)

static void set_summary(struct summary_row *row, const struct gomem_snapshot *snapshot)
{
	const struct gomem_counts *counts = &snapshot->counts;
	const struct gomem_tally *sizes = &snapshot->sizes;

	GOMEM_PROC_SET_SIZES_AND_EVENTS;
	row->vmas = snapshot->rows.count;
	row->seen_ms = gomem_proc_ms_since(snapshot->seen_ns);
	row->records = snapshot->ledger.records;
	row->dropped = snapshot->ledger.dropped;
	row->unseen = gomem_proc_kb(snapshot->ledger.unseen);
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
	row.state = gomem_proc_state(target);
	row.age_ms = gomem_proc_ms_since(target->attached_ns);
	row.execs = atomic64_read(&target->execs);
	set_summary(&row, snapshot);
	gomem_snapshot_put(snapshot);
	summary_print(m, &row);
	return 0;
}

static int summary_show(struct seq_file *m, void *v)
{
	if (v != SEQ_START_TOKEN)
		return summary_of(m, ((struct gomem_proc_cursor *)m->private)->target);
	gomem_rows_title(m, "summary", ", sizes in kB");
	summary_header(m);
	return 0;
}

GOMEM_PROC_CURSOR_OPEN(summary, gomem_proc_cursor_next, summary_show)

const struct proc_ops gomem_proc_summary_ops = {
	.proc_open = summary_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
