// SPDX-License-Identifier: GPL-2.0
#include "event.h"
#include "proc_cursor.h"
#include "proc_files.h"
#include "rows.h"

GOMEM_ROW(counts, GOMEM_COUNTS_COLUMNS)

static void print_target(struct seq_file *m, const struct gomem_target *target)
{
	struct gomem_event_sum sums[GOMEM_KINDS_MAX];
	struct counts_row row = { .pid = pid_vnr(target->pid) };
	unsigned int kind;

	gomem_event_sums(target, sums);
	for (kind = 0; kind < GOMEM_KINDS_MAX; kind++) {
		row.kind = gomem_event_name(kind);
		row.count = sums[kind].count;
		row.size = sums[kind].bytes >> 10;
		counts_print(m, &row);
	}
}

static int counts_show(struct seq_file *m, void *v)
{
	const struct gomem_proc_cursor *cursor = m->private;

	if (v != SEQ_START_TOKEN) {
		print_target(m, cursor->target);
		return 0;
	}
	gomem_rows_title(m, "counts", ", sizes in kB");
	counts_header(m);
	return 0;
}

GOMEM_PROC_CURSOR_OPEN(counts, gomem_proc_cursor_next, counts_show)

const struct proc_ops gomem_proc_counts_ops = {
	.proc_open = counts_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
