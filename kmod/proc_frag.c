// SPDX-License-Identifier: GPL-2.0
#include "frag.h"
#include "proc_cursor.h"
#include "proc_files.h"
#include "rows.h"

#define SCOPE_MAX 24

GOMEM_ROW(frag, GOMEM_ITEM_COLUMNS)

static void print_item(void *m, const char *scope, const char *item, const char *value)
{
	const struct frag_row row = { scope, item, value };

	frag_print(m, &row);
}

static int frag_show(struct seq_file *m, void *v)
{
	const struct gomem_proc_cursor *cursor = m->private;
	char scope[SCOPE_MAX];

	if (v != SEQ_START_TOKEN) {
		snprintf(scope, sizeof(scope), "pid%d", pid_vnr(cursor->target->pid));
		gomem_frag_target(cursor->target, scope, print_item, m);
		return 0;
	}
	gomem_rows_title(m, "frag", ", page tables in kB");
	frag_header(m);
	gomem_frag_host(print_item, m);
	return 0;
}

GOMEM_PROC_CURSOR_OPEN(frag, gomem_proc_cursor_next, frag_show)

const struct proc_ops gomem_proc_frag_ops = {
	.proc_open = frag_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
